import { expect, it } from 'vitest';
import {
  findings,
  hedging,
  type HedgingRuns,
  type LoadRun,
} from '../../../src/lab/experiments/hedging.js';
import type { Figures } from '../../../src/lab/figures.js';
import type { Summary } from '../../../src/lab/summary.js';
import { tellOf } from './live.js';
import { counted, expectChecks, failed, failing, summary } from './made-up.js';

function load(changes: Partial<Figures>, hedges: number): LoadRun {
  const figures = { calls: 600, failed: 0, qps: 60, p50: 0.15, p75: 0.15, p90: 0.15, p99: 0.31 };
  const latencies = Float64Array.of(0.15, 0.31);
  return { figures: { ...figures, ...changes }, latencies, hedges, shares: [0.02, 0.48, 0.5] };
}

const good: HedgingRuns = {
  oneSlow: counted({ upstream_rq_retry: 33 }, { p99: 0.48 }),
  cutOff: failing(100, 'TimeoutError'),
  goingOn: counted({ upstream_rq_retry: 100 }, { p99: 0.41 }),
  alone: load({ qps: 57, p99: 1 }, 0),
  hedged: load({}, 30),
};

it('checks what hedging does', () => {
  const oneSlow = (changes: Partial<Summary>) => ({ oneSlow: { ...good.oneSlow, ...changes } });
  expectChecks((runs: HedgingRuns) => findings(runs, true), good, {
    'failed calls, one slow': oneSlow({ failed: 1 }),
    'p99, one slow': oneSlow({ p99: 0.55 }),
    'retries, one slow': oneSlow(counted({ upstream_rq_retry: 0 })),
    'tries cut off, one slow': oneSlow(
      counted({ upstream_rq_retry: 33, upstream_rq_per_try_timeout: 1 }),
    ),
    'failed calls, all 0.4 s and not hedged': { cutOff: failing(79, 'TimeoutError') },
    'failed calls, all 0.4 s and hedged': { goingOn: { ...good.goingOn, failed: 1 } },
    'p99, all 0.4 s and hedged': { goingOn: { ...good.goingOn, p99: 0.45 } },
    'failed calls of the load table': { alone: load({ failed: 1 }, 0) },
    'hedged qps': { hedged: load({ qps: 54.9 }, 30) },
    'hedged p99': { hedged: load({ p99: 0.4 }, 30) },
    hedges: { hedged: load({}, 0) },
  });
});

it('allows for a busy machine in a quick run, and not for a hedge that is not made', () => {
  const busy = { ...good, hedged: load({ qps: 45, p99: 0.7 }, 30) };
  expect(failed(findings(busy, false))).toEqual([]);
  const unhedged = {
    ...good,
    goingOn: good.cutOff,
    oneSlow: summary({ p99: 1 }),
    hedged: good.alone,
  };
  expect(failed(findings(unhedged, false))).toEqual([
    'p99, one slow',
    'retries, one slow',
    'failed calls, all 0.4 s and hedged',
    'hedged p99',
    'hedges',
  ]);
});

it('runs over the real fleet', async () => {
  const pace = { speedup: 10, seconds: 20 };
  type Row = Summary & Figures & { run: string; hedges: number; shares: Record<string, number> };
  const { results } = await tellOf<Row>(hedging, pace);
  expect(results.map(({ run }) => run)).toEqual([
    'one slow, hedged',
    'all 0.4 s',
    'all 0.4 s, hedged',
    'peak-ewma',
    'peak-ewma, hedged',
  ]);
  const [oneSlow, cutOff, goingOn, alone, hedged] = results;
  expect(oneSlow?.counters.upstream_rq_retry).toBeGreaterThan(0);
  expect(cutOff?.failed).toBeGreaterThan(0);
  expect(goingOn?.outcomes[200]?.count).toBeGreaterThan(0);
  expect(alone?.hedges).toBe(0);
  expect(hedged?.hedges).toBeGreaterThan(0);
});
