/** Which endpoint of a cluster an attempt goes to: by priority and health, and then by the balancer. */
import type { BalancerFactory } from '../balancing/balancer.js';
import type { Call } from '../core/call.js';
import { modulo } from '../core/hash64.js';
import type { Runtime } from '../core/runtime.js';
import { arrange, type Priority } from '../locality/arrangement.js';
import type { LocalityPolicy } from '../locality/locality-policy.js';
import {
  loadsBeside,
  priorityLoads,
  type Loads,
  type PriorityHealth,
} from '../locality/priority-loads.js';
import type { Counters } from './counters.js';
import type { Endpoint } from './endpoint.js';
import { ifFree, standingOf, type Standing } from './standing.js';
import { Tier, type TierContext } from './tier.js';

export class Rotation {
  readonly #runtime: Runtime;
  readonly #counters: Counters;
  #factory: BalancerFactory;
  #endpoints: readonly Endpoint[];
  #locality: LocalityPolicy | undefined = undefined;
  #arranged: readonly Priority<Endpoint>[];
  /** By priority, at least one: their healthy endpoints, or all of them. */
  #tiers: readonly Tier[] = [];
  /** By priority, where it has degraded endpoints and is not in panic. */
  #degraded: readonly (Tier | undefined)[] = [];
  /** What a pick is shared among: the tiers, and then who takes degraded load in each of their places. */
  #choices: readonly Tier[] = [];
  /** Their shares of the calls in percent. */
  #loads: readonly number[] = [];
  /** The one that gets all of them, if there is but one priority. */
  #only: Tier | undefined = undefined;
  /** What the priorities can carry. */
  #standings: readonly PriorityHealth[] = [];
  #panicThreshold = 0;
  /** When to look at the endpoints anew: when the first hold is over, or at once. */
  #nextLook = Number.POSITIVE_INFINITY;

  constructor(
    endpoints: readonly Endpoint[],
    factory: BalancerFactory,
    runtime: Runtime,
    counters: Counters,
  ) {
    this.#runtime = runtime;
    this.#counters = counters;
    this.#factory = factory;
    this.#endpoints = endpoints;
    this.#arranged = arrange(endpoints, undefined);
    this.#look(this.#arranged, factory, true);
  }

  /** All of them, whatever their health. */
  get endpoints(): readonly Endpoint[] {
    return this.#endpoints;
  }

  get locality(): LocalityPolicy | undefined {
    return this.#locality;
  }

