/** Settings of `locality.zoneAware` under which no call goes by zones. */
import type { LoadBalancerPolicy } from '../balancing/policies.js';
import type { EndpointAddress } from '../cluster/endpoint.js';
import { callingZones, type ZoneAwareSettings } from '../locality/zone-aware.js';
import { quote } from './describe.js';

interface Zoned {
  /** It is known. */
  readonly local: string;
  readonly zoneAware: ZoneAwareSettings;
  /** Empty where the list is not known yet. */
  readonly endpoints: readonly EndpointAddress[];
  readonly loadBalancer: LoadBalancerPolicy | undefined;
}

export function zoneAwareWarnings({ local, zoneAware, endpoints, loadBalancer }: Zoned): {
  readonly option: string;
  readonly sentence: string;
}[] {
  const { callers, minClusterSize, routingEnabled, forceLocalZone } = zoneAware;
  const found: { option: string; sentence: string }[] = [];
  const say = (option: string, why: string): void => {
    found.push({ option: `locality.zoneAware${option}`, sentence: `has no effect: ${why}` });
  };
  if (typeof loadBalancer === 'object' && 'hashOn' in loadBalancer) {
    say('', `${loadBalancer.policy} takes no notice of zones, as in Envoy`);
  }
  if (routingEnabled === 0) say('.routingEnabled', 'with 0 % no call goes by zones');
  if ((callers.get(local) ?? 0) === 0) {
    say('.callers', `nobody calls from ${quote(local)}, the own locality`);
  } else if (callingZones(callers) < 2 && forceLocalZone === undefined) {
    say('.callers', 'all callers are in one locality, so that no other one has to be spared');
  }
  const first = firstOf(endpoints);
  if (first.length === 0) return found;
  const zones = new Set(first.map(({ locality }) => locality));
  if (zones.size === 1) say('', `all endpoints are in ${whereOf(first[0])}`);
  else if (first.length < minClusterSize) {
    say('.minClusterSize', `${minClusterSize} are more endpoints than there are, ${first.length}`);
  }
  return found;
}

/** Those of the first priority, in which alone zones count. */
function firstOf(endpoints: readonly EndpointAddress[]): readonly EndpointAddress[] {
  const first = endpoints.reduce((least, { priority }) => Math.min(least, priority), Infinity);
  return endpoints.filter(({ priority }) => priority === first);
}

function whereOf(endpoint: EndpointAddress | undefined): string {
  const { locality = '' } = endpoint ?? {};
  return locality === '' ? 'no locality' : quote(locality);
}
