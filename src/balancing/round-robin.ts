/** Each endpoint in turn; with unequal weights, or while one warms up, as often as its weight says. */
import type { Endpoint } from '../cluster/endpoint.js';
import type { Runtime } from '../core/runtime.js';
import type { Balancer, BalancerContext } from './balancer.js';
import { PRE_PICK_LIMIT } from './edf.js';
import { Schedule } from './schedule.js';
import { Warmup, type WarmupSettings } from './warmup.js';
import { weightsAreEqual } from './weights.js';

export class RoundRobin implements Balancer {
  readonly name = 'round-robin';
  private readonly runtime: Runtime;
  /** Whose turn it is, from a random start: many clients that start together do not all begin with the same one. */
  private position: number;
  private schedule: Schedule | undefined;
  private warmup: Warmup | undefined;

  constructor(
    private readonly endpoints: readonly Endpoint[],
    { runtime, previous }: BalancerContext,
    private readonly warmupSettings?: WarmupSettings,
  ) {
    this.runtime = runtime;
    const before = previous instanceof RoundRobin ? previous : undefined;
    this.position = before?.placeIn(endpoints) ?? Math.floor(runtime.random() * PRE_PICK_LIMIT);
    this.plan(before?.schedule);
  }

  pick(): Endpoint | undefined {
    const { endpoints, warmup } = this;
    if (endpoints.length === 0) return undefined;
    if (warmup?.lookAt(this.runtime.now()) === true) this.plan(this.schedule);
    const { position, schedule } = this;
    this.position = (position + 1) % PRE_PICK_LIMIT;
    return schedule === undefined ? endpoints[position % endpoints.length] : schedule.pick();
  }

  /** A schedule where one is needed. */
  private plan(before: Schedule | undefined): void {
    const { endpoints, runtime } = this;
    const warmup = Warmup.of(this.warmupSettings, endpoints, runtime);
    this.warmup = warmup;
    this.schedule = undefined;
    if (warmup === undefined && weightsAreEqual(endpoints)) return;
    const weightOf = (endpoint: Endpoint) =>
      warmup === undefined ? endpoint.weight : endpoint.weight * warmup.factorOf(endpoint);
    this.schedule = new Schedule(endpoints, weightOf, runtime, before);
  }

  /**
   * The place in another list of the endpoint whose turn it is, or of the next one that is there; undefined when none
   * is, or turns were taken by a schedule. A mere number would stand for another endpoint in each list, and favour some
   * of them when one goes and comes back again and again.
   */
  private placeIn(list: readonly Endpoint[]): number | undefined {
    const { endpoints, position } = this;
    if (endpoints.length === 0) return position;
    if (this.schedule !== undefined) return undefined;
    const places = new Map(list.map((endpoint, place) => [endpoint, place]));
    for (let step = 0; step < endpoints.length; step++) {
      const place = places.get(endpoints[(position + step) % endpoints.length] as Endpoint);
      if (place !== undefined) return place;
    }
    return undefined;
  }
}
