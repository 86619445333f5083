import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  ClosedError,
  ConnectionError,
  createResilientClient,
  isOutriggerError,
  LocalReply,
  NoHealthyEndpointError,
  OptionsError,
  RefusedError,
} from '../../src/index.js';
import { clientFor } from '../support/client.js';
import { serve } from '../support/server.js';

const echo: Parameters<typeof serve>[0] = (request, response) =>
  response.end(JSON.stringify({ path: request.url, body: request.text }));

/** A port that nobody listens on. */
async function closedPort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}

/** Sends its bytes to whoever connects and speaks. */
async function saying(bytes: string): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(bytes));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('balancing', () => {
  test('calls go round the endpoints', async () => {
    const servers = await Promise.all([serve(echo), serve(echo), serve(echo)]);
    const client = clientFor({
      service: 'http://shop',
      endpoints: servers.map(({ url }) => url),
      loadBalancer: 'round-robin',
    });
    for (let call = 0; call < 30; call++) await (await client.fetch('/')).text();
    expect(servers.map(({ seen }) => seen.length)).toEqual([10, 10, 10]);
    expect(
      client
        .endpoints()
        .map(({ total, success, error, active }) => [total, success, error, active]),
    ).toEqual(Array(3).fill([10, 10, 0, 0]));
  });

  test('weights are kept', async () => {
    const servers = await Promise.all([serve(echo), serve(echo)]);
    const client = clientFor({
      service: 'http://shop',
      endpoints: servers.map(({ url }, index) => ({ url, weight: index === 0 ? 1 : 3 })),
      loadBalancer: 'round-robin',
    });
    for (let call = 0; call < 40; call++) await (await client.fetch('/')).text();
    // The schedule starts at a random place, so one call may fall on the other side.
    expect(Math.abs((servers[0]?.seen.length ?? 0) - 10)).toBeLessThanOrEqual(1);
  });

  test('a policy of one’s own', async () => {
    const servers = await Promise.all([serve(echo), serve(echo)]);
    const client = clientFor({
      service: 'http://shop',
      endpoints: servers.map(({ url }) => url),
      loadBalancer: (endpoints) => ({ name: 'always-last', pick: () => endpoints.at(-1) }),
    });
    for (let call = 0; call < 5; call++) await (await client.fetch('/')).text();
    expect(servers.map(({ seen }) => seen.length)).toEqual([0, 5]);
    expect(client.describe()).toContain('always-last over 2 endpoints');
  });

  test('a policy that throws fails the call, and leaves nothing behind', async () => {
    const boom = new Error('boom');
    const client = clientFor({
      service: 'http://shop',
      endpoints: ['http://127.0.0.1:1'],
      loadBalancer: () => ({
        name: 'broken',
        pick() {
          throw boom;
        },
      }),
    });
    await expect(client.fetch('/')).rejects.toBe(boom);
    await client.close();
  });

  test('several services, each a cluster', async () => {
    const [a, b] = await Promise.all([serve(echo), serve(echo)]);
    const client = clientFor({
      services: {
        'http://a': { endpoints: [a.url] },
        'http://b': { endpoints: [b.url], name: 'bee' },
      },
    });
    await (await client.fetch('http://a/1')).text();
    await (await client.fetch('http://b/2')).text();
    expect(a.seen.map(({ path }) => path)).toEqual(['/1']);
    expect(b.seen.map(({ path }) => path)).toEqual(['/2']);
    expect(client.stats()).toMatchObject({
      'cluster.a.upstream_rq_total': 1,
      'cluster.bee.upstream_rq_total': 1,
    });
    await expect(client.fetch('/relative')).rejects.toThrow('Failed to parse URL');
  });
});

