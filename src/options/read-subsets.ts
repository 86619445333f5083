/** The `subsets` option: each with the endpoints that have its labels, under its own policy over the service's. */
import type { EndpointAddress, Labels } from '../cluster/endpoint.js';
import { mergePolicyOption, POLICY_OPTIONS } from './merge.js';
import type { NormalizedCluster, NormalizedSubset } from './normalized.js';
import type { Place } from './place.js';
import { readCircuitBreaker } from './read-circuit-breaker.js';
import { readConnectionPool } from './read-connection-pool.js';
import { readHealthCheck } from './read-health-check.js';
import { readLabels } from './read-labels.js';
import { readLoadBalancer } from './read-load-balancer.js';
import { readLocality } from './read-locality.js';
import { readOutlierDetection } from './read-outlier-detection.js';
import { readRateLimitHold } from './read-rate-limit-hold.js';
import { readEntries, readFields, switched, text } from './readers.js';

const subsetFields = {
  labels: readLabels,
  loadBalancer: readLoadBalancer,
  locality: readLocality,
  circuitBreaker: readCircuitBreaker,
  rateLimitHold: readRateLimitHold,
  connectionPool: readConnectionPool,
  outlierDetection: readOutlierDetection,
  healthCheck: readHealthCheck,
};

const readName = text(/^[^\s|]+$/, 'a name without white space and |');

/** `given` is what the service was given of its policy; false takes away a subset that an update finds. */
export function readSubsets(
  value: unknown,
  service: NormalizedCluster,
  given: ReadonlyMap<string, unknown>,
  at: Place,
): ReadonlyMap<string, NormalizedSubset> {
  const subsets = new Map<string, NormalizedSubset>();
  if (value === undefined || value === false) return subsets;
  const entries = readEntries(value, at, 'an object with the options of each subset by its name');
  for (const [name, options] of entries ?? []) {
    const place = at.key(name);
    // The name is that of its entry, and told as such.
    if (readName(name, place) === null || options === false) continue;
    const subset = readSubset(options, name, service, given, place);
    if (subset !== null) subsets.set(name, subset);
  }
  return subsets;
}

function readSubset(
  value: unknown,
  name: string,
  service: NormalizedCluster,
  given: ReadonlyMap<string, unknown>,
  at: Place,
): NormalizedSubset | null {
  const entries = readEntries(value, at, 'an object with labels and the options of the subset');
  if (entries === null) return null;
  for (const key of POLICY_OPTIONS) {
    if (!entries.has(key) || !(key in subsetFields)) continue;
    entries.set(key, mergePolicyOption(key, given.get(key), entries.get(key)));
  }
  const own = readFields(entries, at, subsetFields, {
    required: { labels: "an object with labels, such as { version: 'v2' }" },
  });
  const { labels = {} } = own;
  return {
    ...service,
    name: `${service.name}|${name}`,
    labels,
    endpoints: withLabels(service.endpoints, labels),
    loadBalancer: own.loadBalancer ?? service.loadBalancer,
    locality: switched(own.locality, service.locality),
    circuitBreaker: switched(own.circuitBreaker, service.circuitBreaker),
    rateLimitHold: switched(own.rateLimitHold, service.rateLimitHold),
    connectionPool: own.connectionPool ?? service.connectionPool,
    outlierDetection: switched(own.outlierDetection, service.outlierDetection),
    healthCheck: switched(own.healthCheck, service.healthCheck),
  };
}

/** Those that have each of the labels. */
export function withLabels(
  endpoints: readonly EndpointAddress[],
  labels: Labels,
): readonly EndpointAddress[] {
  const wanted = Object.entries(labels);
  return endpoints.filter((endpoint) =>
    wanted.every(([name, value]) => endpoint.labels[name] === value),
  );
}
