/** Each phase of a connection's life, and the trap in it, on real sockets. */
import { createServer } from 'node:http';
import { once } from 'node:events';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { createServer as createTlsServer } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ConnectionError } from '../../src/index.js';
import { hold } from '../../src/testing/index.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { certificateAuthority } from '../support/certificates.js';
import { clientFor } from '../support/client.js';
import { afterThisTurn, fleetOf, shop } from '../support/fleet.js';

const LARGE = { body: { size: 3_000_000 } };

async function sequentially(
  count: number,
  call: (index: number) => Promise<unknown>,
): Promise<void> {
  for (let index = 0; index < count; index++) {
    await call(index);
    await afterThisTurn();
  }
}

test('calls one after the other share one connection', async () => {
  const { fleet, client } = await shop();
  await sequentially(5, async () => (await client.fetch('/')).text());
  expect(fleet.servers[0]?.requestsPerConnection).toEqual([5]);
  expect(client.endpoints()[0]?.connections).toEqual({ open: 1, idle: 1 });
});

test('so do calls of one turn after the other', async () => {
  const { fleet, client } = await shop({ endpoints: 1 });
  for (let index = 0; index < 5; index++) await (await client.fetch('/')).text();
  expect(fleet.servers[0]?.requestsPerConnection).toEqual([5]);
});

test('a call that is aborted before its connection has rested leaves it to others', async () => {
  const { fleet, client } = await shop({ endpoints: 1 });
  await (await client.fetch('/')).text();
  const controller = new AbortController();
  const pending = client.fetch('/', { signal: controller.signal });
  expect(client.endpoints()[0]).toMatchObject({ active: 1, connections: { open: 1, idle: 0 } });
  controller.abort();
  await expect(pending).rejects.toThrow('aborted');
  await afterThisTurn();
  expect(client.endpoints()[0]).toMatchObject({ active: 0, connections: { open: 1, idle: 1 } });
  await (await client.fetch('/')).text();
  expect(fleet.servers[0]?.requestsPerConnection).toEqual([2]);
});

test('calls at once get a connection each, and the one used last serves next', async () => {
  const gate = hold();
  const { fleet, client } = await shop({ endpoints: 1, plan: gate.step });
  const calls = [1, 2, 3].map(async () => (await client.fetch('/')).text());
  for (let index = 0; index < 3; index++) await fleet.requestReceived();
  gate.release();
  await Promise.all(calls);
  await afterThisTurn();
  expect(client.endpoints()[0]?.connections).toEqual({ open: 3, idle: 3 });
  await sequentially(4, async () => (await client.fetch('/')).text());
  const perConnection = [...(fleet.servers[0]?.requestsPerConnection ?? [])].sort();
  expect(perConnection).toEqual([1, 1, 5]);
});

// HEAD costs a connection each unless undici is told otherwise.
test('HEAD keeps its connection', async () => {
  const { fleet, client } = await shop();
  await sequentially(3, () => client.fetch('/', { method: 'HEAD' }));
  expect(fleet.servers[0]?.requestsPerConnection).toEqual([3]);
});

test('error answers that are read keep their connection', async () => {
  const { fleet, client } = await shop({ endpoints: 1, plan: 503 }, { retry: false });
  await sequentially(3, async () => (await client.fetch('/')).text());
  expect(fleet.servers[0]?.requestsPerConnection).toEqual([3]);
});

test('103 heads are passed over', async () => {
  const plan = {
    information: [{ status: 103, headers: { link: '</style.css>' } }],
    body: 'the answer',
  };
  const { client } = await shop({ endpoints: 1, plan });
  const response = await client.fetch('/');
  expect([response.status, await response.text()]).toEqual([200, 'the answer']);
});

test('an announced close is followed by a new connection', async () => {
  const plan = { headers: { connection: 'close' }, body: 'bye' };
  const { fleet, client } = await shop({ endpoints: 1, plan });
  await sequentially(3, async () => (await client.fetch('/')).text());
  expect(fleet.servers[0]?.requestsPerConnection).toEqual([1, 1, 1]);
  await fleet.connectionsAre(0);
  await expect.poll(() => client.endpoints()[0]?.connections).toEqual({ open: 0, idle: 0 });
});

