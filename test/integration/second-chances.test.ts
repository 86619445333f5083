/** Retries and hedges on real sockets, through `client.fetch` as a user calls it. */
import { describe, expect, test } from 'vitest';
import {
  ConnectionError,
  TimeoutError,
  type ClientOptions,
  type Explanation,
  type ResilientClient,
} from '../../src/index.js';
import { hold, virtualRuntime, type Plan } from '../../src/testing/index.js';
import { afterThisTurn, fleetOf, shop } from '../support/fleet.js';
import { clientFor } from '../support/client.js';

/** Without waits, so that nothing takes longer than the sockets do. */
const AT_ONCE = { backoff: { baseInterval: 0.001 } };

const oneEndpoint = (plan: Plan, options: ClientOptions = {}) =>
  shop({ endpoints: 1, plan }, { retry: AT_ONCE, ...options });

const reasons = ({ attempts }: Explanation): (string | undefined)[] =>
  attempts.map(({ because }) => because?.reason);

function explained(client: ResilientClient, response: Response): Explanation {
  return client.explain(response) as Explanation;
}

const count = (client: ResilientClient, counter: string): number =>
  client.stats()[`cluster.shop.${counter}`] ?? 0;

/** Nothing runs any more, and only what waits for work is open. */
async function expectNothingLeft(client: ResilientClient): Promise<void> {
  await afterThisTurn();
  for (const { active, connections } of client.endpoints()) {
    expect(active).toBe(0);
    expect(connections.open).toBe(connections.idle);
  }
  expect(count(client, 'upstream_rq_active')).toBe(0);
}

describe('by default', () => {
  test.each([503, 'reset', 'close'] as const)('%s is retried twice', async (step) => {
    const { client, fleet } = await oneEndpoint([step, step, 200]);
    const response = await client.fetch('/');
    expect(response.status).toBe(200);
    await response.text();
    expect(fleet.servers[0]?.requests).toHaveLength(3);
    const reason = step === 503 ? 'retriable-status-codes' : 'reset';
    expect(reasons(explained(client, response))).toEqual([undefined, reason, reason]);
    expect(count(client, 'upstream_rq_retry')).toBe(2);
    expect(count(client, 'upstream_rq_retry_success')).toBe(1);
    await expectNothingLeft(client);
  });

  test('a refused connection is retried elsewhere', async () => {
    const { client, fleet } = await shop({ endpoints: 2 }, { loadBalancer: 'round-robin' });
    await fleet.server(0).refuse();
    for (let call = 0; call < 4; call++) {
      const response = await client.fetch('/');
      expect(await response.text()).toBe('server-2');
    }
    expect(count(client, 'upstream_rq_retry')).toBeGreaterThan(1);
  });

  test('with 503 at one of three endpoints nobody sees one', async () => {
    const { client } = await shop({
      endpoints: [{ plan: 503 }, {}, {}],
    });
    const statuses = new Set<number>();
    for (let call = 0; call < 30; call++) {
      const response = await client.fetch('/');
      statuses.add(response.status);
      await response.text();
    }
    expect([...statuses]).toEqual([200]);
    await expectNothingLeft(client);
  });

  test.each([500, 502, 504, 429, 404])('%i is not', async (status) => {
    const { client, fleet } = await oneEndpoint([status, 200]);
    expect((await client.fetch('/')).status).toBe(status);
    expect(fleet.servers[0]?.requests).toHaveLength(1);
  });

  test('the third 503 is passed on, with its body', async () => {
    const { client, fleet } = await oneEndpoint({ status: 503, body: 'not now' });
    const response = await client.fetch('/');
    expect([response.status, await response.text()]).toEqual([503, 'not now']);
    expect(fleet.servers[0]?.requests).toHaveLength(3);
    expect(explained(client, response)).toMatchObject({ flags: 'URX', retriesLeft: 0 });
  });

  test('what fails to the last rejects as fetch does, with all that was tried', async () => {
    const { client } = await oneEndpoint('reset');
    const error = await client.fetch('/').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({
      message: 'fetch failed',
      flag: 'UC',
      attempts: [
        { outcome: 'reset', verdict: { kind: 'another', reason: 'reset' } },
        { outcome: 'reset', because: { reason: 'reset' } },
        { outcome: 'reset', verdict: { kind: 'give-up', reason: 'attempts' } },
      ],
    });
    await expectNothingLeft(client);
  });

  test('a body that is cut off is not retried', async () => {
    const { client, fleet } = await oneEndpoint({ body: 'half', cut: { at: 2, by: 'reset' } });
    const response = await client.fetch('/');
    await expect(response.text()).rejects.toThrow('terminated');
    expect(fleet.servers[0]?.requests).toHaveLength(1);
  });

  test('client.request and client.dispatcher are retried as well', async () => {
    const { client, fleet } = await oneEndpoint([503, 200, 503, 200]);
    const answer = await client.request('/', { method: 'GET' });
    expect([answer.statusCode, await answer.body.text()]).toEqual([200, 'server-1']);
    const init = { dispatcher: client.dispatcher } as unknown as RequestInit;
    const response = await fetch('http://shop/', init);
    expect([response.status, await response.text()]).toEqual([200, 'server-1']);
    expect(fleet.servers[0]?.requests).toHaveLength(4);
  });

  test('retry: false, of the client or of one call, is no retry', async () => {
    const without = await oneEndpoint([503, 200], { retry: false });
    expect((await without.client.fetch('/')).status).toBe(503);
    const { client } = await oneEndpoint([503, 200]);
    expect((await client.fetch('/', { resilience: { retry: false } })).status).toBe(503);
  });

  test('each attempt tells its number', async () => {
    const { client, fleet } = await oneEndpoint([503, 'reset', 200]);
    await client.fetch('/', { headers: { 'X-Envoy-Attempt-Count': '9' } });
    const counts = fleet.servers[0]?.requests.map(
      ({ headers }) => headers['x-envoy-attempt-count'],
    );
    expect(counts).toEqual(['1', '2', '3']);
  });
});

