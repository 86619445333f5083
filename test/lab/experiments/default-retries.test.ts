import { expect, it } from 'vitest';
import {
  defaultRetries,
  type DefaultRetryRuns,
  findings,
} from '../../../src/lab/experiments/default-retries.js';
import type { Summary } from '../../../src/lab/summary.js';
import { tellOf } from './live.js';
import { counted, expectChecks, failing } from './made-up.js';

const good: DefaultRetryRuns = {
  without: failing(25, '503'),
  retried: counted({ upstream_rq_retry: 25 }),
};

it('checks what default retries do', () => {
  expectChecks(findings, good, {
    'failed calls without retries': { without: failing(17, '503') },
    'retries without retries': {
      without: { ...good.without, counters: { upstream_rq_retry: 1 } },
    },
    'failed calls with the default': { retried: { ...good.retried, failed: 1 } },
    'retries with the default': { retried: counted({ upstream_rq_retry: 0 }) },
    'retries refused by the budget': {
      retried: counted({ upstream_rq_retry: 25, upstream_rq_retry_overflow: 1 }),
    },
  });
});

it('says how many failed', () => {
  const { words, tables } = findings({ ...good, retried: { ...good.retried, failed: 2 } });
  expect(words).toMatch(/: 25 % .* and 2 of 100 with them, .* 25 further requests\.$/);
  expect(tables[0]?.rows.map((row) => row.slice(0, 4))).toEqual([
    ['no retries', '100', '25 (25.0 %)', '503'],
    ['default retries', '100', '2 (2.0 %)', ''],
  ]);
});

it('runs over the real fleet', async () => {
  const pace = { speedup: 10, seconds: 30 };
  const { results } = await tellOf<Summary & { run: string }>(defaultRetries, pace);
  expect(results.map(({ run }) => run)).toEqual(['no retries', 'default retries']);
  expect(results[0]?.outcomes[503]?.count).toBeGreaterThan(0);
  expect(results[1]?.failed).toBe(0);
  expect(results[1]?.counters.upstream_rq_retry).toBeGreaterThan(0);
});
