import { expect, it } from 'vitest';
import { loadBalancing } from '../../../src/lab/experiments/load-balancing.js';
import { tellOf } from './live.js';

interface Row {
  readonly policy: string;
  readonly calls: number;
  readonly failed: number;
  readonly p99: number;
  readonly shares: Readonly<Record<string, number>>;
}

it('runs every policy over the real fleet, and each endpoint is called by each', async () => {
  // Half a second a policy.
  const pace = { speedup: 20, seconds: 10 };
  const { results, words, checks } = await tellOf<Row>(loadBalancing, pace);

  expect(results.map(({ policy }) => policy)).toEqual([
    'round-robin',
    'random',
    'least-request',
    'peak-ewma',
  ]);
  for (const { policy, calls, failed, p99, shares } of results) {
    expect(failed, policy).toBe(0);
    expect(calls, policy).toBeGreaterThan(20);
    // The slow endpoint was met, and never answered before its second of the chapter's time.
    expect(p99, policy).toBeGreaterThanOrEqual(1);
    const parts = Object.values(shares);
    expect(parts, policy).toHaveLength(3);
    for (const part of parts) expect(part, policy).toBeGreaterThan(0);
    expect(parts.reduce((sum, part) => sum + part, 0)).toBeCloseTo(1, 10);
  }
  expect(words).toMatch(
    /^What it shows: of all calls, \d+ % with round-robin, .* of 66\.7 possible\.$/,
  );
  expect(checks.map(({ name }) => name)).toContain('least-request qps');
});
