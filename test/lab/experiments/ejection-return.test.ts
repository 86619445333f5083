import { expect, it } from 'vitest';
import type { LoggedEjection } from '../../../src/lab/ejections.js';
import {
  ejectionReturn,
  findings,
  type ReturnRun,
  type Stretch,
} from '../../../src/lab/experiments/ejection-return.js';
import { tellOf } from './live.js';
import { expectChecks } from './made-up.js';

function stretch(first: number, failed = 0, healthy = 3): Stretch {
  return {
    calls: 100,
    failed,
    received: [first, 50, 50],
    seen: {
      healthy: healthy === 3,
      ejected: healthy < 3,
      returnsIn: healthy < 3 ? 6.5 : undefined,
      ejections: 1,
      success: 5,
      error: 1,
    },
    counters: { membership_healthy: healthy },
  };
}

function ejection(times: number, ejectionTime: number, outFor: number | undefined): LoggedEjection {
  const endpoint = 'simple-backend-1';
  return { endpoint, reason: 'consecutive_5xx', ejections: times, at: 2, ejectionTime, outFor };
}

const first = ejection(1, 5, 7);
const second = ejection(2, 10, 12);

const good: ReturnRun = {
  before: stretch(50),
  out: stretch(0, 0, 2),
  back: stretch(50),
  outAgain: stretch(0, 0, 2),
  backAgain: stretch(50),
  failures: [1, 1],
  ejections: [first, second],
};

it('checks that it goes and comes back', () => {
  expectChecks(findings, good, {
    'share before': { before: stretch(20) },
    'requests that reached it while it was ejected': { out: stretch(1, 0, 2) },
    'share when it was back': { back: stretch(0) },
    'requests that reached it while it was ejected again': { outAgain: stretch(1, 0, 2) },
    'share when it was back again': { backAgain: stretch(0) },
    'failed calls, but for those that ejected it': { back: stretch(50, 1) },
    'failed calls that ejected it': { failures: [1, 2] },
    ejections: { ejections: [first, second, second] },
    'ejection time of the first one': { ejections: [{ ...first, ejectionTime: 6 }, second] },
    'ejection time of the second one': { ejections: [first, { ...second, ejectionTime: 5 }] },
    'first ejection': { ejections: [{ ...first, outFor: 4.9 }, second] },
    'first ejection, with the wait for the sweep': {
      ejections: [{ ...first, outFor: 13 }, second],
    },
    'second ejection': { ejections: [first, { ...second, outFor: 9 }] },
    'second ejection, with the wait for the sweep': {
      ejections: [first, { ...second, outFor: 18 }],
    },
    'endpoints healthy in the end': { backAgain: stretch(50, 0, 2) },
  });
});

it('tells what endpoints() said', () => {
  const { tables } = findings(good);
  expect(tables[1]?.rows[1]).toEqual(['ejected', 'false', 'true', '6.50', '1', '5', '1']);
});

it('tells of an endpoint that was never ejected, too', () => {
  const { words } = findings({ ...good, out: stretch(50), ejections: [] });
  expect(words).toMatch(/33 % while it was ejected/);
});

it('runs over the real fleet', async () => {
  interface Row extends Stretch {
    readonly run: string;
    readonly ejections: readonly LoggedEjection[];
  }
  const { results } = await tellOf<Row>(ejectionReturn, { speedup: 10, seconds: 10 });
  const [before, out, back, outAgain, backAgain, last] = results;
  expect([out?.received[0], outAgain?.received[0]]).toEqual([0, 0]);
  for (const there of [before, back, backAgain]) {
    expect(there?.received[0]).toBeGreaterThan(0);
    expect(there?.seen).toMatchObject({ healthy: true, ejected: false });
  }
  expect(out?.seen).toMatchObject({ healthy: false, ejected: true, ejections: 1 });
  expect(last?.ejections).toMatchObject([{ ejections: 1, ejectionTime: 5 }, { ejections: 2 }]);
});
