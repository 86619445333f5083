/** What a run of calls came to, where calls may fail: in the chapter's scale, and ready to be put into a table. */
import type { Table } from './experiment.js';
import type { LoadResult } from './load.js';
import type { Pace } from './pace.js';
import { percentile, sorted } from './percentiles.js';

/** The calls of one outcome. Times in seconds of the chapter's time. */
export interface Outcome {
  readonly count: number;
  readonly fastest: number;
  readonly slowest: number;
}

export interface Summary {
  readonly calls: number;
  /** Those without an answer, and those answered with a status from 400 on. */
  readonly failed: number;
  /** By status, or by the error in place of one. */
  readonly outcomes: Readonly<Record<string, Outcome>>;
  /** Seconds of the chapter's time of all calls, failed ones too. */
  readonly p50: number;
  readonly p99: number;
  readonly slowest: number;
  /** Requests that each endpoint received, in the order of the endpoints. */
  readonly received: readonly number[];
  /** The client's counters, by Envoy's names without the cluster's. */
  readonly counters: Readonly<Record<string, number>>;
}

/** A run, its endpoints' counts, and the counters of the client that made it. */
export interface Made extends LoadResult {
  readonly received: readonly number[];
  readonly counters: Readonly<Record<string, number>>;
}

/** @throws {Error} when no call was made. */
export function summarize({ calls, received, counters }: Made, pace: Pace): Summary {
  if (calls.length === 0) throw new Error('no call was made');
  const outcomes: Record<string, Outcome> = {};
  const latencies = calls.map(({ latency, outcome }) => {
    const seconds = (latency / 1000) * pace.speedup;
    const before = outcomes[outcome] ?? { count: 0, fastest: seconds, slowest: seconds };
    outcomes[outcome] = {
      count: before.count + 1,
      fastest: Math.min(before.fastest, seconds),
      slowest: Math.max(before.slowest, seconds),
    };
    return seconds;
  });
  const rising = sorted(latencies);
  return {
    calls: calls.length,
    failed: calls.filter(({ ok }) => !ok).length,
    outcomes,
    p50: percentile(rising, 50),
    p99: percentile(rising, 99),
    slowest: percentile(rising, 100),
    received,
    counters,
  };
}

/** Of all calls, in per cent. */
export function failedPercent({ failed, calls }: Summary): number {
  return (failed / calls) * 100;
}

/**
 * A counter of the client by Envoy's name.
 * @throws {Error} when there is none of that name.
 */
export function counter({ counters }: Summary, name: string): number {
  const value = counters[name];
  if (value === undefined) throw new Error(`the client has no counter ${name}`);
  return value;
}

/** One row for each run, by its label. */
export function summaryTable(
  runs: Readonly<Record<string, Summary>>,
  notes: readonly string[],
): Table {
  return {
    head: ['run', 'calls', 'failed', 'with', 'p50 s', 'p99 s', 'slowest s', 'retries'],
    rows: Object.entries(runs).map(([label, run]) => [
      label,
      String(run.calls),
      `${run.failed} (${failedPercent(run).toFixed(1)} %)`,
      failures(run),
      ...[run.p50, run.p99, run.slowest].map((seconds) => seconds.toFixed(3)),
      String(counter(run, 'upstream_rq_retry')),
    ]),
    labels: 1,
    notes,
  };
}

/** How the failed calls ended: `503`, `TimeoutError`. */
function failures({ outcomes }: Summary): string {
  return Object.keys(outcomes)
    .filter((outcome) => !(Number(outcome) < 400))
    .join(', ');
}

/** For machines. */
export function summaryResults(
  runs: Readonly<Record<string, Summary>>,
): readonly Readonly<Record<string, unknown>>[] {
  return Object.entries(runs).map(([run, summary]) => ({ run, ...summary }));
}
