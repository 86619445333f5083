import { expect, it } from 'vitest';
import {
  type Beside,
  findings,
  type Hanging,
  isolation,
  type IsolationRuns,
} from '../../../src/lab/experiments/isolation.js';
import type { Figures } from '../../../src/lab/figures.js';
import { tellOf } from './live.js';
import { expectChecks, failed } from './made-up.js';

const figures: Figures = {
  calls: 600,
  failed: 0,
  qps: 66,
  p50: 0.151,
  p75: 0.151,
  p90: 0.152,
  p99: 0.155,
};
const hanging: Hanging = { calls: 100, hung: 8, refused: 92, refusal: 'reports: overflow' };

const alone: Beside = {
  figures,
  hanging: { calls: 0, hung: 0, refused: 0, refusal: '' },
  looks: 50,
  full: 0,
  healthyCounters: { upstream_rq_total: 600 },
  hangingCounters: { upstream_rq_total: 0 },
};
const beside: Beside = { ...alone, hanging, full: 50 };
const good: IsolationRuns = { alone, beside };

const full = (runs: IsolationRuns) => findings(runs, true);

function slower(changes: Partial<Figures>): Partial<IsolationRuns> {
  return { beside: { ...beside, figures: { ...figures, ...changes } } };
}

it('checks that the healthy service does not notice', () => {
  expectChecks(full, good, {
    'failed calls of the healthy service': slower({ failed: 1 }),
    'its rate beside a hanging one': slower({ qps: 62 }),
    'its p50 beside a hanging one': slower({ p50: 0.17 }),
    'its p90 beside a hanging one': slower({ p90: 0.21 }),
    'calls that hang': { beside: { ...beside, hanging: { ...hanging, hung: 7, calls: 99 } } },
    'calls refused by the hanging service': {
      beside: { ...beside, hanging: { ...hanging, refused: 0, calls: 8 } },
    },
    'calls to it that ended otherwise': {
      beside: { ...beside, hanging: { ...hanging, calls: 101 } },
    },
    'looks at its pool': { beside: { ...beside, looks: 0, full: 0 } },
    'looks that found it full': { beside: { ...beside, full: 49 } },
  });
});

it('allows for a busy machine in a quick run', () => {
  const busy = slower({ qps: 50, p50: 0.24, p90: 0.39 });
  expect(failed(findings({ ...good, ...busy }, false))).toEqual([]);
});

it('runs over the real fleet', async () => {
  const pace = { speedup: 10, seconds: 8 };
  const { results } = await tellOf<Figures & Beside>(isolation, pace);
  const [first, second] = results;
  expect(first).toMatchObject({ failed: 0, hanging: { calls: 0 } });
  expect(second).toMatchObject({ failed: 0, hanging: { hung: 8 } });
  expect(second?.hanging.refused).toBeGreaterThan(0);
  expect(second?.looks).toBeGreaterThan(0);
  expect(second?.full).toBe(second?.looks);
});
