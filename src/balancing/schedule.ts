/** Endpoints in proportion to weights that may change, in a schedule that goes on when the list is another. */
import type { Endpoint } from '../cluster/endpoint.js';
import type { Runtime } from '../core/runtime.js';
import { EdfScheduler, PRE_PICK_LIMIT } from './edf.js';

export class Schedule {
  private readonly edf: EdfScheduler;

  /**
   * @param endpoints at least one
   * @param weightOf the weight that an endpoint has now, above 0; asked again whenever it is picked
   * @param before endpoints that it has go on with their turns; without it the start is at a random place
   */
  constructor(
    private readonly endpoints: readonly Endpoint[],
    weightOf: (endpoint: Endpoint) => number,
    runtime: Runtime,
    before: Schedule | undefined,
  ) {
    const weigh = (entry: number) => weightOf(endpoints[entry] as Endpoint);
    if (before === undefined) {
      const prePicks = Math.floor(runtime.random() * PRE_PICK_LIMIT);
      this.edf = new EdfScheduler(endpoints.length, weigh, prePicks);
      return;
    }
    const entries = new Map(before.endpoints.map((endpoint, entry) => [endpoint, entry]));
    this.edf = new EdfScheduler(endpoints.length, weigh, {
      schedule: before.edf,
      entryOf: (entry) => entries.get(endpoints[entry] as Endpoint),
      random: () => runtime.random(),
    });
  }

  pick(): Endpoint {
    return this.endpoints[this.edf.pick()] as Endpoint;
  }
}
