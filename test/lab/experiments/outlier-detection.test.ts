import { expect, it } from 'vitest';
import {
  findings,
  outlierDetection,
  type OutlierRuns,
} from '../../../src/lab/experiments/outlier-detection.js';
import type { Summary } from '../../../src/lab/summary.js';
import { tellOf } from './live.js';
import { expectChecks, failed, failing } from './made-up.js';

const EJECTIONS = 'outlier_detection.ejections_enforced_total';

/** So many of a hundred calls were answered 500, after so many ejections. */
function detecting(
  count: number,
  ejections: number,
  received = [2, 49, 49],
  more: Record<string, number> = {},
): Summary {
  const run = failing(count, '500');
  return { ...run, received, counters: { ...run.counters, [EJECTIONS]: ejections, ...more } };
}

const good: OutlierRuns = {
  without: failing(25, '500'),
  detected: detecting(1, 3),
  retried: detecting(0, 3, [2, 50, 50], { upstream_rq_retry: 3 }),
};

it('checks what outlier detection does', () => {
  expectChecks(findings, good, {
    'failed calls without detection': { without: failing(17, '500') },
    'failed calls with detection': { detected: detecting(4, 3) },
    'ejections after a return': { detected: detecting(1, 1) },
    'share of the failing endpoint with detection': { detected: detecting(1, 3, [9, 45, 46]) },
    'failed calls with retries too': { retried: { ...good.retried, failed: 1 } },
    retries: { retried: detecting(0, 3) },
    'retries refused by the budget': {
      retried: detecting(0, 3, undefined, { upstream_rq_retry: 3, upstream_rq_retry_overflow: 1 }),
    },
  });
});

it('sees that nobody was ejected', () => {
  const off = detecting(25, 0, [33, 33, 34]);
  expect(failed(findings({ ...good, detected: off }))).toEqual([
    'failed calls with detection',
    'ejections after a return',
    'share of the failing endpoint with detection',
  ]);
});

it('tells the figures beside those of the chapter', () => {
  const { words, tables } = findings(good);
  expect(tables[0]?.rows).toEqual([
    ['no detection', '100', '25.0 %', '28 %', '33 / 33 / 34', ''],
    ['outlier detection', '100', '1.0 %', 'about 3 %', '2 / 49 / 49', '3'],
    ['and retries on 5xx', '100', '0.0 %', 'none', '2 / 50 / 50', '3'],
  ]);
  expect(words).toMatch(/costs 25 % of them; .* 1\.0 %, .* 0 of 100 calls failed, for 3 further/);
});

it('runs over the real fleet', async () => {
  // Long enough for one return.
  const pace = { speedup: 10, seconds: 14 };
  const { results } = await tellOf<Summary & { run: string }>(outlierDetection, pace);
  const [without, detected, retried] = results;
  expect(without?.failed).toBeGreaterThan(5);
  expect(detected?.counters[EJECTIONS]).toBeGreaterThan(0);
  expect(detected?.received[0]).toBeLessThan((detected?.received[1] ?? 0) / 2);
  expect(retried?.failed).toBe(0);
  expect(retried?.counters.upstream_rq_retry).toBeGreaterThan(0);
});
