/** The few statistics that the bench reports. */

/**
 * The value below which the share `q` of the sorted values lies, interpolated between neighbours.
 * @param {readonly number[]} values
 * @param {number} q from 0 to 1
 */
export function quantile(values, q) {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const position = (sorted.length - 1) * q;
  const low = Math.floor(position);
  const below = /** @type {number} */ (sorted[low]);
  const above = sorted[low + 1] ?? below;
  return below + (above - below) * (position - low);
}

/** @param {readonly number[]} values */
export const median = (values) => quantile(values, 0.5);

/**
 * @typedef {object} Summary
 * @property {number} median
 * @property {number} min
 * @property {number} max
 * @property {number} q1
 * @property {number} q3
 * @property {readonly number[]} values one per round, in the order measured
 */

/**
 * @param {readonly number[]} values
 * @returns {Summary}
 */
export function summarise(values) {
  return {
    median: median(values),
    min: Math.min(...values),
    max: Math.max(...values),
    q1: quantile(values, 0.25),
    q3: quantile(values, 0.75),
    values,
  };
}

/**
 * Where the true median lies, at 95 % or better, by the ranks of the values alone (binomial, no shape assumed).
 * With fewer than six values no such range exists, and it is everything.
 * @param {readonly number[]} values
 * @returns {readonly [low: number, high: number]}
 */
export function medianRange(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const n = sorted.length;
  const below = Math.floor((n - 1.96 * Math.sqrt(n)) / 2);
  if (n < 6) return [-Infinity, Infinity];
  const rank = Math.max(0, below - 1);
  return [/** @type {number} */ (sorted[rank]), /** @type {number} */ (sorted[n - 1 - rank])];
}

/**
 * The ratio of two rows: taken within each round, where both met the same noise, then summarised over the rounds.
 * @param {readonly number[]} above
 * @param {readonly number[]} below
 */
export function ratioOf(above, below) {
  return summarise(above.map((value, round) => value / /** @type {number} */ (below[round])));
}

/**
 * A small seeded source of numbers from 0 to 1 (mulberry32), so that the order of a run can be repeated.
 * @param {number} seed
 */
export function seededRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * A shuffled copy (Fisher and Yates).
 * @template T
 * @param {readonly T[]} items
 * @param {() => number} random
 * @returns {T[]}
 */
export function shuffled(items, random) {
  const copy = [...items];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [copy[i], copy[j]] = [/** @type {T} */ (copy[j]), /** @type {T} */ (copy[i])];
  }
  return copy;
}
