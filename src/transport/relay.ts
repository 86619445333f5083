/** A way to the endpoints whose connections are somebody else's: a dispatcher, a proxy's agent, a fetch. */
import type { Prober } from '../cluster/health-check-policy.js';
import type { Attempt, Exchange } from '../core/attempt.js';
import type { Failure } from '../core/failure.js';

/** The place that one exchange holds among those of its endpoint. */
export interface RelaySlot {
  /** The exchange has ended well. */
  release(): void;
  /** It was cancelled. */
  withdraw(): void;
  /** It has failed. */
  fail(reason: Failure): void;
}

export interface Relay {
  /** As `describe()` names it. */
  readonly words: string;
  /** Makes the exchange of an attempt, and begins it when it is told to. */
  exchange(attempt: Attempt, slot: RelaySlot): RelayedExchange;
  /** Health checks of a service go the same way. */
  proberFor(service: URL): Prober;
  /** False: connections of our own reach the endpoint. */
  takes(url: string): boolean;
  /**
   * Closes what was made for it, and resolves when that is done; what is on its way is let go on, unless it has to be at once.
   * What is the user's own stays as it is.
   */
  close(isAtOnce: boolean): Promise<void>;
}

export interface RelayedExchange extends Exchange {
  /** May report to the driver before it returns. */
  begin(): void;
  /** The place is taken away under it: it fails. */
  cut(error: Error): void;
}
