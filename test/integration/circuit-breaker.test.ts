/** The circuit breaker before real sockets, through `client.fetch` as a user calls it; its time is virtual. */
import { getEventListeners } from 'node:events';
import { Readable } from 'node:stream';
import { request } from 'undici';
import { describe, expect, test } from 'vitest';
import {
  CircuitOpenError,
  isOutriggerError,
  type CircuitEvent,
  type ClientOptions,
  type Fallback,
  type ResilientClient,
} from '../../src/index.js';
import { hold, virtualRuntime, type Plan } from '../../src/testing/index.js';
import { clientFor } from '../support/client.js';
import { fleetOf, shop } from '../support/fleet.js';

const circuitBreaker = { minimumCalls: 4, halfOpenCalls: 3, openTimeJitterPercent: 0 };

async function behindBreaker(plan: Plan, options: ClientOptions = {}) {
  const runtime = virtualRuntime();
  const { client, fleet } = await shop(
    { endpoints: 1, plan },
    { runtime, retry: false, circuitBreaker, ...options },
  );
  const received = (): number => fleet.server(0).requests.length;
  return { client, fleet, runtime, received };
}

/** What of it is left standing is 503; the client's breaker is open. */
async function opened(options: ClientOptions = {}) {
  const all = await behindBreaker(503, options);
  for (let call = 0; call < 4; call++) await (await all.client.fetch('/')).text();
  expect(figures(all.client)).toMatchObject({ open: 1, opened_total: 1 });
  return all;
}

/** Those of the breaker, without their prefix. */
function figures(client: ResilientClient): Record<string, number> {
  const prefix = 'cluster.shop.circuit_breaker.';
  const own = Object.entries(client.stats()).filter(([stat]) => stat.startsWith(prefix));
  return Object.fromEntries(own.map(([stat, value]) => [stat.slice(prefix.length), value]));
}

const refusal = async (client: ResilientClient, path = '/'): Promise<CircuitOpenError> => {
  const error: unknown = await client.fetch(path).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(CircuitOpenError);
  return error as CircuitOpenError;
};

test('opens while the service fails, and closes when it is well again', async () => {
  const { client, fleet, runtime, received } = await behindBreaker(503);
  const told: CircuitEvent[] = [];
  const listening = client.onCircuitChange((event) => told.push(event));
  for (let call = 0; call < 4; call++) expect((await client.fetch('/')).status).toBe(503);

  const error = await refusal(client);
  expect(error).toMatchObject({ retryAfterMs: 5000, service: 'shop', flag: 'UO', attempts: [] });
  expect(isOutriggerError(error)).toBe(true);
  expect(received()).toBe(4);

  // Still failing: two of three are enough to open it again.
  await runtime.advance(error.retryAfterMs);
  for (let call = 0; call < 2; call++) expect((await client.fetch('/')).status).toBe(503);
  expect((await refusal(client)).retryAfterMs).toBe(5000);
  expect(received()).toBe(6);

  fleet.plan(200);
  await runtime.advance(5000);
  for (let call = 0; call < 10; call++)
    expect(await (await client.fetch('/')).text()).toBe('server-1');
  expect(figures(client)).toEqual({ open: 0, half_open: 0, opened_total: 2, rejected_total: 2 });
  expect(told.map(({ from, to, retryAfterMs }) => [from, to, retryAfterMs])).toEqual([
    ['closed', 'open', 5000],
    ['open', 'half-open', 0],
    ['half-open', 'open', 5000],
    ['open', 'half-open', 0],
    ['half-open', 'closed', 0],
  ]);
  listening[Symbol.dispose]();
  fleet.plan(503);
  for (let call = 0; call < 20; call++) await client.fetch('/').catch(() => {});
  expect(told).toHaveLength(5);
});

test('a service that is gone opens it', async () => {
  const { client, fleet } = await behindBreaker(200);
  await fleet.server(0).refuse();
  for (let call = 0; call < 4; call++) {
    await expect(client.fetch('/')).rejects.toMatchObject({ code: 'ERR_OUTRIGGER_CONNECTION' });
  }
  await refusal(client);
});

test('bodies that are cut off open it', async () => {
  const { client } = await behindBreaker({ body: { size: 1000 }, cut: { at: 500, by: 'reset' } });
  for (let call = 0; call < 4; call++) {
    await expect(client.fetch('/').then((response) => response.text())).rejects.toThrow();
  }
  await refusal(client);
});

describe('half-open', () => {
  test('calls that their callers abort free their places', async () => {
    const { client, fleet, runtime } = await opened();
    const held = hold();
    fleet.plan(held.step);
    await runtime.advance(5000);
    for (let round = 0; round < 5; round++) {
      const controller = new AbortController();
      const { signal } = controller;
      const trials = [1, 2, 3].map(() => client.fetch('/', { signal }).catch(String));
      expect((await refusal(client)).retryAfterMs).toBe(5000);
      controller.abort('enough');
      expect(await Promise.all(trials)).toEqual(['enough', 'enough', 'enough']);
      expect(figures(client)).toMatchObject({ half_open: 1 });
    }
    held.release();
    for (let call = 0; call < 3; call++) await (await client.fetch('/')).text();
    expect(figures(client)).toMatchObject({ open: 0, half_open: 0 });
  });

  test('of many calls at once so many go through, and decide for all', async () => {
    const { client, fleet, runtime, received } = await opened();
    fleet.plan(200);
    await runtime.advance(5000);
    const calls = Array.from({ length: 50 }, () =>
      client.fetch('/').then(
        ({ status }) => status,
        (error: CircuitOpenError) => error.name,
      ),
    );
    const outcomes = await Promise.all(calls);
    expect(outcomes.filter((outcome) => outcome === 200)).toHaveLength(3);
    expect(outcomes.filter((outcome) => outcome === 'CircuitOpenError')).toHaveLength(47);
    expect(received()).toBe(7);
    expect(figures(client)).toMatchObject({ open: 0, half_open: 0, rejected_total: 47 });
  });

  test('answers whose bodies nobody reads count by their status', async () => {
    const { client, fleet, runtime } = await opened();
    fleet.plan({ body: { size: 1_000_000 } });
    await runtime.advance(5000);
    for (let call = 0; call < 2; call++) await (await client.fetch('/')).body?.cancel();
    expect(figures(client)).toMatchObject({ open: 0, half_open: 0 });
  });
});

