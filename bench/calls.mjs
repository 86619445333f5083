/** What a call costs: every row in a process of its own, measured in interleaved rounds against one server. */
import { Child } from './child.mjs';
import { RunningRow } from './running.mjs';
import { ratioOf, seededRandom, shuffled, summarise } from './stats.mjs';

/** Rounds after which all rows get fresh processes: two processes of the same client differ by some per cent. */
const roundsPerProcess = 5;
/** Allocations hardly vary, so that a few rounds are enough. */
const allocationRounds = 5;

/**
 * @typedef {object} CallOptions
 * @property {readonly import('./rows.mjs').Row[]} rows
 * @property {number} rounds
 * @property {number} requests in a batch of a cheap row; dear rows make a quarter of it
 * @property {number} seed of the order of rows in each round
 * @property {(line: string) => void} progress
 */

/**
 * @typedef {object} RowResult
 * @property {string} id
 * @property {string} title
 * @property {string} composes
 * @property {boolean} ours
 * @property {import('./stats.mjs').Summary} cpu microseconds per request
 * @property {import('./stats.mjs').Summary} allocated bytes per request
 * @property {import('./stats.mjs').Summary} latency p50 at one in flight, milliseconds
 * @property {import('./stats.mjs').Summary | undefined} toPool CPU as a multiple of Pool.request
 * @property {import('./stats.mjs').Summary | undefined} toFetch CPU as a multiple of global fetch
 */

/**
 * @param {CallOptions} options
 * @returns {Promise<RowResult[]>} cheapest first
 */
export async function measureCalls({ rows, rounds, requests, seed, progress }) {
  const server = new Child('server.mjs');
  const running = rows.map((row) => new RunningRow(row, server));
  const random = seededRandom(seed);
  try {
    const origins = await server.ask('origins');
    for (let round = 0; round < rounds; round++) {
      if (round % roundsPerProcess === 0) {
        for (const state of running) {
          progress(`warming ${state.row.title}`);
          await state.restart(origins);
        }
        // Whoever was warmed first has waited for all the others.
        for (const state of running) await state.settle(requests);
      }
      progress(`round ${round + 1} of ${rounds}`);
      // All alike: a row that had to wait longer than others would meet colder caches and pay for it.
      for (const state of shuffled(running, random)) {
        await state.measureCpu(round, requests);
        await state.measureLatency();
        if (round < allocationRounds) await state.measureAllocations();
      }
    }
  } finally {
    for (const state of running) state.end();
    server.end();
  }

  const cpuOf = (/** @type {RunningRow} */ state) => [...state.cpu.values()];
  const pool = running.find(({ row }) => row.id === 'pool-request');
  const fetch = running.find(({ row }) => row.id === 'fetch');
  return running
    .map((state) => ({
      id: state.row.id,
      title: state.row.title,
      composes: state.row.composes,
      ours: state.row.ours === true,
      cpu: summarise(cpuOf(state)),
      allocated: summarise(state.allocated),
      latency: summarise(state.latency),
      toPool: pool && ratioOf(cpuOf(state), cpuOf(pool)),
      toFetch: fetch && ratioOf(cpuOf(state), cpuOf(fetch)),
    }))
    .sort((a, b) => a.cpu.median - b.cpu.median);
}
