/** The tables of the reference (Envoy's own, by its integer arithmetic), and what must hold of all loads. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  loadsBeside,
  priorityLoads,
  type PriorityHealth,
} from '../../src/locality/priority-loads.js';

/** Priorities of a hundred endpoints, so many of them healthy. */
const hundreds = (...healthy: readonly number[]): PriorityHealth[] =>
  healthy.map((one) => ({ count: 100, healthy: one }));

const loadsOf = (priorities: readonly PriorityHealth[], threshold = 0): readonly number[] =>
  priorityLoads(priorities, threshold).loads;

describe('loads', () => {
  test.each([
    [
      [100, 100],
      [100, 0],
    ],
    [
      [72, 100],
      [100, 0],
    ],
    [
      [71, 100],
      [99, 1],
    ],
    [
      [50, 100],
      [70, 30],
    ],
    [
      [25, 100],
      [35, 65],
    ],
    [
      [0, 100],
      [0, 100],
    ],
    [
      [50, 50, 100],
      [70, 30, 0],
    ],
    [
      [25, 100, 100],
      [35, 65, 0],
    ],
    [
      [25, 25, 100],
      [35, 35, 30],
    ],
    [
      [72, 72],
      [100, 0],
    ],
    [
      [50, 60],
      [70, 30],
    ],
    // They cannot carry it all, so each carries more than it should; what rounding leaves goes to the first.
    [
      [25, 25, 20],
      [37, 35, 28],
    ],
    [
      [20, 20],
      [50, 50],
    ],
    [
      [0, 30, 0, 30],
      [0, 50, 0, 50],
    ],
  ])('%j healthy of a hundred each: %j', (healthy, loads) => {
    expect(loadsOf(hundreds(...healthy))).toEqual(loads);
  });

  test('nobody healthy: all to the first, where nobody is found', () => {
    expect(priorityLoads(hundreds(0, 0), 0)).toEqual({ loads: [100, 0], panics: [false, false] });
  });

  test('a priority without endpoints has nothing to carry', () => {
    const empty = { count: 0, healthy: 0 };
    expect(loadsOf([empty, { count: 3, healthy: 3 }])).toEqual([0, 100]);
    expect(loadsOf([empty])).toEqual([100]);
  });
});

describe('panic', () => {
  test('not as long as all of them together can carry the load, however bad one looks', () => {
    expect(priorityLoads(hundreds(10, 100), 50).panics).toEqual([false, false]);
    expect(priorityLoads(hundreds(72, 72), 50).panics).toEqual([false, false]);
  });

  test('where the plain share is below the threshold, and not at it', () => {
    expect(priorityLoads(hundreds(49, 20), 50).panics).toEqual([true, true]);
    expect(priorityLoads(hundreds(50, 20), 50)).toEqual({ loads: [72, 28], panics: [false, true] });
    expect(priorityLoads(hundreds(50, 20), 51).panics).toEqual([true, true]);
  });

  test('of all: by the numbers of endpoints', () => {
    const few = [
      { count: 2, healthy: 0 },
      { count: 8, healthy: 1 },
    ];
    expect(priorityLoads(few, 50)).toEqual({ loads: [20, 80], panics: [true, true] });
    const thirds = Array.from({ length: 3 }, () => ({ count: 1, healthy: 0 }));
    expect(loadsOf(thirds, 50)).toEqual([34, 33, 33]);
    expect(loadsOf([{ count: 0, healthy: 0 }, ...thirds], 50)).toEqual([0, 34, 33, 33]);
    expect(loadsOf([{ count: 0, healthy: 0 }], 50)).toEqual([100]);
  });
});

describe('beside those that were tried', () => {
  test('the others by their health, and nothing when there are none', () => {
    const priorities = hundreds(100, 100, 100);
    expect(loadsBeside(priorities, (one) => one === 0)).toEqual([0, 100, 0]);
    expect(loadsBeside(hundreds(100, 50, 100), (one) => one === 0)).toEqual([0, 70, 30]);
    expect(loadsBeside(hundreds(100, 0, 0), (one) => one === 0)).toBeUndefined();
    expect(loadsBeside(priorities, () => true)).toBeUndefined();
  });
});

test('whole numbers that make 100, and nothing for those who have nobody while others have', () => {
  const priority = fc.tuple(fc.nat(200), fc.nat(200)).map(([one, other]) => ({
    count: Math.max(one, other),
    healthy: Math.min(one, other),
  }));
  fc.assert(
    fc.property(
      fc.array(priority, { minLength: 1, maxLength: 6 }),
      fc.nat(100),
      (priorities, threshold) => {
        const { loads, panics } = priorityLoads(priorities, threshold);
        expect(loads.every((load) => Number.isInteger(load) && load >= 0)).toBe(true);
        expect(loads.reduce((sum, load) => sum + load, 0)).toBe(100);
        const available = priorities.map(({ count, healthy }) =>
          count === 0 ? 0 : Math.floor((140 * healthy) / count),
        );
        if (panics.every(Boolean) || available.every((one) => one === 0)) return;
        available.forEach((one, index) => {
          if (one === 0) expect(loads[index]).toBe(0);
        });
      },
    ),
    { numRuns: 1000 },
  );
});
