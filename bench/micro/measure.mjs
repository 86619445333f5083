/** The small measurements, one after another, each in a process of its own. */
import { Child } from '../child.mjs';
import { measureImports } from './imports.mjs';
import { measureSize } from './size.mjs';
import { task } from './task.mjs';

/** @typedef {import('../stats.mjs').Summary} Summary */

/**
 * @typedef {object} PickResult
 * @property {string} policy
 * @property {boolean} unequal whether the weights differ
 * @property {{ endpoints: number, alone: Summary, whole: Summary }[]} picks nanoseconds: the pick alone, and with start and end of the attempt
 * @property {Summary} growth the pick alone: the largest list to the smallest
 */

/**
 * @typedef {object} StickyResult
 * @property {number} endpoints
 * @property {Summary} random nanoseconds of a random pick in the same process
 * @property {{ policy: string, known: Summary, short: Summary, long: Summary, toRandom: Summary }[]} policies nanoseconds: with the hash known, with that of 9 and of 36 bytes made; and the first to a random pick
 */

/**
 * @typedef {object} ChurnResult
 * @property {number} endpoints
 * @property {number} rebuilds of the cluster's list, in all phases together
 * @property {{ p50: Summary, p99: Summary }} still milliseconds, of calls while the list stays as it is
 * @property {{ p50: Summary, p99: Summary }} changing the same with 100 changes a second
 * @property {Summary} p99 the second to the first, phase by phase
 */

/**
 * @typedef {object} MicroResults
 * @property {PickResult[]} picks
 * @property {StickyResult} sticky
 * @property {{ byPool: Summary, byBreaker: Summary }} refused CPU as a multiple of an answered Pool.request
 * @property {{ few: Summary, many: Summary, ratio: Summary }} listLength
 * @property {{ size: number, results: { policy: string, unequal: boolean, changed: number, ms: Summary }[] }} update
 * @property {ChurnResult} churn
 * @property {{ title: string, ms: Summary }[]} imports
 * @property {{ file: number, alone: { bytes: number, gzipped: number }, withDependencies: { bytes: number, gzipped: number } }} size
 * @property {{ perClient: number, perEndpoint: Record<string, number> }} memory
 */

const policies = ['round-robin', 'random', 'least-request', 'peak-ewma'];

/**
 * @param {{ quick: boolean, progress: (line: string) => void }} options
 * @returns {Promise<MicroResults>}
 */
export async function measureMicro({ quick, progress }) {
  const picks = [];
  for (const policy of policies) {
    for (const unequal of [false, true]) {
      progress(`picks: ${policy}${unequal ? ', unequal weights' : ''}`);
      picks.push(await task('picks.mjs', [policy, String(unequal), quick ? '15' : '41']));
    }
  }
  progress('picks: sticky');
  const sticky = await task('sticky.mjs', [quick ? '15' : '41']);
  progress('calls with a long list');
  const server = new Child('server.mjs');
  let listLength;
  let refused;
  try {
    const origins = await server.ask('origins');
    listLength = await task('list-length.mjs', [quick ? '9' : '25', ...origins]);
    progress('calls that are refused');
    refused = await task('refused.mjs', [quick ? '9' : '25', ...origins]);
  } finally {
    server.end();
  }
  progress('updates of a long list');
  const update = await task('update.mjs', [quick ? '5' : '15']);
  progress('calls while a long list changes');
  const churn = await task('churn.mjs', [quick ? '3' : '12']);
  progress('loading');
  const imports = await measureImports(quick ? 7 : 21);
  progress('size and memory');
  const size = await measureSize();
  const memory = await task('memory.mjs', [], ['--expose-gc']);
  return { picks, sticky, listLength, refused, update, churn, imports, size, memory };
}
