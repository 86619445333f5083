/** The options of a service, at the top level or inside `services`, and the services that come of them. */
import type { EndpointAddress } from '../cluster/endpoint.js';
import { quote } from './describe.js';
import { readPositiveDuration } from './duration.js';
import { mergePolicyOption, POLICY_OPTIONS } from './merge.js';
import type { NormalizedPolicy, NormalizedService } from './normalized.js';
import type { Fallback, TlsOptions } from './options.js';
import { defaultName, readOrigin } from './origin.js';
import { laterServiceOptions } from './other-names.js';
import type { Place } from './place.js';
import { isDiscovery, readEndpointsOrDiscovery } from './read-discovery.js';
import { ownOrigin } from './read-endpoints.js';
import { readCircuitBreaker } from './read-circuit-breaker.js';
import { readConnectionPool } from './read-connection-pool.js';
import { readHealthCheck } from './read-health-check.js';
import { readHedgePolicy } from './read-hedge.js';
import { readLoadBalancer } from './read-load-balancer.js';
import { readLocality } from './read-locality.js';
import { readOutlierDetection } from './read-outlier-detection.js';
import { readRateLimitHold } from './read-rate-limit-hold.js';
import { readTimeoutPolicy } from './read-timeout.js';
import { checkTls, readTls } from './read-tls.js';
import {
  boolean,
  functionOf,
  orFalse,
  readEntries,
  readFields,
  text,
  type Read,
} from './readers.js';
import { readRetryPolicy } from './retry-policy.js';

export const serviceFields = {
  name: text(/^\S+$/, 'a name without white space'),
  endpoints: readEndpointsOrDiscovery,
  discoveryTimeout: readPositiveDuration,
  loadBalancer: readLoadBalancer,
  locality: readLocality,
  tls: readTls,
  timeout: readTimeoutPolicy,
  retry: readRetryPolicy,
  hedge: readHedgePolicy,
  circuitBreaker: readCircuitBreaker,
  rateLimitHold: readRateLimitHold,
  fallback: orFalse(functionOf<Fallback>('false or a function (failure, request) => Response')),
  envoyHeaders: boolean,
  connectionPool: readConnectionPool,
  outlierDetection: readOutlierDetection,
  healthCheck: readHealthCheck,
};

/** Stands in for an origin that was refused, while the rest of its service is read. */
const NOWHERE = 'https://nowhere.invalid';

/** The client's own policy, and what merges with that of its services, as it was given. */
export interface ClientPolicy extends NormalizedPolicy {
  readonly given: Entries;
}

type Entries = ReadonlyMap<string, unknown>;

/** The service of these options, which have been read; what it leaves out is the client's. */
export function serviceOf(
  origin: string,
  own: Partial<Read<typeof serviceFields>>,
  client: NormalizedPolicy,
): NormalizedService {
  const { endpoints = ownOrigin(origin) } = own;
  return {
    origin,
    name: own.name ?? defaultName(origin),
    endpoints: isDiscovery(endpoints) ? [] : endpoints,
    discovery: isDiscovery(endpoints) ? endpoints : undefined,
    discoveryTimeout: own.discoveryTimeout ?? client.discoveryTimeout,
    loadBalancer: own.loadBalancer ?? client.loadBalancer,
    locality: switched(own.locality, client.locality),
    timeout: own.timeout ?? client.timeout,
    retry: switched(own.retry, client.retry),
    hedge: switched(own.hedge, client.hedge),
    circuitBreaker: switched(own.circuitBreaker, client.circuitBreaker),
    rateLimitHold: switched(own.rateLimitHold, client.rateLimitHold),
    fallback: switched(own.fallback, client.fallback),
    envoyHeaders: own.envoyHeaders ?? client.envoyHeaders,
    connectionPool: own.connectionPool ?? client.connectionPool,
    outlierDetection: switched(own.outlierDetection, client.outlierDetection),
    healthCheck: switched(own.healthCheck, client.healthCheck),
    tls: own.tls === false ? {} : { ...client.tls, ...own.tls },
  };
}

/** False switches off what would hold otherwise. */
export function switched<T>(own: T | false | undefined, otherwise: T | undefined): T | undefined {
  if (own === undefined) return otherwise;
  return own === false ? undefined : own;
}

/** The services by their canonical origins; those whose origin is wrong are left out. */
export function readServices(
  value: unknown,
  client: ClientPolicy,
  at: Place,
): Map<string, NormalizedService> {
  const services = new Map<string, NormalizedService>();
  const placeOf = new Map<string, Place>();
  const entries = readEntries(
    value,
    at,
    'an object with the options of each service by its origin',
  );
  for (const [key, options] of entries ?? []) {
    const place = at.key(key);
    const origin = readOrigin(key, place);
    const service = readService(options, origin ?? NOWHERE, client, place);
    if (origin === null || service === null) continue;
    const before = placeOf.get(origin);
    if (before !== undefined) {
      place.refuseFound(
        `${quote(origin)} again`,
        'each service once',
        `; ${before.path} is the same`,
      );
      continue;
    }
    const namesake = [...services.values()].find(({ name }) => name === service.name);
    if (namesake !== undefined) {
      const other = placeOf.get(namesake.origin)?.path ?? '';
      place.key('name').refuse(service.name, 'a name of its own', `; ${other} has the same`);
    }
    placeOf.set(origin, place);
    services.set(origin, service);
  }
  return services;
}

function readService(
  value: unknown,
  origin: string,
  client: ClientPolicy,
  at: Place,
): NormalizedService | null {
  const entries = readEntries(value, at, 'an object with the options of the service');
  if (entries === null) return null;
  for (const key of POLICY_OPTIONS) {
    if (!entries.has(key)) continue;
    entries.set(key, mergePolicyOption(key, client.given.get(key), entries.get(key)));
  }
  const own = readFields(entries, at, serviceFields, { later: laterServiceOptions });
  const service = serviceOf(origin, own, client);
  if (own.tls) {
    checkTls(service.tls, at.key('tls'));
    const sure = at.key('endpoints').isSound();
    if (sure && !usesTls(service)) refuseUnusedTls(own.tls, at.key('tls'));
  }
  return service;
}

/** True when a connection of the service is secured; with an empty list, when the first one would be. */
export function usesTls({
  origin,
  endpoints,
  discovery,
}: Pick<NormalizedService, 'origin' | 'endpoints'> & Partial<NormalizedService>): boolean {
  // What it will bring is not known yet.
  if (discovery !== undefined) return true;
  const secure = origin.startsWith('https:');
  const isSecured = ({ url }: EndpointAddress) =>
    url.startsWith('https:') || (secure && url.startsWith('unix:'));
  return endpoints.length === 0 ? secure : endpoints.some(isSecured);
}

/** An empty object does no harm. */
export function refuseUnusedTls(tls: TlsOptions, at: Place): void {
  if (Object.keys(tls).length === 0) return;
  at.say('TLS options', 'an https endpoint', 'of no use, since no endpoint is https');
}
