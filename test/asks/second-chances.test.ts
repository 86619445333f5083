/** What users have asked of retries, pacing, budgets, tries and hedges, each row of `user-asks.md` by its number. */
import { getEventListeners } from 'node:events';
import { describe, expect, test, vi } from 'vitest';
import { systemRuntime } from '../../src/core/runtime.js';
import { exponentialBackoff } from '../../src/layers/backoff.js';
import {
  CircuitOpenError,
  ConnectionError,
  TimeoutError,
  type ClientOptions,
  type Explanation,
  type ResilientClient,
} from '../../src/index.js';
import {
  hold,
  seededRandom,
  virtualRuntime,
  type LoopbackFleet,
  type Plan,
} from '../../src/testing/index.js';
import { retryPolicy } from '../core/scripted-upstream.js';
import { afterThisTurn, shop } from '../support/fleet.js';
import {
  answers,
  fails,
  hedgePolicy,
  REFUSED,
  SILENT,
  VirtualCluster,
} from '../support/virtual-cluster.js';

const POST = { method: 'POST', body: 'pay out' };
const SOON = { backoff: { baseInterval: 0.001 } };

const one = (plan: Plan, options: ClientOptions = {}) =>
  shop({ endpoints: 1, plan }, { retry: SOON, ...options });

const received = (fleet: LoopbackFleet): number =>
  fleet.servers.reduce((sum, { requests }) => sum + requests.length, 0);

const explained = (client: ResilientClient, response: Response): Explanation =>
  client.explain(response) as Explanation;

const count = (client: ResilientClient, counter: string): number =>
  client.stats()[`cluster.shop.${counter}`] ?? 0;

const after = (headers: readonly string[]) => answers(503, 0, { headers });

const retrying = (own: Parameters<typeof retryPolicy>[0] = {}) => ({
  policy: { retry: retryPolicy(own) },
});

describe('unsafe methods', () => {
  test('ask 8: a POST is not retried by default', async () => {
    const { client, fleet } = await one([503, 200]);
    expect((await client.fetch('/', POST)).status).toBe(503);
    fleet.plan(['reset', 200]);
    await expect(client.fetch('/', POST)).rejects.toBeInstanceOf(ConnectionError);
    expect(received(fleet)).toBe(2);
  });

  test('ask 9: retrying one is asked for where it is called', async () => {
    const { client, fleet } = await one([503, 200]);
    const resilience = { retry: { methods: ['POST'] } };
    expect((await client.fetch('/', { ...POST, resilience })).status).toBe(200);
    expect(received(fleet)).toBe(2);
  });

  test('ask 10: a POST with an Idempotency-Key is retried', async () => {
    const { client } = await one([503, 'reset', 200]);
    const headers = { 'Idempotency-Key': 'payout-7' };
    expect((await client.fetch('/', { ...POST, headers })).status).toBe(200);
  });

  test('ask 11: a key that was made is the same on every attempt', async () => {
    const { client, fleet } = await one([503, 'reset', 200], {
      retry: { ...SOON, idempotencyKey: true },
    });
    await client.fetch('/', POST);
    const keys = fleet.server(0).requests.map(({ headers }) => headers['idempotency-key']);
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toBeDefined();
  });

  test('ask 12: a refused stream is sent again, whatever the method', async () => {
    for (const method of ['POST', 'PATCH', 'GET']) {
      const virtual = new VirtualCluster([fails('refused-stream'), answers(200)], retrying());
      expect((await virtual.finish({ method })).events).toEqual(['head 200', 'end']);
    }
  });

  test('ask 13: a reset on a reused socket is no proof that nothing happened', async () => {
    const { client, fleet } = await one((_, { indexOnConnection }) =>
      indexOnConnection > 0 ? 'reset' : 200,
    );
    await (await client.fetch('/', POST)).text();
    await afterThisTurn();
    await expect(client.fetch('/', POST)).rejects.toMatchObject({
      attempts: [{ reused: true, verdict: { kind: 'give-up', reason: 'method' } }],
    });
    expect(received(fleet)).toBe(2);
  });

  test('ask 14: the next hop can say that it never reached the service', async () => {
    const unsent = { status: 502, headers: { 'l5d-proxy-error': 'connect' } };
    const { client } = await one([unsent, 200], {
      retry: { ...SOON, notProcessed: ({ headers }) => headers.has('l5d-proxy-error') },
    });
    expect((await client.fetch('/', POST)).status).toBe(200);
  });
});

