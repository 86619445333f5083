import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { seededRuntime } from '../../src/lab/runtime.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('draws from its seed, each runtime anew', () => {
  const draw = (seed: number) => {
    const runtime = seededRuntime(seed);
    return [runtime.random(), runtime.random(), runtime.random()];
  };
  expect(draw(5)).toEqual(draw(5));
  expect(draw(5)).not.toEqual(draw(6));
});

it('never calls back before its time, and not at all when taken back', () => {
  const runtime = seededRuntime(1);
  const called: string[] = [];
  const begun = runtime.now();
  runtime.setTimer(() => called.push(`kept ${runtime.now() - begun >= 10.5}`), 10.5);
  runtime.clearTimer(runtime.setTimer(() => called.push('taken back'), 10.5));
  runtime.setTimer(() => called.push('background'), 20, true);
  runtime.defer(() => called.push('deferred'));
  vi.advanceTimersByTime(11);
  expect(called).toEqual(['deferred']);
  vi.advanceTimersByTime(1);
  expect(called).toEqual(['deferred', 'kept true']);
  vi.advanceTimersByTime(10);
  expect(called).toEqual(['deferred', 'kept true', 'background']);
});
