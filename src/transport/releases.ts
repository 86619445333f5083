/**
 * Ends the rest of connections that were given back, all of a turn at once and after it.
 *
 * Used sooner, undici's check of an idle socket cannot see that the server is closing it: of 200 POSTs to a server
 * that closes after each answer, 100 failed after being sent; used after the turn, none.
 */
import type { Runtime } from '../core/runtime.js';
import type { PooledConnection } from './pooled-connection.js';

export class Releases {
  readonly #runtime: Runtime;
  #freed: PooledConnection[] = [];

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  add(connection: PooledConnection): void {
    if (this.#freed.push(connection) === 1) this.#runtime.defer(this.#flush);
  }

  readonly #flush = (): void => {
    const freed = this.#freed;
    this.#freed = [];
    const now = this.#runtime.now();
    for (const connection of freed) connection.endRest(now);
  };
}
