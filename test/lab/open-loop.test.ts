import { expect, it } from 'vitest';
import { runOpenLoop } from '../../src/lab/open-loop.js';
import { virtualRuntime } from '../../src/testing/index.js';

const never = new AbortController().signal;

it('starts its calls evenly, whatever becomes of those before, and waits for all', async () => {
  const runtime = virtualRuntime();
  const starts: number[] = [];
  let most = 0;
  let active = 0;
  const counts: number[] = [];
  const running = runOpenLoop({
    rate: 100,
    duration: 50,
    signal: never,
    runtime,
    onCall: (calls) => counts.push(calls),
    call: () => {
      starts.push(runtime.now());
      most = Math.max(most, ++active);
      return new Promise((resolve) => {
        runtime.setTimer(() => {
          active -= 1;
          resolve(503);
        }, 1000);
      });
    },
  });
  await runtime.runUntilIdle();
  const { calls, elapsed } = await running;
  expect(starts).toEqual([0, 10, 20, 30, 40]);
  expect(most).toBe(5);
  expect(elapsed).toBe(1040);
  expect(calls).toEqual(Array(5).fill({ latency: 1000, outcome: '503', ok: false }));
  expect(counts).toEqual([1, 2, 3, 4, 5]);
});

it('makes up for a timer that came late', async () => {
  const exact = virtualRuntime();
  const starts: number[] = [];
  let timers = 0;
  const runtime = {
    ...exact,
    now: () => exact.now(),
    setTimer: (callback: () => void, delay: number) =>
      exact.setTimer(callback, ++timers === 2 ? delay + 25 : delay),
  };
  const running = runOpenLoop({
    rate: 100,
    duration: 60,
    signal: never,
    runtime,
    call: () => {
      starts.push(exact.now());
      return Promise.resolve(200);
    },
  });
  await exact.runUntilIdle();
  await running;
  // The ones of 20, 30 and 40 were due when the timer of the first of them came at 45.
  expect(starts).toEqual([0, 10, 45, 45, 45, 50]);
});

it('starts no call once it is told to stop, and leaves no timer', async () => {
  const runtime = virtualRuntime();
  const stop = new AbortController();
  let started = 0;
  const running = runOpenLoop({
    rate: 1,
    duration: 60_000,
    signal: stop.signal,
    runtime,
    call: () => {
      started += 1;
      return Promise.resolve(200);
    },
  });
  await runtime.advance(1500);
  stop.abort();
  expect((await running).calls).toHaveLength(2);
  expect(started).toBe(2);
  expect(runtime.pendingTimers).toBe(0);
});
