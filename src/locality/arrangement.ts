/** Puts the endpoints of a cluster into priorities, and those of a priority into weighted localities. */
import { mismatch } from './labels.js';
import type { FailoverRule, LocalityPolicy, NearestPolicy } from './locality-policy.js';
import { isCovered } from './pattern.js';
import type { ZoneAwarePolicy } from './zone-aware.js';

/** What of an endpoint matters here. */
export interface Placed {
  /** The one that was given; 0 is the first. */
  readonly ownPriority: number;
  readonly locality: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly weight: number;
}

/** The endpoints of one locality within a priority. */
export interface WeightedLocality<E> {
  readonly name: string;
  /** In relation to the other localities of the priority, while all its endpoints are healthy. */
  readonly weight: number;
  readonly endpoints: readonly E[];
}

/** The endpoints of one priority. */
export interface Priority<E> {
  readonly endpoints: readonly E[];
  /** Undefined: they are chosen among regardless of where they are. */
  readonly localities?: readonly WeightedLocality<E>[] | undefined;
  /** Chooses among the localities in place of their weights. */
  readonly zoneAware?: ZoneAwarePolicy | undefined;
}

/** Nearness has five degrees, as in Istio: what counts before it is multiplied by so much. */
const DEGREES = 5;

/** The priorities in order, at least one. Endpoints that no share of `distribute` is meant for are in none. */
export function arrange<E extends Placed>(
  endpoints: readonly E[],
  policy: LocalityPolicy | undefined,
): readonly Priority<E>[] {
  const weigh = weighing(policy);
  const levels = inOrder(endpoints, (endpoint) => rank(endpoint, policy));
  const priorities = levels.map((level, index) => {
    // As in Envoy, of the first priority alone.
    if (policy?.kind === 'zone-aware' && index === 0) {
      return { endpoints: level, localities: byLocality(level), zoneAware: policy };
    }
    const localities = weigh?.(level);
    if (localities === undefined) return { endpoints: level, localities };
    return { endpoints: localities.flatMap((locality) => [...locality.endpoints]), localities };
  });
  const meant = priorities.filter((priority) => priority.endpoints.length > 0);
  return meant.length === 0 ? priorities.slice(0, 1) : meant;
}

/** By rank; ranks that nobody has leave no gap. */
function inOrder<E>(endpoints: readonly E[], rankOf: (endpoint: E) => number): (readonly E[])[] {
  const first = endpoints[0];
  const rankOfFirst = first && rankOf(first);
  if (endpoints.every((endpoint) => rankOf(endpoint) === rankOfFirst)) return [endpoints];
  const levels = new Map<number, E[]>();
  for (const endpoint of endpoints) {
    const at = rankOf(endpoint);
    const level = levels.get(at);
    if (level === undefined) levels.set(at, [endpoint]);
    else level.push(endpoint);
  }
  return [...levels.entries()].sort(([one], [other]) => one - other).map(([, level]) => level);
}

/** The priority that was given counts first, then labels, then nearness, where each of them is to count. */
function rank(endpoint: Placed, policy: LocalityPolicy | undefined): number {
  const { ownPriority } = endpoint;
  if (policy?.kind === 'nearest') return nearer(ownPriority, endpoint, policy);
  if (policy?.kind !== 'labels') return ownPriority;
  const { matches, nearest } = policy;
  const matched = ownPriority * (matches.length + 1) + mismatch(endpoint, matches);
  return nearest === undefined ? matched : nearer(matched, endpoint, nearest);
}

function nearer(before: number, { locality }: Placed, policy: NearestPolicy): number {
  return before * DEGREES + distance(locality, policy.local, policy.failover);
}

/** How far it is from the own locality: 0 is the same one, 4 a region that is not the one to fail over to. */
export function distance(
  locality: string,
  local: string,
  failover: readonly FailoverRule[],
): number {
  const [region, zone, subzone] = locality.split('/');
  const [ownRegion, ownZone, ownSubzone] = local.split('/');
  if (region !== ownRegion) {
    const rule = failover.find(({ from }) => from === ownRegion);
    return rule === undefined || rule.to === region ? 3 : 4;
  }
  if ((zone ?? '') !== (ownZone ?? '')) return 2;
  return (subzone ?? '') === (ownSubzone ?? '') ? 0 : 1;
}

type Weigh = <E extends Placed>(endpoints: readonly E[]) => readonly WeightedLocality<E>[];

/** With `failover` or `failoverPriority` spelt out Istio switches the weighting on, too. */
function weighing(policy: LocalityPolicy | undefined): Weigh | undefined {
  if (policy?.kind === 'distribute') return (endpoints) => distributed(endpoints, policy.to);
  const isSpeltOut =
    policy?.kind === 'labels' || (policy?.kind === 'nearest' && policy.failover.length > 0);
  return isSpeltOut ? (endpoints) => byLocality(endpoints) : undefined;
}

/** Each locality with the weights of its endpoints together. */
function byLocality<E extends Placed>(endpoints: readonly E[]): WeightedLocality<E>[] {
  const localities = new Map<string, E[]>();
  for (const endpoint of endpoints) {
    const others = localities.get(endpoint.locality);
    if (others === undefined) localities.set(endpoint.locality, [endpoint]);
    else others.push(endpoint);
  }
  return [...localities].map(([name, members]) => ({
    name,
    weight: members.reduce((sum, { weight }) => sum + weight, 0),
    endpoints: members,
  }));
}

/** Localities that share a pattern share its percentage by their own weights, rounded up as in Istio. */
function distributed<E extends Placed>(
  endpoints: readonly E[],
  to: ReadonlyMap<string, number>,
): WeightedLocality<E>[] {
  const unclaimed = new Set(byLocality(endpoints));
  const claimed: WeightedLocality<E>[] = [];
  for (const [pattern, percent] of to) {
    const matching = [...unclaimed].filter(({ name }) => isCovered(name, pattern));
    const together = matching.reduce((sum, { weight }) => sum + weight, 0);
    for (const locality of matching) {
      unclaimed.delete(locality);
      claimed.push({ ...locality, weight: Math.ceil((locality.weight * percent) / together) });
    }
  }
  return claimed;
}
