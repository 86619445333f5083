import { expect, it } from 'vitest';
import {
  findings,
  retryStorm,
  type StormRun,
  type StormRuns,
} from '../../../src/lab/experiments/retry-storm.js';
import { tellOf } from './live.js';
import { expectChecks } from './made-up.js';

/** A hundred calls, so many requests at D. */
function storm(atD: number, others = 0): StormRun {
  return { rate: 200, calls: 100, others, received: [100, 110, 120, atD], seconds: 0.5 };
}

const good: StormRuns = {
  off: storm(100),
  unbudgeted: storm(2700),
  budgeted: storm(180),
  quiet: { ...storm(1500), rate: 10, seconds: 10 },
};

it('checks how retries multiply', () => {
  expectChecks(findings, good, {
    'calls that ended otherwise than with 503': { quiet: storm(1500, 1) },
    'requests at D, no retries': { off: storm(101) },
    'requests at D for a call, no budget': { unbudgeted: storm(1999) },
    'requests at D for a call, default budget': { budgeted: storm(201) },
  });
});

it('tells the figure at ten calls a second', () => {
  const { tables, results } = findings(good);
  expect(tables[0]?.notes[1]).toMatch(
    /^At 10 calls a second, 15\.0 requests .* \(here 150 requests/,
  );
  expect(results[3]).toMatchObject({ amplification: 15, received: { a: 100, d: 1500 } });
});

it('runs over the real fleet', async () => {
  interface Row {
    readonly run: string;
    readonly calls: number;
    readonly others: number;
    readonly received: Readonly<Record<'a' | 'b' | 'c' | 'd', number>>;
  }
  // 0.3 s of load at 200 calls a second.
  const pace = { speedup: 10, seconds: 6 };
  const { results } = await tellOf<Row>(retryStorm, pace);
  expect(results.map(({ calls }) => calls)).toEqual([60, 60, 60, 3]);
  for (const { run, others, calls, received } of results) {
    expect(others, run).toBe(0);
    expect(received.a, run).toBe(calls);
  }
  const [off, unbudgeted, budgeted] = results.map(({ received }) => received);
  expect(off).toEqual({ a: 60, b: 60, c: 60, d: 60 });
  expect(unbudgeted).toEqual({ a: 60, b: 180, c: 540, d: 1620 });
  expect(budgeted?.d).toBeGreaterThan(60);
  expect(budgeted?.d).toBeLessThan(600);
});