describe('keep-alive races', () => {
  const closing: Plan = (_, { indexOnConnection }) => (indexOnConnection > 0 ? 'close' : 200);

  test('ask 15: a socket that the server closed while it was idle is no error', async () => {
    const { client, fleet } = await one(closing);
    for (let call = 0; call < 5; call++) {
      const response = await client.fetch('/');
      expect(await response.text()).toBe('server-1');
      await afterThisTurn();
    }
    // Counted, and visible.
    expect(count(client, 'upstream_rq_retry')).toBeGreaterThan(0);
    expect(received(fleet)).toBe(5 + count(client, 'upstream_rq_retry'));
  });

  test('ask 16: its reason is reset-on-reuse', async () => {
    const { client } = await one(closing);
    await (await client.fetch('/')).text();
    await afterThisTurn();
    const response = await client.fetch('/');
    expect(explained(client, response).attempts[1]?.because?.reason).toBe('reset-on-reuse');
  });

  test('ask 17: it is retried by default, without a wait, and within the budget', async () => {
    const { client } = await one(closing, { runtime: virtualRuntime(), retry: {} });
    await (await client.fetch('/')).text();
    await afterThisTurn();
    // The clock stands still.
    expect((await client.fetch('/')).status).toBe(200);
    const none = { percent: 0, minRetryConcurrency: 0, interval: 0 };
    const reused = { ...fails('reset'), reused: true };
    const virtual = new VirtualCluster(reused, retrying({ budget: none }));
    expect((await virtual.finish()).verdicts).toEqual(['give-up: budget']);
  });
});

