/** The limit of further attempts: Envoy's examples, its formula, and what counts on which side of it. */
import { describe, expect, test } from 'vitest';
import { RetrySlots, type SlotLimits } from '../../src/cluster/retry-slots.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { retryPolicy } from '../core/scripted-upstream.js';
import { answers, REFUSED, SILENT, VirtualCluster } from '../support/virtual-cluster.js';

const NO_LIMIT = Number.POSITIVE_INFINITY;

function budgetOf(percent: number, minRetryConcurrency = 3, interval = 0): SlotLimits {
  return { budget: { percent, minRetryConcurrency, interval }, maxRetries: NO_LIMIT };
}

function slotsOf(limits: SlotLimits, calls = 0) {
  const runtime = virtualRuntime();
  const active = { calls };
  const slots = new RetrySlots(runtime, () => active.calls);
  slots.setLimits(limits);
  return { runtime, active, slots };
}

/** How many can be taken before one is refused, at most 1000. */
function takeAll(slots: RetrySlots): number {
  let taken = 0;
  while (taken < 1000 && slots.take()) taken += 1;
  return taken;
}

describe('a budget', () => {
  test.each([
    // Envoy's own examples.
    [25, 3, 100, 25],
    [20, 3, 4, 3],
    [20, 3, 0, 3],
    [20, 3, 15, 3],
    [20, 3, 19, 3],
    [20, 3, 20, 4],
    [20, 3, 24, 4],
    [20, 0, 4, 0],
    [20, 0, 5, 1],
    [0, 0, 100, 0],
    [0, 2, 100, 2],
    [100, 0, 7, 7],
    [0.5, 0, 199, 0],
    [0.5, 0, 200, 1],
    [20, 100, 10, 100],
  ])('%d % and at least %i, of %i calls: %i', (percent, least, calls, limit) => {
    const { slots } = slotsOf(budgetOf(percent, least), calls);
    expect(slots.limit).toBe(limit);
    expect(takeAll(slots)).toBe(limit);
    expect(slots.active).toBe(limit);
  });

  test('follows the calls of now, both ways', () => {
    const { slots, active } = slotsOf(budgetOf(50, 0), 10);
    expect(takeAll(slots)).toBe(5);
    active.calls = 4;
    expect(slots.take()).toBe(false);
    for (let back = 0; back < 3; back++) slots.give();
    // Two are still out, of the two that four calls allow.
    expect(slots.take()).toBe(false);
    slots.give();
    expect(slots.take()).toBe(true);
    active.calls = 100;
    expect(takeAll(slots)).toBe(48);
  });

  test('what is given back can be taken again', () => {
    const { slots } = slotsOf(budgetOf(20));
    expect(takeAll(slots)).toBe(3);
    slots.give();
    expect(takeAll(slots)).toBe(1);
    expect(slots.active).toBe(3);
  });
});

describe('without a budget', () => {
  test.each([0, 1, 3, 50])('maxRetries %i, however many calls there are', (maxRetries) => {
    const { slots } = slotsOf({ budget: undefined, maxRetries }, 100);
    expect(takeAll(slots)).toBe(maxRetries);
  });

  test('Infinity is no limit', () => {
    const { slots } = slotsOf({ budget: undefined, maxRetries: NO_LIMIT });
    expect(takeAll(slots)).toBe(1000);
  });
});

describe('an interval', () => {
  test('calls that ended within it count', async () => {
    const { slots, runtime } = slotsOf(budgetOf(20, 0, 10_000), 0);
    expect(slots.limit).toBe(0);
    for (let call = 0; call < 50; call++) slots.callEnded();
    expect(slots.limit).toBe(10);
    await runtime.advance(8999);
    expect(slots.limit).toBe(10);
    await runtime.advance(1001);
    expect(slots.limit).toBe(0);
  });

  test('so do the further attempts that ended within it', async () => {
    const { slots, runtime } = slotsOf(budgetOf(20, 0, 10_000), 0);
    for (let call = 0; call < 50; call++) slots.callEnded();
    for (let taken = 0; taken < 10; taken++) {
      expect(slots.take()).toBe(true);
      slots.give();
    }
    expect(slots.active).toBe(0);
    expect(slots.take()).toBe(false);
    await runtime.advance(5000);
    for (let call = 0; call < 50; call++) slots.callEnded();
    expect(takeAll(slots)).toBe(10);
  });

  test('0 counts only what is there now', () => {
    const { slots } = slotsOf(budgetOf(20, 0, 0), 0);
    for (let call = 0; call < 50; call++) slots.callEnded();
    expect(slots.limit).toBe(0);
  });
});

