/** How a cluster's endpoints are arranged by where they are, as Istio's `localityLbSetting` says it. */
import { isCovered } from './pattern.js';

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
  readonly failover: readonly FailoverRule[];
  readonly distribute: readonly DistributeRule[];
}

/** What comes of the settings at the own locality. */
export type LocalityPolicy =
  | { readonly kind: 'distribute'; readonly to: ReadonlyMap<string, number> }
  | {
      readonly kind: 'nearest';
      readonly local: string;
      readonly failover: readonly FailoverRule[];
    };

/**
 * Undefined when localities play no role: the own one is unknown, or nothing is said of it. Near endpoints come first
 * only where those that are out are noticed.
 */
export function localityPolicy(
  settings: LocalitySettings | undefined,
  noticesFailure: boolean,
): LocalityPolicy | undefined {
  if (settings === undefined || settings.local === '') return undefined;
  const { local, failover, distribute } = settings;
  if (distribute.length > 0) {
    const to = distribute.find(({ from }) => isCovered(local, from))?.to;
    return to && { kind: 'distribute', to };
  }
  return noticesFailure ? { kind: 'nearest', local, failover } : undefined;
}