describe('POST', () => {
  const post = { method: 'POST', body: 'pay' };

  test.each([503, 'reset', 'close', 'garbage'] as const)(
    'is not sent twice after %s',
    async (step) => {
      const { client, fleet } = await oneEndpoint([step, 200]);
      const outcome = await client.fetch('/', post).then(
        ({ status }) => status,
        (error: unknown) => error,
      );
      expect(outcome).not.toBe(200);
      expect(fleet.servers[0]?.requests).toHaveLength(1);
      expect(count(client, 'retry_not_made.method')).toBe(1);
    },
  );

  test('nor after a reset on a connection that had been used', async () => {
    const { client, fleet } = await oneEndpoint((_, request) =>
      request.indexOnConnection > 0 ? 'reset' : 200,
    );
    await (await client.fetch('/', post)).text();
    await afterThisTurn();
    await expect(client.fetch('/', post)).rejects.toBeInstanceOf(ConnectionError);
    expect(fleet.servers[0]?.requests).toHaveLength(2);
  });

  test('nor when its time is up', async () => {
    const { client, fleet } = await oneEndpoint('silence', { retry: { perTryTimeout: 20 } });
    await expect(client.fetch('/', post)).rejects.toBeInstanceOf(TimeoutError);
    expect(fleet.servers[0]?.requests).toHaveLength(1);
    await fleet.connectionsAre(0);
  });

  test('after a refused connection it is, with its body', async () => {
    const { client, fleet } = await shop(
      { endpoints: 2, plan: 'echo' },
      { loadBalancer: 'round-robin' },
    );
    await fleet.server(0).refuse();
    for (let call = 0; call < 2; call++) {
      const response = await client.fetch('/', post);
      expect(await response.json()).toMatchObject({ server: 'server-2', body: 'pay' });
    }
    expect(count(client, 'upstream_rq_retry')).toBeGreaterThan(0);
  });

  test('with an Idempotency-Key it is, with the same key', async () => {
    const { client, fleet } = await oneEndpoint([503, 'reset', 200]);
    const init = { ...post, headers: { 'Idempotency-Key': 'order-7' } };
    expect((await client.fetch('/', init)).status).toBe(200);
    const seen = fleet.servers[0]?.requests.map(({ headers, body }) => [
      headers['idempotency-key'],
      String(body),
    ]);
    expect(seen).toEqual(Array(3).fill(['order-7', 'pay']));
  });

  test('with `idempotencyKey: true` a key is made for it', async () => {
    const { client, fleet } = await oneEndpoint([503, 200, 200], {
      retry: { ...AT_ONCE, idempotencyKey: true },
    });
    expect((await client.fetch('/', post)).status).toBe(200);
    await client.fetch('/', post);
    const keys = fleet.servers[0]?.requests.map(({ headers }) => headers['idempotency-key']);
    expect(keys?.[0]).toMatch(/^[\da-f-]{36}$/);
    expect(keys?.[1]).toBe(keys?.[0]);
    expect(keys?.[2]).not.toBe(keys?.[0]);
  });

  test('with `methods` or `retryUnsafeMethods` it is', async () => {
    for (const own of [{ methods: ['POST'] }, { retryUnsafeMethods: true }]) {
      const { client } = await oneEndpoint(['reset', 200], { retry: { ...AT_ONCE, ...own } });
      expect((await client.fetch('/', post)).status).toBe(200);
    }
  });

  test('after an answer that says it was not processed it is', async () => {
    const overloaded = { status: 503, headers: { 'x-envoy-overloaded': 'true' } };
    const { client } = await oneEndpoint([overloaded, 200], {
      retry: { ...AT_ONCE, notProcessed: ({ headers }) => headers.has('x-envoy-overloaded') },
    });
    expect((await client.fetch('/', post)).status).toBe(200);
  });
});

