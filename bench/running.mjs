/** A row while it is measured: its process, and what its batches have shown. */
import { Child } from './child.mjs';

/** Requests in flight while CPU and allocations are measured; of those that move a lot fewer, which fit the caches. */
const inFlight = 32;
const heavyInFlight = 4;
/** Requests before the first batch of a process that counts. */
const warmUp = 4000;
const heavyWarmUp = 400;
/** The same for cheap rows: the compiler is at work on them up to 20,000 requests, and costs a fifth at 4,000. */
const cheapWarmUp = 30_000;
/** A row whose CPU per request in microseconds is below this after the first warm-up is cheap. */
const cheapBelow = 150;
/** Requests of a batch when the row is not cheap, as a share of those of a cheap row: such batches last as long. */
const dearShare = 0.25;
/** The same where each moves a lot of bytes. */
const heavyShare = 0.05;
/** Requests of a batch in which latency is measured. */
const latencyRequests = 200;
/** The same for allocations. */
const allocationRequests = 500;

/** @typedef {import('./rows.mjs').Row} Row */

/** Requests in flight at once. */
export const inFlightOf = (/** @type {Row} */ { heavy }) => (heavy ? heavyInFlight : inFlight);

/** Requests after which the compiler is done with a row, whatever it costs. */
export const longWarmUpOf = (/** @type {Row} */ { heavy }) => (heavy ? heavyWarmUp : cheapWarmUp);

export class RunningRow {
  /** Microseconds of CPU per request, by turn. @type {Map<number, number>} */
  cpu = new Map();
  /** Bytes per request. @type {number[]} */
  allocated = [];
  /** Milliseconds. @type {number[]} */
  latency = [];
  #server;
  #cheap = false;
  /** @type {Child | undefined} */
  #child;

  /**
   * @param {Row} row
   * @param {Child} server
   */
  constructor(row, server) {
    this.row = row;
    this.#server = server;
  }

  /**
   * Replaces the process by a fresh one, and warms it.
   * @param {readonly string[]} origins
   */
  async restart(origins) {
    this.end();
    this.#child = new Child('row-process.mjs', [this.row.id, ...origins]);
    const requests = this.row.heavy === true ? heavyWarmUp : warmUp;
    const last = requests / 4;
    await this.#verified(requests, async () => {
      await this.#load('warm', requests - last);
      this.#cheap = (await this.#load('cpu', last)) < cheapBelow;
    });
    if (this.#cheap) await this.#load('warm', cheapWarmUp - warmUp);
  }

  end() {
    this.#child?.end();
  }

  /** What its batches have shown. */
  forget() {
    this.cpu.clear();
    this.allocated.length = this.latency.length = 0;
  }

  /**
   * @param {number} turn
   * @param {number} requests in a batch of a cheap row
   */
  async measureCpu(turn, requests) {
    const batch = this.#batch(requests);
    await this.#verified(batch, async () => {
      this.cpu.set(turn, await this.#load('cpu', batch));
    });
  }

  async measureLatency() {
    this.latency.push(await this.#ask('latency', { requests: latencyRequests }));
  }

  async measureAllocations() {
    this.allocated.push(await this.#load('allocations', allocationRequests));
  }

  /** A turn that is not counted, for rows that have waited. @param {number} requests */
  settle(requests) {
    return this.#load('warm', this.#batch(requests));
  }

  /** @param {number} requests */
  #batch(requests) {
    if (this.row.heavy === true) return Math.round(requests * heavyShare);
    return this.#cheap ? requests : Math.round(requests * dearShare);
  }

  /**
   * @param {string} command
   * @param {number} requests
   */
  #load(command, requests) {
    return this.#ask(command, { requests, inFlight: inFlightOf(this.row) });
  }

  /**
   * @param {string} command
   * @param {Record<string, unknown>} details
   */
  #ask(command, details) {
    if (this.#child === undefined) throw new Error(`${this.row.title} was not started`);
    return this.#child.ask(command, details);
  }

  /**
   * Does the work and sees that the requests it claims reached the server, on every port that was to be used.
   * @param {number} expected
   * @param {() => Promise<void>} work
   */
  async #verified(expected, work) {
    /** @type {number[]} */
    const before = await this.#server.ask('served');
    await work();
    /** @type {number[]} */
    const after = await this.#server.ask('served');
    const served = after.map((count, port) => count - (before[port] ?? 0));
    const total = served.reduce((sum, count) => sum + count, 0);
    const { title, ours } = this.row;
    if (total < expected) {
      throw new Error(
        `${title}: ${expected} requests were to be made, ${total} reached the server`,
      );
    }
    if (ours === true && served.some((count) => count === 0)) {
      throw new Error(`${title}: not every endpoint got requests (${served.join(', ')})`);
    }
  }
}
