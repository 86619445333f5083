/** Bounded loads: an endpoint that has more than its part of the active attempts hands calls on. */
import type { Endpoint } from '../cluster/endpoint.js';
import type { Hash64 } from '../core/hash64.js';
import { sharesOf } from './hosts.js';

/** Envoy's `BoundedLoadHashingLoadBalancer` (`thread_aware_lb_impl.cc`), after arxiv.org/abs/1608.01350. */
export class BoundedLoad {
  private readonly places: ReadonlyMap<Endpoint, number>;
  private readonly shares: Float64Array;
  /** Active attempts at these endpoints. */
  private active: number;

  /** @param factor in percent of the mean load, at least 100 */
  constructor(
    private readonly endpoints: readonly Endpoint[],
    private readonly factor: number,
  ) {
    this.places = new Map(endpoints.map((endpoint, place) => [endpoint, place]));
    this.shares = sharesOf(endpoints);
    this.active = endpoints.reduce((sum, { active }) => sum + active, 0);
  }

  started(endpoint: Endpoint): void {
    if (this.places.has(endpoint)) this.active += 1;
  }

  ended(endpoint: Endpoint): void {
    if (this.places.has(endpoint)) this.active -= 1;
  }

  /** The endpoint at this place unless it is full: then the first that is not, in an order that the hash alone decides. */
  relieve(place: number, hash: Hash64): number {
    let load = this.loadOf(place);
    if (load <= 1) return place;
    let least = place;
    const random = numbersFrom(hash);
    const order = Uint32Array.from(this.shares, (_, index) => index);
    for (let step = 0; step < order.length; step++) {
      const drawn = step + Math.floor(random() * (order.length - step));
      const other = order[drawn] as number;
      order[drawn] = order[step] as number;
      const otherLoad = this.loadOf(other);
      if (otherLoad <= 1) return other;
      if (otherLoad < load) {
        least = other;
        load = otherLoad;
      }
    }
    return least;
  }

  /** Above 1 it is full. */
  private loadOf(place: number): number {
    const { active } = this.endpoints[place] as Endpoint;
    // Every endpoint has one slot at least.
    if (active <= 1) return active;
    const all = Math.floor(((this.active + 1) * this.factor + 99) / 100);
    return active / Math.max(1, Math.ceil(all * (this.shares[place] as number)));
  }
}

/** Numbers from 0 (included) to 1 (excluded), always the same ones for a hash (mulberry32). */
function numbersFrom({ high, low }: Hash64): () => number {
  let state = high ^ low;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
