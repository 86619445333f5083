/** The table behind `maglev`: as many slots as its size, shared out so evenly that each endpoint has its share of them. */
import type { Endpoint } from '../cluster/endpoint.js';
import { modulo } from '../core/hash64.js';
import { hostKey, sharesOf } from './hosts.js';
import type { HashTable } from './sticky.js';
import { xxHash64 } from './xxhash64.js';

/** Envoy's MAGLEV (`source/extensions/load_balancing_policies/maglev/maglev_lb.cc`); the order of the list has no part in it. */
export class MaglevTable implements HashTable {
  /** By slot, whose it is. */
  private readonly owners: Uint32Array;
  private readonly gauges: Readonly<Record<string, number>>;

  /**
   * @param endpoints at least one
   * @param size a prime
   */
  constructor(
    endpoints: readonly Endpoint[],
    private readonly size: number,
  ) {
    const counts = new Uint32Array(endpoints.length);
    this.owners = filled(endpoints, size, counts);
    this.gauges = {
      'maglev_lb.min_entries_per_host': counts.reduce((least, count) => Math.min(least, count)),
      'maglev_lb.max_entries_per_host': counts.reduce((most, count) => Math.max(most, count)),
    };
  }

  lookUp(high: number, low: number): number {
    return this.owners[modulo(high, low, this.size)] as number;
  }

  stats(): Readonly<Record<string, number>> {
    return this.gauges;
  }
}

/** Counts in `counts` how many slots each endpoint gets. */
function filled(endpoints: readonly Endpoint[], size: number, counts: Uint32Array): Uint32Array {
  const keys = endpoints.map(hostKey);
  const sorted = inOrder(keys);
  const shares = sharesOf(endpoints);
  const most = shares.reduce((largest, share) => Math.max(largest, share), 0);
  const targets = new Float64Array(endpoints.length);
  /** The slot that each asks for next, and the step from there to the one after. */
  const wanted = new Int32Array(endpoints.length);
  const skips = new Int32Array(endpoints.length);
  keys.forEach((key, index) => {
    const offset = xxHash64(key);
    const skip = xxHash64(key, 1);
    wanted[index] = modulo(offset.high, offset.low, size);
    skips[index] = modulo(skip.high, skip.low, size - 1) + 1;
  });
  const free = endpoints.length;
  const owners = new Uint32Array(size).fill(free);
  let left = size;
  for (let iteration = 1; left > 0; iteration++) {
    for (let turn = 0; turn < sorted.length && left > 0; turn++) {
      const index = sorted[turn] as number;
      // The lighter ones have a turn in some of the iterations only.
      if (iteration * (shares[index] as number) < (targets[index] as number)) continue;
      targets[index] = (targets[index] as number) + most;
      const skip = skips[index] as number;
      let slot = wanted[index] as number;
      while (owners[slot] !== free) slot = after(slot, skip, size);
      owners[slot] = index;
      wanted[index] = after(slot, skip, size);
      counts[index] = (counts[index] as number) + 1;
      left -= 1;
    }
  }
  return owners;
}

function after(slot: number, skip: number, size: number): number {
  const next = slot + skip;
  return next < size ? next : next - size;
}

function inOrder(keys: readonly string[]): Uint32Array {
  return Uint32Array.from(keys, (_, index) => index).sort((one, other) => {
    const key = keys[one] as string;
    const otherKey = keys[other] as string;
    if (key === otherKey) return 0;
    return key < otherKey ? -1 : 1;
  });
}
