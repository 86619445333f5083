/** Timeouts over real sockets: whichever way a call is made and its answer read, and what is no reason to end it. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { TimeoutError, type ClientOptions, type ResilientClient } from '../../src/index.js';
import { hold, virtualRuntime, type Plan } from '../../src/testing/index.js';
import { clientFor } from '../support/client.js';
import { fleetOf } from '../support/fleet.js';

async function virtualShop(plan: Plan, options: ClientOptions) {
  const fleet = await fleetOf({ endpoints: 1, plan });
  const runtime = virtualRuntime();
  const client = clientFor({
    service: 'http://shop',
    endpoints: fleet.endpoints,
    runtime,
    retry: false,
    ...options,
  });
  return { fleet, runtime, client };
}

function gateOf<T>() {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

const caught = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no error',
    (reason: unknown) => reason,
  );

async function iterate(body: AsyncIterable<unknown> | null): Promise<void> {
  for await (const _ of body ?? []);
}

async function readAll(body: ReadableStream<Uint8Array> | null): Promise<void> {
  const reader = body?.getReader();
  while ((await reader?.read())?.done === false);
}

type Call = (client: ResilientClient) => Promise<Response>;

const paths: Record<string, Call> = {
  'the fast path': ({ fetch }) => fetch('/'),
  'the full path': ({ fetch }) => fetch(new Request('http://shop/')),
  'a redirect': ({ fetch }) => fetch('/elsewhere'),
  'an encoded body': ({ fetch }) => fetch('/gzip'),
};

const readers: Record<string, (response: Response) => Promise<unknown>> = {
  'text()': (response) => response.text(),
  'json()': (response) => response.json(),
  'arrayBuffer()': (response) => response.arrayBuffer(),
  'blob()': (response) => response.blob(),
  'its stream': (response) => readAll(response.body),
  'an async iteration': (response) => iterate(response.body),
  'a copy': (response) => response.clone().text(),
  'the rest of it': async (response) => {
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.read();
  },
};

/** A head and five bytes, and then nothing. */
const stalling: Plan = (_, { path }) => {
  if (path === '/elsewhere') return { status: 307, headers: { location: '/' } };
  const body = path === '/gzip' ? gzipSync('begun', { finishFlush: 2 }) : 'begun';
  return {
    body,
    headers: {
      'content-length': '99',
      ...(path === '/gzip' && { 'content-encoding': 'gzip' }),
    },
    cut: { at: body.length, by: 'silence' },
  };
};

describe.each(Object.entries(paths))('over %s', (_, call) => {
  test.each(Object.entries(readers))('a body that is too slow fails %s', async (_name, read) => {
    const { client, runtime, fleet } = await virtualShop(stalling, { timeout: 500 });
    const response = await call(client);
    expect(response.status).toBe(200);
    const reading = caught(read(response));
    await runtime.advance(499);
    await runtime.advance(1);
    const error = await reading;
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error).toMatchObject({ message: 'shop: the body was not complete within 500 ms' });
    expect(client.endpoints()[0]?.active).toBe(0);
    // That of the redirect has been given back.
    await fleet.connectionsAre(client.endpoints()[0]?.connections.idle ?? 0);
  });

  test('without a reader it is waiting for the one who comes', async () => {
    const { client, runtime } = await virtualShop(stalling, { timeout: { idle: 50 } });
    const response = await call(client);
    await runtime.advance(50);
    await expect(response.text()).rejects.toMatchObject({
      name: 'TimeoutError',
      message: 'shop: nothing came for 50 ms (timeout.idle)',
    });
    expect(response.bodyUsed).toBe(true);
  });
});

test('client.request: the body fails its reader', async () => {
  const { client, runtime } = await virtualShop(stalling, { timeout: 500 });
  const [text, iteration] = [await client.request('/'), await client.request('/')];
  const outcomes = [caught(text.body.text()), caught(iterate(iteration.body))];
  await runtime.advance(500);
  for (const outcome of outcomes) expect(await outcome).toBeInstanceOf(TimeoutError);
});

test("the platform's own fetch over our dispatcher wraps it, as it wraps everything", async () => {
  const { client, runtime } = await virtualShop(stalling, { timeout: 500 });
  const init = { dispatcher: client.dispatcher } as unknown as RequestInit;
  const response = await fetch('http://shop/', init);
  const reading = caught(response.text());
  await runtime.advance(500);
  expect(await reading).toMatchObject({ message: 'terminated', cause: { name: 'TimeoutError' } });
});