describe('failures', () => {
  test('a refused connection', async () => {
    const url = await closedPort();
    const client = clientFor({ service: 'http://shop', endpoints: [url], retry: false });
    const error = await client.fetch('/').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toBeInstanceOf(TypeError);
    expect(isOutriggerError(error)).toBe(true);
    expect(error).toMatchObject({
      name: 'TypeError',
      message: 'fetch failed',
      code: 'ERR_OUTRIGGER_CONNECTION',
      flag: 'UF',
      service: 'shop',
      cause: { code: 'ECONNREFUSED' },
      attempts: [{ endpoint: url, outcome: 'connect-failure', flag: 'UF', status: undefined }],
    });
    await expect
      .poll(() => client.stats())
      .toMatchObject({
        'cluster.shop.upstream_cx_total': 1,
        'cluster.shop.upstream_cx_active': 0,
        'cluster.shop.upstream_cx_connect_fail': 1,
        'cluster.shop.upstream_rq_total': 0,
        'cluster.shop.upstream_rq_503': 1,
        'cluster.shop.upstream_rq_5xx': 1,
      });
    expect(client.endpoints()[0]).toMatchObject({ total: 1, success: 0, error: 1, active: 0 });
  });

  test('no endpoint', async () => {
    const client = clientFor({ service: 'http://shop', endpoints: [] });
    const error = await client.fetch('/').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(NoHealthyEndpointError);
    expect(error).toMatchObject({
      code: 'ERR_OUTRIGGER_NO_HEALTHY_ENDPOINT',
      flag: 'UH',
      service: 'shop',
    });
    expect(client.stats()['cluster.shop.upstream_cx_none_healthy']).toBe(1);
  });

  test.each([
    ['nothing but a close', '', 'UC', 'reset'],
    ['garbage', 'SSH-2.0-OpenSSH_9.6\r\n\r\n', 'UPE', 'protocol-error'],
    ['half a head', 'HTTP/1.1 200 OK\r\ncontent-le', 'UC', 'reset'],
  ])('%s', async (_, bytes, flag, outcome) => {
    const endpoints = [await saying(bytes)];
    const client = clientFor({ service: 'http://shop', endpoints, retry: false });
    const error = await client.fetch('/').catch((reason: unknown) => reason);
    expect(error).toMatchObject({ message: 'fetch failed', flag, attempts: [{ outcome }] });
  });

  test('half a body', async () => {
    const client = clientFor({
      service: 'http://shop',
      endpoints: [await saying('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc')],
    });
    const response = await client.fetch('/');
    const error = await response.text().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({
      message: 'terminated',
      flag: 'UPE',
      attempts: [{ outcome: 'body-cut', status: 200 }],
    });
    expect(client.explain(response)?.attempts[0]).toMatchObject({
      outcome: 'body-cut',
      status: 200,
    });
  });

  test('a request that cannot be written', async () => {
    const { url } = await serve(echo);
    const client = clientFor();
    await expect(
      client.request(url, { headers: { 'transfer-encoding': 'chunked' } }),
    ).rejects.toMatchObject({
      message: 'fetch failed',
      cause: { code: 'UND_ERR_INVALID_ARG' },
    });
    expect(client.endpoints()[0]).toMatchObject({ active: 0, error: 0 });
  });
});

describe("localReplies: 'respond'", () => {
  test.each<[string, () => Promise<string[]>, number, string, string]>([
    ['no endpoint', () => Promise.resolve([]), 503, 'UH', 'no healthy upstream'],
    [
      'a refused connection',
      async () => [await closedPort()],
      503,
      'UF',
      'upstream connect error or disconnect/reset before headers. reset reason: remote connection failure',
    ],
    [
      'a reset',
      async () => [await saying('')],
      503,
      'UC',
      'upstream connect error or disconnect/reset before headers. reset reason: connection termination',
    ],
    [
      'garbage',
      async () => [await saying('no HTTP\r\n\r\n')],
      502,
      'UPE',
      'upstream connect error or disconnect/reset before headers. reset reason: protocol error',
    ],
  ])('%s', async (_, endpoints, status, flags, body) => {
    const options = {
      service: 'http://shop',
      endpoints: await endpoints(),
      localReplies: 'respond',
      retry: false,
    } as const;
    const client = clientFor(options);
    for (const response of [
      await client.fetch('/'),
      await client.fetch(new Request('http://shop/')),
      await client.fetch('/', { redirect: 'manual' }),
    ]) {
      expect(response.status).toBe(status);
      expect(response.headers.get('x-outrigger-flags')).toBe(flags);
      expect(await response.text()).toBe(body);
      expect(client.explain(response)?.localReply).toBe(true);
    }
    const { statusCode, body: stream } = await client.request('/');
    expect([statusCode, await stream.text()]).toEqual([status, body]);
    expect(client.stats()[`cluster.shop.upstream_rq_${status}`]).toBe(4);
  });

  test('the caller’s own abort still rejects', async () => {
    const server = await serve(() => {});
    const client = clientFor({
      service: 'http://shop',
      endpoints: [server.url],
      localReplies: 'respond',
    });
    const controller = new AbortController();
    const pending = client.fetch('/', { signal: controller.signal });
    await expect.poll(() => server.seen.length).toBe(1);
    controller.abort(new Error('enough'));
    await expect(pending).rejects.toThrow('enough');
  });
});