describe('a refused call', () => {
  test("is answered in place, where that is wanted, with the time in 'retry-after'", async () => {
    const { client, runtime, received } = await opened({ localReplies: 'respond' });
    await runtime.advance(3900);
    const response = await client.fetch('/');
    expect(response.status).toBe(503);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'retry-after': '2',
      'x-envoy-overloaded': 'true',
      'x-outrigger-flags': 'UO',
    });
    expect(await response.text()).toBe('circuit open');
    expect(client.explain(response)).toMatchObject({ localReply: true, flags: 'UO', attempts: [] });
    expect(received()).toBe(4);
  });

  test('is given to the fallback', async () => {
    const failures: unknown[] = [];
    const fallback: Fallback = (failure) => {
      failures.push(failure);
      return new Response('from the cache');
    };
    const { client } = await opened({ fallback });
    failures.length = 0;
    expect(await (await client.fetch('/')).text()).toBe('from the cache');
    expect(failures).toEqual([expect.any(CircuitOpenError)]);
  });

  test('fails with the same error on every path', async () => {
    const { client } = await opened();
    const open = { code: 'ERR_OUTRIGGER_CIRCUIT_OPEN', retryAfterMs: 5000 };
    const body = Readable.toWeb(Readable.from(['a'])) as ReadableStream;
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit;
    await expect(client.fetch('/', init)).rejects.toMatchObject(open);
    await expect(client.fetch(new Request('http://shop/'))).rejects.toMatchObject(open);
    await expect(client.request('/')).rejects.toMatchObject(open);
    const { dispatcher } = client;
    await expect(request('http://shop/', { dispatcher })).rejects.toMatchObject(open);
  });

  test('leaves no listener on a signal, nor any timer', async () => {
    const { client, runtime } = await opened();
    const { signal } = new AbortController();
    const timers = runtime.pendingTimers;
    for (let call = 0; call < 1000; call++) await client.fetch('/', { signal }).catch(() => {});
    expect(getEventListeners(signal, 'abort').length).toBeLessThanOrEqual(1);
    expect(runtime.pendingTimers).toBe(timers);
    expect(figures(client)).toMatchObject({ rejected_total: 1000 });
  });
});

describe('its state', () => {
  test('survives an update, unless that switches it off', async () => {
    const { client, fleet } = await opened();
    client.update({ timeout: '1s', circuitBreaker: { minimumCalls: 100 } });
    await refusal(client);
    fleet.plan(200);
    client.update({ circuitBreaker: false });
    expect((await client.fetch('/')).status).toBe(200);
    expect(figures(client)).toEqual({ open: 0, half_open: 0, opened_total: 1, rejected_total: 1 });
    client.update({ circuitBreaker: { minimumCalls: 2 } });
    fleet.plan(503);
    await (await client.fetch('/')).text();
    expect((await client.fetch('/')).status).toBe(503);
    await refusal(client);
  });

  test('is that of one service of one client', async () => {
    const bad = await fleetOf({ endpoints: 1, plan: 503 });
    const good = await fleetOf({ endpoints: 1, plan: 200 });
    const options = (): ClientOptions => ({
      retry: false,
      circuitBreaker,
      services: {
        'http://bad': { endpoints: bad.endpoints },
        'http://good': { endpoints: good.endpoints },
        'http://unguarded': { endpoints: bad.endpoints, circuitBreaker: false },
      },
    });
    const [one, other] = [clientFor(options()), clientFor(options())];
    for (let call = 0; call < 4; call++) await one.fetch('http://bad/');
    await refusal(one, 'http://bad/');
    expect((await one.fetch('http://good/')).status).toBe(200);
    for (let call = 0; call < 30; call++) {
      expect((await one.fetch('http://unguarded/')).status).toBe(503);
    }
    expect((await other.fetch('http://bad/')).status).toBe(503);
  });
});

test.each([undefined, false] as const)('with %s there is none', async (off) => {
  const { client } = await behindBreaker(503, { circuitBreaker: off });
  for (let call = 0; call < 30; call++) expect((await client.fetch('/')).status).toBe(503);
  expect(figures(client)).toEqual({});
  expect(client.describe()).not.toContain('circuit');
});

test('describe() has its figures', () => {
  const describeWith = (own: ClientOptions['circuitBreaker']): string =>
    clientFor({ service: 'http://shop', retry: false, circuitBreaker: own }).describe();
  expect(describeWith({})).toContain(
    'observe → circuit breaker (50 % of at least 20 calls in 10000 ms; open 5000 ms, jitter 20 %; 10 on trial)\n',
  );
  expect(
    describeWith({ slowCallDuration: '2s', maxOpenTime: '1m', openTimeJitterPercent: 0 }),
  ).toContain(
    '(50 % of at least 20 calls in 10000 ms, slow above 2000 ms; open 5000 ms, up to 60000 ms; 10 on trial)',
  );
});
