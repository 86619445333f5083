/** What is held at a moment at which no call is under way: memory after garbage collections, connections, listeners. */
import { getEventListeners } from 'node:events';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';

const MB = 1024 * 1024;
/** Milliseconds in which what was left lying must have come back. */
const PATIENCE = 15_000;

/**
 * @typedef {object} State
 * @property {number} heap
 * @property {number} external
 * @property {number} arrayBuffers
 * @property {number} rss all in MB
 * @property {number} active attempts under way, calls that wait and calls that run
 * @property {number} open connections
 * @property {number} idle those of them that wait for work
 * @property {number} sockets the server's
 * @property {number} listeners on the signal that the calls share
 * @property {number} uncollected answers that were left lying and are still there
 */

/**
 * Collects garbage until nothing is under way, or patience is over; then measures.
 * @param {import('../../dist/index.js').ResilientClient} client
 * @param {import('./traffic.mjs').Traffic} traffic
 * @param {() => Promise<number>} sockets
 * @param {() => void} collect
 * @returns {Promise<State>}
 */
export async function stateAtRest(client, traffic, sockets, collect) {
  const until = performance.now() + PATIENCE;
  for (;;) {
    collect();
    await turn();
    const held = await heldBy(client, traffic, sockets);
    if (isAtRest(held) || performance.now() > until) {
      // What was finalized just now has let go of more.
      for (let round = 0; round < 3; round++) {
        collect();
        await turn();
      }
      return { ...memory(), ...held };
    }
    await sleep(20);
  }
}

/** @param {Omit<State, 'heap' | 'external' | 'arrayBuffers' | 'rss'>} held */
export function isAtRest({ active, open, idle, sockets, listeners, uncollected }) {
  return active === 0 && open === idle && sockets === open && listeners === 0 && uncollected === 0;
}

/**
 * @param {import('../../dist/index.js').ResilientClient} client
 * @param {import('./traffic.mjs').Traffic} traffic
 * @param {() => Promise<number>} sockets
 */
async function heldBy(client, traffic, sockets) {
  const endpoints = client.endpoints();
  const stats = client.stats();
  /** @param {(endpoint: typeof endpoints[number]) => number} read */
  const sum = (read) => endpoints.reduce((total, endpoint) => total + read(endpoint), 0);
  const gauges = Object.entries(stats).filter(([name]) => /rq(_pending)?_active$/.test(name));
  const active = gauges.reduce((total, [, value]) => total + value, 0);
  return {
    active: active + sum((endpoint) => endpoint.active),
    open: sum(({ connections }) => connections.open),
    idle: sum(({ connections }) => connections.idle),
    listeners: getEventListeners(traffic.shared.signal, 'abort').length,
    uncollected: traffic.uncollected.size,
    sockets: await sockets(),
  };
}

function memory() {
  const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage();
  return {
    heap: heapUsed / MB,
    external: external / MB,
    arrayBuffers: arrayBuffers / MB,
    rss: rss / MB,
  };
}
