/** Questions about the weights of a list of endpoints. */
import type { Endpoint } from '../cluster/endpoint.js';

/** True when no endpoint is to get more than another, so that a policy can take its plain form. */
export function weightsAreEqual(endpoints: readonly Endpoint[]): boolean {
  const weight = endpoints[0]?.weight;
  return endpoints.every((endpoint) => endpoint.weight === weight);
}
