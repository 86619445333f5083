/** The option `endpoints`: a list, or a discovery that brings one. */
import type { EndpointAddress } from '../cluster/endpoint.js';
import { defaults } from './defaults.js';
import type { Discovery } from './discovery.js';
import { parseDuration } from './duration.js';
import type { Place, Reader } from './place.js';
import { isPlainObject } from './plain-object.js';
import { readEndpoints } from './read-endpoints.js';

/** True for `dns()`, `file()`, `custom()`, and whatever else can be started. */
export function isDiscovery(value: unknown): value is Discovery {
  if (typeof value !== 'object' || value === null) return false;
  try {
    return 'start' in value && typeof value.start === 'function';
  } catch {
    return false; // a revoked proxy, or one that throws
  }
}

export const readEndpointsOrDiscovery: Reader<readonly EndpointAddress[] | Discovery> = (
  value,
  at,
) => {
  if (isDiscovery(value)) return readDiscovery(value, at);
  if (Array.isArray(value)) return readEndpoints(value, at);
  const made = makerOf(value);
  const hint = made === undefined ? '' : `; did you mean ${made}?`;
  return at.refuse(value, 'a list of endpoints, or a discovery', hint);
};

/** What makes a discovery of such a value. */
function makerOf(value: unknown): string | undefined {
  if (typeof value === 'function') return 'custom(…)';
  if (typeof value !== 'object' || value === null) return undefined;
  try {
    if (Symbol.asyncIterator in value) return 'custom(…)';
    if (!isPlainObject(value)) return undefined;
    if ('hostname' in value) return 'dns({ … })';
    return 'path' in value ? 'file({ … })' : undefined;
  } catch {
    return undefined; // a proxy that throws
  }
}

/** In milliseconds. */
export function defaultDiscoveryTimeout(): number {
  return parseDuration(defaults.discoveryTimeout, 'discoveryTimeout');
}

function readDiscovery(value: Discovery, at: Place): Discovery | null {
  let name: unknown;
  try {
    name = value.name;
  } catch {
    name = undefined;
  }
  if (typeof name === 'string' && name !== '') return value;
  return at.key('name').refuse(name, 'the name of the discovery');
}
