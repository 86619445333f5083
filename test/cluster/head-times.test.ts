/** Percentiles of recent head times, against a sorted list. */
import { describe, expect, test } from 'vitest';
import { HeadTimes } from '../../src/cluster/head-times.js';
import { seededRandom } from '../../src/testing/index.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';

/** Two figures of the histogram: a bucket is at most a hundredth of its value wide, and a microsecond is the unit. */
const PRECISION = 0.01;

/** The smallest of the times that so many of a hundred do not exceed. */
function percentileOf(times: readonly number[], percent: number): number {
  const sorted = times.toSorted((one, other) => one - other);
  // A little less than a whole number is one.
  const rank = Math.ceil((percent * sorted.length) / 100 - 1e-9);
  return sorted[Math.max(rank, 1) - 1] as number;
}

function headTimes(times: readonly number[] = []) {
  const runtime = virtualRuntime();
  const real = new HeadTimes(runtime);
  const heads = {
    record: (time: number, at: number) => real.record(time, at),
    percentile: (percent: number) => real.percentile(percent, runtime.now()),
  };
  for (const time of times) heads.record(time, runtime.now());
  return { runtime, heads };
}

const random = seededRandom(95);
const SAMPLES: Record<string, () => number> = {
  'all the same': () => 50,
  even: () => random() * 100,
  exponential: () => -40 * Math.log(1 - random()),
  'with a second hump': () => (random() < 0.1 ? 800 + 400 * random() : 5 + 10 * random()),
  'below a millisecond': () => 0.2 + 0.6 * random(),
  'up to a minute': () => 60_000 * random() ** 4,
};

describe.each(Object.entries(SAMPLES))('%s', (_, draw) => {
  test.each([1, 50, 90, 95, 99, 99.9])('p%d', (percent) => {
    const times = Array.from({ length: 2000 }, draw);
    const { heads } = headTimes(times);
    const expected = percentileOf(times, percent);
    const found = heads.percentile(percent) as number;
    expect(Math.abs(found - expected)).toBeLessThanOrEqual(expected * PRECISION + 0.001);
  });
});

test('fewer than twenty answers say nothing, twenty do', () => {
  const { heads } = headTimes(Array.from({ length: 19 }, () => 10));
  expect(heads.percentile(95)).toBeUndefined();
  heads.record(10, 0);
  expect(heads.percentile(95)).toBeCloseTo(10, 0);
});

test('what is older than ten seconds is forgotten, a second at a time', async () => {
  const { runtime, heads } = headTimes();
  // 30 answers a second that take as many milliseconds as the number of the second says.
  for (let second = 1; second <= 20; second++) {
    for (let answer = 0; answer < 30; answer++) {
      heads.record(second * 10, runtime.now());
      await runtime.advance(1000 / 30);
    }
  }
  const least = heads.percentile(0.1) as number;
  expect(least).toBeGreaterThanOrEqual(110 * (1 - PRECISION));
  expect(least).toBeLessThanOrEqual(120 * (1 + PRECISION));
  expect(heads.percentile(100)).toBeCloseTo(200, -1);
});

test.each([10_000, 10_001, 60_000, 1e9])(
  'after %d ms without an answer nothing is known',
  async (ms) => {
    const { runtime, heads } = headTimes(Array.from({ length: 100 }, () => 10));
    await runtime.advance(ms);
    expect(heads.percentile(95)).toBeUndefined();
    for (let answer = 0; answer < 20; answer++) heads.record(30, runtime.now());
    expect(heads.percentile(95)).toBeCloseTo(30, 0);
  },
);

test('within ten seconds they are still there', async () => {
  const { runtime, heads } = headTimes(Array.from({ length: 20 }, () => 10));
  await runtime.advance(9999);
  expect(heads.percentile(50)).toBeCloseTo(10, 0);
});

test('new answers show before the second is over', () => {
  const { heads } = headTimes(Array.from({ length: 100 }, () => 10));
  expect(heads.percentile(95)).toBeCloseTo(10, 0);
  for (let answer = 0; answer < 100; answer++) heads.record(500, 0);
  expect(heads.percentile(95)).toBeGreaterThan(490);
});

test('times that cannot be are taken for the nearest that can', () => {
  const { heads } = headTimes([
    ...Array.from({ length: 10 }, () => -5),
    0,
    ...Array<number>(9).fill(0),
  ]);
  expect(heads.percentile(95)).toBeLessThanOrEqual(0.001);
  const long = headTimes(Array.from({ length: 20 }, () => 3_600_000));
  expect(long.heads.percentile(95)).toBeGreaterThan(59_000);
  const endless = headTimes(Array.from({ length: 20 }, () => Number.POSITIVE_INFINITY));
  expect(endless.heads.percentile(95)).toBeGreaterThan(59_000);
});

test('of very many answers a second some by chance are enough, whoever takes turns', async () => {
  const { runtime, heads } = headTimes();
  for (let second = 0; second < 3; second++) {
    // Every sixth comes from a slow endpoint.
    for (let answer = 0; answer < 6000; answer++)
      heads.record(answer % 6 === 0 ? 500 : 5, runtime.now());
    await runtime.advance(1000);
  }
  await runtime.advance(8500);
  expect(heads.percentile(75)).toBeCloseTo(5, 0);
  expect(heads.percentile(90)).toBeGreaterThan(490);
});

test('twenty answers are enough, too, when there were very many before a pause', async () => {
  const { runtime, heads } = headTimes();
  for (let answer = 0; answer < 20_000; answer++) heads.record(5, runtime.now());
  await runtime.advance(12_000);
  for (let answer = 0; answer < 20; answer++) heads.record(30, runtime.now());
  expect(heads.percentile(95)).toBeCloseTo(30, 0);
});
