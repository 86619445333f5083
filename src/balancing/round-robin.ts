/** Each endpoint in turn; with unequal weights, as often as its weight says. */
import type { Endpoint } from '../cluster/endpoint.js';
import type { Balancer, BalancerContext } from './balancer.js';
import { EdfScheduler, PRE_PICK_LIMIT } from './edf.js';
import { weightsAreEqual } from './weights.js';

export class RoundRobin implements Balancer {
  readonly name = 'round-robin';
  /** Picks made so far, from a random start: many clients that start together do not all begin with the same one. */
  private position: number;
  private readonly schedule: EdfScheduler | undefined;

  constructor(
    private readonly endpoints: readonly Endpoint[],
    { runtime, previous }: BalancerContext,
  ) {
    this.position =
      previous instanceof RoundRobin
        ? previous.position
        : Math.floor(runtime.random() * PRE_PICK_LIMIT);
    if (weightsAreEqual(endpoints)) return;
    const weightOf = (entry: number) => (endpoints[entry] as Endpoint).weight;
    this.schedule = new EdfScheduler(endpoints.length, weightOf, this.position);
  }

  pick(): Endpoint | undefined {
    const { endpoints, position, schedule } = this;
    if (endpoints.length === 0) return undefined;
    this.position = (position + 1) % PRE_PICK_LIMIT;
    return endpoints[schedule === undefined ? position % endpoints.length : schedule.pick()];
  }
}
