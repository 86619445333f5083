/** Limits so tight that attempts of one call could stand in each other's way: none of them waits for ever. */
import { describe, expect, test } from 'vitest';
import { hold, virtualRuntime, type PlanFunction } from '../../src/testing/index.js';
import { afterThisTurn, shop } from '../support/fleet.js';
import { callsAtOnce, expectNothingHeld, outcomeOf, stat } from '../support/pool.js';

const AT_ONCE = { backoff: { baseInterval: 0.001 } };

describe('under the tightest limits', () => {
  const ONE = { maxConnections: 1, maxRequests: 1, maxPendingRequests: 10 };
  /** A head, and a body that never comes. */
  const STUCK = {
    status: 503,
    headers: { 'content-length': '9' },
    body: 'not',
    cut: { at: 3, by: 'silence' },
  } as const;

  test('a retry does not wait for the rest of the answer that it takes the place of', async () => {
    const { fleet, client } = await shop(
      { endpoints: 1, plan: [STUCK, STUCK, 200] },
      { connectionPool: ONE, retry: AT_ONCE },
    );
    expect(await outcomeOf(client.fetch('/'))).toBe(200);
    expect(fleet.server(0).requests).toHaveLength(3);
    await expectNothingHeld(client, ONE);
  });

  test('another call does not wait for the rest of an answer that was dropped', async () => {
    const gate = hold();
    const { fleet, client } = await shop(
      { endpoints: 1, plan: [STUCK, gate.step, 200] },
      { connectionPool: { ...ONE, maxConnections: 2, maxRequests: 2 }, retry: AT_ONCE },
    );
    const first = outcomeOf(client.fetch('/first'));
    await fleet.requestReceived();
    await fleet.requestReceived();
    expect(stat(client, 'circuit_breakers.default.remaining_rq')).toBe(0);
    expect(await outcomeOf(client.fetch('/other'))).toBe(200);
    gate.release();
    expect(await first).toBe(200);
    await expectNothingHeld(client, { ...ONE, maxRequests: 2 });
  });

  test('a server that closes after each answer makes nobody wait twice', async () => {
    const plan = { headers: { connection: 'close' }, body: 'bye' };
    const limits = { maxConnections: 1, maxPendingRequests: 3 };
    const { client } = await shop({ endpoints: 1, plan }, { connectionPool: limits, retry: false });
    let most = 0;
    const look = (): void => {
      most = Math.max(most, stat(client, 'upstream_rq_pending_active'));
    };
    const worker = async (): Promise<void> => {
      for (let call = 0; call < 20; call++) {
        const answer = outcomeOf(client.fetch('/'));
        await afterThisTurn();
        look();
        await answer;
      }
    };
    await Promise.all([worker(), worker(), worker(), worker()]);
    expect(most).toBe(3);
    // Some came when the line was full; each of the others has waited, and once.
    const served = stat(client, 'upstream_rq_total');
    expect(stat(client, 'upstream_rq_pending_overflow')).toBe(80 - served);
    expect(stat(client, 'upstream_rq_pending_total')).toBe(served);
    await expectNothingHeld(client, limits);
    expect(stat(client, 'upstream_cx_close_notify')).toBe(served);
  });

  test('calls whose retries need the places of each other', async () => {
    const { client } = await shop(
      { endpoints: 2, plan: (index) => (index % 2 === 0 ? STUCK : 200) },
      {
        connectionPool: { ...ONE, maxRequests: 100 },
        retry: { ...AT_ONCE, attempts: 10, budget: false },
      },
    );
    expect(await Promise.all(callsAtOnce(client, 10))).toEqual(Array(10).fill(200));
    await expectNothingHeld(client, { maxPendingRequests: 10, maxRequests: 100 });
  });

  test('a hedge that waits for the connection of a try gets it when that is dropped', async () => {
    const runtime = virtualRuntime();
    const gate = hold(STUCK);
    const { fleet, client } = await shop(
      { endpoints: 1, plan: [gate.step, 200] },
      {
        runtime,
        connectionPool: { maxConnections: 1 },
        retry: { attempts: 0, retryOn: [503] },
        hedge: { delay: '10ms' },
        layers: {
          call: [
            {
              name: 'rather the other',
              judge: (_call, event) =>
                event.type === 'head' && event.attempt.status === 503
                  ? { kind: 'wait', reason: 'other' }
                  : undefined,
            },
          ],
        },
      },
    );
    const call = outcomeOf(client.fetch('/'));
    await fleet.requestReceived();
    await runtime.advance(10);
    expect(stat(client, 'upstream_rq_pending_active')).toBe(1);
    gate.release();
    expect(await call).toBe(200);
    await expectNothingHeld(client);
  });

  test('a hedge beyond the limit is refused, and the first goes on', async () => {
    const runtime = virtualRuntime();
    const gate = hold();
    const { fleet, client } = await shop(
      { endpoints: 2, plan: gate.step },
      { runtime, connectionPool: { maxRequests: 1 }, hedge: { delay: '10ms', maxHedges: 3 } },
    );
    const call = client.fetch('/');
    await fleet.requestReceived();
    await runtime.advance(40);
    await expect.poll(() => stat(client, 'upstream_rq_active_overflow')).toBe(3);
    gate.release();
    const response = await call;
    expect(response.status).toBe(200);
    expect(client.explain(response)?.attempts.map(({ outcome }) => outcome)).toEqual([
      'answered',
      'overflow',
      'overflow',
      'overflow',
    ]);
    await response.text();
    await expectNothingHeld(client, { maxRequests: 1 });
  });

  test.each([
    { maxConnections: 1 },
    { maxConnections: 2, maxRequestsPerConnection: 1 },
    { maxConnections: 1, maxRequests: 1, maxPendingRequests: 0 },
    { maxConnections: 3, maxRequests: 2, maxPendingRequests: 5, maxRequestsPerConnection: 2 },
  ])('retries and hedges of many calls all settle: %o', async (connectionPool) => {
    const steps = [200, 503, STUCK, 'reset', 'close', { body: 'bye', after: 'close' }] as const;
    const plan: PlanFunction = (_index, { headers }, random) =>
      // The last attempt of a call is passed on, whatever it brings.
      Number(headers['x-envoy-attempt-count']) > 4
        ? 200
        : (steps[Math.floor(random() * steps.length)] ?? 200);
    const { client } = await shop(
      { endpoints: 3, plan },
      {
        connectionPool,
        retry: { ...AT_ONCE, attempts: 4, budget: false, perTryTimeout: '100ms' },
        hedge: { delay: 2, maxHedges: 2 },
      },
    );
    for (let round = 0; round < 5; round++) {
      const outcomes = await Promise.all(callsAtOnce(client, 30));
      for (const outcome of outcomes) {
        expect([200, 503, 'TypeError', 'OverflowError', 'TimeoutError']).toContain(outcome);
      }
    }
    await expectNothingHeld(client, connectionPool);
  });
});

test('a body that nobody reads keeps its connection, and reading it lets the next one go', async () => {
  const { fleet, client } = await shop(
    { endpoints: 1, plan: { body: { size: 2_000_000 } } },
    { connectionPool: { maxConnections: 1 } },
  );
  const unread = await client.fetch('/');
  const next = outcomeOf(client.fetch('/'));
  await afterThisTurn();
  expect(stat(client, 'upstream_rq_pending_active')).toBe(1);
  expect(fleet.server(0).requests).toHaveLength(1);
  expect((await unread.text()).length).toBe(2_000_000);
  expect(await next).toBe(200);
  expect(fleet.server(0).requestsPerConnection).toEqual([2]);
  // So does giving it up.
  const given = await client.fetch('/');
  const last = outcomeOf(client.fetch('/'));
  await given.body?.cancel();
  expect(await last).toBe(200);
  await expectNothingHeld(client);
});