describe('connections that the server has closed while they were idle', () => {
  test('are retried at once over a fresh one, and say so', async () => {
    const runtime = virtualRuntime();
    const { client, fleet } = await shop(
      { endpoints: 1, plan: (_, request) => (request.indexOnConnection > 0 ? 'reset' : 200) },
      { runtime },
    );
    await (await client.fetch('/')).text();
    await afterThisTurn();
    // No time passes: there is no wait to be ended.
    const response = await client.fetch('/');
    expect(response.status).toBe(200);
    expect(explained(client, response).attempts).toMatchObject([
      { reused: true, outcome: 'reset', verdict: { kind: 'another', reason: 'reset-on-reuse' } },
      { reused: false, outcome: 'answered', because: { reason: 'reset-on-reuse', after: 0 } },
    ]);
    expect(fleet.servers[0]?.requestsPerConnection).toEqual([2, 1]);
    expect(count(client, 'upstream_rq_retry')).toBe(1);
    expect(count(client, 'upstream_rq_retry_backoff_exponential')).toBe(0);
  });

  test('a pool full of them costs one retry, not one for each', async () => {
    const gate = hold();
    const { client, fleet } = await shop({ endpoints: 1, plan: gate.step }, { retry: AT_ONCE });
    const calls = Array.from({ length: 5 }, async () => (await client.fetch('/')).text());
    for (let call = 0; call < 5; call++) await fleet.requestReceived();
    gate.release();
    await Promise.all(calls);
    await afterThisTurn();
    expect(client.endpoints()[0]?.connections.idle).toBe(5);
    fleet.plan((_, request) => (request.indexOnConnection > 0 ? 'close' : 200));
    const response = await client.fetch('/');
    expect(response.status).toBe(200);
    expect(explained(client, response).attempts).toHaveLength(2);
  });
});

