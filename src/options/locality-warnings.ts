/** Settings of `locality` that are right and can do nothing. */
import type { LoadBalancerPolicy } from '../balancing/policies.js';
import type { EndpointAddress } from '../cluster/endpoint.js';
import { saysAnything, type LocalitySettings } from '../locality/locality-policy.js';
import { isCovered } from '../locality/pattern.js';
import { listOf, quote } from './describe.js';
import { zoneAwareWarnings } from './zone-aware-warnings.js';

/** Where an endpoint is cannot change which one is chosen. */
export type LocalityWarningCode = 'OUTRIGGER_LOCALITY_HAS_NO_EFFECT';

export interface LocalityWarning {
  readonly option: string;
  readonly sentence: string;
}

interface Warned {
  readonly locality: LocalitySettings;
  /** Endpoints that are out are noticed. */
  readonly noticesFailure: boolean;
  /** Undefined where the list is not known yet. */
  readonly endpoints: readonly EndpointAddress[] | undefined;
  readonly loadBalancer?: LoadBalancerPolicy | undefined;
}

export function localityWarnings(warned: Warned): LocalityWarning[] {
  const { locality, endpoints, loadBalancer } = warned;
  const { local, failover, failoverPriority, distribute, zoneAware } = locality;
  const found: LocalityWarning[] = [];
  const say = (option: string, sentence: string): void => {
    found.push({ option: `locality.${option}`, sentence });
  };
  if (failoverPriority.length > 0)
    whyNoLabels(warned).forEach((why) => say('failoverPriority', why));
  for (const option of ['failover', 'distribute', 'zoneAware'] as const) {
    const given = { failover: failover.length > 0, distribute: distribute.length > 0, zoneAware };
    if (given[option] && local === '') say(option, UNKNOWN);
  }
  if (local === '') return found;
  if (failover.length > 0) whyNoFailover(warned).forEach((why) => say('failover', why));
  if (distribute.length > 0) {
    whyNoShares(locality, endpoints).forEach((why) => say('distribute', why));
  }
  if (zoneAware === undefined) return found;
  const zoned = { local, zoneAware, endpoints: endpoints ?? [], loadBalancer };
  return [...found, ...zoneAwareWarnings(zoned)];
}

const UNKNOWN =
  'has no effect: neither locality.local nor OUTRIGGER_LOCALITY of the environment says where this is';
const UNNOTICED =
  'has no effect without outlierDetection or healthCheck: nothing tells which endpoints are out';

function whyNoLabels({ locality, noticesFailure }: Warned): string[] {
  const unknown =
    'has no effect: neither locality.labels nor locality.local says anything of this client';
  return [...(noticesFailure ? [] : [UNNOTICED]), ...(saysAnything(locality) ? [] : [unknown])];
}

function whyNoFailover({ locality, noticesFailure }: Warned): string[] {
  const { local, failover, failoverPriority } = locality;
  const region = local.split('/')[0] ?? '';
  const isFromHere = failover.some(({ from }) => from === region);
  // Beside labels it says, even so, that the nearest come first.
  const isIdle = !isFromHere && failoverPriority.length === 0;
  return [
    ...(noticesFailure ? [] : [UNNOTICED]),
    ...(isIdle ? [`has no effect: no entry is from ${quote(region)}, the own region`] : []),
  ];
}

function whyNoShares(
  { local, distribute }: LocalitySettings,
  endpoints: readonly EndpointAddress[] | undefined,
): string[] {
  const rule = distribute.find(({ from }) => isCovered(local, from));
  if (rule !== undefined) return unmet(rule.to, endpoints);
  const froms = listOf(
    distribute.map(({ from }) => from),
    'and',
  );
  const fits = distribute.length === 1 ? 'does not fit' : 'fits none of';
  return [`has no effect: the own locality ${quote(local)} ${fits} ${froms}`];
}

/** Patterns of the rule that holds which no endpoint fits. */
function unmet(
  to: ReadonlyMap<string, number>,
  endpoints: readonly EndpointAddress[] | undefined,
): string[] {
  if (endpoints === undefined || endpoints.length === 0) return [];
  const missing = [...to.keys()].filter(
    (pattern) => !endpoints.some(({ locality }) => isCovered(locality, pattern)),
  );
  if (missing.length === 0) return [];
  const all = missing.length === to.size;
  const effect = all ? 'so that no endpoint gets any call' : 'so that the others share its part';
  return [`no endpoint is in ${listOf(missing)}, ${effect}`];
}
