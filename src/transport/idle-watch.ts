/** Closes the connections of a pool that nobody has used for too long: one timer for all of them. */
import type { Timer } from '../core/runtime.js';
import type { PooledConnection, PoolShare } from './pooled-connection.js';

export class IdleWatch {
  readonly #free: readonly PooledConnection[];
  readonly #share: PoolShare;
  #timer: Timer = undefined;

  /** `free` is the pool's own list, as it stands at any time. */
  constructor(free: readonly PooledConnection[], share: PoolShare) {
    this.#free = free;
    this.#share = share;
  }

  /** Sets the timer for the connection that has been idle the longest, unless it is set. */
  start(): void {
    if (this.#timer !== undefined) return;
    const { runtime, limits } = this.#share;
    const { idleTimeout } = limits.policy;
    if (idleTimeout === 0) return;
    let oldest = Number.POSITIVE_INFINITY;
    for (const { idleSince } of this.#free) oldest = Math.min(oldest, idleSince);
    if (oldest === Number.POSITIVE_INFINITY) return;
    this.#timer = runtime.setTimer(this.#close, oldest + idleTimeout - runtime.now(), true);
  }

  stop(): void {
    this.#share.runtime.clearTimer(this.#timer);
    this.#timer = undefined;
  }

  readonly #close = (): void => {
    this.#timer = undefined;
    const { runtime, limits, counters } = this.#share;
    const longest = limits.policy.idleTimeout;
    const now = runtime.now();
    for (const connection of [...this.#free]) {
      if (connection.idleSince + longest > now) continue;
      counters.upstream_cx_idle_timeout += 1;
      connection.discard();
    }
    this.start();
  };
}
