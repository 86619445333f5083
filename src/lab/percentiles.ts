/** Percentiles of a run, exact: a run has a few thousand samples, so they are kept and sorted, not put into buckets. */

/** Samples in rising order, to take percentiles from. */
export function sorted(samples: Iterable<number>): Float64Array {
  return Float64Array.from(samples).sort();
}

/**
 * The smallest sample such that at least `percent` per cent of them are no larger (nearest rank). Nothing is
 * interpolated: every figure is a latency that a call really had.
 * @throws {RangeError} for a list without samples, or a percent outside of 0 to 100.
 */
export function percentile(rising: Float64Array, percent: number): number {
  if (!(percent >= 0 && percent <= 100)) throw new RangeError(`no percentile: ${percent}`);
  const rank = Math.max(1, Math.ceil((percent / 100) * rising.length));
  const value = rising[rank - 1];
  if (value === undefined) throw new RangeError('a percentile of no samples');
  return value;
}
