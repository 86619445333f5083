/** A row while it is measured: its process, and what its batches have shown. */
import { Child } from './child.mjs';

/** Requests in flight while CPU and allocations are measured. */
export const inFlight = 32;
/** Requests before the first batch of a process that counts. */
export const warmUp = 4000;
/** The same for cheap rows: the compiler is at work on them up to 20,000 requests, and costs a fifth at 4,000. */
export const cheapWarmUp = 30_000;
/** A row whose CPU per request in microseconds is below this after the first warm-up is cheap. */
const cheapBelow = 150;
/** Requests of a batch when the row is not cheap, as a share of those of a cheap row: such batches last as long. */
const dearShare = 0.25;

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
   * @param {import('./rows.mjs').Row} row
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
    await this.#verified(warmUp, async () => {
      await this.#ask('warm', { requests: warmUp - warmUp / 4, inFlight });
      this.#cheap = (await this.#ask('cpu', { requests: warmUp / 4, inFlight })) < cheapBelow;
    });
    if (this.#cheap) await this.#ask('warm', { requests: cheapWarmUp - warmUp, inFlight });
  }

  end() {
    this.#child?.end();
  }

  /**
   * @param {number} turn
   * @param {number} requests in a batch of a cheap row
   */
  async measureCpu(turn, requests) {
    const batch = this.#batch(requests);
    await this.#verified(batch, async () => {
      this.cpu.set(turn, await this.#ask('cpu', { requests: batch, inFlight }));
    });
  }

  async measureLatency() {
    this.latency.push(await this.#ask('latency', { requests: 200 }));
  }

  async measureAllocations() {
    this.allocated.push(await this.#ask('allocations', { requests: 500, inFlight }));
  }

  /** A turn that is not counted, for rows that have waited. @param {number} requests */
  settle(requests) {
    return this.#ask('warm', { requests: this.#batch(requests), inFlight });
  }

  /** @param {number} requests */
  #batch(requests) {
    return this.#cheap ? requests : Math.round(requests * dearShare);
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