describe('hedges', () => {
  const slowFirst: Plan = (index) => (index === 0 ? 'silence' : 200);

  test.each(['delay', 'onPerTryTimeout'])('on %s: the loser’s socket is closed', async (kind) => {
    const gate = hold();
    let asked = 0;
    const { client, fleet } = await shop(
      { endpoints: 2, plan: () => (asked++ === 0 ? 'silence' : gate.step) },
      kind === 'delay'
        ? { hedge: { delay: 10 }, retry: AT_ONCE }
        : {
            hedge: { onPerTryTimeout: true },
            retry: { ...AT_ONCE, perTryTimeout: 10, attempts: 1 },
          },
    );
    const pending = client.fetch('/');
    const first = await fleet.requestReceived();
    const second = await fleet.requestReceived();
    expect(second.server).not.toBe(first.server);
    expect(client.endpoints().map(({ active }) => active)).toEqual([1, 1]);
    gate.release();
    const response = await pending;
    expect(await response.text()).toBe(second.server);
    expect(await first.answered).toBe(false);
    await fleet.server(first.server).connectionsAre(0);
    await expectNothingLeft(client);
    expect(count(client, 'upstream_cx_active')).toBe(1);
    const reason = kind === 'delay' ? 'hedge-delay' : 'hedge-on-per-try-timeout';
    expect(explained(client, response).attempts).toMatchObject([
      { outcome: 'superseded' },
      { outcome: 'answered', because: { reason } },
    ]);
    expect(count(client, kind === 'delay' ? 'upstream_rq_hedge' : 'upstream_rq_retry')).toBe(1);
  });

  test('an abort ends both', async () => {
    const { client, fleet } = await shop(
      { endpoints: 2, plan: 'silence' },
      { hedge: { delay: 5 } },
    );
    const controller = new AbortController();
    const pending = client
      .fetch('/', { signal: controller.signal })
      .catch((error: unknown) => error);
    await fleet.requestReceived();
    await fleet.requestReceived();
    controller.abort('enough');
    expect(await pending).toBe('enough');
    await fleet.connectionsAre(0);
    await expectNothingLeft(client);
  });

  test('losers that may still be connecting leave no connection behind', async () => {
    const fleet = await fleetOf({ endpoints: 2, plan: slowFirst });
    const client = clientFor({
      service: 'http://shop',
      endpoints: fleet.endpoints,
      hedge: { delay: 0, maxHedges: 3 },
      retry: { budget: { minRetryConcurrency: 3 } },
    });
    const response = await client.fetch('/');
    await response.text();
    await expectNothingLeft(client);
    const idle = client.endpoints().reduce((sum, { connections }) => sum + connections.idle, 0);
    await fleet.connectionsAre(idle);
  });

  test('p95: after twenty answers, and explain says which value was used', async () => {
    const { client, fleet } = await shop({ endpoints: 2 }, { hedge: { delay: 'p95' } });
    for (let call = 0; call < 20; call++) {
      const response = await client.fetch('/');
      await response.text();
      expect(explained(client, response).hedge).toBeUndefined();
    }
    let asked = 0;
    fleet.plan(() => (asked++ === 0 ? 'silence' : 200));
    const response = await client.fetch('/');
    const { hedge, attempts } = explained(client, response);
    expect(hedge?.delay).toBeGreaterThan(0);
    expect(attempts[1]?.because).toEqual({
      reason: 'hedge-delay',
      after: 0,
      hedgeDelay: hedge?.delay,
    });
  });
});

describe('Retry-After', () => {
  test('is waited for, and not a moment less', async () => {
    const runtime = virtualRuntime();
    const limited = { status: 503, headers: { 'retry-after': '2' } };
    const { client, fleet } = await shop({ endpoints: 1, plan: [limited, 200] }, { runtime });
    const pending = client.fetch('/');
    await fleet.requestReceived();
    await expect.poll(() => count(client, 'upstream_rq_retry')).toBe(1);
    await runtime.advance(1999);
    expect(fleet.servers[0]?.requests).toHaveLength(1);
    await runtime.advance(1000);
    const response = await pending;
    expect(response.status).toBe(200);
    const after = explained(client, response).attempts[1]?.because?.after;
    expect(after).toBeGreaterThanOrEqual(2000);
    expect(after).toBeLessThan(3000);
    expect(count(client, 'upstream_rq_retry_backoff_ratelimited')).toBe(1);
  });

  test('too long: the answer is passed on', async () => {
    const limited = { status: 503, headers: { 'retry-after': '3600' } };
    const { client } = await oneEndpoint([limited, 200]);
    const response = await client.fetch('/');
    expect(response.status).toBe(503);
    expect(explained(client, response).attempts[0]?.verdict).toEqual({
      kind: 'give-up',
      reason: 'retry-after-too-long',
    });
  });

  test('an abort ends the wait', async () => {
    const runtime = virtualRuntime();
    const limited = { status: 503, headers: { 'retry-after': '200' } };
    const { client } = await shop({ endpoints: 1, plan: limited }, { runtime });
    const controller = new AbortController();
    const pending = client
      .fetch('/', { signal: controller.signal })
      .catch((error: unknown) => error);
    await expect.poll(() => count(client, 'upstream_rq_retry')).toBe(1);
    controller.abort('enough');
    expect(await pending).toBe('enough');
    await expectNothingLeft(client);
    // What is left is the time of the connection that idles.
    expect(runtime.pendingTimers).toBe(runtime.pendingBackgroundTimers);
  });
});

