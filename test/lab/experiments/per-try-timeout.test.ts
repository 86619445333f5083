import { expect, it } from 'vitest';
import {
  findings,
  perTryTimeout,
  type PerTryRuns,
} from '../../../src/lab/experiments/per-try-timeout.js';
import type { Summary } from '../../../src/lab/summary.js';
import { tellOf } from './live.js';
import { counted, expectChecks, failed, summary } from './made-up.js';

const counters = { upstream_rq_retry: 33, upstream_rq_per_try_timeout: 33 };
const slow = summary({ p99: 1.01, slowest: 1.02 });
const good: PerTryRuns = { without: slow, limited: counted(counters, { p99: 0.48 }) };

it('checks what a per-try timeout does', () => {
  const changed = (changes: Partial<Summary>) => ({ limited: { ...good.limited, ...changes } });
  expectChecks((runs: PerTryRuns) => findings(runs, true), good, {
    'failed calls': changed({ failed: 1 }),
    'p99 without a limit': { without: { ...slow, p99: 0.99 } },
    'tries that waited for the slow endpoint': changed({ received: [34, 40, 40] }),
    'p99 with per-try timeout': changed({ p99: 0.55 }),
    'tries that took too long': changed(
      counted(
        { ...counters, upstream_rq_per_try_timeout: 0 },
        { p99: 0.48, received: [0, 50, 50] },
      ),
    ),
    'retries refused by the budget': changed(
      counted({ ...counters, upstream_rq_retry_overflow: 1 }, { p99: 0.48 }),
    ),
  });
});

it('allows for a busy machine in a quick run, and not for a limit that does not work', () => {
  const busy = { ...good, limited: { ...good.limited, p99: 0.85 } };
  expect(failed(findings(busy, false))).toEqual([]);
  expect(failed(findings({ ...good, limited: slow }, false))).toEqual([
    'tries that took too long',
    'tries that waited for the slow endpoint',
    'p99 with per-try timeout',
  ]);
});

it('runs over the real fleet', async () => {
  const pace = { speedup: 10, seconds: 20 };
  const { results } = await tellOf<Summary & { run: string }>(perTryTimeout, pace);
  expect(results.map(({ run }) => run)).toEqual(['no limit', 'per-try timeout 0.3 s']);
  expect(results[0]?.slowest).toBeGreaterThanOrEqual(1);
  expect(results[1]?.counters.upstream_rq_per_try_timeout).toBeGreaterThan(0);
  expect(results[1]?.counters.upstream_rq_retry).toBeGreaterThan(0);
});
