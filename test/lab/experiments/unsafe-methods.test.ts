import { expect, it } from 'vitest';
import {
  type CaseRun,
  findings,
  unsafeMethods,
  type UnsafeRuns,
} from '../../../src/lab/experiments/unsafe-methods.js';
import { tellOf } from './live.js';
import { expectChecks, failed } from './made-up.js';

function run(failed: number, received: number[], retries: number): CaseRun {
  return { label: 'a case', failed, received, retries };
}

const good: UnsafeRuns = {
  reset: run(2, [1, 1, 1, 1], 0),
  unsafe: run(0, [2, 1, 2, 1], 2),
  keyed: run(0, [2, 1, 2, 1], 2),
  refused: run(0, [1, 1, 1, 1], 2),
};

it('checks that nothing is doubled that must not be', () => {
  const { reset, unsafe, keyed, refused } = good;
  expectChecks(findings, good, {
    'reset payments that failed by default': { reset: { ...reset, failed: 0 } },
    'payments that failed with retryUnsafeMethods': { unsafe: { ...unsafe, failed: 1 } },
    'payments received twice with retryUnsafeMethods': { unsafe: run(0, [1, 1, 1, 1], 2) },
    'payments that failed with a key': { keyed: { ...keyed, failed: 1 } },
    'payments received twice with a key': { keyed: run(0, [1, 1, 1, 1], 2) },
    'refused payments that failed': { refused: { ...refused, failed: 1 } },
    'retries of refused payments': { refused: { ...refused, retries: 0 } },
    'refused payments received once': { refused: run(0, [1, 0, 1, 1], 2) },
    'reset payments received once': { reset: run(2, [1, 0, 1, 1], 0) },
  });
});

it('sees a payment that was doubled', () => {
  const doubled = run(1, [2, 1, 1, 1], 1);
  expect(failed(findings({ ...good, reset: doubled }))).toEqual(['reset payments received once']);
});

it('runs over the real fleet', async () => {
  const pace = { speedup: 10, seconds: 10 };
  const { results, checks } = await tellOf<CaseRun>(unsafeMethods, pace);
  // Nothing here depends on the machine's speed.
  expect(checks.filter(({ passed }) => !passed)).toEqual([]);
  for (const { received } of results) expect(received).toHaveLength(30);
});
