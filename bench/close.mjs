/**
 * The close comparison that the ceilings are judged by: `client.fetch` beside `Pool.request` and global `fetch`
 * alone, in sets of fresh processes. A set is one independent sample: its turns share their processes.
 */
import { Child } from './child.mjs';
import { rows } from './rows.mjs';
import { RunningRow } from './running.mjs';
import { median, seededRandom, shuffled, summarise } from './stats.mjs';

/** Batches of each row in a set. */
const turns = 6;

/** @typedef {{ toPool: import('./stats.mjs').Summary, toFetch: import('./stats.mjs').Summary }} CloseResult one figure a set */

/**
 * @param {{ sets: number, requests: number, seed: number, progress: (line: string) => void }} options
 * @returns {Promise<CloseResult>}
 */
export async function measureClose({ sets, requests, seed, progress }) {
  const random = seededRandom(seed);
  const server = new Child('server.mjs');
  const [ours, pool, fetch] = ['outrigger-fetch', 'pool-request', 'fetch'].map((id) => {
    const row = rows.find((candidate) => candidate.id === id);
    if (row === undefined) throw new Error(`no row is called ${id}`);
    return new RunningRow(row, server);
  });
  if (ours === undefined || pool === undefined || fetch === undefined) throw new Error('rows lack');
  const running = [ours, pool, fetch];
  /** @type {number[]} */
  const toPool = [];
  /** @type {number[]} */
  const toFetch = [];
  try {
    const origins = await server.ask('origins');
    for (let set = 0; set < sets; set++) {
      progress(`close comparison: set ${set + 1} of ${sets}`);
      for (const state of shuffled(running, random)) await state.restart(origins);
      for (const state of running) await state.settle(requests);
      for (let turn = 0; turn < turns; turn++) {
        for (const state of shuffled(running, random)) await state.measureCpu(turn, requests);
      }
      const ratio = (/** @type {RunningRow} */ other) =>
        median([...ours.cpu].map(([turn, cpu]) => cpu / (other.cpu.get(turn) ?? Number.NaN)));
      toPool.push(ratio(pool));
      toFetch.push(ratio(fetch));
    }
  } finally {
    for (const state of running) state.end();
    server.end();
  }
  return { toPool: summarise(toPool), toFetch: summarise(toFetch) };
}
