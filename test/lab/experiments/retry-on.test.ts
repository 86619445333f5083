import { expect, it } from 'vitest';
import { findings, retryOn, type RetryOnRuns } from '../../../src/lab/experiments/retry-on.js';
import type { Summary } from '../../../src/lab/summary.js';
import { tellOf } from './live.js';
import { counted, expectChecks, failing } from './made-up.js';

const good: RetryOnRuns = {
  byDefault: failing(25, '500'),
  on5xx: counted({ upstream_rq_retry: 25 }),
};

it('checks what retryOn does', () => {
  expectChecks(findings, good, {
    'failed calls by default': { byDefault: failing(33, '500') },
    'retries by default': { byDefault: { ...good.byDefault, counters: { upstream_rq_retry: 1 } } },
    'failed calls with 5xx': { on5xx: { ...good.on5xx, failed: 1 } },
    'retries with 5xx': { on5xx: counted({ upstream_rq_retry: 0 }) },
  });
});

it('runs over the real fleet', async () => {
  const pace = { speedup: 10, seconds: 30 };
  const { results } = await tellOf<Summary & { run: string }>(retryOn, pace);
  expect(results.map(({ run }) => run)).toEqual(['default retryOn', 'retryOn 5xx']);
  expect(results[0]?.outcomes[500]?.count).toBeGreaterThan(0);
  expect(results[0]?.counters.upstream_rq_retry).toBe(0);
  expect(results[1]?.failed).toBe(0);
  expect(results[1]?.counters.upstream_rq_retry).toBeGreaterThan(0);
});
