/** The one interface behind which every load-balancing policy stands. */
import type { Endpoint } from '../cluster/endpoint.js';
import type { Call } from '../core/call.js';
import type { Runtime } from '../core/runtime.js';

/** How an attempt at an endpoint went, as far as a balancer cares. */
export interface AttemptResult {
  /** Milliseconds from the start of the attempt to its head, or to its failure if it got none. */
  readonly latency: number;
  /** False for an answer of 500 and above and for every failure of the endpoint or of the way to it. */
  readonly ok: boolean;
  /** The caller or the client gave it up; the time it took says little about the endpoint. */
  readonly cancelled: boolean;
}

/** Chooses endpoints. `endpoint.active` is kept by the cluster and is already right when `pick` is called. */
export interface Balancer {
  /** The policy's name, as `describe()` prints it. */
  readonly name: string;
  /** The endpoint for the next attempt of the call; undefined when there is none. */
  pick(call: Call): Endpoint | undefined;
  /**
   * True when further attempts of the call, too, are to go where `pick` says. Otherwise one that was tried before is
   * passed over for another, unless `retry.ignorePreviousHosts` is false.
   */
  isSticky?(call: Call): boolean;
  /** An attempt at the endpoint begins; its `active` has been raised. */
  started?(endpoint: Endpoint): void;
  /** The attempt is over, its body included; its `active` has been lowered. */
  ended?(endpoint: Endpoint, result: AttemptResult): void;
  /** Gauges that `client.stats()` has while the balancer is in force, by their names within the cluster. */
  stats?(): Readonly<Record<string, number>>;
}

/** What a policy is built with. */
export interface BalancerContext {
  readonly runtime: Runtime;
  /** The balancer that this one replaces, perhaps of another policy; positions may be carried over from it. */
  readonly previous: Balancer | undefined;
}

/** Makes the balancer for a list of endpoints: once at the start, and again whenever the list changes. */
export type BalancerFactory = (
  endpoints: readonly Endpoint[],
  context: BalancerContext,
) => Balancer;
