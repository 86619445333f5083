/** The list of endpoints: each of them, and what must hold between them. */
import type { EndpointAddress } from '../cluster/endpoint.js';
import { defaults } from './defaults.js';
import { describe, quote } from './describe.js';
import { laterEndpointOptions } from './other-names.js';
import { ENDPOINT, readEndpointUrl } from './origin.js';
import type { Reader } from './place.js';
import { complete, object, readItems, text, wholeNumber } from './readers.js';

/** Envoy's: weights, and their sum within one locality, are 32 bits wide. */
const HEAVIEST = 4_294_967_295;

const endpointObject = object(
  {
    url: readEndpointUrl,
    weight: wholeNumber(1, HEAVIEST),
    locality: text(
      /^(?:[^\s/]+(?:\/[^\s/]+){0,2})?$/,
      "'region/zone/subzone', parts left out from the right alone",
    ),
  },
  'an endpoint',
  { required: { url: ENDPOINT }, later: laterEndpointOptions },
);

const readEndpoint: Reader<EndpointAddress> = (value, at) => {
  const read =
    typeof value === 'string'
      ? { url: readEndpointUrl(value, at), weight: undefined, locality: undefined }
      : endpointObject(value, at);
  if (read?.url === undefined || read.url === null) return null;
  return {
    url: read.url,
    weight: read.weight ?? defaults['endpoints[].weight'],
    locality: read.locality ?? defaults['endpoints[].locality'],
  };
};

/** Null as soon as one of them is wrong. */
export const readEndpoints: Reader<readonly EndpointAddress[]> = (value, at) => {
  const endpoints = readItems(value, at, readEndpoint, 'a list of endpoints');
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
};

/** The one endpoint of a service that has no list: its own origin. */
export function ownOrigin(origin: string): readonly EndpointAddress[] {
  const weight = defaults['endpoints[].weight'];
  return [{ url: origin, weight, locality: defaults['endpoints[].locality'] }];
}