describe('idle', () => {
  test.each(Object.entries(paths).slice(0, 2))(
    'over %s: a reader that holds back is no silence',
    async (_, call) => {
      const { client, runtime } = await virtualShop(
        { body: { size: 5_000_000 } },
        { timeout: { idle: 50 } },
      );
      const response = await call(client);
      for (let time = 0; time < 10; time++) await runtime.advance(40);
      expect((await response.arrayBuffer()).byteLength).toBe(5_000_000);
      expect(runtime.pendingTimers).toBe(0);
    },
  );

  test('an event stream may go on for ever, and ends when it falls silent', async () => {
    const gates = Array.from({ length: 6 }, () => gateOf<undefined>());
    async function* events(): AsyncGenerator<string> {
      for (const { promise } of gates) {
        await promise;
        yield 'data: tick\n\n';
      }
    }
    const { client, runtime } = await virtualShop(
      { body: events, headers: { 'content-type': 'text/event-stream' } },
      { timeout: { response: 30, idle: 50 } },
    );
    const response = await client.fetch('/');
    const reader = response.body?.getReader();
    for (const gate of gates.slice(0, 5)) {
      await runtime.advance(40);
      gate.resolve(undefined);
      expect((await reader?.read())?.done).toBe(false);
    }
    const silence = caught(reader?.read() ?? Promise.resolve());
    await runtime.advance(50);
    expect(await silence).toMatchObject({ name: 'TimeoutError', limit: 'timeout.idle' });
    gates[5]?.resolve(undefined);
  });
});

describe('an upload', () => {
  /** Reads what comes up to the limit, and answers when it has all of it. */
  async function sink() {
    const seen = { bytes: 0, limit: Number.POSITIVE_INFINITY, goOn: () => {} };
    const server = createServer((request, response) => {
      seen.goOn = () => void request.resume();
      request.on('error', () => {});
      request.on('data', ({ length }: Buffer) => {
        seen.bytes += length;
        if (seen.bytes >= seen.limit) request.pause();
      });
      request.on('end', () => response.end('stored'));
    }).listen(0, '127.0.0.1');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const runtime = virtualRuntime();
    const open = (options: ClientOptions): ResilientClient =>
      clientFor({
        service: 'http://shop',
        endpoints: [`http://127.0.0.1:${port}`],
        runtime,
        ...options,
      });
    return { seen, runtime, open };
  }

  /** A body whose pieces come when the test says so. */
  function pieces() {
    const gates = [gateOf<boolean>()];
    const pass = (more: boolean): void => {
      gates.push(gateOf());
      gates.at(-2)?.resolve(more);
    };
    async function* body(): AsyncGenerator<Uint8Array> {
      for (const { promise } of gates) {
        if (!(await promise)) return;
        yield Buffer.alloc(10, 'x');
      }
    }
    return { next: () => pass(true), end: () => pass(false), body: body() };
  }

  const ways: Record<
    string,
    (
      client: ResilientClient,
      body: AsyncGenerator<Uint8Array>,
    ) => Promise<{ text(): Promise<string> }>
  > = {
    'fetch of an async iterable': ({ fetch }, body) =>
      fetch('/', { method: 'PUT', body: body as unknown as ReadableStream, duplex: 'half' }),
    'fetch of a stream': ({ fetch }, body) =>
      fetch('/', { method: 'PUT', body: ReadableStream.from(body), duplex: 'half' }),
    'fetch of a function': ({ fetch }, body) =>
      fetch('/', { method: 'PUT', body: () => ReadableStream.from(body) }),
    request: async ({ request }, body) =>
      (
        await request('/', {
          method: 'PUT',
          body: body as unknown as Readable,
        })
      ).body,
  };

  const limits: Record<string, ClientOptions> = {
    'timeout.idle': { timeout: { idle: 50 }, retry: false },
    'retry.perTryIdleTimeout': { retry: { perTryIdleTimeout: 50, attempts: 0 } },
  };

  const cases = Object.entries(ways).flatMap(([way, send]) =>
    Object.entries(limits).map(([limit, options]) => ({ way, limit, send, options })),
  );

  test.each(cases)(
    '$way that goes on piece by piece is not idle: $limit',
    async ({ send, options }) => {
      const { seen, runtime, open } = await sink();
      const upload = pieces();
      const sending = send(open(options), upload.body);
      for (let piece = 1; piece <= 8; piece++) {
        upload.next();
        await expect.poll(() => seen.bytes, { interval: 1 }).toBe(piece * 10);
        await runtime.advance(40);
      }
      upload.end();
      expect(await (await sending).text()).toBe('stored');
      expect(runtime.pendingTimers).toBe(0);
    },
  );

  test.each(cases)('$way that stops is: $limit', async ({ limit, send, options }) => {
    const { seen, runtime, open } = await sink();
    const client = open(options);
    const upload = pieces();
    const sending = caught(send(client, upload.body));
    upload.next();
    await expect.poll(() => seen.bytes, { interval: 1 }).toBe(10);
    await runtime.advance(49);
    expect(client.endpoints()[0]?.active).toBe(1);
    await runtime.advance(1);
    expect(await sending).toMatchObject({ name: 'TimeoutError', limit, timeout: 50 });
    expect(client.endpoints()[0]).toMatchObject({ active: 0, connections: { open: 0 } });
  });

  test.each(Object.entries(limits))(
    'a long body in one piece is not idle while it gets through: %s',
    async (_, options) => {
      const { seen, runtime, open } = await sink();
      const body = Buffer.alloc(40_000_000, 'x');
      const sending = open(options).fetch('/', { method: 'PUT', body });
      // The buffers of the system are between: they take up to ten of these steps ahead.
      for (let limit = 1_000_000; limit <= body.length; limit += 1_000_000) {
        seen.limit = limit;
        seen.goOn();
        await expect.poll(() => seen.bytes >= limit, { interval: 1 }).toBe(true);
        await runtime.advance(4);
      }
      seen.limit = Number.POSITIVE_INFINITY;
      seen.goOn();
      expect(await (await sending).text()).toBe('stored');
    },
  );

  test('a body in one piece that nobody takes is', async () => {
    // It fits into no buffer of the system.
    const { client, runtime, fleet } = await virtualShop(
      { early: 'silence' },
      { timeout: { idle: 50 } },
    );
    const sending = caught(client.fetch('/', { method: 'PUT', body: Buffer.alloc(30_000_000) }));
    await fleet.requestReceived();
    await runtime.advance(50);
    expect(await sending).toMatchObject({ limit: 'timeout.idle' });
  });
});