describe('layers and middleware', () => {
  test('middleware stands around the whole, the first outermost', async () => {
    const server = await serve(echo);
    const order: string[] = [];
    const client = clientFor({
      service: 'http://shop',
      endpoints: [server.url],
      middleware: [
        async (request, next) => {
          order.push(`first ${request.method} ${request.url}`);
          const response = await next(new Request(request, { headers: { 'x-added': 'yes' } }));
          order.push(`first ${response.status}`);
          return response;
        },
        async (request, next) => {
          order.push(`second ${request.headers.get('x-added')}`);
          return request.url.endsWith('/cached') ? new Response('from a cache') : next(request);
        },
      ],
    });
    const response = await client.fetch('/path', { method: 'POST', body: 'sent' });
    expect(await response.json()).toEqual({ path: '/path', body: 'sent' });
    expect(client.explain(response)?.attempts).toHaveLength(1);
    expect(order).toEqual(['first POST http://shop/path', 'second yes', 'first 200']);
    expect(await (await client.fetch('/cached')).text()).toBe('from a cache');
    expect(server.seen).toHaveLength(1);
  });

  test('layers of one’s own stand in the chain and see the attempts', async () => {
    const server = await serve((request, response) => {
      response.end(JSON.stringify(request.headers));
    });
    const client = clientFor({
      service: 'http://shop',
      endpoints: [server.url],
      retry: false,
      envoyHeaders: false,
      layers: {
        call: [
          {
            name: 'gate',
            start: (call) =>
              call.path === '/no' ? new LocalReply(403, 'Forbidden', [], 'no') : undefined,
          },
        ],
        attempt: [
          {
            name: 'stamp',
            start(attempt) {
              attempt.headers = [...attempt.headers, 'x-attempt', String(attempt.number)];
              return undefined;
            },
          },
        ],
      },
    });
    expect(client.describe()).toBe(
      [
        'shop (http://shop)',
        '  call:     observe → gate',
        '  balancer: least-request over 1 endpoint',
        '  attempt:  observe → stamp',
        '  pool:     connections 1024, waiting 1024, requests 1024, connect 10000 ms, idle 3600000 ms',
        '  exchange: HTTP/1.1',
      ].join('\n'),
    );
    expect(await (await client.fetch('/')).json()).toMatchObject({
      'x-attempt': '1',
      host: 'shop',
    });
    const refused = await client.fetch('/no');
    expect([refused.status, await refused.text()]).toEqual([403, 'no']);
    expect(client.stats()['cluster.shop.upstream_rq_403']).toBe(1);
  });

  test('a refusal by a layer is an error of its own', async () => {
    const client = clientFor({
      service: 'http://shop',
      endpoints: ['http://127.0.0.1:1'],
      layers: {
        attempt: [
          {
            name: 'full',
            start: () => ({
              kind: 'refused',
              flag: undefined,
              cause: new Error('house full'),
              sent: false,
            }),
          },
        ],
      },
    });
    const error = await client.fetch('/').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RefusedError);
    expect(error).toMatchObject({ code: 'ERR_OUTRIGGER_REFUSED', message: 'refused: house full' });
  });

  test('a second attempt by a layer of one’s own goes through on real sockets', async () => {
    const [bad, good] = await Promise.all([
      serve((_, response) => response.writeHead(503).end('not now')),
      serve(echo),
    ]);
    const client = clientFor({
      service: 'http://shop',
      endpoints: [bad.url, good.url],
      loadBalancer: 'round-robin',
      layers: {
        call: [
          {
            name: 'once-more',
            judge: (call, event) =>
              event.type === 'head' && event.attempt.status === 503 && call.attempts.length < 2
                ? { kind: 'another', after: 0, reason: 'status 503' }
                : undefined,
          },
        ],
      },
    });
    for (let call = 0; call < 6; call++) {
      const response = await client.fetch('/', { method: 'POST', body: 'again' });
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual({ path: '/', body: 'again' });
    }
    expect(bad.seen.length).toBeGreaterThan(1);
    // What was dropped was read to its end: its connection served again.
    expect(bad.connections.accepted).toBe(1);
  });
});

describe('update', () => {
  test('endpoints that stay keep what is known of them, those that go are drained', async () => {
    let release: (() => void) | undefined;
    const slow = await serve((_, response) => (release = () => response.end('late')));
    const [stays, comes] = await Promise.all([serve(echo), serve(echo)]);
    const client = clientFor({
      service: 'http://shop',
      endpoints: [slow.url, stays.url],
      loadBalancer: 'round-robin',
    });
    const first = [client.fetch('/'), client.fetch('/')];
    await expect.poll(() => release).toBeDefined();
    client.update({ endpoints: [stays.url, comes.url] });
    expect(client.endpoints().map(({ url, total }) => [url, total])).toEqual([
      [stays.url, 1],
      [comes.url, 0],
    ]);
    expect(client.stats()['cluster.shop.membership_change']).toBe(1);
    release?.();
    const texts = await Promise.all(first.map(async (response) => (await response).text()));
    expect(texts).toContain('late');
    await expect.poll(() => slow.connections.open).toBe(0);
    for (let call = 0; call < 4; call++) await (await client.fetch('/')).text();
    expect(slow.seen).toHaveLength(1);
    expect(comes.seen).toHaveLength(2);
  });

  test('another policy, from the next call on', async () => {
    const { url } = await serve(echo);
    const client = clientFor({ service: 'http://shop', endpoints: [url] });
    client.update({ loadBalancer: 'peak-ewma' });
    const response = await client.fetch('/');
    expect(client.explain(response)?.attempts[0]?.picked?.policy).toBe('peak-ewma');
  });

  test('a wrong update changes nothing', async () => {
    const { url } = await serve(echo);
    const client = clientFor({ service: 'http://shop', endpoints: [url] });
    const before = client.describe();
    expect(() => client.update({ endpoints: [], loadBalancer: 'fastest' as 'random' })).toThrow(
      OptionsError,
    );
    expect(client.describe()).toBe(before);
  });

  test('an update without a word about endpoints leaves the balancer alone', async () => {
    const { url } = await serve(echo);
    const client = clientFor({ service: 'http://shop', endpoints: [url] });
    client.update({});
    expect(client.stats()['cluster.shop.membership_change']).toBe(0);
  });
});

