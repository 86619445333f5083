import { expect, it } from 'vitest';
import { findings, timeout, type TimeoutRuns } from '../../../src/lab/experiments/timeout.js';
import type { Summary } from '../../../src/lab/summary.js';
import { tellOf } from './live.js';
import { counted, expectChecks, failed, outcome, summary } from './made-up.js';

/** A hundred calls, some of which timed out at these times. */
function limited(timedOut: number, fastest = 0.5, slowest = 0.51, others = 0): Summary {
  return counted(
    { upstream_rq_timeout: timedOut },
    {
      failed: timedOut + others,
      outcomes: {
        200: outcome(100 - timedOut - others),
        ...(timedOut > 0 && { TimeoutError: outcome(timedOut, fastest, slowest) }),
        ...(others > 0 && { ECONNRESET: outcome(others) }),
      },
      p99: slowest,
      slowest,
    },
  );
}

const good: TimeoutRuns = {
  without: summary({ p99: 1.01, slowest: 1.02 }),
  limited: limited(33),
};

it('checks what timeouts do', () => {
  expectChecks((runs: TimeoutRuns) => findings(runs, true), good, {
    'failed calls without a timeout': { without: { ...good.without, failed: 1 } },
    'p99 without a timeout': { without: { ...good.without, p99: 0.999 } },
    'calls that failed otherwise than with TimeoutError': { limited: limited(33, 0.5, 0.51, 1) },
    'calls that timed out': { limited: limited(20) },
    'earliest timeout': { limited: limited(33, 0.49, 0.51) },
    'slowest call': { limited: limited(33, 0.5, 0.6) },
    'timeouts by upstream_rq_timeout': {
      limited: { ...good.limited, counters: { upstream_rq_timeout: 32, upstream_rq_retry: 0 } },
    },
  });
});

it('allows for a busy machine in a quick run, and not for a timeout that does not work', () => {
  expect(failed(findings({ ...good, limited: limited(33, 0.5, 0.85) }, false))).toEqual([]);
  const broken = failed(findings({ ...good, limited: good.without }, false));
  expect(broken).toEqual(
    expect.arrayContaining(['calls that timed out', 'earliest timeout', 'slowest call']),
  );
});

it('runs over the real fleet', async () => {
  const pace = { speedup: 10, seconds: 20 };
  const { results } = await tellOf<Summary & { run: string }>(timeout, pace);
  expect(results.map(({ run }) => run)).toEqual(['no timeout', 'timeout 0.5 s']);
  expect(results[0]).toMatchObject({ failed: 0 });
  expect(results[0]?.slowest).toBeGreaterThanOrEqual(1);
  const timedOut = results[1]?.outcomes.TimeoutError;
  expect(timedOut?.count).toBeGreaterThan(0);
  expect(timedOut?.count).toBe(results[1]?.failed);
  expect(timedOut?.fastest).toBeGreaterThanOrEqual(0.5);
});
