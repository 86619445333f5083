/** Calls that wait for a connection, on real sockets: what ends their wait, and what never may make it endless. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, test } from 'vitest';
import { virtualRuntime } from '../../src/testing/index.js';
import { certificateAuthority } from '../support/certificates.js';
import { clientFor } from '../support/client.js';
import { fleetOf, shop } from '../support/fleet.js';
import { busy, callsAtOnce, expectNothingHeld, outcomeOf, stat } from '../support/pool.js';
import { silentPort } from '../support/silent-port.js';

const AT_ONCE = { backoff: { baseInterval: 0.001 } };

describe('a waiting call', () => {
  test('obeys its timeout at once, and its place is free', async () => {
    const runtime = virtualRuntime();
    const { client, gate, first } = await busy({
      runtime,
      connectionPool: { maxPendingRequests: 1 },
    });
    const waiting = client
      .fetch('/', { resilience: { timeout: '2s' } })
      .catch((reason: unknown) => reason);
    await runtime.advance(1999);
    expect(await outcomeOf(client.fetch('/'))).toBe('OverflowError');
    await runtime.advance(1);
    expect(await waiting).toMatchObject({
      name: 'TimeoutError',
      timeout: 2000,
      attempts: [{ outcome: 'timeout', connectedAt: undefined }],
    });
    expect(stat(client, 'upstream_rq_cancelled')).toBe(1);
    expect(stat(client, 'upstream_rq_pending_active')).toBe(0);
    expect(client.endpoints()[0]).toMatchObject({ active: 1 });
    const next = outcomeOf(client.fetch('/'));
    gate.release();
    expect(await Promise.all([first, next])).toEqual([200, 200]);
    await expectNothingHeld(client, { maxPendingRequests: 1 });
  });

  test('obeys its abort at once, wherever it stands, and the others keep their order', async () => {
    const { fleet, client, gate, first } = await busy();
    const controllers = Array.from({ length: 6 }, () => new AbortController());
    const calls = controllers.map(({ signal }, index) => client.fetch(`/${index}`, { signal }));
    const settled = calls.map((call) =>
      call.then(
        ({ status }) => status,
        (reason: unknown) => reason,
      ),
    );
    // The first, the last, and one in between.
    for (const index of [2, 0, 5]) {
      const reason = new Error(`enough of ${index}`);
      controllers[index]?.abort(reason);
      expect(await settled[index]).toBe(reason);
    }
    expect(stat(client, 'upstream_rq_pending_active')).toBe(3);
    expect(stat(client, 'upstream_rq_cancelled')).toBe(3);
    gate.release();
    await first;
    expect(await Promise.all(settled.filter((_, index) => [1, 3, 4].includes(index)))).toEqual([
      200, 200, 200,
    ]);
    expect(fleet.server(0).requests.map(({ path }) => path)).toEqual(['/first', '/1', '/3', '/4']);
    await Promise.all(
      calls.map((call) => call.then((response) => response.text()).catch(() => {})),
    );
    await expectNothingHeld(client);
  });

  test('counts as active at its endpoint, so that others are preferred', async () => {
    const { client, gate } = await busy();
    const waiting = callsAtOnce(client, 2);
    expect(client.endpoints()[0]).toMatchObject({ active: 3, connections: { open: 1, idle: 0 } });
    gate.release();
    await Promise.all(waiting);
  });

  test('that cannot be written, or whose own hook throws, leaves its turn to the next', async () => {
    const { fleet, client, gate, first } = await busy({
      layers: {
        attempt: [
          {
            name: 'throws',
            connected: ({ call }) => {
              if (call.path === '/throws') throw new Error('hook');
            },
          },
        ],
      },
    });
    const post = { method: 'POST', body: 'too long', headers: { 'content-length': '3' } } as const;
    const calls = [
      client.request('/unwritable', post).catch((error: unknown) => error),
      client.fetch('/throws').catch((error: unknown) => error),
      outcomeOf(client.fetch('/next')),
    ];
    expect(stat(client, 'upstream_rq_pending_active')).toBe(3);
    gate.release();
    expect(await first).toBe(200);
    expect(await Promise.all(calls)).toMatchObject([
      { cause: { code: 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH' } },
      { message: 'hook' },
      200,
    ]);
    expect(fleet.server(0).requests.map(({ path }) => path)).toEqual(['/first', '/next']);
    await expectNothingHeld(client);
  });

  // As in Envoy: the time of a try begins with its connection.
  test('is not under the time of its try', async () => {
    const runtime = virtualRuntime();
    const { client, gate } = await busy({ runtime, retry: { perTryTimeout: '1s' } }, 200);
    const waiting = outcomeOf(client.fetch('/'));
    await runtime.advance(999);
    gate.release();
    expect(await waiting).toBe(200);
    expect(stat(client, 'upstream_rq_per_try_timeout')).toBe(0);
  });

  test('runs in the async context of its caller', async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: string[] = [];
    const note = (hook: string): undefined => void seen.push(`${hook} ${storage.getStore()}`);
    const { client, gate } = await busy({
      middleware: [
        async (request, next) => {
          note('before');
          const response = await next(request);
          note('after');
          return response;
        },
      ],
      around: (_attempt, dispatch) => {
        note('around');
        dispatch();
      },
      layers: {
        call: [{ name: 'call', start: () => note('call start'), end: () => note('call end') }],
        attempt: [
          {
            name: 'attempt',
            start: () => note('start'),
            connected: () => note('connected'),
            head: () => note('head'),
            end: () => note('end'),
          },
        ],
      },
    });
    seen.length = 0;
    const names = ['a', 'b', 'c'];
    const calls = names.map((name) =>
      storage.run(name, async () => {
        expect(await outcomeOf(client.fetch('/'))).toBe(200);
        note('caller');
      }),
    );
    gate.release();
    await Promise.all(calls);
    const hooks = [
      'before',
      'call start',
      'start',
      'around',
      'connected',
      'head',
      'end',
      'call end',
      'after',
      'caller',
    ];
    for (const name of names) {
      const own = seen.filter((one) => one.endsWith(` ${name}`)).map((one) => one.slice(0, -2));
      expect(own.sort()).toEqual([...hooks].sort());
    }
  });

  test('sends a body that is made in the async context of its caller', async () => {
    const storage = new AsyncLocalStorage<string>();
    const { fleet, client, gate } = await busy();
    const post = (name: string) =>
      storage.run(name, () => {
        const body = new ReadableStream<Uint8Array>(
          {
            pull(controller) {
              controller.enqueue(Buffer.from(storage.getStore() ?? 'nobody'));
              controller.close();
            },
          },
          { highWaterMark: 0 },
        );
        return outcomeOf(client.fetch(`/${name}`, { method: 'POST', body, duplex: 'half' }));
      });
    const iterated = (name: string) =>
      storage.run(name, async () => {
        async function* pieces() {
          yield await Promise.resolve(Buffer.from(storage.getStore() ?? 'nobody'));
        }
        const { body } = await client.request(`/${name}`, {
          method: 'POST',
          body: (await import('node:stream')).Readable.from(pieces()),
        });
        await body.text();
      });
    const calls = [post('a'), iterated('b'), post('c'), iterated('d')];
    await expect.poll(() => stat(client, 'upstream_rq_pending_active')).toBe(4);
    gate.release();
    await Promise.all(calls);
    const sent = fleet
      .server(0)
      .requests.slice(1)
      .map(({ path, body }) => [path, String(body)]);
    expect(sent.sort()).toEqual(['a', 'b', 'c', 'd'].map((name) => [`/${name}`, name]));
  });
});

describe('a connection that fails', () => {
  test('answers everybody who waits for it, and they are retried elsewhere', async () => {
    const { fleet, client } = await shop(
      { endpoints: 2 },
      {
        loadBalancer: 'round-robin',
        connectionPool: { maxConnections: 1 },
        retry: { ...AT_ONCE, budget: false },
      },
    );
    await fleet.server(0).refuse();
    const responses = await Promise.all(Array.from({ length: 8 }, () => client.fetch('/')));
    const tries = responses.map((response) => client.explain(response)?.attempts ?? []);
    for (const response of responses) expect(await response.text()).toBe('server-2');
    const failed = tries.flat().filter(({ outcome }) => outcome === 'connect-failure');
    expect(failed).toHaveLength(4);
    for (const attempt of failed)
      expect(attempt).toMatchObject({ flag: 'UF', connectedAt: undefined });
    expect(stat(client, 'upstream_cx_connect_fail')).toBe(1);
    expect(stat(client, 'upstream_rq_pending_failure_eject')).toBe(4);
    expect(stat(client, 'upstream_rq_retry')).toBe(4);
    await expectNothingHeld(client);
  });

  test('so does one that is not made in time', async () => {
    const ca = await certificateAuthority();
    const fleet = await fleetOf({ endpoints: 1, tls: await ca.issue({ names: ['shop'] }) });
    const port = await silentPort();
    const runtime = virtualRuntime();
    const client = clientFor({
      service: 'https://shop',
      endpoints: [port.url, ...fleet.endpoints],
      loadBalancer: 'round-robin',
      connectionPool: { connectTimeout: '500ms', maxConnections: 1 },
      retry: { ...AT_ONCE, budget: false },
      tls: { ca: ca.cert },
      runtime,
    });
    const calls = callsAtOnce(client, 6);
    await port.connectionsAre(1);
    await expect.poll(() => fleet.server(0).requests.length).toBe(3);
    await runtime.advance(500);
    await runtime.advance(1);
    expect(await Promise.all(calls)).toEqual(Array(6).fill(200));
    expect(stat(client, 'upstream_rq_pending_failure_eject', 'shop:443')).toBe(3);
    await port.connectionsAre(0);
  });
});
