/** The list of endpoints: each of them, and what must hold between them. */
import type { EndpointAddress } from '../cluster/endpoint.js';
import { defaults } from './defaults.js';
import { describe, quote } from './describe.js';
import { A_LOCALITY, LOCALITY } from './locality-text.js';
import { ENDPOINT, readEndpointUrl } from './origin.js';
import type { Place, Reader } from './place.js';
import { readLabels } from './read-labels.js';
import { complete, object, oneOf, readItems, text, wholeNumber, type Read } from './readers.js';

/** Envoy's: weights, and their sum within one locality, are 32 bits wide. */
export const HEAVIEST = 4_294_967_295;
/** Envoy's. */
const LAST_PRIORITY = 127;

const endpointFields = {
  url: readEndpointUrl,
  weight: wholeNumber(1, HEAVIEST),
  locality: text(LOCALITY, A_LOCALITY),
  priority: wholeNumber(0, LAST_PRIORITY),
  labels: readLabels,
  health: oneOf('healthy', 'degraded', 'unhealthy', 'draining'),
};

const endpointObject = object(endpointFields, 'an endpoint', {
  required: { url: ENDPOINT },
});

export const readEndpoint: Reader<EndpointAddress> = (value, at) => {
  const read: Partial<Read<typeof endpointFields>> | null =
    typeof value === 'string'
      ? { url: readEndpointUrl(value, at) ?? undefined }
      : endpointObject(value, at);
  if (read?.url === undefined) return null;
  return {
    url: read.url,
    weight: read.weight ?? defaults['endpoints[].weight'],
    locality: read.locality ?? defaults['endpoints[].locality'],
    priority: read.priority ?? defaults['endpoints[].priority'],
    labels: read.labels ?? defaults['endpoints[].labels'],
    health: read.health ?? defaults['endpoints[].health'],
  };
};

export const readEndpoints: Reader<readonly EndpointAddress[]> = (value, at) =>
  readEndpointsBy(readEndpoint, value, at);

/** Null as soon as one of them is wrong. */
export function readEndpointsBy(
  readItem: Reader<EndpointAddress>,
  value: unknown,
  at: Place,
): readonly EndpointAddress[] | null {
  const endpoints = readItems(value, at, readItem, 'a list of endpoints');
  const first = new Map<string, number>();
  const weights = new Map<string, number>();
  endpoints?.forEach((endpoint, index) => {
    if (endpoint === null) return;
    const { url, weight, locality } = endpoint;
    const before = first.get(url);
    if (before === undefined) first.set(url, index);
    else at.item(index).refuse(url, 'each endpoint once', `; ${at.item(before).path} is the same`);
    weights.set(locality, (weights.get(locality) ?? 0) + weight);
  });
  for (const [locality, sum] of weights) {
    if (sum <= HEAVIEST) continue;
    const where = locality === '' ? '' : ` in ${quote(locality)}`;
    at.refuseFound(
      `weights of ${describe(sum)} together${where}`,
      `at most ${HEAVIEST} in a locality`,
    );
  }
  return complete(endpoints);
}

/** True of the list that `ownOrigin` makes: where it is cannot be said. */
export function isOwnOrigin(origin: string, endpoints: readonly EndpointAddress[]): boolean {
  const [first, ...others] = endpoints;
  return first?.url === origin && first.locality === '' && others.length === 0;
}

/** The one endpoint of a service that has no list: its own origin. */
export function ownOrigin(origin: string): readonly EndpointAddress[] {
  const weight = defaults['endpoints[].weight'];
  const locality = defaults['endpoints[].locality'];
  const priority = defaults['endpoints[].priority'];
  const labels = defaults['endpoints[].labels'];
  const health = defaults['endpoints[].health'];
  return [{ url: origin, weight, locality, priority, labels, health }];
}