test.each(['reset', 'close'] as const)(
  'an idle connection that the server ends (%s) is forgotten',
  async (how) => {
    const { fleet, client } = await shop();
    await (await client.fetch('/')).text();
    await expect.poll(() => client.endpoints()[0]?.connections.idle).toBe(1);
    fleet.servers[0]?.dropConnections(how);
    await expect.poll(() => client.endpoints()[0]?.connections).toEqual({ open: 0, idle: 0 });
    expect((await client.fetch('/')).status).toBe(200);
  },
);

// Handed on inside the turn of the answer, half of these POSTs would be written to a socket that the server is
// closing, and fail after being sent.
test('POSTs to a server that closes unannounced after each answer', async () => {
  const { fleet, client } = await shop({ endpoints: 1, plan: { body: 'done', after: 'close' } });
  let failed = 0;
  for (let index = 0; index < 200; index++) {
    await client
      .fetch('/', { method: 'POST', body: 'order' })
      .then((response) => response.text())
      .catch(() => (failed += 1));
  }
  expect(failed).toBe(0);
  expect(fleet.servers[0]?.requests).toHaveLength(200);
});

test('a call that waits for its connection to rest takes another when that one closes', async () => {
  const server = createServer((_, response) => response.setHeader('connection', 'close').end('ok'));
  server.listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = clientFor({ service: `http://127.0.0.1:${port}` });
  for (let index = 0; index < 5; index++) {
    const response = await client.fetch('/', { method: 'POST', body: 'order' });
    expect(await response.text()).toBe('ok');
    expect(client.explain(response)?.attempts).toMatchObject([{ status: 200, reused: false }]);
  }
});

test('an answer before the request body has been sent ends the body and costs the connection', async () => {
  const plan = { early: { status: 413, body: 'too much' } };
  const { fleet, client } = await shop({ endpoints: 1, plan });
  let ended = 0;
  async function* endless() {
    try {
      for (;;) yield await Promise.resolve(Buffer.alloc(16 * 1024));
    } finally {
      ended += 1;
    }
  }
  await sequentially(3, async () => {
    const { statusCode, body } = await client.request('/', {
      method: 'POST',
      body: Readable.from(endless()),
    });
    expect([statusCode, await body.text()]).toEqual([413, 'too much']);
  });
  expect(fleet.servers[0]?.requestsPerConnection).toEqual([1, 1, 1]);
  await expect.poll(() => ended).toBe(3);
  expect(client.endpoints()[0]).toMatchObject({ active: 0, connections: { open: 0 } });
});

test('a refused connection fails once, was not sent, and later calls connect anew', async () => {
  const { fleet, client } = await shop({ endpoints: 1 }, { retry: false });
  await fleet.servers[0]?.refuse();
  for (let index = 0; index < 3; index++) {
    await expect(client.fetch('/')).rejects.toMatchObject({
      flag: 'UF',
      cause: { code: 'ECONNREFUSED' },
    });
  }
  await fleet.servers[0]?.accept();
  expect((await client.fetch('/')).status).toBe(200);
  expect(client.endpoints()[0]).toMatchObject({ total: 4, success: 1, error: 3, active: 0 });
});

test('a connection that is not made in ten seconds fails', async () => {
  // A TLS handshake that nobody answers: connected, and then silence.
  const fleet = await fleetOf({ endpoints: 1, plan: 'silence' });
  const runtime = virtualRuntime();
  const client = clientFor({
    service: 'https://shop',
    endpoints: [fleet.endpoints[0]?.url.replace('http:', 'https:') ?? ''],
    retry: false,
    runtime,
  });
  const pending = client.fetch('/').catch((error: unknown) => error);
  await fleet.connectionsAre(1);
  await runtime.advance(9_999);
  expect(client.endpoints()[0]?.active).toBe(1);
  await runtime.advance(2);
  expect(await pending).toMatchObject({ flag: 'UF', cause: { code: 'UND_ERR_CONNECT_TIMEOUT' } });
  expect(client.stats()['cluster.shop:443.upstream_cx_connect_timeout']).toBe(1);
  await fleet.connectionsAre(0);
  expect(runtime.pendingTimers).toBe(0);
});

test('the other calls of a client do not wait for one that connects', async () => {
  const fleet = await fleetOf({ endpoints: 1, plan: 'silence' });
  const other = await fleetOf({ endpoints: 1 });
  const client = clientFor({
    service: 'https://shop',
    endpoints: [fleet.endpoints[0]?.url.replace('http:', 'https:') ?? ''],
    otherOrigins: 'default-policy',
  });
  client.fetch('/').catch(() => {});
  await fleet.connectionsAre(1);
  expect((await client.fetch(other.endpoints[0]?.url ?? '')).status).toBe(200);
});

