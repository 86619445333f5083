/** The options of a service, at the top level or inside `services`, and the services that come of them. */
import type { EndpointAddress } from '../cluster/endpoint.js';
import { quote } from './describe.js';
import { readPositiveDuration } from './duration.js';
import { mergePolicyOption, POLICY_OPTIONS } from './merge.js';
import type { NormalizedPolicy, NormalizedService } from './normalized.js';
import type { Fallback, TlsOptions } from './options.js';
import { defaultName, readOrigin } from './origin.js';
import { laterServiceOptions } from './other-names.js';
import { Place } from './place.js';
import { isDiscovery, readEndpointsOrDiscovery } from './read-discovery.js';
import { ownOrigin } from './read-endpoints.js';
import { readCircuitBreaker } from './read-circuit-breaker.js';
import { readConnectionPool } from './read-connection-pool.js';
import { readHealthCheck } from './read-health-check.js';
import { readHedgePolicy } from './read-hedge.js';
import { readLoadBalancer } from './read-load-balancer.js';
import { readLocality } from './read-locality.js';
import { readOutlierDetection } from './read-outlier-detection.js';
import { readMaxResponseBytes } from './read-max-response-bytes.js';
import { readProxy, usedProxy } from './read-proxy.js';
import { readRateLimitHold } from './read-rate-limit-hold.js';
import { readRoutes } from './read-routes.js';
import { readSubsets } from './read-subsets.js';
import { readTimeoutPolicy } from './read-timeout.js';
import { checkTls, readTls } from './read-tls.js';
import {
  boolean,
  functionOf,
  asGiven,
  orFalse,
  readEntries,
  readFields,
  switched,
  text,
  type Read,
} from './readers.js';
import { readRetryPolicy } from './retry-policy.js';

export const serviceFields = {
  name: text(/^\S+$/, 'a name without white space'),
  endpoints: readEndpointsOrDiscovery,
  subsets: asGiven, // read after the others, whose policy they take over
  routes: asGiven,
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
  proxy: readProxy,
  maxResponseBytes: readMaxResponseBytes,
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
    subsets: new Map(),
    routes: [],
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
    maxResponseBytes: own.maxResponseBytes ?? client.maxResponseBytes,
    proxy: usedProxy(switched(own.proxy, client.proxy)),
  };
}

/** What a service says of its subsets and routes, once all else of it has been read. `given` is its policy as it was given. */
export function withRoutes(
  service: NormalizedService,
  { subsets: givenSubsets, routes: givenRoutes }: Partial<Read<typeof serviceFields>>,
  given: Entries,
  at: Place,
): NormalizedService {
  const subsets = readSubsets(givenSubsets, service, given, at.key('subsets'));
  if (givenRoutes === undefined) return { ...service, subsets };
  // One that is wrong is there all the same.
  const named =
    readEntries(givenSubsets, new Place('', []), 'subsets') ?? new Map<string, unknown>();
  const known = [...named].filter(([, subset]) => subset !== false).map(([name]) => name);
  const routes = readRoutes(known)(givenRoutes, at.key('routes'));
  return { ...service, subsets, routes: routes === false || routes === null ? [] : routes };
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
  // An option that is wrong was reported once and is not handed down.
  const right = POLICY_OPTIONS.filter((key) => at.key(key).isSound());
  const given = new Map(right.map((key) => [key, entries.get(key) ?? client.given.get(key)]));
  const service = withRoutes(serviceOf(origin, own, client), own, given, at);
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
