/** Calls of the same hash to the same endpoint: what `ring-hash` and `maglev` have in common. */
import type { Endpoint } from '../cluster/endpoint.js';
import type { Call } from '../core/call.js';
import type { Hash64 } from '../core/hash64.js';
import type { Runtime } from '../core/runtime.js';
import type { Balancer, BalancerContext } from './balancer.js';
import { BoundedLoad } from './bounded-load.js';
import { hashOf, type HashSource } from './request-hash.js';

export interface StickySettings {
  readonly hashOn: readonly HashSource[];
  /** In percent; 0: an endpoint gets its calls however busy it is. */
  readonly hashBalanceFactor: number;
}

/** From hashes to endpoints, by their place in the list that it was made of. */
export interface HashTable {
  /** The halves may have either sign. */
  lookUp(high: number, low: number): number;
  /** By Envoy's names. */
  stats(): Readonly<Record<string, number>>;
}

export class Sticky implements Balancer {
  private readonly runtime: Runtime;
  private readonly hashOn: readonly HashSource[];
  private readonly table: HashTable | undefined;
  private readonly bound: BoundedLoad | undefined;

  /** @param tableOf is called when there is at least one endpoint */
  constructor(
    readonly name: string,
    tableOf: (endpoints: readonly Endpoint[]) => HashTable,
    { hashOn, hashBalanceFactor }: StickySettings,
    private readonly endpoints: readonly Endpoint[],
    { runtime }: BalancerContext,
  ) {
    this.runtime = runtime;
    this.hashOn = hashOn;
    if (endpoints.length > 0) this.table = tableOf(endpoints);
    if (hashBalanceFactor > 0) this.bound = new BoundedLoad(endpoints, hashBalanceFactor);
  }

  pick(call: Call): Endpoint | undefined {
    const { table, bound } = this;
    if (table === undefined) return undefined;
    // A call without a hash goes anywhere, and each of its attempts anew, as in Envoy.
    const hash = hashOf(call, this.hashOn) ?? this.anyHash();
    const place = table.lookUp(hash.high, hash.low);
    return this.endpoints[bound === undefined ? place : bound.relieve(place, hash)];
  }

  isSticky(call: Call): boolean {
    return hashOf(call, this.hashOn) !== null;
  }

  started(endpoint: Endpoint): void {
    this.bound?.started(endpoint);
  }

  ended(endpoint: Endpoint): void {
    this.bound?.ended(endpoint);
  }

  stats(): Readonly<Record<string, number>> {
    return this.table?.stats() ?? {};
  }

  private anyHash(): Hash64 {
    const { runtime } = this;
    const half = (): number => Math.floor(runtime.random() * 2 ** 32);
    return { high: half(), low: half() };
  }
}
