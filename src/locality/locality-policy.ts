/** How a cluster's endpoints are arranged by where they are, as Istio's `localityLbSetting` says it. */
import { labelOf, type Labelled, type LabelMatch, type LabelRule } from './labels.js';
import { isCovered } from './pattern.js';
import type { ZoneAwarePolicy, ZoneAwareSettings } from './zone-aware.js';

/** When the endpoints of a region are out, those of another one are chosen before the rest. */
export interface FailoverRule {
  readonly from: string;
  readonly to: string;
}

/** Which share of the calls from a locality goes where. */
export interface DistributeRule {
  /** A pattern. */
  readonly from: string;
  /** Patterns, and percent of the calls; they make 100. */
  readonly to: ReadonlyMap<string, number>;
}

export interface LocalitySettings {
  /** Where the calls are made from; empty when that is unknown. */
  readonly local: string;
  /** Of the client, as endpoints have theirs. */
  readonly labels: Labelled['labels'];
  readonly failover: readonly FailoverRule[];
  readonly failoverPriority: readonly LabelRule[];
  readonly distribute: readonly DistributeRule[];
  /** Undefined: off. */
  readonly zoneAware: ZoneAwareSettings | undefined;
}

/** By how near an endpoint is. */
export interface NearestPolicy {
  readonly kind: 'nearest';
  readonly local: string;
  readonly failover: readonly FailoverRule[];
}

/** What comes of the settings at the own locality. */
export type LocalityPolicy =
  | { readonly kind: 'distribute'; readonly to: ReadonlyMap<string, number> }
  | NearestPolicy
  | {
      readonly kind: 'labels';
      readonly matches: readonly LabelMatch[];
      /** Orders those that match as far as each other; undefined: they are alike. */
      readonly nearest: NearestPolicy | undefined;
    }
  | ZoneAwarePolicy;

/**
 * Undefined when localities play no role: the own one is unknown, or nothing is said of it. Near endpoints come first
 * only where those that are out are noticed.
 */
export function localityPolicy(
  settings: LocalitySettings | undefined,
  noticesFailure: boolean,
): LocalityPolicy | undefined {
  if (settings === undefined) return undefined;
  const { local, failover, failoverPriority, distribute, zoneAware } = settings;
  const isKnown = local !== '';
  if (distribute.length > 0) {
    const to = isKnown ? distribute.find(({ from }) => isCovered(local, from))?.to : undefined;
    return to && { kind: 'distribute', to };
  }
  if (zoneAware !== undefined) {
    return isKnown ? { kind: 'zone-aware', local, ...zoneAware } : undefined;
  }
  if (!noticesFailure) return undefined;
  const nearest = isKnown ? { kind: 'nearest' as const, local, failover } : undefined;
  if (failoverPriority.length === 0) return nearest;
  if (!saysAnything(settings)) return undefined;
  return {
    kind: 'labels',
    matches: matchesOf(settings),
    nearest: failover.length > 0 ? nearest : undefined,
  };
}

/** A client of which nothing is known has nothing to compare with, as in Istio. */
export function saysAnything(settings: LocalitySettings): boolean {
  const { local, labels, failoverPriority } = settings;
  const isGiven = failoverPriority.some(({ value }) => value !== undefined);
  return isGiven || local !== '' || Object.keys(labels).length > 0;
}

function matchesOf({ labels, local, failoverPriority }: LocalitySettings): LabelMatch[] {
  const client = { labels, locality: local };
  return failoverPriority.map(({ label, value }) => ({
    label,
    value: value ?? labelOf(client, label),
  }));
}
