/** The tables of the reference (Envoy's own, by its integer arithmetic), and what must hold of all loads. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  loadsBeside,
  priorityLoads,
  type PriorityHealth,
} from '../../src/locality/priority-loads.js';

/** Priorities of a hundred endpoints, so many of them healthy, and nobody or so many degraded. */
const hundreds = (...healthy: readonly (number | readonly [number, number])[]): PriorityHealth[] =>
  healthy.map((one) =>
    typeof one === 'number' ? of(100, one) : { count: 100, healthy: one[0], degraded: one[1] },
  );

const of = (count: number, healthy: number): PriorityHealth => ({ count, healthy, degraded: 0 });

/** Of the healthy ones, where nobody is degraded. */
const loadsOf = (priorities: readonly PriorityHealth[], threshold = 0): readonly number[] => {
  const { healthy, degraded } = priorityLoads(priorities, threshold).loads;
  expect(degraded).toEqual(priorities.map(() => 0));
  return healthy;
};

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
    expect(priorityLoads(hundreds(0, 0), 0)).toEqual({
      loads: { healthy: [100, 0], degraded: [0, 0] },
      panics: [false, false],
    });
  });

  test('a priority without endpoints has nothing to carry', () => {
    const empty = of(0, 0);
    expect(loadsOf([empty, of(3, 3)])).toEqual([0, 100]);
    expect(loadsOf([empty])).toEqual([100]);
  });
});

describe('loads with degraded endpoints', () => {
  test.each([
    // The table of Envoy's documentation for one priority.
    [[[100, 0]], [100], [0]],
    [[[71, 0]], [100], [0]],
    [[[71, 29]], [99], [1]],
    [[[25, 65]], [35], [65]],
    [[[5, 0]], [100], [0]],
    // As long as the healthy ones suffice, the degraded ones get nothing, at whichever priority.
    [[[72, 28]], [100], [0]],
    [
      [
        [50, 50],
        [50, 50],
      ],
      [70, 30],
      [0, 0],
    ],
    // Healthy ones of a later priority come before degraded ones of an earlier.
    [
      [
        [0, 100],
        [50, 0],
      ],
      [0, 70],
      [30, 0],
    ],
    [
      [
        [20, 20],
        [20, 60],
      ],
      [28, 28],
      [28, 16],
    ],
    // 140 % of 30, 10 and 14 healthy and of 5, 0 and 20 degraded are 42 + 14 + 19 and 7 + 0 + 28: 110, so nothing is scaled.
    [
      [
        [30, 5],
        [10, 0],
        [14, 20],
      ],
      [42, 14, 19],
      [7, 0, 18],
    ],
    // 7 + 14 + 4 healthy and 14 + 7 + 0 degraded are 46 in all: 15, 30, 8, 30 and 15, and 2 that rounding has left.
    [
      [
        [5, 10],
        [10, 5],
        [3, 0],
      ],
      [17, 30, 8],
      [30, 15, 0],
    ],
    // Nobody is healthy: the degraded ones take it all, and the first of them what rounding has left.
    [[[0, 1]], [0], [100]],
    [
      [
        [0, 0],
        [0, 20],
        [0, 20],
        [0, 20],
      ],
      [0, 0, 0, 0],
      [0, 34, 33, 33],
    ],
  ])('%j healthy and degraded of a hundred each: %j and %j', (parts, healthy, degraded) => {
    const { loads } = priorityLoads(hundreds(...(parts as [number, number][])), 0);
    expect(loads).toEqual({ healthy, degraded });
  });

  test('the example of Envoy: 10, 20 and 10 % healthy and 20, 10 and 0 % degraded', () => {
    const parts = [
      { count: 140, healthy: 10, degraded: 20 },
      { count: 140, healthy: 20, degraded: 10 },
      { count: 140, healthy: 10, degraded: 0 },
    ];
    expect(priorityLoads(parts, 0).loads).toEqual({ healthy: [16, 28, 14], degraded: [28, 14, 0] });
  });
});

