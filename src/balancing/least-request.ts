/**
 * The least busy of a few endpoints drawn at random; with unequal weights, or while one warms up, a
 * schedule that active attempts slow down.
 */
import type { Endpoint } from '../cluster/endpoint.js';
import type { Runtime } from '../core/runtime.js';
import type { Balancer, BalancerContext } from './balancer.js';
import { Schedule } from './schedule.js';
import { Warmup, type WarmupSettings } from './warmup.js';
import { weightsAreEqual } from './weights.js';

export interface LeastRequestSettings {
  readonly choiceCount: number;
  readonly activeRequestBias: number;
  readonly fullScan: boolean;
  readonly warmup?: WarmupSettings | undefined;
}

/** Envoy's LEAST_REQUEST (`source/extensions/load_balancing_policies/least_request`). */
export class LeastRequest implements Balancer {
  readonly name = 'least-request';
  private readonly runtime: Runtime;
  private schedule: Schedule | undefined;
  private warmup: Warmup | undefined;

  constructor(
    private readonly settings: LeastRequestSettings,
    private readonly endpoints: readonly Endpoint[],
    { runtime, previous }: BalancerContext,
  ) {
    this.runtime = runtime;
    this.plan(previous instanceof LeastRequest ? previous.schedule : undefined);
  }

  pick(): Endpoint | undefined {
    const { endpoints, warmup } = this;
    if (endpoints.length < 2) return endpoints[0];
    if (warmup?.lookAt(this.runtime.now()) === true) this.plan(this.schedule);
    if (this.schedule !== undefined) return this.schedule.pick();
    return this.settings.fullScan ? this.scan() : this.sample();
  }

  /** A schedule where one is needed. */
  private plan(before: Schedule | undefined): void {
    const { endpoints, settings, runtime } = this;
    const warmup = Warmup.of(settings.warmup, endpoints, runtime);
    this.warmup = warmup;
    this.schedule = undefined;
    if (warmup === undefined && weightsAreEqual(endpoints)) return;
    const bias = settings.activeRequestBias;
    const weightOf = (endpoint: Endpoint) => {
      const { active } = endpoint;
      const weight =
        warmup === undefined ? endpoint.weight : endpoint.weight * warmup.factorOf(endpoint);
      return bias === 1 ? weight / (active + 1) : weight / (active + 1) ** bias;
    };
    this.schedule = new Schedule(endpoints, weightOf, runtime, before);
  }

  /** Draws with replacement, as Envoy does; the first drawn stays unless a later one is strictly less busy. */
  private sample(): Endpoint {
    let chosen = this.draw();
    for (let i = this.settings.choiceCount; i > 1; i--) {
      const other = this.draw();
      if (other.active < chosen.active) chosen = other;
    }
    return chosen;
  }

  private draw(): Endpoint {
    const { endpoints } = this;
    return endpoints[Math.floor(this.runtime.random() * endpoints.length)] as Endpoint;
  }

  /** Looks at all of them; of those that are equally idle each is as likely as the other (reservoir sampling). */
  private scan(): Endpoint {
    const { endpoints, runtime } = this;
    let chosen = endpoints[0] as Endpoint;
    let equals = 1;
    for (let i = 1; i < endpoints.length; i++) {
      const other = endpoints[i] as Endpoint;
      if (other.active < chosen.active) {
        chosen = other;
        equals = 1;
      } else if (other.active === chosen.active && runtime.random() * ++equals < 1) {
        chosen = other;
      }
    }
    return chosen;
  }
}
