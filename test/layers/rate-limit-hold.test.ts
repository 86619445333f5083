/** Endpoints that say when to come back: left alone by all calls until then, and not one millisecond longer or less. */
import { describe, expect, test } from 'vitest';
import { snapshotEndpoint } from '../../src/cluster/snapshot.js';
import { describeChain } from '../../src/layers/describe.js';
import { retryPolicy } from '../core/scripted-upstream.js';
import {
  answers,
  hedgePolicy,
  holdPolicy,
  VirtualCluster,
  type VirtualClusterOptions,
} from '../support/virtual-cluster.js';

/** The first endpoint asks for a pause whenever it is met; the others answer. */
function limited(
  headers: readonly string[] = ['retry-after', '2'],
  { status = 429, ...options }: VirtualClusterOptions & { status?: number } = {},
): VirtualCluster {
  return new VirtualCluster(
    ({ endpoint }) =>
      endpoint?.url.endsWith('0') === true ? answers(status, 0, { headers }) : answers(200),
    { rateLimitHold: holdPolicy(), chance: () => 0, ...options },
  );
}

/** Calls until the first endpoint has been met. */
async function meetFirst(virtual: VirtualCluster): Promise<void> {
  for (let call = 0; call < 9; call++) {
    if ((await virtual.finish()).endpoints.includes(0)) return;
  }
  throw new Error('the first endpoint was never met');
}

const heldFor = ({ cluster }: VirtualCluster, index = 0): number | undefined => {
  const endpoint = cluster.endpoints[index];
  return endpoint && snapshotEndpoint(cluster, endpoint).heldFor;
};

/** Which endpoints so many calls go to. */
async function visited(virtual: VirtualCluster, calls = 6): Promise<number[]> {
  const seen: number[] = [];
  for (let call = 0; call < calls; call++) seen.push(...(await virtual.finish()).endpoints);
  return [...new Set(seen)].sort();
}

describe('an endpoint that asks for a pause', () => {
  test.each([429, 503])('is left alone by all calls, after a %d', async (status) => {
    const virtual = limited(['Retry-After', '2'], { status });
    await meetFirst(virtual);
    expect(heldFor(virtual)).toBe(2000);
    expect(await visited(virtual)).toEqual([1, 2]);
    expect(virtual.count('endpoint_held_total')).toBe(1);
    expect(virtual.cluster.stats()).toMatchObject({ endpoints_held: 1, membership_healthy: 3 });
    virtual.expectNothingLeft();
  });

  test('is back when its time is over, without a timer, and not a millisecond before', async () => {
    const virtual = limited();
    await meetFirst(virtual);
    const over = virtual.runtime.now() + 2000;
    expect(virtual.runtime.pendingTimers).toBe(0);
    await virtual.runtime.advanceTo(over - 20);
    expect(await visited(virtual)).toEqual([1, 2]);
    await virtual.runtime.advanceTo(over - 0.001);
    expect(virtual.start().endpoints).not.toContain(0);
    expect(virtual.start().endpoints).not.toContain(0);
    expect(virtual.start().endpoints).not.toContain(0);
    await virtual.runtime.advanceTo(over);
    expect(heldFor(virtual)).toBeUndefined();
    expect(await visited(virtual)).toEqual([0, 1, 2]);
    expect(virtual.cluster.stats()).toMatchObject({ endpoints_held: 1, endpoint_held_total: 2 });
  });

  test('is held for as long as it said and up to half as much again', async () => {
    const times: number[] = [];
    for (let seed = 1; seed <= 60; seed++) {
      const virtual = limited(['retry-after', '2'], { seed, chance: undefined as never });
      await meetFirst(virtual);
      times.push(heldFor(virtual) ?? 0);
    }
    expect(Math.min(...times)).toBeGreaterThanOrEqual(2000);
    expect(Math.min(...times)).toBeLessThan(2100);
    expect(Math.max(...times)).toBeLessThan(3000);
    expect(Math.max(...times)).toBeGreaterThan(2900);
  });

  test.each([
    ['a date', ['Retry-After', 'Thu, 01 Jan 2026 00:00:10 GMT'], 10_000],
    ['a time of reset', ['X-RateLimit-Reset', String(Date.UTC(2026, 0, 1) / 1000 + 10)], 10_000],
    ['no wait at all', ['retry-after', '0'], undefined],
    ['a date that has passed', ['retry-after', 'Wed, 31 Dec 2025 00:00:10 GMT'], undefined],
    ['something else', ['retry-after', 'soon'], undefined],
    ['nothing', [], undefined],
    ['a minute', ['retry-after', '60'], 60_000],
    ['more than is allowed', ['retry-after', '61'], 60_000],
    ['a year', ['retry-after', '31536000'], 60_000],
  ])('asks by %s', async (_, headers, expected) => {
    const virtual = limited(headers);
    await meetFirst(virtual);
    const held = heldFor(virtual);
    if (expected === undefined) expect(held).toBeUndefined();
    else expect(Math.abs((held ?? 0) - expected)).toBeLessThan(10);
    if (expected !== undefined) expect(held).toBeGreaterThanOrEqual(expected - 10);
  });

  test('by the headers, statuses and times of the options', async () => {
    const resetHeaders = [{ name: 'x-come-back', format: 'seconds' }] as const;
    const own = holdPolicy({ statusCodes: new Set([420]), resetHeaders, maxTime: 500 });
    const right = limited(['X-Come-Back', '1'], { status: 420, rateLimitHold: own });
    await meetFirst(right);
    expect(heldFor(right)).toBe(500);
    for (const virtual of [
      limited(['X-Come-Back', '1'], { status: 429, rateLimitHold: own }),
      limited(['Retry-After', '1'], { status: 420, rateLimitHold: own }),
    ]) {
      await meetFirst(virtual);
      expect(heldFor(virtual)).toBeUndefined();
    }
  });

  test('after a status that is not among them it is not held', async () => {
    for (const status of [200, 404, 500, 502]) {
      const virtual = limited(['retry-after', '2'], { status });
      await meetFirst(virtual);
      expect(heldFor(virtual)).toBeUndefined();
      expect(await visited(virtual)).toEqual([0, 1, 2]);
    }
  });
});

