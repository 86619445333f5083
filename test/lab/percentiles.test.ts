import { describe, expect, it } from 'vitest';
import { measure } from '../../src/lab/figures.js';
import { percentile, sorted } from '../../src/lab/percentiles.js';

describe('a percentile', () => {
  const ten = sorted([10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);

  it.each([
    [0, 1],
    [10, 1],
    [11, 2],
    [50, 5],
    [75, 8],
    [90, 9],
    [99, 10],
    [100, 10],
  ])('of %d per cent of 1 to 10 is %d', (percent, value) => {
    expect(percentile(ten, percent)).toBe(value);
  });

  it('sorts by size and not as text', () => {
    expect([...sorted([100, 9, 20])]).toEqual([9, 20, 100]);
  });

  it('is refused where there is none', () => {
    expect(() => percentile(sorted([]), 50)).toThrow('a percentile of no samples');
    expect(() => percentile(ten, 101)).toThrow('no percentile: 101');
  });
});

describe('the figures of a run', () => {
  it("are multiplied back to the chapter's scale", () => {
    const calls = [200, 30, 30, 30].map((latency) => ({ latency, outcome: '200', ok: true }));
    const failed = { latency: 7000, outcome: '503', ok: false };
    const result = { calls: [...calls, failed], elapsed: 400 };
    const { figures, latencies: rising } = measure(result, { speedup: 5, seconds: 2 });
    expect(figures).toEqual({
      calls: 4,
      failed: 1,
      qps: 2,
      p50: 0.15,
      p75: 0.15,
      p90: 1,
      p99: 1,
    });
    expect([...rising]).toEqual([0.15, 0.15, 0.15, 1]);
  });

  it('cannot be had without an answered call', () => {
    const pace = { speedup: 1, seconds: 1 };
    const lost = { latency: 1, outcome: 'ECONNREFUSED', ok: false, message: 'refused' };
    const refused = { latency: 1, outcome: '503', ok: false };
    expect(() => measure({ calls: [lost, refused], elapsed: 400 }, pace)).toThrow(
      'no call was answered, 2 failed: refused',
    );
    expect(() => measure({ calls: [refused], elapsed: 400 }, pace)).toThrow(
      'no call was answered, 1 failed: answered 503',
    );
    expect(() => measure({ calls: [], elapsed: 400 }, pace)).toThrow('0 failed: none was made');
  });
});