describe('answers that are dropped', () => {
  test('small ones keep their connection', async () => {
    const runtime = virtualRuntime();
    const small = { status: 503, body: { size: 10_000 } };
    const { client, fleet } = await shop({ endpoints: 1, plan: [small, small, 200] }, { runtime });
    const pending = client.fetch('/');
    for (let attempt = 1; attempt < 3; attempt++) {
      await expect.poll(() => count(client, 'upstream_rq_retry')).toBe(attempt);
      await expect.poll(() => client.endpoints()[0]?.connections.idle).toBe(1);
      await runtime.advance(50);
    }
    expect((await pending).status).toBe(200);
    expect(fleet.servers[0]?.requestsPerConnection).toEqual([3]);
    await expectNothingLeft(client);
  });

  test.each([
    ['large', { status: 503, body: { size: 5_000_000 } }],
    ['endless', { status: 503, body: 'half', cut: { at: 2, by: 'silence' } }],
    [
      'endless, without an end in sight',
      { status: 503, framing: 'chunked', body: 'half', cut: { at: 4, by: 'silence' } },
    ],
  ] as const)('%s ones neither hold the retry up nor keep a socket', async (_, step) => {
    const { client, fleet } = await oneEndpoint([step, step, 200]);
    const response = await client.fetch('/');
    expect(await response.text()).toBe('server-1');
    await expectNothingLeft(client);
    await fleet.connectionsAre(1);
  });

  test('a hundred calls whose first answer is large leave a hundred sockets at most, all idle', async () => {
    const { client, fleet } = await shop(
      {
        endpoints: 3,
        plan: (_, { headers }) =>
          headers['x-envoy-attempt-count'] === '1' ? { status: 503, body: { size: 300_000 } } : 200,
      },
      { retry: { ...AT_ONCE, budget: { percent: 100 } } },
    );
    const statuses = await Promise.all(
      Array.from({ length: 100 }, async () => {
        const response = await client.fetch('/');
        await response.text();
        return response.status;
      }),
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
    await expectNothingLeft(client);
    const idle = client.endpoints().reduce((sum, { connections }) => sum + connections.idle, 0);
    await fleet.connectionsAre(idle);
    expect(count(client, 'upstream_cx_active')).toBe(idle);
  });
});

describe('the budget', () => {
  test('bounds what a wave of failures adds', async () => {
    const gate = hold(503);
    const { client, fleet } = await shop({ endpoints: 2, plan: gate.step }, {});
    const calls = Array.from({ length: 40 }, async () => (await client.fetch('/')).status);
    for (let call = 0; call < 40; call++) await fleet.requestReceived();
    gate.release();
    expect(new Set(await Promise.all(calls))).toEqual(new Set([503]));
    const requests = fleet.servers.reduce((sum, server) => sum + server.requests.length, 0);
    expect(requests).toBeGreaterThan(40);
    // A fifth of 40 at any one time, two for each call that has one.
    expect(requests).toBeLessThan(40 + 2 * 40);
    expect(count(client, 'upstream_rq_retry_overflow')).toBeGreaterThan(20);
    expect(count(client, 'upstream_rq_retry')).toBe(requests - 40);
  });

  test('without a budget, maxRetries does', async () => {
    const gate = hold(503);
    const { client, fleet } = await shop(
      { endpoints: 2, plan: gate.step },
      { retry: { attempts: 1, budget: false, maxRetries: 0 } },
    );
    const calls = Array.from({ length: 10 }, async () => (await client.fetch('/')).status);
    for (let call = 0; call < 10; call++) await fleet.requestReceived();
    gate.release();
    await Promise.all(calls);
    expect(count(client, 'upstream_rq_retry_overflow')).toBe(10);
    expect(fleet.servers.reduce((sum, server) => sum + server.requests.length, 0)).toBe(10);
  });
});