describe('pacing', () => {
  test('ask 18: calls that are refused together do not come back together', async () => {
    const virtual = new VirtualCluster(
      [answers(429, 0, { headers: ['retry-after', '1'] }), answers(200)],
      retrying({ statusCodes: new Set([429]), budget: undefined }),
    );
    const calls = Array.from({ length: 200 }, () => virtual.start());
    await virtual.runtime.runUntilIdle();
    const starts = calls.map((call) => call.starts[1] ?? 0);
    expect(new Set(starts).size).toBeGreaterThan(100);
    // Over half of the second that was asked for, and never sooner.
    expect(Math.min(...starts)).toBeGreaterThanOrEqual(1001);
    expect(Math.max(...starts)).toBeGreaterThan(1450);
  });

  test('ask 19: Retry-After: 0 means now, not never', async () => {
    const virtual = new VirtualCluster([after(['retry-after', '0']), answers(200)], retrying());
    const { events, starts } = await virtual.finish();
    expect(events).toEqual(['head 200', 'end']);
    expect(starts[1]).toBeLessThan(1 + 25);
  });

  test('ask 20: Retry-After as a date, and headers of rate limits', async () => {
    // The virtual date begins at the turn of the year.
    for (const headers of [
      ['Retry-After', 'Thu, 01 Jan 2026 00:00:10 GMT'],
      ['X-RateLimit-Reset', String(Date.UTC(2026, 0, 1) / 1000 + 10)],
    ]) {
      const virtual = new VirtualCluster([after(headers), answers(200)], retrying());
      const { starts } = await virtual.finish();
      expect(starts[1]).toBeGreaterThanOrEqual(10_000);
      expect(starts[1]).toBeLessThan(15_001);
    }
    const own = { name: 'x-come-back', format: 'seconds' } as const;
    const rateLimitedBackoff = { resetHeaders: [own], maxInterval: 60_000 };
    const virtual = new VirtualCluster(
      [after(['X-Come-Back', '3']), answers(200)],
      retrying({ rateLimitedBackoff }),
    );
    expect((await virtual.finish()).starts[1]).toBeGreaterThanOrEqual(3000);
  });

  test('ask 21: a Retry-After above the limit stops, and says so', async () => {
    const { client } = await one([{ status: 503, headers: { 'retry-after': '301' } }, 200]);
    const response = await client.fetch('/');
    expect(response.status).toBe(503);
    expect(explained(client, response).attempts[0]?.verdict?.reason).toBe('retry-after-too-long');
    expect(count(client, 'retry_not_made.retry-after-too-long')).toBe(1);
  });

  test('ask 22: never back early, not by a millisecond', async () => {
    const plan = [{ status: 503, headers: { 'retry-after': '1' } }, 200];
    const { client, fleet } = await one(plan, { runtime: { ...systemRuntime, random: () => 0 } });
    const times: number[] = [];
    const pending = client.fetch('/');
    for (let attempt = 0; attempt < 2; attempt++) {
      await fleet.requestReceived();
      times.push(performance.now());
    }
    await pending;
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(1000);
  });

  test('ask 23: a 429 holds back all calls to that endpoint', async () => {
    const runtime = virtualRuntime();
    const { client, fleet } = await shop(
      { endpoints: 3 },
      { runtime, loadBalancer: 'round-robin', rateLimitHold: {} },
    );
    fleet.server(0).plan([{ status: 429, headers: { 'retry-after': '2' } }, 200]);
    const visit = async (calls: number): Promise<string[]> => {
      const seen = new Set<string>();
      for (let call = 0; call < calls; call++) {
        const resilience = { retry: false } as const;
        seen.add(await (await client.fetch('/', { resilience })).text());
      }
      return [...seen].sort();
    };
    await visit(3);
    const [held, ...others] = client.endpoints();
    expect(held?.heldFor).toBeGreaterThanOrEqual(2000);
    expect(held?.heldFor).toBeLessThan(3000);
    for (const { healthy, heldFor } of others) {
      expect([healthy, heldFor]).toEqual([true, undefined]);
    }
    expect(await visit(9)).toEqual(['server-2', 'server-3']);
    expect(count(client, 'endpoints_held')).toBe(1);
    await runtime.advance(1999);
    expect(await visit(9)).toEqual(['server-2', 'server-3']);
    await runtime.advance(1001);
    expect(await visit(9)).toEqual(['server-1', 'server-2', 'server-3']);
    expect(count(client, 'endpoints_held')).toBe(0);
    expect(count(client, 'endpoint_held_total')).toBe(1);
    expect(received(fleet)).toBe(30);
  });

  test('ask 24: a refusal says when to come back', async () => {
    const runtime = virtualRuntime();
    const circuitBreaker = { minimumCalls: 2, openTime: '7s' };
    const { client, fleet } = await one(500, { runtime, retry: false, circuitBreaker });
    for (let call = 0; call < 2; call++) await client.fetch('/');
    await runtime.advance(1000);
    const refusal: unknown = await client.fetch('/').catch((error: unknown) => error);
    if (!(refusal instanceof CircuitOpenError)) throw refusal;
    // Of 7 s, and up to 20 % of jitter.
    expect(refusal.retryAfterMs).toBeGreaterThanOrEqual(6000);
    expect(refusal.retryAfterMs).toBeLessThanOrEqual(7400);
    await runtime.advance(refusal.retryAfterMs - 1);
    await expect(client.fetch('/')).rejects.toMatchObject({ retryAfterMs: 1 });
    await runtime.advance(1);
    expect((await client.fetch('/')).status).toBe(500);
    expect(received(fleet)).toBe(3);
  });

  test('ask 25: an abort ends the wait, and its timer', async () => {
    const runtime = virtualRuntime();
    const { client } = await one({ status: 503, headers: { 'retry-after': '60' } }, { runtime });
    const controller = new AbortController();
    const pending = client
      .fetch('/', { signal: controller.signal })
      .catch((error: unknown) => error);
    await expect.poll(() => count(client, 'upstream_rq_retry')).toBe(1);
    controller.abort('enough');
    expect(await pending).toBe('enough');
    expect(runtime.pendingTimers - runtime.pendingBackgroundTimers).toBe(0);
  });

  test('ask 26: ten thousand retries come to no NaN', () => {
    const backoff = { baseInterval: 25, maxInterval: Number.MAX_SAFE_INTEGER };
    for (let retry = 1; retry <= 10_000; retry++) {
      const wait = exponentialBackoff(backoff, retry, systemRuntime);
      if (!(wait >= 0 && wait < Number.MAX_SAFE_INTEGER)) expect.fail(`${wait} ms`);
    }
  });

  test('ask 27: waits are spread from nothing to their bound', () => {
    const runtime = { ...systemRuntime, random: seededRandom(27) };
    const backoff = { baseInterval: 100, maxInterval: 1000 };
    const tenths = new Array<number>(10).fill(0);
    for (let draw = 0; draw < 10_000; draw++) {
      const tenth = Math.floor(exponentialBackoff(backoff, 1, runtime) / 10);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    for (const share of tenths) expect(Math.abs(share - 1000)).toBeLessThan(120);
  });
});

describe('budgets', () => {
  test('ask 28: there is one, without being asked for', async () => {
    const gate = hold(503);
    const { client, fleet } = await shop({ endpoints: 1, plan: gate.step });
    const calls = Array.from({ length: 30 }, () => client.fetch('/'));
    for (let call = 0; call < 30; call++) await fleet.requestReceived();
    gate.release();
    await Promise.all(calls);
    expect(count(client, 'upstream_rq_retry_overflow')).toBeGreaterThan(15);
    expect(received(fleet)).toBeLessThan(60);
  });

  test('ask 29: hedges draw on the same purse', async () => {
    const virtual = new VirtualCluster(
      ({ number, call }) => (call.method === 'HEAD' && number === 1 ? REFUSED : SILENT),
      {
        policy: { retry: retryPolicy(), hedge: hedgePolicy({ delay: 50 }) },
      },
    );
    // Three places: two for retries, and one of the four hedges that are wanted.
    for (const method of ['HEAD', 'HEAD', 'GET', 'GET']) virtual.start({ method });
    await virtual.runtime.advance(60);
    expect(virtual.cluster.slots.active).toBe(3);
    expect(virtual.counted).toMatchObject({
      upstream_rq_retry: 2,
      upstream_rq_hedge: 1,
      'retry_not_made.budget': 3,
    });
    virtual.cluster.destroy(new Error('enough'));
  });

  test('ask 30: what waits counts on both sides', async () => {
    const virtual = new VirtualCluster([after(['retry-after', '10']), SILENT], retrying());
    for (let call = 0; call < 50; call++) virtual.start();
    await virtual.runtime.advance(5000);
    // All that is left of the fifty sleeps, and still counts: as calls, and as retries.
    expect(virtual.cluster.activeCalls).toBe(10);
    expect(virtual.cluster.slots.active).toBe(10);
    expect(virtual.cluster.slots.take()).toBe(false);
    virtual.cluster.destroy(new Error('enough'));
  });

  test('ask 31: over a time window rather than only now', async () => {
    const budget = { percent: 20, minRetryConcurrency: 0, interval: 10_000 };
    const virtual = new VirtualCluster(answers(200), retrying({ budget }));
    for (let call = 0; call < 20; call++) await virtual.finish();
    virtual.scripts = answers(503);
    // A fifth of the 20 calls before, and of those that come: one after the other, none is alone.
    let retries = 0;
    for (let call = 0; call < 10; call++) retries += (await virtual.finish()).call.retriesMade;
    expect(retries).toBeGreaterThanOrEqual(4);
    expect(retries).toBeLessThanOrEqual(6);
  });

  test('ask 32: a retry that the budget refuses is counted, and says so', async () => {
    const { client } = await one(503, {
      retry: { budget: { percent: 0, minRetryConcurrency: 0 } },
    });
    const response = await client.fetch('/');
    expect(explained(client, response)).toMatchObject({
      flags: 'UO',
      attempts: [{ verdict: { kind: 'give-up', reason: 'budget' } }],
    });
    expect(count(client, 'upstream_rq_retry_overflow')).toBe(1);
    expect(count(client, 'retry_not_made.budget')).toBe(1);
  });
});

describe('per-try timeouts', () => {
  test('ask 34: perTryTimeout covers the first try', async () => {
    const { client, fleet } = await one(['silence', 200], {
      retry: { ...SOON, perTryTimeout: 200 },
    });
    expect((await client.fetch('/')).status).toBe(200);
    expect(received(fleet)).toBe(2);
  });

  test('ask 35: it works without a timeout of the call', async () => {
    const { client, fleet } = await one('silence', { retry: { ...SOON, perTryTimeout: 10 } });
    const error = await client.fetch('/').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error).toMatchObject({ limit: 'retry.perTryTimeout', timeout: 10 });
    expect(received(fleet)).toBe(3);
  });

  test('ask 36: tries that do not fit into the timeout are told of, with both numbers', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    await one(200, { timeout: 1000, retry: { attempts: 3, perTryTimeout: 500 } });
    expect(warn).toHaveBeenCalledTimes(1);
    expect(String(warn.mock.calls[0]?.[0])).toMatch(/4 tries of 500 ms .* 1000 ms/);
    expect(warn.mock.calls[0]?.[1]).toMatchObject({ code: 'OUTRIGGER_RETRIES_DO_NOT_FIT' });
  });

  test('ask 38: a try’s timeout is retried, the caller’s abort is not', async () => {
    const { client, fleet } = await one('silence', { retry: { ...SOON, perTryTimeout: 5000 } });
    const controller = new AbortController();
    const pending = client
      .fetch('/', { signal: controller.signal })
      .catch((error: unknown) => error);
    await fleet.requestReceived();
    controller.abort('enough');
    expect(await pending).toBe('enough');
    await fleet.connectionsAre(0);
    expect(received(fleet)).toBe(1);
    const resilience = { retry: { perTryTimeout: 10 } };
    await expect(client.fetch('/', { resilience })).rejects.toMatchObject({
      attempts: [
        { outcome: 'try-timeout' },
        { outcome: 'try-timeout' },
        { outcome: 'try-timeout' },
      ],
    });
  });

  test('ask 39: the time of a try does not kill the body of the answer', async () => {
    const gate = hold();
    const runtime = virtualRuntime();
    const body = async function* () {
      yield 'one ';
      await gate.released;
      yield 'two';
    };
    const { client } = await one({ body }, { retry: { perTryTimeout: 20 }, runtime });
    const response = await client.fetch('/');
    await runtime.advance(10_000);
    gate.release();
    expect(await response.text()).toBe('one two');
  });
});