  /** The name of the balancing policy. */
  get policy(): string {
    return (this.#tiers[0] as Tier).policy;
  }

  /** Gauges of the policy: where there are several balancers, of the first priority's first one. */
  get balancerStats(): Readonly<Record<string, number>> {
    return (this.#tiers[0] as Tier).stats;
  }

  /** A policy of the user's may throw: then the list stays as it was. */
  setEndpoints(endpoints: readonly Endpoint[]): void {
    this.#rearrange(endpoints, this.#locality);
    this.#endpoints = endpoints;
  }

  /** Undefined: localities play no role. */
  setLocality(policy: LocalityPolicy | undefined): void {
    if (policy === undefined && this.#locality === undefined) return;
    this.#rearrange(this.#endpoints, policy);
    this.#locality = policy;
  }

  /** Another policy, or other options of the same: then what it remembers of endpoints stays. */
  setFactory(factory: BalancerFactory): void {
    this.#look(this.#arranged, factory, true);
    this.#factory = factory;
  }

  /** In percent of the endpoints; 0 switches panic off. */
  setPanicThreshold(percent: number): void {
    this.#panicThreshold = percent;
    this.refresh();
  }

  /** The health of an endpoint, or how long it is held, has changed. Of many changes in a row one balancer comes. */
  refresh(): void {
    this.#nextLook = Number.NEGATIVE_INFINITY;
  }

  pick(call: Call): Endpoint | undefined {
    if (this.#nextLook !== Number.POSITIVE_INFINITY && this.#runtime.now() >= this.#nextLook) {
      this.#look(this.#arranged, this.#factory, false);
    }
    const tier = this.#only ?? this.#tierFor(call);
    if (tier.inPanic) this.#counters.lb_healthy_panic += 1;
    return tier.pick(call);
  }

  /** Envoy's retry host predicate `previous_hosts`, and then one look, so that a free one is found for sure. */
  pickUntried(call: Call, first: Endpoint): Endpoint {
    const tried = new Set(call.attempts.map(({ endpoint }) => endpoint));
    let endpoint: Endpoint | undefined = first;
    for (let draw = 0; draw < RESELECTIONS && endpoint !== undefined; draw++) {
      if (!tried.has(endpoint)) return endpoint;
      endpoint = this.pick(call);
    }
    if (endpoint !== undefined && !tried.has(endpoint)) return endpoint;
    const { priority = 0, degraded } = endpoint ?? first;
    const choice = degraded ? this.#tiers.length + priority : priority;
    const candidates = this.#choices[choice]?.candidates ?? [];
    // From a random place: the first of the list would get all of them.
    const count = candidates.length;
    const start = Math.floor(this.#runtime.random() * count);
    for (let step = 0; step < count; step++) {
      const other = candidates[(start + step) % count];
      if (other !== undefined && !tried.has(other)) return other;
    }
    return endpoint ?? first;
  }

  /** The same hash always leads to the same priority while their health is the same, as in Envoy. */
  #tierFor(call: Call): Tier {
    const loads = this.#loadsFor(call);
    const hash = this.#tiers[0]?.hashOf(call);
    let left =
      hash === undefined
        ? Math.floor(this.#runtime.random() * 100)
        : modulo(hash.high, hash.low, 100);
    let choice = 0;
    while ((left -= loads[choice] ?? 100) >= 0) choice += 1;
    return this.#choices[choice] as Tier;
  }

  /** With `retryRemoteLocalities` a retry leaves out the priorities that its call has tried, if there are others. */
  #loadsFor({ attempts, policy }: Call): readonly number[] {
    // The attempt that is chosen for is among them already.
    const made = attempts.length - 1;
    if (made < UPDATE_FREQUENCY || policy.retry?.retryRemoteLocalities !== true) return this.#loads;
    const counted = attempts.slice(0, made - (made % UPDATE_FREQUENCY));
    const tried = new Set(
      counted.map(({ endpoint }) => (endpoint as Endpoint | undefined)?.priority),
    );
    const loads = loadsBeside(this.#standings, (priority) => tried.has(priority));
    return loads === undefined ? this.#loads : inOrder(loads);
  }

  #rearrange(endpoints: readonly Endpoint[], policy: LocalityPolicy | undefined): void {
    const arranged = arrange(endpoints, policy);
    this.#look(arranged, this.#factory, true, endpoints);
    this.#arranged = arranged;
  }

  /** When the user's policy throws, everything is as before, and the next pick looks again. */
  #look(
    arranged: readonly Priority<Endpoint>[],
    factory: BalancerFactory,
    anew: boolean,
    endpoints = this.#endpoints,
  ): void {
    const now = this.#runtime.now();
    const standings = arranged.map(({ endpoints: members }) => standingOf(members, now));
    const { panics } = priorityLoads(standings, this.#panicThreshold);
    const contextAfter = (previous: Tier | undefined): TierContext => {
      return { runtime: this.#runtime, factory, counters: this.#counters, previous, anew };
    };
    const tiers = arranged.map((priority, index) => {
      const kind = panics[index] === true ? 'all' : 'healthy';
      return new Tier(
        priority,
        kind,
        standings[index] as Standing,
        contextAfter(this.#tiers[index]),
      );
    });
    const degraded = arranged.map((priority, index) => {
      const standing = standings[index] as Standing;
      if (panics[index] === true || standing.degraded === 0) return undefined;
      return new Tier(priority, 'degraded', standing, contextAfter(this.#degraded[index]));
    });
    // Where every one of them has its tier and its balancer, those take the place of what was before.
    const placed = arranged.reduce((sum, { endpoints: members }) => sum + members.length, 0);
    const isEveryPlaced = placed === endpoints.length && tiers.every(({ isWhole }) => isWhole);
    if (anew && !isEveryPlaced) for (const endpoint of endpoints) endpoint.withdraw();
    tiers.forEach((tier, priority) => tier.takeOver(priority));
    degraded.forEach((tier, priority) => tier?.takeOver(priority));
    this.#tiers = tiers;
    this.#degraded = degraded;
    this.#choices = [...tiers, ...tiers.map((tier, priority) => degraded[priority] ?? tier)];
    this.#standings = ifFree(standings);
    // A hold is no illness: it sets off no panic.
    const threshold = panics.every(Boolean) ? this.#panicThreshold : 0;
    this.#loads = inOrder(priorityLoads(this.#standings, threshold).loads);
    this.#only = tiers.length === 1 && this.#loads[0] === 100 ? tiers[0] : undefined;
    this.#nextLook = this.#choices.reduce((first, one) => Math.min(first, one.heldUntil), Infinity);
  }
}

/** As Istio sets Envoy's `previous_priorities`: after so many attempts, and after as many more, those are left out. */
const UPDATE_FREQUENCY = 2;

/** How often Istio lets Envoy draw anew for a retry (`host_selection_retry_max_attempts`). */
const RESELECTIONS = 5;

/** The same order as that of the choices. */
function inOrder({ healthy, degraded }: Loads): readonly number[] {
  return [...healthy, ...degraded];
}
