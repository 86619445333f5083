/** How many attempts beyond the first of their call a cluster may have at any one time. */
import type { Slots } from '../core/call.js';
import type { BudgetPolicy } from '../core/policy.js';
import type { Runtime } from '../core/runtime.js';
import { RollingCount } from './rolling-count.js';

/** A budget, or the fixed number that holds without one. */
export interface SlotLimits {
  readonly budget: BudgetPolicy | undefined;
  /** Infinity is no limit. */
  readonly maxRetries: number;
}

/**
 * Envoy's retry budget and `max_retries`. A slot is taken when a retry or a hedge is decided on, so its back-off
 * counts, and given back when the outcome of that attempt is decided on. With the budget of Envoy's resource manager,
 *
 *     limit = max(floor(percent / 100 * calls), minRetryConcurrency)
 *
 * where `calls` are those of the cluster that have not ended: in flight, waiting for a connection, or in back-off.
 * With an interval, calls and slots of the last so many milliseconds count on both sides.
 */
export class RetrySlots implements Slots {
  /** Slots that are taken now. */
  active = 0;
  readonly #runtime: Runtime;
  readonly #activeCalls: () => number;
  #limits: SlotLimits = { budget: undefined, maxRetries: Number.POSITIVE_INFINITY };
  #recent: { readonly calls: RollingCount; readonly slots: RollingCount } | undefined = undefined;

  constructor(runtime: Runtime, activeCalls: () => number) {
    this.#runtime = runtime;
    this.#activeCalls = activeCalls;
  }

  /** Holds for what is taken from now on. */
  setLimits(limits: SlotLimits): void {
    const before = this.#limits.budget?.interval ?? 0;
    const interval = limits.budget?.interval ?? 0;
    this.#limits = limits;
    if (interval === 0) {
      this.#recent = undefined;
    } else if (interval !== before) {
      const count = (): RollingCount => new RollingCount(this.#runtime, interval);
      this.#recent = { calls: count(), slots: count() };
    }
  }

  get hasBudget(): boolean {
    return this.#limits.budget !== undefined;
  }

  /** How many may be taken at this moment. */
  get limit(): number {
    const { budget, maxRetries } = this.#limits;
    if (budget === undefined) return maxRetries;
    const calls = this.#activeCalls() + (this.#recent?.calls.total() ?? 0);
    return Math.max(Math.floor((budget.percent / 100) * calls), budget.minRetryConcurrency);
  }

  take(): boolean {
    if (this.active + (this.#recent?.slots.total() ?? 0) >= this.limit) return false;
    this.active += 1;
    return true;
  }

  give(): void {
    this.active -= 1;
    this.#recent?.slots.add();
  }

  /** A call has ended. */
  callEnded(): void {
    this.#recent?.calls.add();
  }
}