test.each([
  ['connecting', 'https', 'silence'],
  ['waiting for the head', 'http', 'silence'],
  [
    'reading the body',
    'http',
    { body: 'begun', cut: { at: 5, by: 'silence' }, headers: { 'content-length': '100' } },
  ],
] as const)(
  'abort while %s gives socket and counts back, and opens nothing',
  async (phase, scheme, plan) => {
    const fleet = await fleetOf({ endpoints: 1, plan });
    const client = clientFor({
      service: `${scheme}://shop`,
      endpoints: [fleet.endpoints[0]?.url.replace('http:', `${scheme}:`) ?? ''],
      connectionPool: { connectTimeout: '100ms' },
    });
    const controller = new AbortController();
    const pending = client
      .fetch('/', { signal: controller.signal })
      .then((response) => response.text())
      .catch((error: unknown) => error);
    await fleet.connectionsAre(1);
    if (phase !== 'connecting') await fleet.requestReceived();
    if (phase === 'reading the body') {
      await expect.poll(() => client.endpoints()[0]?.active).toBe(1);
    }
    const reason = new Error('enough');
    controller.abort(reason);
    expect(await pending).toBe(reason);
    // As in Envoy, a connection goes on being made although nobody waits for it any more.
    const open = phase === 'connecting' ? 1 : 0;
    expect(client.endpoints()[0]).toMatchObject({ active: 0, connections: { open, idle: 0 } });
    await fleet.connectionsAre(0);
    // An aborted undici Client connects again by itself about a millisecond later.
    await afterThisTurn();
    await new Promise((resolve) => setImmediate(resolve));
    expect(fleet.servers[0]?.requestsPerConnection).toHaveLength(1);
    await expect
      .poll(() => client.stats())
      .toMatchObject(
        scheme === 'http'
          ? { 'cluster.shop.upstream_cx_active': 0 }
          : { 'cluster.shop:443.upstream_cx_active': 0 },
      );
  },
);

test('abort while the request is being sent', async () => {
  const { fleet, client } = await shop({ endpoints: 1, plan: { early: 'silence' } });
  const controller = new AbortController();
  const body = new Uint8Array(50_000_000);
  const pending = client.fetch('/', { method: 'POST', body, signal: controller.signal });
  await fleet.requestReceived();
  const reason = new Error('enough');
  controller.abort(reason);
  await expect(pending).rejects.toBe(reason);
  expect(client.endpoints()[0]).toMatchObject({ active: 0, connections: { open: 0 } });
});

test('a body that nobody reads stops flowing, and holds one connection', async () => {
  const { fleet, client } = await shop({ endpoints: 1, plan: LARGE });
  const response = await client.fetch('/');
  await afterThisTurn();
  expect(client.endpoints()[0]).toMatchObject({ active: 1, connections: { open: 1, idle: 0 } });
  const second = await client.fetch('/');
  expect((await second.text()).length).toBe(3_000_000);
  expect((await response.text()).length).toBe(3_000_000);
  expect(fleet.servers[0]?.requestsPerConnection).toEqual([1, 1]);
});

test('a body that is read haltingly arrives whole', async () => {
  const bytes = Buffer.alloc(2_000_000);
  for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE((at * 2_654_435_761) >>> 0, at);
  const server = createServer((_, response) => response.end(bytes)).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = clientFor({ service: `http://127.0.0.1:${port}` });
  const read: Uint8Array[] = [];
  const response = await client.fetch('/');
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    read.push(chunk);
    if (read.length % 8 === 0) await afterThisTurn();
  }
  expect(Buffer.concat(read).equals(bytes)).toBe(true);
});

