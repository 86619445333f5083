/** The least busy of a few endpoints drawn at random; with unequal weights, a schedule that active attempts slow down. */
import type { Endpoint } from '../cluster/endpoint.js';
import type { Runtime } from '../core/runtime.js';
import type { Balancer, BalancerContext } from './balancer.js';
import { EdfScheduler, PRE_PICK_LIMIT } from './edf.js';
import { weightsAreEqual } from './weights.js';

export interface LeastRequestSettings {
  readonly choiceCount: number;
  readonly activeRequestBias: number;
  readonly fullScan: boolean;
}

/** Envoy's LEAST_REQUEST (`source/extensions/load_balancing_policies/least_request`). */
export class LeastRequest implements Balancer {
  readonly name = 'least-request';
  private readonly runtime: Runtime;
  /** Picks made from a schedule so far, from a random start. */
  private position: number;
  private readonly schedule: EdfScheduler | undefined;

  constructor(
    private readonly settings: LeastRequestSettings,
    private readonly endpoints: readonly Endpoint[],
    { runtime, previous }: BalancerContext,
  ) {
    this.runtime = runtime;
    this.position =
      previous instanceof LeastRequest
        ? previous.position
        : Math.floor(runtime.random() * PRE_PICK_LIMIT);
    if (weightsAreEqual(endpoints)) return;
    const bias = settings.activeRequestBias;
    const weightOf = (entry: number) => {
      const { weight, active } = endpoints[entry] as Endpoint;
      return bias === 1 ? weight / (active + 1) : weight / (active + 1) ** bias;
    };
    this.schedule = new EdfScheduler(endpoints.length, weightOf, this.position);
  }

  pick(): Endpoint | undefined {
    const { endpoints, schedule } = this;
    if (endpoints.length < 2) return endpoints[0];
    if (schedule !== undefined) {
      this.position = (this.position + 1) % PRE_PICK_LIMIT;
      return endpoints[schedule.pick()];
    }
    return this.settings.fullScan ? this.scan() : this.sample();
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
