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
  const expected = 'a list of endpoints, or a discovery';
  if (typeof value === 'function') {
    return at.refuse(value, expected, '; did you mean custom(…)?');
  }
  const isObject = isPlainObject(value) && 'hostname' in value;
  return at.refuse(value, expected, isObject ? '; did you mean dns({ … })?' : '');
};

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
