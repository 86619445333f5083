/** The ring of hashes behind `ring-hash`: each endpoint has places on it, and a call goes to the next one from its hash on. */
import type { Endpoint } from '../cluster/endpoint.js';
import { hostKey, sharesOf } from './hosts.js';
import type { HashTable } from './sticky.js';
import { sortedOrder } from './sorted-order.js';
import { xxHash64 } from './xxhash64.js';

export interface RingSettings {
  readonly minimumRingSize: number;
  readonly maximumRingSize: number;
}

/** Envoy's RING_HASH (`source/extensions/load_balancing_policies/ring_hash/ring_hash_lb.cc`). */
export class HashRing implements HashTable {
  /** The places in order: their hashes, and whose they are. */
  private readonly high: Uint32Array;
  private readonly low: Uint32Array;
  private readonly owners: Uint32Array;
  /** By the leading bits of a hash: the first place that may be its. About as many as there are places. */
  private readonly starts: Uint32Array;
  private readonly shift: number;
  private readonly gauges: Readonly<Record<string, number>>;

  /** @param endpoints at least one */
  constructor(endpoints: readonly Endpoint[], settings: RingSettings) {
    const { counts, size } = placesOf(endpoints, settings);
    const length = counts.reduce((sum, count) => sum + count, 0);
    const high = new Uint32Array(length);
    const low = new Uint32Array(length);
    const owners = new Uint32Array(length);
    let place = 0;
    counts.forEach((count, owner) => {
      const key = hostKey(endpoints[owner] as Endpoint);
      for (let number = 0; number < count; number++) {
        const hash = xxHash64(`${key}_${number}`);
        high[place] = hash.high;
        low[place] = hash.low;
        owners[place] = owner;
        place += 1;
      }
    });
    const order = sortedOrder(high, low);
    this.high = order.map((from) => high[from] as number);
    this.low = order.map((from) => low[from] as number);
    this.owners = order.map((from) => owners[from] as number);
    const bits = Math.max(1, 32 - Math.clz32(length - 1));
    this.shift = 32 - bits;
    this.starts = startsOf(this.high, bits);
    this.gauges = {
      'ring_hash_lb.size': size,
      'ring_hash_lb.min_hashes_per_host': counts.reduce((least, count) => Math.min(least, count)),
      'ring_hash_lb.max_hashes_per_host': counts.reduce((most, count) => Math.max(most, count)),
    };
  }

  lookUp(high: number, low: number): number {
    const { length } = this.high;
    const wantedHigh = high >>> 0;
    const wantedLow = low >>> 0;
    let place = this.starts[wantedHigh >>> this.shift] as number;
    for (; place < length; place++) {
      const found = this.high[place] as number;
      if (found > wantedHigh) break;
      if (found === wantedHigh && (this.low[place] as number) >= wantedLow) break;
    }
    return this.owners[place === length ? 0 : place] as number;
  }

  stats(): Readonly<Record<string, number>> {
    return this.gauges;
  }
}

/** How many places each endpoint has: as many as Envoy's running sums in floating point give it. */
function placesOf(
  endpoints: readonly Endpoint[],
  { minimumRingSize, maximumRingSize }: RingSettings,
): { readonly counts: readonly number[]; readonly size: number } {
  const shares = sharesOf(endpoints);
  const least = shares.reduce((smallest, share) => Math.min(smallest, share), 1);
  const scale = Math.min(Math.ceil(least * minimumRingSize) / least, maximumRingSize);
  let target = 0;
  let reached = 0;
  const counts = Array.from(shares, (share) => {
    target += scale * share;
    const before = reached;
    reached = Math.max(before, Math.ceil(target));
    return reached - before;
  });
  return { counts, size: Math.ceil(scale) };
}

function startsOf(high: Uint32Array, bits: number): Uint32Array {
  const starts = new Uint32Array(2 ** bits);
  let next = 0;
  high.forEach((hash, place) => {
    const bucket = hash >>> (32 - bits);
    while (next <= bucket) starts[next++] = place;
  });
  return starts.fill(high.length, next);
}
