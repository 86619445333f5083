/** What the bench must show: the figures that may not be exceeded, and whether a run can tell. */
import { measureNames } from './report.mjs';
import { medianRange } from './stats.mjs';

/**
 * @typedef {object} Ceiling
 * @property {string} what
 * @property {number} limit
 * @property {number} measured the median
 * @property {readonly [low: number, high: number]} range where the true median lies, at 95 % or better
 * @property {'holds' | 'exceeded' | 'undecided'} verdict undecided when the limit lies within the range
 */

/** The pick among the largest list, as a multiple of the pick among the smallest. */
const pickGrowth = 2;
/** The same where unequal weights are kept in a schedule, a heap; the other policies draw from a table. */
const scheduledPickGrowth = 12;
const scheduled = new Set(['round-robin', 'least-request']);
/** The sticky pick among 1,000 with the call's hash known, as a multiple of a random pick. */
const stickyToRandom = 3;
/** CPU of a call with 10,000 endpoints in the list, as a multiple of that with 3; the rest is noise. */
const listGrowth = 1.15;
/** CPU of a call that is refused, as a multiple of a Pool.request that is answered. */
const refusedToPool = 0.4;

/**
 * @param {Pick<import('./report.mjs').Results, 'close' | 'micro'>} results
 * @returns {Ceiling[]} those that were measured
 */
export function checkCeilings({ close, micro }) {
  /** @type {Ceiling[]} */
  const ceilings = [];
  const add = (
    /** @type {string} */ what,
    /** @type {number} */ limit,
    /** @type {import('./stats.mjs').Summary | undefined} */ ratio,
  ) => {
    if (ratio === undefined) return;
    const range = medianRange(ratio.values);
    const verdict = range[1] <= limit ? 'holds' : range[0] > limit ? 'exceeded' : 'undecided';
    ceilings.push({ what, limit, measured: ratio.median, range, verdict });
  };
  for (const { title, to, measure, limit, ratio } of close ?? []) {
    if (limit !== undefined)
      add(`${title}: client.fetch to ${to}, ${measureNames[measure]}`, limit, ratio);
  }
  for (const { policy, unequal, growth } of micro?.picks ?? []) {
    add(
      `${policy}${unequal ? ', unequal weights' : ''}: pick among 10,000 to pick among 3`,
      unequal && scheduled.has(policy) ? scheduledPickGrowth : pickGrowth,
      growth,
    );
  }
  for (const { policy, toRandom } of micro?.sticky.policies ?? []) {
    add(`${policy}: pick among 1,000 to a random pick`, stickyToRandom, toRandom);
  }
  add(
    'a call with 10,000 endpoints listed to one with 3, CPU',
    listGrowth,
    micro?.listLength.ratio,
  );
  add('a call refused by a full pool to Pool.request, CPU', refusedToPool, micro?.refused.byPool);
  add(
    'a call refused by an open breaker to Pool.request, CPU',
    refusedToPool,
    micro?.refused.byBreaker,
  );
  return ceilings;
}
