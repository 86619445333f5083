import { expect, it } from 'vitest';
import { until } from '../../src/lab/until.js';

const never = new AbortController().signal;

it('answers when it is true, and after how long', async () => {
  let looks = 0;
  const isTrue = () => Promise.resolve(++looks === 3);
  const after = await until(isTrue, { limit: 10_000, signal: never });
  expect(looks).toBe(3);
  expect(after).toBeGreaterThan(10);
});

it('looks at least once, and gives up in time', async () => {
  expect(await until(() => true, { limit: 0, signal: never })).toBeLessThan(1000);
  expect(await until(() => false, { limit: 15, signal: never })).toBeUndefined();
});

it('ends when it is told to', async () => {
  const stop = new AbortController();
  const waiting = until(() => false, { limit: 60_000, signal: stop.signal });
  stop.abort();
  expect(await waiting).toBeUndefined();
});
