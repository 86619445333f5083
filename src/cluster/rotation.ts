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
  /** When the first hold is over. */
  #nextRelease = Number.POSITIVE_INFINITY;

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
    return this.#inPanic;
  }

  /** A policy of the user's may throw: then the list stays as it was. */
  setEndpoints(endpoints: readonly Endpoint[]): void {
    const candidates = this.#candidatesOf(endpoints);
    this.#balancer = this.#factory(candidates, this.#context());
    this.#endpoints = endpoints;
    this.#candidates = candidates;
    this.#inPanic = this.#panics(endpoints);
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

  /** The health of an endpoint, or how long it is held, has changed. */
  refresh(): void {
    this.#inPanic = this.#panics(this.#endpoints);
    const candidates = this.#candidatesOf(this.#endpoints);
    if (isSame(candidates, this.#candidates)) return;
    this.#candidates = candidates;
    this.#balancer = this.#factory(candidates, this.#context());
  }

  pick(call: Call): Endpoint | undefined {
    if (this.#nextRelease !== Number.POSITIVE_INFINITY) this.#release();
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

  #release(): void {
    if (this.#runtime.now() >= this.#nextRelease) this.refresh();
  }

  #panics(endpoints: readonly Endpoint[]): boolean {
    if (this.#panicThreshold === 0) return false;
    const healthy = endpoints.filter((endpoint) => endpoint.healthy).length;
    return isInPanic(healthy, endpoints.length, this.#panicThreshold);
  }

  /** The healthy ones, or in panic all; of these, endpoints that are held are left out while there are others. */
  #candidatesOf(endpoints: readonly Endpoint[]): readonly Endpoint[] {
    const inPanic = this.#panics(endpoints);
    const usable = inPanic ? endpoints : endpoints.filter((endpoint) => endpoint.healthy);
    const now = this.#runtime.now();
    this.#nextRelease = Number.POSITIVE_INFINITY;
    const free = usable.filter(({ heldUntil }) => {
      if (heldUntil <= now) return true;
      this.#nextRelease = Math.min(this.#nextRelease, heldUntil);
      return false;
    });
    return free.length === 0 ? usable : free;
  }

  #context(): { readonly runtime: Runtime; readonly previous: Balancer } {
    return { runtime: this.#runtime, previous: this.#balancer };
  }
}

/** How often Istio lets Envoy draw anew for a retry (`host_selection_retry_max_attempts`). */
const RESELECTIONS = 5;

function isSame(one: readonly Endpoint[], other: readonly Endpoint[]): boolean {
  return one.length === other.length && one.every((endpoint, index) => endpoint === other[index]);
}
