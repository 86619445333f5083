/** Endpoints as Envoy's hashing policies see them: by the key that is hashed, and by their share of the weight. */
import type { Endpoint } from '../cluster/endpoint.js';

/** `10.0.0.7:8080`, also where the URL leaves the port out; of a socket its path: Envoy's text for an address. */
export function hostKey({ url }: Endpoint): string {
  if (url.startsWith('unix:')) return url.slice('unix:'.length);
  const host = url.slice(url.indexOf('//') + 2);
  if (/:\d+$/.test(host)) return host;
  return url.startsWith('https:') ? `${host}:443` : `${host}:80`;
}

/** The part of all weights together that each has. */
export function sharesOf(endpoints: readonly Endpoint[]): Float64Array {
  const sum = endpoints.reduce((all, { weight }) => all + weight, 0);
  return Float64Array.from(endpoints, ({ weight }) => weight / sum);
}
