/** What a cluster may have at once, over all its endpoints: Envoy's circuit breaker thresholds. */
import type { Attempt } from '../core/attempt.js';
import type { Failure, PoolLimit } from '../core/failure.js';
import { cancel, SUPERSEDED } from '../core/settle.js';
import type { RetrySlots } from './retry-slots.js';
import type { Counters } from './counters.js';

/** The `connectionPool` options after validation; times in milliseconds. */
export interface PoolPolicy {
  readonly maxConnections: number;
  readonly maxPendingRequests: number;
  readonly maxRequests: number;
  /** 0 is no limit. */
  readonly maxRequestsPerConnection: number;
  readonly connectTimeout: number;
  /** 0 is none. */
  readonly idleTimeout: number;
  /** 0 is none. */
  readonly maxConnectionDuration: number;
  /** Silence after which the system asks whether the other side is still there; undefined: it never asks. */
  readonly tcpKeepalive: { readonly time: number } | undefined;
  readonly http2: boolean;
  /** Exchanges at once on one connection of HTTP/2. */
  readonly maxConcurrentStreams: number;
}

/** The pool of an endpoint that has attempts waiting, and no connection for them. */
export interface Starved {
  /** Opens connections for those who wait, as far as the limits allow. */
  openForWaiting(): void;
}

export class Limits {
  policy: PoolPolicy;
  /** Attempts that have a connection, until their exchange is over. */
  requests = 0;
  /** Attempts of which a dropped answer is read on: they go when their places are needed. */
  readonly dropped = new Set<Attempt>();
  #isClosed = false;
  readonly #counters: Counters;
  /** In the order in which they began to want. */
  readonly #starved = new Set<Starved>();

  constructor(policy: PoolPolicy, counters: Counters) {
    this.policy = policy;
    this.#counters = counters;
  }

  /** Holds from now on: nothing that is open is closed, and nobody who waits is sent away. */
  setPolicy(policy: PoolPolicy): void {
    this.policy = policy;
    this.#feed();
  }

  get mayConnect(): boolean {
    return !this.#isClosed && this.#counters.upstream_cx_active < this.policy.maxConnections;
  }

  get mayWait(): boolean {
    return this.#counters.upstream_rq_pending_active < this.policy.maxPendingRequests;
  }

  get mayStart(): boolean {
    return this.requests < this.policy.maxRequests;
  }

  /** From here on no connection is opened, also for those who wait. */
  close(): void {
    this.#isClosed = true;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Cuts off what is read on for the connection's sake alone, where there is no room otherwise. */
  makeRoom(): void {
    if (this.dropped.size === 0 || (this.mayConnect && this.mayStart)) return;
    for (const attempt of [...this.dropped]) cancel(attempt, SUPERSEDED);
  }

  /** The pool is told when there is room for a connection. */
  starves(pool: Starved): void {
    this.#starved.add(pool);
  }

  /** A connection is gone. */
  connectionClosed(): void {
    this.#feed();
  }

  /** A refusal, counted. */
  refuse(option: PoolLimit['option']): Failure {
    if (option === 'maxRequests') this.#counters.upstream_rq_active_overflow += 1;
    else this.#counters.upstream_rq_pending_overflow += 1;
    const value = this.policy[option];
    return {
      kind: 'overflow',
      flag: 'UO',
      cause: undefined,
      sent: false,
      overflow: { option, value },
    };
  }

  /** Envoy's gauges: at the limit, and how much is left. */
  stats(slots: RetrySlots): Record<string, number> {
    const { maxConnections, maxPendingRequests, maxRequests } = this.policy;
    const { upstream_cx_active, upstream_rq_pending_active } = this.#counters;
    const budget = slots.hasBudget;
    return {
      'circuit_breakers.default.cx_open': isOpen(upstream_cx_active, maxConnections),
      'circuit_breakers.default.rq_pending_open': isOpen(
        upstream_rq_pending_active,
        maxPendingRequests,
      ),
      'circuit_breakers.default.rq_open': isOpen(this.requests, maxRequests),
      'circuit_breakers.default.rq_retry_open': isOpen(slots.active, slots.limit),
      'circuit_breakers.default.remaining_cx': left(upstream_cx_active, maxConnections),
      'circuit_breakers.default.remaining_pending': left(
        upstream_rq_pending_active,
        maxPendingRequests,
      ),
      'circuit_breakers.default.remaining_rq': left(this.requests, maxRequests),
      // As in Envoy, a budget has none remaining.
      'circuit_breakers.default.remaining_retries': budget ? 0 : left(slots.active, slots.limit),
    };
  }

  #feed(): void {
    for (const pool of [...this.#starved]) {
      if (!this.mayConnect) return;
      this.#starved.delete(pool);
      pool.openForWaiting();
    }
  }
}

/** Envoy's word for no limit: 32 bits. */
export const UNLIMITED = 4_294_967_295;

function isOpen(current: number, most: number): number {
  return current >= most ? 1 : 0;
}

function left(current: number, most: number): number {
  return Math.min(Math.max(0, most - current), UNLIMITED);
}
