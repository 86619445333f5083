/** Settings of `locality` that are right and can do nothing. */
import type { EndpointAddress } from '../cluster/endpoint.js';
import type { LocalitySettings } from '../locality/locality-policy.js';
import { isCovered } from '../locality/pattern.js';
import { listOf, quote } from './describe.js';

/** Where an endpoint is cannot change which one is chosen. */
export type LocalityWarningCode = 'OUTRIGGER_LOCALITY_HAS_NO_EFFECT';

interface Warned {
  readonly locality: LocalitySettings;
  /** Endpoints that are out are noticed. */
  readonly noticesFailure: boolean;
  /** Undefined where the list is not known yet. */
  readonly endpoints: readonly EndpointAddress[] | undefined;
}

export function localityWarnings({ locality, noticesFailure, endpoints }: Warned): {
  readonly option: string;
  readonly sentence: string;
}[] {
  const { local, failover, distribute } = locality;
  const asked = failover.length > 0 ? 'failover' : 'distribute';
  if (failover.length === 0 && distribute.length === 0) return [];
  if (local === '') {
    const sentence =
      'has no effect: neither locality.local nor OUTRIGGER_LOCALITY of the environment says where this is';
    return [{ option: `locality.${asked}`, sentence }];
  }
  if (failover.length > 0) {
    const found = [];
    if (!noticesFailure) {
      const sentence =
        'has no effect without outlierDetection or healthCheck: nothing tells which endpoints are out';
      found.push({ option: 'locality.failover', sentence });
    }
    const region = local.split('/')[0] ?? '';
    if (!failover.some(({ from }) => from === region)) {
      const sentence = `has no effect: no entry is from ${quote(region)}, the own region`;
      found.push({ option: 'locality.failover', sentence });
    }
    return found;
  }
  const rule = distribute.find(({ from }) => isCovered(local, from));
  if (rule === undefined) {
    const froms = listOf(
      distribute.map(({ from }) => from),
      'and',
    );
    const fits = distribute.length === 1 ? 'does not fit' : 'fits none of';
    const sentence = `has no effect: the own locality ${quote(local)} ${fits} ${froms}`;
    return [{ option: 'locality.distribute', sentence }];
  }
  return unmet(rule.to, endpoints);
}

/** Patterns of the rule that holds which no endpoint fits. */
function unmet(to: ReadonlyMap<string, number>, endpoints: readonly EndpointAddress[] | undefined) {
  if (endpoints === undefined || endpoints.length === 0) return [];
  const missing = [...to.keys()].filter(
    (pattern) => !endpoints.some(({ locality }) => isCovered(locality, pattern)),
  );
  if (missing.length === 0) return [];
  const all = missing.length === to.size;
  const effect = all ? 'so that no endpoint gets any call' : 'so that the others share its part';
  const sentence = `no endpoint is in ${listOf(missing)}, ${effect}`;
  return [{ option: 'locality.distribute', sentence }];
}
