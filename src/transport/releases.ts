/**
 * Ends the rest of connections that were given back: all of a turn at once, when the sockets of the next turn have been
 * looked at.
 *
 * Used sooner, one that the server is closing still seems open: of 200 POSTs to a server that closes after each
 * answer, 100 failed after being sent; used then, none. Undici would let each of them rest by itself.
 */
import type { Runtime } from '../core/runtime.js';
import type { PooledConnection } from './pooled-connection.js';

export class Releases {
  readonly #runtime: Runtime;
  /** Given back in this turn, and in the one before. */
  #freed: PooledConnection[] = [];
  #resting: PooledConnection[] = [];

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  add(connection: PooledConnection): void {
    this.#freed.push(connection);
    if (this.#freed.length === 1 && this.#resting.length === 0) this.#runtime.defer(this.#flush);
  }

  readonly #flush = (): void => {
    const rested = this.#resting;
    this.#resting = this.#freed;
    this.#freed = [];
    if (this.#resting.length > 0) this.#runtime.defer(this.#flush);
    if (rested.length === 0) return;
    const now = this.#runtime.now();
    for (const connection of rested) connection.endRest(now);
  };
}
