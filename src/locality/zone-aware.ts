/** Envoy's zone-aware routing: calls stay in their zone as far as every endpoint gets its even part of all calls. */
import type { Runtime } from '../core/runtime.js';

export interface ZoneAwareSettings {
  /** By locality: how many instances of the calling service there are, or which share of them. */
  readonly callers: ReadonlyMap<string, number>;
  /** With fewer healthy endpoints zones play no role. */
  readonly minClusterSize: number;
  /** The percentage of calls that go by zones. */
  readonly routingEnabled: number;
  /** So many healthy endpoints of the own zone get all its calls; undefined: by the formula. */
  readonly forceLocalZone: number | undefined;
}

/** In Envoy a zone is a locality: region, zone and subzone are compared. */
export interface ZoneAwarePolicy extends ZoneAwareSettings {
  readonly kind: 'zone-aware';
  readonly local: string;
}

/** The endpoints of one locality that may be chosen, at least one. */
export interface Zone {
  readonly name: string;
  readonly count: number;
  /** Of all of them together. */
  readonly weight: number;
}

/** By Envoy's names. */
export interface ZoneCounters {
  lb_recalculate_zone_structures: number;
  lb_local_cluster_not_ok: number;
  lb_zone_cluster_too_small: number;
  lb_zone_routing_all_directly: number;
  lb_zone_routing_sampled: number;
  lb_zone_routing_cross_zone: number;
  lb_zone_no_capacity_left: number;
}

/** Zones in which there are callers. */
export function callingZones(callers: ZoneAwareSettings['callers']): number {
  return [...callers.values()].filter((count) => count > 0).length;
}

/**
 * Whether calls go by zones at all, by Envoy's conditions in its order (`earlyExitNonLocalityRouting`).
 * @param zones the localities of the endpoints, whatever their health
 */
export function goesByZones(
  { local, callers, minClusterSize, forceLocalZone }: ZoneAwarePolicy,
  zones: number,
  healthy: number,
  counters: ZoneCounters,
): boolean {
  counters.lb_recalculate_zone_structures += 1;
  if (zones < 2) return false;
  if (callingZones(callers) < 2 && forceLocalZone === undefined) return false;
  if ((callers.get(local) ?? 0) === 0) {
    counters.lb_local_cluster_not_ok += 1;
    return false;
  }
  if (healthy < minClusterSize) {
    counters.lb_zone_cluster_too_small += 1;
    return false;
  }
  return true;
}

/** The whole, in the hundredths of a percent that Envoy reckons in. */
const WHOLE = 10_000;

/** Chooses a zone for each pick, as Envoy's `tryChooseLocalLocalityHosts` does. */
export class ZoneRouting {
  /** The place of the own zone; -1 while nobody of it may be chosen. */
  readonly #own: number;
  /** How much of the own calls stays. */
  readonly #stay: number;
  /** What each zone can take of the rest, added up from zone to zone. */
  readonly #residuals: readonly number[];
  /** The weights of the zones, added up. */
  readonly #weights: readonly number[];

  constructor(
    zones: readonly Zone[],
    private readonly policy: ZoneAwarePolicy,
    private readonly runtime: Runtime,
    private readonly counters: ZoneCounters,
  ) {
    const { local, callers, forceLocalZone = Infinity } = policy;
    const called = zones.reduce((sum, { count }) => sum + count, 0);
    const calling = [...callers.values()].reduce((sum, count) => sum + count, 0);
    const upstream = zones.map(({ count }) => Math.floor((WHOLE * count) / called));
    const callersOf = (name: string): number =>
      Math.floor((WHOLE * (callers.get(name) ?? 0)) / calling);
    this.#own = zones.findIndex(({ name }) => name === local);
    const isForced = (zones[this.#own]?.count ?? 0) >= forceLocalZone;
    this.#stay = isForced ? WHOLE : stay(upstream[this.#own] ?? 0, callersOf(local));
    // The own zone has nothing left whenever this is asked.
    const left = zones.map(({ name }, zone) =>
      Math.max(0, (upstream[zone] ?? 0) - callersOf(name)),
    );
    this.#residuals = addedUp(left);
    this.#weights = addedUp(zones.map(({ weight }) => weight));
  }

  /** The place of a zone in the list. */
  pick(): number {
    const { policy, counters } = this;
    if (policy.routingEnabled < 100 && this.#draw(100) >= policy.routingEnabled) {
      return this.#drawPlace(this.#weights);
    }
    if (this.#stay === WHOLE) {
      counters.lb_zone_routing_all_directly += 1;
      return this.#own;
    }
    if (this.#draw(WHOLE) < this.#stay) {
      counters.lb_zone_routing_sampled += 1;
      return this.#own;
    }
    counters.lb_zone_routing_cross_zone += 1;
    if (this.#residuals.at(-1) !== 0) return this.#drawPlace(this.#residuals);
    counters.lb_zone_no_capacity_left += 1;
    return this.#draw(this.#residuals.length);
  }

  #draw(below: number): number {
    return Math.floor(this.runtime.random() * below);
  }

  #drawPlace(sums: readonly number[]): number {
    return placeOf(this.#draw(sums.at(-1) ?? 0), sums);
  }
}

/** All calls, as long as the zone's part of the callers is no greater than that of the endpoints. */
function stay(upstream: number, callers: number): number {
  if (upstream > 0 && upstream >= callers) return WHOLE;
  return callers === 0 ? 0 : Math.floor((upstream * WHOLE) / callers);
}

function addedUp(parts: readonly number[]): readonly number[] {
  let sum = 0;
  return parts.map((part) => (sum += part));
}

/** The first place whose sum is above the number, which is below the last sum. */
function placeOf(number: number, sums: readonly number[]): number {
  let low = 0;
  let high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sums[middle] ?? 0) > number) high = middle;
    else low = middle + 1;
  }
  return low;
}