describe('tries', () => {
  test('ask 34: each try has its time over sockets too, the last as the first', async () => {
    const fleet = await fleetOf({ endpoints: 3, plan: 'silence' });
    const client = clientFor({
      service: 'http://shop',
      endpoints: fleet.endpoints,
      retry: { attempts: 2, perTryTimeout: 20, backoff: { baseInterval: 1 } },
    });
    const error = await caught(client.fetch('/'));
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error).toMatchObject({
      flag: 'UT',
      limit: 'retry.perTryTimeout',
      timeout: 20,
      message: 'shop: no answer within 20 ms (retry.perTryTimeout), in the last of 3 attempts',
    });
    const { attempts } = error as TimeoutError;
    expect(attempts.map(({ outcome }) => outcome)).toEqual(Array(3).fill('try-timeout'));
    expect(new Set(attempts.map(({ endpoint }) => endpoint)).size).toBe(3);
    for (const { connectedAt = 0, endedAt = 0 } of attempts) {
      expect(endedAt - connectedAt).toBeGreaterThanOrEqual(20);
    }
    await fleet.connectionsAre(0);
  });

  test("ask 38: a slow try is retried; the caller's abort is not, and rejects with its reason", async () => {
    const { client, runtime, fleet } = await virtualShop(['silence', 'silence', 200], {
      retry: { attempts: 5, perTryTimeout: 100 },
    });
    const controller = new AbortController();
    const calling = caught(client.fetch('/', { signal: controller.signal }));
    await fleet.requestReceived();
    await runtime.advance(100 + 25);
    await fleet.requestReceived();
    controller.abort('enough');
    expect(await calling).toBe('enough');
    await runtime.advance(1000);
    expect(fleet.server(0).requests).toHaveLength(2);
    expect(client.stats()).toMatchObject({
      'cluster.shop.upstream_rq_per_try_timeout': 1,
      'cluster.shop.upstream_rq_retry': 1,
    });
  });

  test('ask 39: a body that goes on after the head outlives every time for the head', async () => {
    const gate = gateOf<undefined>();
    const { client, runtime } = await virtualShop(
      { body: 'all of it', bodyDelay: gate.promise },
      { timeout: { response: 100 }, retry: { attempts: 0, perTryTimeout: 50 } },
    );
    const controller = new AbortController();
    const response = await client.fetch('/', { signal: controller.signal });
    await runtime.advance(10_000);
    gate.resolve(undefined);
    expect(await response.text()).toBe('all of it');
    // And when it is over, nothing listens any more.
    controller.abort('too late');
    expect(client.explain(response)).toMatchObject({ flags: undefined });
  });

  test("localReplies: 'respond' answers 504 for the last try", async () => {
    const { client, runtime, fleet } = await virtualShop('silence', {
      localReplies: 'respond',
      retry: { attempts: 0, perTryTimeout: 50 },
    });
    const calling = client.fetch('/');
    await fleet.requestReceived();
    await runtime.advance(50);
    const response = await calling;
    expect([
      response.status,
      await response.text(),
      response.headers.get('x-outrigger-flags'),
    ]).toEqual([504, 'upstream request timeout', 'UT,URX']);
    expect(client.explain(response)).toMatchObject({ localReply: true, flags: 'UT,URX' });
  });
});

describe('redirects', () => {
  const hops =
    (gate: ReturnType<typeof hold>['step']): Plan =>
    (_, { path }) =>
      path === '/there' ? 'silence' : gate;

  test.each(Object.entries({ fast: '/', full: new Request('http://shop/') }))(
    'over the %s path one response timeout for all of them',
    async (_, input) => {
      const gate = hold({ status: 302, headers: { location: '/there' } });
      const { client, runtime, fleet } = await virtualShop(hops(gate.step), {
        timeout: { response: 500 },
      });
      const calling = caught(client.fetch(input));
      await fleet.requestReceived();
      await runtime.advance(400);
      gate.release();
      await fleet.requestReceived();
      await runtime.advance(99);
      expect(client.endpoints()[0]?.active).toBe(1);
      await runtime.advance(1);
      expect(await calling).toMatchObject({ limit: 'timeout.response', timeout: 100 });
    },
  );
});