describe('signals', () => {
  test('ask 41: a thousand calls on one signal leave no listener', async () => {
    const { client } = await one((index) => (index % 3 === 0 ? 503 : 200));
    const { signal } = new AbortController();
    for (let round = 0; round < 20; round++) {
      const calls = Array.from({ length: 50 }, async () => {
        await (await client.fetch('/', { signal })).text();
      });
      expect(getEventListeners(signal, 'abort').length).toBeLessThan(2);
      await Promise.all(calls);
    }
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('ask 42: nor do retries, hedges and timeouts', async () => {
    const plan: Plan = (index) => (index % 3 === 0 ? 'silence' : index % 3 === 1 ? 'reset' : 200);
    const { client } = await shop(
      { endpoints: 3, plan },
      {
        timeout: 500,
        retry: { ...SOON, perTryTimeout: 20 },
        hedge: { delay: 5, onPerTryTimeout: true },
      },
    );
    const { signal } = new AbortController();
    const calls = Array.from({ length: 60 }, () =>
      client.fetch('/', { signal }).then((response) => response.text()),
    );
    await Promise.allSettled(calls);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });
});

describe('unread responses', () => {
  const endless = { status: 503, body: 'half', cut: { at: 2, by: 'silence' } } as const;

  test('ask 49: a 503 that is retried does not hang on its body', async () => {
    const { client } = await one([endless, endless, 200]);
    expect(await (await client.fetch('/')).text()).toBe('server-1');
  });

  test('ask 50: sockets do not pile up behind what was dropped', async () => {
    const { client, fleet } = await one((index) => (index % 2 === 0 ? endless : 200));
    for (let call = 0; call < 10; call++) await (await client.fetch('/')).text();
    await afterThisTurn();
    await fleet.connectionsAre(1);
    expect(client.endpoints()[0]).toMatchObject({ active: 0, connections: { open: 1, idle: 1 } });
  });

  test('ask 51: the retry does not wait for the dropped body to be gone', async () => {
    const { client, fleet } = await one([endless, 'silence']);
    const pending = client.fetch('/').catch(() => {});
    const first = await fleet.requestReceived();
    await fleet.requestReceived();
    // Both are there at once.
    expect(fleet.openConnections).toBe(2);
    await client.destroy();
    await pending;
    expect(await first.answered).toBe(false);
  });
});

describe('where a retry goes', () => {
  test('ask 62: to somebody else; and who fails fast does not look idle', async () => {
    const virtual = new VirtualCluster(
      ({ endpoint }) => (endpoint?.url.endsWith('0') === true ? fails('reset') : answers(200, 20)),
      {
        loadBalancer: { policy: 'peak-ewma', decayTime: 10_000 },
        policy: { retry: retryPolicy({ budget: undefined }) },
      },
    );
    for (let call = 0; call < 200; call++) {
      const { events, endpoints } = await virtual.finish();
      expect(events).toEqual(['head 200', 'end']);
      expect(new Set(endpoints).size).toBe(endpoints.length);
    }
    expect(virtual.cluster.endpoints[0]?.total).toBeLessThan(20);
  });
});

describe('hedging', () => {
  test('ask 85: does not double the load', async () => {
    const random = seededRandom(85);
    const virtual = new VirtualCluster(() => answers(200, -20 * Math.log(1 - random())), {
      policy: { hedge: hedgePolicy({ delay: { percentile: 95 } }) },
    });
    for (let call = 0; call < 1000; call++) await virtual.finish();
    // More than the one in twenty that the p95 of all attempts would be: losers that are cancelled do not count.
    const hedges = virtual.count('upstream_rq_hedge');
    expect(hedges).toBeGreaterThan(20);
    expect(hedges).toBeLessThan(150);
  });

  test('ask 86: hedges and retries do not multiply', async () => {
    const virtual = new VirtualCluster(answers(503, 60), {
      endpoints: 9,
      policy: { retry: retryPolicy(), hedge: hedgePolicy({ delay: 50, maxHedges: 2 }) },
    });
    const { call } = await virtual.finish();
    expect(call.attempts.length).toBeLessThanOrEqual(1 + 2 + 2);
    expect(call.attempts.map(({ number }) => number)).toEqual(call.attempts.map((_, i) => i + 1));
  });

  test('ask 87: at once to several, with a delay of 0', async () => {
    const gate = hold();
    const { client, fleet } = await shop(
      { endpoints: 3, plan: gate.step },
      { hedge: { delay: 0, maxHedges: 2 } },
    );
    const pending = client.fetch('/');
    const servers = new Set<string>();
    for (let attempt = 0; attempt < 3; attempt++) {
      servers.add((await fleet.requestReceived()).server);
    }
    expect(servers.size).toBe(3);
    gate.release();
    expect((await pending).status).toBe(200);
  });

  test('ask 88: the late answer of a try whose time was up still counts', async () => {
    const virtual = new VirtualCluster([answers(200, 150), SILENT], {
      policy: {
        retry: retryPolicy({ perTryTimeout: 100 }),
        hedge: hedgePolicy({ onPerTryTimeout: true }),
      },
    });
    const { call, recorder, explanation } = await virtual.finish();
    expect(recorder.reply).toBe(call.attempts[0]);
    expect(explanation.attempts[0]).toMatchObject({
      outcome: 'answered',
      verdict: { kind: 'another', reason: 'hedge-on-per-try-timeout' },
    });
    // It was not cancelled, so it is no timeout of a try.
    expect(virtual.count('upstream_rq_per_try_timeout')).toBe(0);
    expect(virtual.cluster.endpoints.some(({ success }) => success === 1)).toBe(true);
  });
});
