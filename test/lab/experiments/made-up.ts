/** Runs that never were, for the findings of experiments. */
import { expect } from 'vitest';
import type { Findings } from '../../../src/lab/experiment.js';
import type { Outcome, Summary } from '../../../src/lab/summary.js';

/** Of a hundred calls that went well, unless something else is said. */
export function summary(changes: Partial<Summary> = {}): Summary {
  return {
    calls: 100,
    failed: 0,
    outcomes: { 200: outcome(100) },
    flags: {},
    p50: 0.15,
    p99: 0.16,
    slowest: 0.17,
    received: [33, 33, 34],
    ...changes,
    counters: {
      upstream_rq_retry: 0,
      upstream_rq_retry_overflow: 0,
      upstream_rq_per_try_timeout: 0,
      upstream_rq_timeout: 0,
      ...changes.counters,
    },
  };
}

/** A run of which so many of a hundred calls failed. */
export function failing(count: number, how: string): Summary {
  const outcomes = { 200: outcome(100 - count), ...(count > 0 && { [how]: outcome(count) }) };
  return summary({ failed: count, outcomes });
}

/** A run of which so many of a hundred calls were refused by the client, with this response flag. */
export function refusing(count: number, flag: string, changes: Partial<Summary> = {}): Summary {
  const flags = count > 0 ? { [flag]: { count, message: 'refused' } } : {};
  return summary({ failed: count, flags, ...changes });
}

export function outcome(count: number, fastest = 0.15, slowest = 0.17): Outcome {
  return { count, fastest, slowest };
}

/** A run whose counters are these. */
export function counted(counters: Record<string, number>, changes: Partial<Summary> = {}): Summary {
  return summary({ ...changes, counters });
}

/** The names of the checks that failed. */
export function failed({ checks }: Findings): string[] {
  return checks.filter(({ passed }) => !passed).map(({ name }) => name);
}

/**
 * Each bad run makes one check fail and no other; together they make every check fail once.
 * @param bad by the name of the check
 */
export function expectChecks<Runs extends object>(
  findings: (runs: Runs) => Findings,
  good: Runs,
  bad: Readonly<Record<string, Partial<Runs>>>,
): void {
  expect(failed(findings(good))).toEqual([]);
  for (const [name, runs] of Object.entries(bad)) {
    expect(failed(findings({ ...good, ...runs })), name).toEqual([name]);
  }
  expect(Object.keys(bad).sort()).toEqual(
    findings(good)
      .checks.map(({ name }) => name)
      .sort(),
  );
}