describe('panic', () => {
  test('not as long as all of them together can carry the load, however bad one looks', () => {
    expect(priorityLoads(hundreds(10, 100), 50).panics).toEqual([false, false]);
    expect(priorityLoads(hundreds(72, 72), 50).panics).toEqual([false, false]);
  });

  test('where the plain share is below the threshold, and not at it', () => {
    expect(priorityLoads(hundreds(49, 20), 50).panics).toEqual([true, true]);
    expect(priorityLoads(hundreds(50, 20), 50).panics).toEqual([false, true]);
    expect(loadsOf(hundreds(50, 20), 50)).toEqual([72, 28]);
    expect(priorityLoads(hundreds(50, 20), 51).panics).toEqual([true, true]);
  });

  test('of all: by the numbers of endpoints', () => {
    const few = [of(2, 0), of(8, 1)];
    expect(priorityLoads(few, 50).panics).toEqual([true, true]);
    expect(loadsOf(few, 50)).toEqual([20, 80]);
    const thirds = Array.from({ length: 3 }, () => of(1, 0));
    expect(loadsOf(thirds, 50)).toEqual([34, 33, 33]);
    expect(loadsOf([of(0, 0), ...thirds], 50)).toEqual([0, 34, 33, 33]);
    expect(loadsOf([of(0, 0)], 50)).toEqual([100]);
  });

  test('of all: nobody is told apart as degraded any more', () => {
    const { loads, panics } = priorityLoads(hundreds([10, 20], [0, 30]), 50);
    expect(panics).toEqual([true, true]);
    expect(loads).toEqual({ healthy: [50, 50], degraded: [0, 0] });
  });

  test('a degraded endpoint is there as a healthy one is', () => {
    // 98 % is too little, and 70 of a hundred are not.
    expect(priorityLoads(hundreds([40, 30]), 70).panics).toEqual([false]);
    expect(priorityLoads(hundreds([40, 30]), 71).panics).toEqual([true]);
    expect(priorityLoads(hundreds([10, 61]), 100).panics).toEqual([true]);
    // 14 % and 86 % make it whole.
    expect(priorityLoads(hundreds([10, 62]), 100).panics).toEqual([false]);
  });
});

describe('beside those that were tried', () => {
  test('the others by their health, and nothing when there are none', () => {
    const priorities = hundreds(100, 100, 100);
    const none = [0, 0, 0];
    const healthy = (...loads: readonly number[]) => ({ healthy: loads, degraded: none });
    expect(loadsBeside(priorities, (one) => one === 0)).toEqual(healthy(0, 100, 0));
    expect(loadsBeside(hundreds(100, 50, 100), (one) => one === 0)).toEqual(healthy(0, 70, 30));
    expect(loadsBeside(hundreds(100, 0, 0), (one) => one === 0)).toBeUndefined();
    expect(loadsBeside(priorities, () => true)).toBeUndefined();
  });

  test('degraded ones of others come before those that were tried', () => {
    expect(loadsBeside(hundreds(100, [0, 10]), (one) => one === 0)).toEqual({
      healthy: [0, 0],
      degraded: [0, 100],
    });
    expect(loadsBeside(hundreds([50, 50], [50, 50]), (one) => one === 0)).toEqual({
      healthy: [0, 70],
      degraded: [0, 30],
    });
  });
});

/** The same said plainly, one hundredth of the calls after the other. */
function plainly(priorities: readonly PriorityHealth[]): { healthy: number[]; degraded: number[] } {
  const percentOf = (part: number, count: number): number =>
    count === 0 ? 0 : Math.min(100, Math.floor((140 * part) / count));
  const slots = [
    ...priorities.map(({ healthy, count }) => percentOf(healthy, count)),
    ...priorities.map(({ degraded, count }) => percentOf(degraded, count)),
  ];
  const total = Math.min(
    100,
    slots.reduce((all, one) => all + one, 0),
  );
  const loads = slots.map(() => 0);
  let given = 0;
  slots.forEach((slot, index) => {
    for (let want = Math.floor((slot * 100) / total); want > 0 && given < 100; want--, given++) {
      loads[index] = (loads[index] ?? 0) + 1;
    }
  });
  // Healthy slots come first, so the first that can carry anything is a healthy one if there is any.
  const first = slots.findIndex((slot) => slot > 0);
  loads[first] = (loads[first] ?? 0) + 100 - given;
  return { healthy: loads.slice(0, priorities.length), degraded: loads.slice(priorities.length) };
}

test('always what a plain statement of the rule says, in whole numbers that make 100', () => {
  const priority = fc
    .tuple(fc.nat(60), fc.oneof(fc.constant(0), fc.nat(60)), fc.nat(120))
    .map(([healthy, degraded, out]) => ({ count: healthy + degraded + out, healthy, degraded }));
  fc.assert(
    fc.property(
      fc.array(priority, { minLength: 1, maxLength: 6 }),
      fc.nat(100),
      (priorities, threshold) => {
        const { loads, panics } = priorityLoads(priorities, threshold);
        const all = [...loads.healthy, ...loads.degraded];
        expect(all.every((load) => Number.isInteger(load) && load >= 0)).toBe(true);
        expect(all.reduce((sum, load) => sum + load, 0)).toBe(100);
        const isThere = ({ count, healthy, degraded }: PriorityHealth): boolean =>
          Math.floor((140 * healthy) / count) + Math.floor((140 * degraded) / count) > 0;
        if (panics.every(Boolean)) expect(loads.degraded).toEqual(priorities.map(() => 0));
        else if (priorities.some(isThere)) expect(loads).toEqual(plainly(priorities));
      },
    ),
    { numRuns: 2000 },
  );
});
