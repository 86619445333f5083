/** A count over a window of time, against the list of all that happened. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RollingCount } from '../../src/cluster/rolling-count.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';

test('holds what happened in the window, give or take a tenth of it', async () => {
  const step = fc.tuple(fc.integer({ min: 0, max: 400 }), fc.boolean());
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      fc.constantFrom(1, 10, 333, 1000),
      async (steps, interval) => {
        const runtime = virtualRuntime();
        const count = new RollingCount(runtime, interval);
        const times: number[] = [];
        for (const [pause, adds] of steps) {
          await runtime.advance(pause);
          if (adds) {
            count.add();
            times.push(runtime.now());
          }
          const within = (ms: number) => times.filter((time) => time > runtime.now() - ms).length;
          expect(count.total()).toBeLessThanOrEqual(within(interval));
          expect(count.total()).toBeGreaterThanOrEqual(within(0.9 * interval));
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('what happens now is in it at once, and gone after the window', async () => {
  const runtime = virtualRuntime();
  const count = new RollingCount(runtime, 1000);
  for (let time = 0; time < 7; time++) count.add();
  expect(count.total()).toBe(7);
  await runtime.advance(500);
  count.add();
  expect(count.total()).toBe(8);
  await runtime.advance(500);
  expect(count.total()).toBe(1);
  await runtime.advance(1_000_000);
  expect(count.total()).toBe(0);
  count.add();
  expect(count.total()).toBe(1);
});