describe('close and destroy', () => {
  afterEach(() => vi.restoreAllMocks());

  test('close lets what is in flight finish, refuses what comes, and closes every socket', async () => {
    let release: (() => void) | undefined;
    const server = await serve((_, response) => (release = () => response.end('late')));
    const client = clientFor({ service: 'http://shop', endpoints: [server.url] });
    const pending = client.fetch('/');
    await expect.poll(() => release).toBeDefined();
    const closing = client.close();
    const refused = await client.fetch('/').catch((reason: unknown) => reason);
    expect(refused).toBeInstanceOf(ClosedError);
    expect(refused).toMatchObject({ code: 'ERR_OUTRIGGER_CLOSED', attempts: [] });
    release?.();
    expect(await (await pending).text()).toBe('late');
    await closing;
    await expect.poll(() => server.connections.open).toBe(0);
  });

  test('close with nothing in flight is done at once, also a second time', async () => {
    const client = createResilientClient();
    await client.close();
    await client.close({ deadline: '1s' });
  });

  test('what has not finished by the deadline fails', async () => {
    const server = await serve(() => {});
    const client = clientFor({ service: 'http://shop', endpoints: [server.url] });
    const pending = client.fetch('/').catch((reason: unknown) => reason);
    await expect.poll(() => server.seen.length).toBe(1);
    await client.close({ deadline: 1 });
    expect(await pending).toBeInstanceOf(ClosedError);
    await expect.poll(() => server.connections.open).toBe(0);
  });

  test('a wrong deadline is refused by its name', async () => {
    const client = clientFor();
    await expect(client.close({ deadline: 'soon' })).rejects.toThrow('deadline');
  });

  test('destroy fails what is in flight, with the error that is given', async () => {
    const server = await serve((request, response) => {
      if (request.url === '/body') response.write('begun');
    });
    const client = clientFor({ service: 'http://shop', endpoints: [server.url] });
    const head = client.fetch('/head').catch((reason: unknown) => reason);
    const body = (await client.fetch('/body')).text().catch((reason: unknown) => reason);
    await expect.poll(() => server.seen.length).toBe(2);
    const reason = new Error('going down');
    await client.destroy(reason);
    expect(await head).toBe(reason);
    expect(await body).toBe(reason);
    expect(client.endpoints()[0]).toMatchObject({ active: 0, connections: { open: 0, idle: 0 } });
    await expect.poll(() => server.connections.open).toBe(0);
  });

  test('await using closes', async () => {
    const server = await serve(echo);
    const client = createResilientClient({ service: 'http://shop', endpoints: [server.url] });
    await (await client.fetch('/')).text();
    await client[Symbol.asyncDispose]();
    await expect(client.fetch('/')).rejects.toBeInstanceOf(ClosedError);
    await expect.poll(() => server.connections.open).toBe(0);
  });
});

test('policies change while calls are in flight, and nothing is lost', async () => {
  const policies = ['round-robin', 'random', 'least-request', 'peak-ewma'] as const;
  const servers = await Promise.all([serve(echo), serve(echo), serve(echo)]);
  const client = clientFor({ service: 'http://shop', endpoints: servers.map(({ url }) => url) });
  let left = 600;
  let changes = 0;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const response = await client.fetch('/');
      if (left % 10 === 0) {
        client.update({
          loadBalancer: policies[changes % 4],
          endpoints: servers
            .slice(0, 1 + (changes % 3))
            .map(({ url }, index) => ({ url, weight: 1 + index })),
        });
        changes += 1;
      }
      expect(response.status).toBe(200);
      await response.text();
    }
  };
  await Promise.all(Array.from({ length: 10 }, worker));
  expect(changes).toBeGreaterThan(50);
  for (const { active } of client.endpoints()) expect(active).toBe(0);
  expect(servers.reduce((sum, { seen }) => sum + seen.length, 0)).toBe(600);
});