describe('limits that change', () => {
  test('hold for what is taken from then on; what is out stays counted', () => {
    const { slots } = slotsOf({ budget: undefined, maxRetries: 5 }, 10);
    expect(takeAll(slots)).toBe(5);
    slots.setLimits(budgetOf(20, 3));
    expect(slots.take()).toBe(false);
    for (let back = 0; back < 5; back++) slots.give();
    expect(takeAll(slots)).toBe(3);
  });

  test('the interval keeps what it has seen while it stays the same', () => {
    const { slots } = slotsOf(budgetOf(20, 0, 1000));
    for (let call = 0; call < 50; call++) slots.callEnded();
    slots.setLimits(budgetOf(40, 0, 1000));
    expect(slots.limit).toBe(20);
    slots.setLimits(budgetOf(40, 0, 2000));
    expect(slots.limit).toBe(0);
  });
});

describe('of a cluster', () => {
  const retry = retryPolicy({ budget: { percent: 20, minRetryConcurrency: 3, interval: 0 } });

  test('a wave that sleeps in its back-off counts, and is counted', async () => {
    // All fail at once; nobody has an attempt in flight while they wait.
    const virtual = new VirtualCluster([REFUSED, SILENT], { policy: { retry }, chance: () => 0.5 });
    const calls = Array.from({ length: 50 }, () => virtual.start());
    await virtual.runtime.advance(1);
    const waiting = calls.filter(({ call }) => !call.ended);
    // The first of them is judged while all 50 are there: a fifth of those; each refusal lowers the limit.
    expect(waiting.length).toBe(10);
    expect(virtual.cluster.slots.active).toBe(10);
    expect(virtual.count('upstream_rq_retry')).toBe(10);
    expect(virtual.count('upstream_rq_retry_overflow')).toBe(40);
    expect(virtual.count('retry_not_made.budget')).toBe(40);
    await virtual.runtime.advance(30);
    // The retries are under way now, and still hold their places.
    expect(virtual.cluster.slots.active).toBe(10);
    virtual.cluster.destroy(new Error('enough'));
    virtual.expectNothingLeft();
  });

  test('a place is free when the head of a retry is there, not when its body ends', async () => {
    const long = { ...answers(200, 1), chunks: [1000] };
    const virtual = new VirtualCluster([REFUSED, long], { policy: { retry }, chance: () => 0 });
    virtual.start();
    await virtual.runtime.advance(1);
    expect(virtual.cluster.slots.active).toBe(1);
    await virtual.runtime.advance(2);
    expect(virtual.cluster.slots.active).toBe(0);
    expect(virtual.cluster.activeCalls).toBe(1);
    await virtual.runtime.runUntilIdle();
    virtual.expectNothingLeft();
  });

  test('maxRetries 1: the second call is not retried, and says why', async () => {
    const limited = retryPolicy({ budget: undefined, maxRetries: 1 });
    const virtual = new VirtualCluster([REFUSED, answers(200)], { policy: { retry: limited } });
    const [first, second] = [virtual.start(), virtual.start()];
    await virtual.runtime.runUntilIdle();
    expect(first.events).toEqual(['head 200', 'end']);
    expect(second.events).toEqual(['fail connect-failure']);
    expect(second.verdicts).toEqual(['give-up: max-retries']);
    expect(second.explanation.flags).toBe('UF,UO');
    expect(virtual.count('upstream_rq_retry_overflow')).toBe(1);
    expect(virtual.count('retry_not_made.max-retries')).toBe(1);
    virtual.expectNothingLeft();
  });
});