describe('the choice', () => {
  test('falls on one that is held when there is no other', async () => {
    const virtual = limited(['retry-after', '2'], { endpoints: 1 });
    await meetFirst(virtual);
    expect(heldFor(virtual)).toBe(2000);
    expect(await visited(virtual)).toEqual([0]);
    expect(virtual.count('upstream_cx_none_healthy')).toBe(0);
  });

  test('of two that are both held, is free until the first is back', async () => {
    const virtual = new VirtualCluster(
      ({ endpoint }) =>
        answers(429, 0, {
          headers: ['retry-after', endpoint?.url.endsWith('0') === true ? '1' : '3'],
        }),
      { endpoints: 2, rateLimitHold: holdPolicy(), chance: () => 0 },
    );
    expect(await visited(virtual, 2)).toEqual([0, 1]);
    expect(await visited(virtual, 4)).toEqual([0, 1]);
    virtual.scripts = answers(200);
    await virtual.runtime.advance(1100);
    expect(await visited(virtual, 4)).toEqual([0]);
    await virtual.runtime.advance(2000);
    expect(await visited(virtual, 4)).toEqual([0, 1]);
  });

  test('of a retry falls on another, even if those that were tried are allowed', async () => {
    const virtual = limited(['retry-after', '1'], {
      endpoints: 2,
      policy: {
        retry: retryPolicy({
          statusCodes: new Set([429]),
          ignorePreviousHosts: false,
          budget: undefined,
        }),
      },
    });
    const calls = [await virtual.finish(), await virtual.finish()];
    const retried = calls.find(({ endpoints }) => endpoints.length > 1);
    expect(retried?.endpoints).toEqual([0, 1]);
    expect(retried?.events).toEqual(['head 200', 'end']);
  });

  test('of a retry falls on one that was tried and is free, not on one that is held', async () => {
    const virtual = new VirtualCluster(
      ({ endpoint }) =>
        endpoint?.url.endsWith('0') === true
          ? answers(503, 0, { headers: ['retry-after', '5'] })
          : answers(503),
      {
        endpoints: 2,
        chance: () => 0,
        rateLimitHold: holdPolicy(),
        policy: { retry: retryPolicy({ budget: undefined, rateLimitedBackoff: undefined }) },
      },
    );
    await meetFirst(virtual);
    expect((await virtual.finish()).endpoints).toEqual([1, 1, 1]);
  });
});

describe('what counts', () => {
  test('the answer of a try beside which another was started, and that was dropped', async () => {
    const virtual = new VirtualCluster(
      [answers(503, 70, { headers: ['retry-after', '9'] }), answers(200, 100)],
      {
        rateLimitHold: holdPolicy(),
        chance: () => 0,
        policy: {
          retry: retryPolicy({ budget: undefined }),
          hedge: hedgePolicy({ delay: 50 }),
        },
      },
    );
    const call = virtual.start();
    await virtual.runtime.advance(75);
    const index = call.endpoints[0] ?? 0;
    expect(call.events).toEqual([]);
    expect(heldFor(virtual, index)).toBeGreaterThan(8900);
    await virtual.runtime.runUntilIdle();
    expect(call.events).toEqual(['head 200', 'end']);
  });

  test('not a try that was cancelled before its head', async () => {
    const virtual = new VirtualCluster(
      [answers(429, 500, { headers: ['retry-after', '9'] }), answers(200, 10)],
      {
        rateLimitHold: holdPolicy(),
        policy: { hedge: hedgePolicy({ delay: 50 }) },
      },
    );
    await virtual.finish();
    expect(virtual.cluster.stats()).toMatchObject({ endpoints_held: 0, endpoint_held_total: 0 });
  });

  test('the longest of several times, and all of them as one hold', async () => {
    let seconds = 2;
    const virtual = new VirtualCluster(
      () => answers(429, 0, { headers: ['retry-after', String(seconds)] }),
      { endpoints: 1, rateLimitHold: holdPolicy(), chance: () => 0 },
    );
    await virtual.finish();
    seconds = 1;
    await virtual.finish();
    expect(heldFor(virtual)).toBeGreaterThan(1990);
    seconds = 5;
    await virtual.finish();
    expect(heldFor(virtual)).toBe(5000);
    expect(virtual.count('endpoint_held_total')).toBe(1);
  });
});

describe('the layer', () => {
  test('stands in the chain where it is on, and nowhere else', () => {
    expect(describeChain(limited().cluster)).toMatch(/rate-limit hold/);
    const off = new VirtualCluster(answers(200));
    expect(describeChain(off.cluster)).not.toMatch(/rate-limit hold/);
  });

  test('off: nobody is held', async () => {
    const virtual = limited(['retry-after', '2'], { rateLimitHold: undefined as never });
    await meetFirst(virtual);
    expect(heldFor(virtual)).toBeUndefined();
    expect(await visited(virtual)).toEqual([0, 1, 2]);
  });
});
