/** The figures of one run of load, in the chapter's scale. */
import type { CallResult } from './call-result.js';
import type { LoadResult } from './load.js';
import type { Pace } from './pace.js';
import { percentile, sorted } from './percentiles.js';

/** Times in seconds, rates in calls per second, both of the chapter's time. */
export interface Figures {
  /** Answered calls: those with a status below 400. */
  readonly calls: number;
  readonly failed: number;
  readonly qps: number;
  readonly p50: number;
  readonly p75: number;
  readonly p90: number;
  readonly p99: number;
}

export interface Measured {
  readonly figures: Figures;
  /** Latencies of the answered calls in seconds of the chapter's time, rising. */
  readonly latencies: Float64Array;
}

/**
 * What a run came to.
 * @throws {Error} when no call at all was answered: there is nothing to compare then.
 */
export function measure({ calls: made, elapsed }: LoadResult, pace: Pace): Measured {
  const answered = made.filter(({ ok }) => ok);
  const firstFailure = made.find(({ ok }) => !ok);
  const calls = answered.length;
  const failed = made.length - calls;
  if (calls === 0) {
    throw new Error(`no call was answered, ${failed} failed: ${describe(firstFailure)}`);
  }
  const latencies = sorted(answered.map(({ latency }) => (latency / 1000) * pace.speedup));
  return {
    latencies,
    figures: {
      calls,
      failed,
      qps: calls / ((elapsed / 1000) * pace.speedup),
      p50: percentile(latencies, 50),
      p75: percentile(latencies, 75),
      p90: percentile(latencies, 90),
      p99: percentile(latencies, 99),
    },
  };
}

function describe(failure: CallResult | undefined): string {
  if (failure === undefined) return 'none was made';
  return failure.message ?? `answered ${failure.outcome}`;
}
