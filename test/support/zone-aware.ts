/** Policies of zone-aware routing, seen from the zone `a`. */
import type { ZoneAwarePolicy } from '../../src/locality/zone-aware.js';

export function zoneAwarePolicy(
  callers: Readonly<Record<string, number>>,
  own: Partial<ZoneAwarePolicy> = {},
): ZoneAwarePolicy {
  return {
    kind: 'zone-aware',
    local: 'a',
    callers: new Map(Object.entries(callers)),
    minClusterSize: 6,
    routingEnabled: 100,
    forceLocalZone: undefined,
    ...own,
  };
}
