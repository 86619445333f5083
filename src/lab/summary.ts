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

/** Calls that the client failed by itself, by one response flag. */
export interface OwnFailures {
  readonly count: number;
  /** What the first of them said. */
  readonly message: string;
}

export interface Summary {
  readonly calls: number;
  /** Those without an answer, and those answered with a status from 400 on. */
  readonly failed: number;
  /** By status, or by the error in place of one. */
  readonly outcomes: Readonly<Record<string, Outcome>>;
  /** Who failed the calls and why, as far as it was the client: by Envoy's response flags. */
  readonly flags: Readonly<Record<string, OwnFailures>>;
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
    flags: flagsOf(calls),
    p50: percentile(rising, 50),
    p99: percentile(rising, 99),
    slowest: percentile(rising, 100),
    received,
    counters,
  };
}

function flagsOf(calls: Made['calls']): Record<string, OwnFailures> {
  const flags: Record<string, OwnFailures> = {};
  for (const { flag, message = '' } of calls) {
    if (flag === undefined) continue;
    const before = flags[flag] ?? { count: 0, message };
    flags[flag] = { ...before, count: before.count + 1 };
  }
  return flags;
}

/** How many calls failed with the response flag. */
export function flagged({ flags }: Pick<Summary, 'flags'>, flag: string): number {
  return flags[flag]?.count ?? 0;
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

/** One row for each counter of the client, one column for each run. */
export function counterTable(
  runs: Readonly<Record<string, Pick<Summary, 'counters'>>>,
  names: readonly string[],
  notes: readonly string[],
): Table {
  return {
    head: ['counter', ...Object.keys(runs)],
    rows: names.map((name) => [
      name,
      ...Object.values(runs).map((run) => String(run.counters[name] ?? '')),
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
