/** What a pool and its connections know of each other. */
import type { Counters } from '../cluster/counters.js';
import type { Limits } from '../cluster/limits.js';
import type { Attempt } from '../core/attempt.js';
import type { RawHeader } from '../core/reply.js';
import type { Runtime } from '../core/runtime.js';
import type { Releases } from './releases.js';

/** What the pools of a cluster share. */
export interface PoolShare {
  readonly runtime: Runtime;
  readonly counters: Counters;
  readonly limits: Limits;
  readonly releases: Releases;
}

/** A connection, as its pool handles it. */
export interface PooledConnection {
  /** It takes another attempt now, or after the turn in which its last exchange ended. */
  readonly hasRoom: boolean;
  /** It serves several at once. */
  readonly isShared: boolean;
  /** So many attempts at once, as far as is known while it connects. */
  readonly capacity: number;
  /** It can serve no further exchange. */
  readonly lost: boolean;
  /** It closes after the exchanges that it serves now. */
  retired: boolean;
  /** By the runtime's clock; Infinity while some attempt has it. */
  readonly idleSince: number;
  /** Begins to connect; the pool is told of the end. */
  open(): void;
  send(attempt: Attempt): void;
  /** The turn in which it was given back is over. */
  endRest(now: number): void;
  /** Whether it holds the process while it connects. */
  ref(): void;
  unref(): void;
  /** Closes it: safe at any moment, any number of times. The pool is told. */
  discard(): void;
}

/** Where a connection belongs. */
export interface ConnectionPool {
  readonly share: PoolShare;
  connected(connection: PooledConnection): void;
  /** It turned out to be of another kind, which connects in its place. */
  becomes(connection: PooledConnection, other: PooledConnection): void;
  connectFailed(connection: PooledConnection, error: unknown): void;
  /** Its exchange is over, with an answer of these headers; what it is given before the next turn waits until then. */
  giveBack(connection: PooledConnection, answer: readonly RawHeader[]): void;
  /** The next attempt may have it. */
  takeBack(connection: PooledConnection): void;
  /** No attempt has it, and it is closed when that lasts. */
  idles(): void;
  forget(connection: PooledConnection): void;
  /** Puts an attempt on another connection. */
  sendAgain(attempt: Attempt): void;
}
