/** A place for one exchange at a time over connections of somebody else's: what limits count in place of a connection. */
import type { Attempt } from '../core/attempt.js';
import type { Failure } from '../core/failure.js';
import type { ConnectionPool, PooledConnection } from './pooled-connection.js';
import type { Relay, RelayedExchange, RelaySlot } from './relay.js';

export class RelayedConnection implements PooledConnection, RelaySlot {
  readonly isShared = false;
  readonly capacity = 1;
  readonly #relay: Relay;
  readonly #pool: ConnectionPool;
  #exchange: RelayedExchange | undefined = undefined;
  /** An exchange that ends while it is begun leaves its place in the next turn: those who wait would pile up otherwise. */
  #isBeginning = false;
  #isResting = false;
  lost = false;
  retired = false;
  idleSince = 0;

  constructor(relay: Relay, pool: ConnectionPool) {
    this.#relay = relay;
    this.#pool = pool;
  }

  get hasRoom(): boolean {
    return this.#exchange === undefined && !this.#isResting;
  }

  /** There is nothing to connect. */
  open(): void {
    this.idleSince = this.#pool.share.runtime.now();
    this.#pool.connected(this);
  }

  send(attempt: Attempt): void {
    const exchange = this.#relay.exchange(attempt, this);
    this.#exchange = exchange;
    attempt.exchange = exchange;
    this.#pool.share.limits.requests += 1;
    this.idleSince = Number.POSITIVE_INFINITY;
    this.#isBeginning = true;
    try {
      exchange.begin();
    } finally {
      this.#isBeginning = false;
    }
  }

  release(): void {
    this.withdraw();
  }

  fail({ kind }: Failure): void {
    if (kind === 'connect-failure') this.#pool.share.counters.upstream_cx_connect_fail += 1;
    this.withdraw();
  }

  withdraw(): void {
    const { limits, runtime } = this.#pool.share;
    this.#exchange = undefined;
    limits.requests -= 1;
    this.idleSince = runtime.now();
    if (!this.#isBeginning) {
      this.#pool.takeBack(this);
      return;
    }
    this.#isResting = true;
    runtime.defer(() => this.endRest());
  }

  endRest(): void {
    this.#isResting = false;
    this.#pool.takeBack(this);
  }

  // Whose it is decides whether it holds the process.
  ref(): void {}
  unref(): void {}

  discard(): void {
    if (this.lost) return;
    this.lost = true;
    this.#exchange?.cut(new Error('the connections of the endpoint were closed'));
    this.#pool.forget(this);
  }
}
