/** Which endpoints of a cluster may be chosen now, and the balancer that chooses among them. */
import type { Balancer, BalancerFactory } from '../balancing/balancer.js';
import type { Call } from '../core/call.js';
import type { Runtime } from '../core/runtime.js';
import type { Counters } from './counters.js';
import type { Endpoint } from './endpoint.js';
import { isInPanic } from './panic.js';

export class Rotation {
  readonly #runtime: Runtime;
  readonly #counters: Counters;
  #factory: BalancerFactory;
  #balancer: Balancer;
  #endpoints: readonly Endpoint[];
  /** Those the balancer has. */
  #candidates: readonly Endpoint[];
  #panicThreshold = 0;
  #inPanic = false;
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
    this.#endpoints = this.#candidates = endpoints;
    this.#balancer = factory(endpoints, { runtime, previous: undefined });
  }

  /** All of them, whatever their health. */
  get endpoints(): readonly Endpoint[] {
    return this.#endpoints;
  }

  get balancer(): Balancer {
    return this.#balancer;
  }

  /** Endpoints are chosen regardless of their health. */
  get inPanic(): boolean {
    return this.#panics(this.#endpoints);
  }

  /** A policy of the user's may throw: then the list stays as it was. */
  setEndpoints(endpoints: readonly Endpoint[]): void {
    this.#look(endpoints);
    this.#endpoints = endpoints;
  }

  /** Another policy, or other options of the same: then what it remembers of endpoints stays. */
  setFactory(factory: BalancerFactory): void {
    this.#balancer = factory(this.#candidates, this.#context());
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
      this.#look(this.#endpoints);
    }
    if (this.#inPanic) this.#counters.lb_healthy_panic += 1;
    return this.#balancer.pick(call);
  }

  /** Envoy's retry host predicate `previous_hosts`, and then one look, so that a free one is found for sure. */
  pickUntried(call: Call, first: Endpoint): Endpoint {
    const tried = new Set(call.attempts.map(({ endpoint }) => endpoint));
    let endpoint: Endpoint | undefined = first;
    for (let draw = 0; draw < RESELECTIONS && endpoint !== undefined; draw++) {
      if (!tried.has(endpoint)) return endpoint;
      endpoint = this.#balancer.pick(call);
    }
    if (endpoint !== undefined && !tried.has(endpoint)) return endpoint;
    // From a random place: the first of the list would get all of them.
    const count = this.#candidates.length;
    const start = Math.floor(this.#runtime.random() * count);
    for (let step = 0; step < count; step++) {
      const other = this.#candidates[(start + step) % count];
      if (other !== undefined && !tried.has(other)) return other;
    }
    return endpoint ?? first;
  }

  /** When the user's policy throws, everything is as before, and the next pick looks again. */
  #look(endpoints: readonly Endpoint[]): void {
    const now = this.#runtime.now();
    const inPanic = this.#panics(endpoints);
    const usable = inPanic ? endpoints : endpoints.filter(isHealthy);
    const held = usable.filter(({ heldUntil }) => heldUntil > now);
    const candidates = held.length === 0 ? usable : withoutHeld(usable, held);
    if (endpoints !== this.#endpoints || !isSame(candidates, this.#candidates)) {
      this.#balancer = this.#factory(candidates, this.#context());
    }
    this.#candidates = candidates;
    this.#inPanic = inPanic;
    this.#nextLook = held.reduce(
      (first, { heldUntil }) => Math.min(first, heldUntil),
      Number.POSITIVE_INFINITY,
    );
  }

  #panics(endpoints: readonly Endpoint[]): boolean {
    if (this.#panicThreshold === 0) return false;
    const healthy = endpoints.filter(isHealthy).length;
    return isInPanic(healthy, endpoints.length, this.#panicThreshold);
  }

  #context(): { readonly runtime: Runtime; readonly previous: Balancer } {
    return { runtime: this.#runtime, previous: this.#balancer };
  }
}

/** How often Istio lets Envoy draw anew for a retry (`host_selection_retry_max_attempts`). */
const RESELECTIONS = 5;

function isHealthy({ healthy }: Endpoint): boolean {
  return healthy;
}

/**
 * Endpoints that are held are chosen last. Where the others are out and there for panic's sake alone, they take their
 * part like everybody: load is to be spread.
 */
function withoutHeld(usable: readonly Endpoint[], held: readonly Endpoint[]): readonly Endpoint[] {
  const isHeld = new Set(held);
  const free = usable.filter((endpoint) => !isHeld.has(endpoint));
  const isEnough = free.some(isHealthy) || (free.length > 0 && !held.some(isHealthy));
  return isEnough ? free : usable;
}

function isSame(one: readonly Endpoint[], other: readonly Endpoint[]): boolean {
  return one.length === other.length && one.every((endpoint, index) => endpoint === other[index]);
}