describe('a body whose connection ends while its reader holds it back', () => {
  const body = Buffer.alloc(200_000, 'body ');
  const late = async (response: Response): Promise<Buffer> => {
    for (let turn = 0; turn < 20; turn++) await afterThisTurn();
    return Buffer.from(await response.arrayBuffer());
  };
  const haltingly = async (response: Response): Promise<Buffer> => {
    const read: Uint8Array[] = [];
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      read.push(chunk);
      for (let turn = 0; turn < 5; turn++) await afterThisTurn();
    }
    return Buffer.concat(read);
  };
  const heads = {
    'announced, with a length': `connection: close\r\ncontent-length: ${body.length}`,
    'announced, without a length': 'connection: close',
    'after all of its length': `content-length: ${body.length}`,
  };
  const cases = Object.keys(heads).flatMap((head) =>
    ([66_000, 200_000] as const).flatMap((size) =>
      [false, true].flatMap((isSecure) =>
        [late, haltingly].map((read) => [head, size, isSecure, read] as const),
      ),
    ),
  );

  test.each(cases)('%s, %d bytes, TLS %s, read %o', async (head, size, isSecure, read) => {
    const part = body.subarray(0, size);
    const text = `HTTP/1.1 200 OK\r\n${heads[head as keyof typeof heads]}\r\n\r\n`;
    const answer = (socket: Socket): void => {
      socket
        .on('error', () => {})
        .once('data', () => {
          socket.write(text.replace(`${body.length}`, `${size}`));
          socket.end(part);
        });
    };
    const ca = await certificateAuthority();
    const server = isSecure
      ? createTlsServer(await ca.issue({ names: ['127.0.0.1'] }), answer)
      : createTcpServer(answer);
    server.listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const service = `${isSecure ? 'https' : 'http'}://127.0.0.1:${port}`;
    const client = clientFor({ service, retry: false, ...(isSecure && { tls: { ca: ca.cert } }) });
    const received = await read(await client.fetch('/'));
    expect(received.equals(part)).toBe(true);
  });
});

test('a reset in a body without a length is not its end', async () => {
  let reset = (): void => {};
  const server = createTcpServer((socket) => {
    reset = () => void socket.resetAndDestroy();
    socket
      .on('error', () => {})
      .once('data', () => {
        socket.write(`HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n${'x'.repeat(1000)}`);
      });
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = clientFor({ service: `http://127.0.0.1:${port}`, retry: false });
  const response = await client.fetch('/');
  reset();
  await expect(response.text()).rejects.toBeInstanceOf(ConnectionError);
});

test('cancelling the body gives the connection up', async () => {
  const { fleet, client } = await shop({ endpoints: 1, plan: LARGE });
  const response = await client.fetch('/');
  await response.body?.cancel();
  expect(client.endpoints()[0]).toMatchObject({ active: 0, connections: { open: 0 } });
  await fleet.connectionsAre(0);
});

test('a reset in the body fails its reader', async () => {
  const plan = { body: { size: 1000 }, cut: { at: 500, by: 'reset' } } as const;
  const { client } = await shop({ endpoints: 1, plan });
  const response = await client.fetch('/');
  await expect(response.text()).rejects.toMatchObject({ message: 'terminated', flag: 'UPE' });
  expect(client.endpoints()[0]).toMatchObject({ active: 0, error: 1, connections: { open: 0 } });
});

test('unix: endpoints, with the Host of the service', async () => {
  const { fleet, client } = await shop({ endpoints: [{ unix: true }], plan: 'echo' });
  expect(fleet.endpoints[0]?.url).toMatch(/^unix:\//);
  const echoed = (await (await client.fetch('/over/unix')).json()) as {
    path: string;
    headers: string[][];
  };
  expect(echoed.path).toBe('/over/unix');
  expect(echoed.headers[0]).toEqual(['host', 'shop']);
});

// Logical DNS: the system's resolver at each new connection.
test('an origin that was not configured is found by its name', async () => {
  const fleet = await fleetOf({ endpoints: 1 });
  const { fetch } = clientFor();
  const url = fleet.endpoints[0]?.url.replace('127.0.0.1', 'localhost') ?? '';
  expect((await fetch(url)).status).toBe(200);
});

test('an IPv6 address', async () => {
  const server = createServer((_, response) => response.end('here')).listen(0, '::1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = clientFor({ service: 'http://shop', endpoints: [`http://[::1]:${port}`] });
  expect(await (await client.fetch('/')).text()).toBe('here');
  expect(await (await clientFor().fetch(`http://[::1]:${port}/`)).text()).toBe('here');
});

test('a name that does not exist', async () => {
  const { fetch } = clientFor();
  const error = await fetch('http://no-such-host.invalid/').catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    message: 'fetch failed',
    flag: 'UF',
    service: 'no-such-host.invalid',
  });
  expect((error as { cause: { code: string } }).cause.code).toMatch(/ENOTFOUND|EAI_AGAIN/);
});
