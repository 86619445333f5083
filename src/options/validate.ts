/** The options as a whole: checked and brought into their normalised form, or one error with all problems. */
import { OptionsError } from '../core/errors.js';
import { defaults } from './defaults.js';
import { quote } from './describe.js';
import { parseDuration, readTimeout } from './duration.js';
import { copyOptions, POLICY_OPTIONS } from './merge.js';
import type { NormalizedClientOptions, NormalizedPolicy, NormalizedService } from './normalized.js';
import { originMeant, readOrigin } from './origin.js';
import { laterServiceOptions } from './other-names.js';
import { Place } from './place.js';
import { isPlainObject } from './plain-object.js';
import { defaultDiscoveryTimeout } from './read-discovery.js';
import { readAround, readLayers, readMiddleware, readRuntime } from './read-extensions.js';
import { defaultConnectionPool } from './read-connection-pool.js';
import { defaultLoadBalancer } from './read-load-balancer.js';
import { defaultLocality } from './read-locality.js';
import {
  readServices,
  refuseUnusedTls,
  serviceFields,
  serviceOf,
  usesTls,
  withRoutes,
} from './read-services.js';
import { noTimeout } from './read-timeout.js';
import { checkTls } from './read-tls.js';
import { usedProxy } from './read-proxy.js';
import { readForeignDispatcher, readForeignFetch, transportOf } from './read-transport.js';
import {
  asGiven,
  oneOf,
  readEntries,
  readFields,
  switched,
  wholeNumber,
  type Read,
} from './readers.js';
import { defaultRetryPolicy } from './retry-policy.js';
import { checkProxies, checkTransport } from './transport-company.js';

const OPTIONS = 'an object of options';

const clientFields = {
  service: readOrigin,
  ...serviceFields,
  services: asGiven, // read after the others, whose policy they take over
  otherOrigins: oneOf('refuse', 'default-policy'),
  maxOrigins: wholeNumber(1, 1_000_000),
  originIdleTimeout: readTimeout,
  localReplies: oneOf('throw', 'respond'),
  middleware: readMiddleware,
  layers: readLayers,
  around: readAround,
  runtime: readRuntime,
  fetch: readForeignFetch,
  dispatcher: readForeignDispatcher,
};

type Entries = ReadonlyMap<string, unknown>;
type ClientRead = Read<typeof clientFields>;

/**
 * The options of a client in their normalised form. What the user does to his objects afterwards changes nothing.
 * @throws OptionsError with every problem
 */
export function readOptions(options: unknown = {}): NormalizedClientOptions {
  const at = new Place('', []);
  const read = readClient(isPlainObject(options) ? copyOptions(options) : options, at);
  if (read === null || at.problems.length > 0) throw new OptionsError(at.problems);
  return read;
}

/** The same for options that are a copy already. The result is of use only while `at` has gathered no problem. */
export function readClient(given: unknown, at: Place): NormalizedClientOptions | null {
  if (!isPlainObject(given)) return at.refuse(given, OPTIONS, hintFor(given));
  const entries = readEntries(given, at, OPTIONS);
  if (entries === null) return null;
  const read = readFields(entries, at, clientFields, { later: laterServiceOptions });
  const defaultPolicy: NormalizedPolicy = {
    loadBalancer: read.loadBalancer ?? defaultLoadBalancer(),
    locality:
      read.locality === undefined ? defaultLocality(at) : switched(read.locality, undefined),
    tls: read.tls === undefined || read.tls === false ? {} : read.tls,
    timeout: read.timeout ?? noTimeout(),
    retry: read.retry === undefined ? defaultRetryPolicy() : switched(read.retry, undefined),
    hedge: switched(read.hedge, undefined),
    circuitBreaker: switched(read.circuitBreaker, undefined),
    rateLimitHold: switched(read.rateLimitHold, undefined),
    fallback: switched(read.fallback, undefined),
    envoyHeaders: read.envoyHeaders ?? defaults.envoyHeaders,
    connectionPool: read.connectionPool ?? defaultConnectionPool(),
    outlierDetection: switched(read.outlierDetection, undefined),
    healthCheck: switched(read.healthCheck, undefined),
    discoveryTimeout: read.discoveryTimeout ?? defaultDiscoveryTimeout(),
    maxResponseBytes: read.maxResponseBytes ?? defaults.maxResponseBytes,
    proxy: usedProxy(switched(read.proxy, undefined)),
  };
  const services = servicesOf(entries, read, defaultPolicy, at);
  const named = entries.has('service') || entries.has('services');
  const otherOrigins = named ? (read.otherOrigins ?? defaults.otherOrigins) : 'default-policy';
  checkCompany(entries, at);
  if (otherOrigins === 'refuse') {
    for (const key of ['maxOrigins', 'originIdleTimeout'].filter((name) => entries.has(name))) {
      refuseAlone(at.key(key), "with otherOrigins: 'default-policy', or without a service");
    }
  }
  if (read.tls) {
    checkTls(read.tls, at.key('tls'));
    const used = otherOrigins === 'default-policy' || [...services.values()].some(usesTls);
    // `services` begins with `service`: both must be known for sure.
    const sure = at.key('service').isSound() && at.key('endpoints').isSound();
    if (sure && !used) refuseUnusedTls(read.tls, at.key('tls'));
  }
  const transport = transportOf(read, at);
  if (transport !== undefined) {
    checkTransport(transport, defaultPolicy, services, entries.has('service'), at);
  }
  checkProxies(services, entries.has('service'), at);
  return {
    service: read.service,
    services,
    otherOrigins,
    maxOrigins: read.maxOrigins ?? defaults.maxOrigins,
    originIdleTimeout:
      read.originIdleTimeout ?? parseDuration(defaults.originIdleTimeout, 'originIdleTimeout'),
    defaultPolicy,
    localReplies: read.localReplies ?? defaults.localReplies,
    middleware: read.middleware ?? defaults.middleware,
    callLayers: read.layers?.call ?? defaults['layers.call'],
    attemptLayers: read.layers?.attempt ?? defaults['layers.attempt'],
    around: read.around,
    runtime: read.runtime ?? defaults.runtime,
    transport,
    given,
  };
}

function servicesOf(
  entries: Entries,
  read: ClientRead,
  policy: NormalizedPolicy,
  at: Place,
): ReadonlyMap<string, NormalizedService> {
  // An option that is wrong was reported once and is not handed down.
  const right = POLICY_OPTIONS.filter((key) => at.key(key).isSound());
  const given = new Map(right.map((key) => [key, entries.get(key)]));
  if (entries.has('services')) {
    return readServices(entries.get('services'), { ...policy, given }, at.key('services'));
  }
  const { service } = read;
  if (service === undefined) return new Map();
  return new Map([[service, withRoutes(serviceOf(service, read, policy), read, given, at)]]);
}

/** Options that need another one beside them, or do without it. */
function checkCompany(entries: Entries, at: Place): void {
  const one = entries.has('service');
  const several = entries.has('services');
  if (one && several) {
    const expected = 'one of them';
    at.key('service').say(
      "it beside 'services'",
      expected,
      `found beside 'services', expected ${expected}`,
    );
  }
  const place = several ? "inside each of 'services'" : "together with 'service'";
  for (const key of ['name', 'endpoints', 'subsets', 'routes']) {
    if (entries.has(key) && !one) refuseAlone(at.key(key), place);
  }
  if (entries.has('otherOrigins') && !one && !several) {
    refuseAlone(at.key('otherOrigins'), "together with 'service' or 'services'");
  }
}

function refuseAlone(at: Place, where: string): void {
  at.say('it elsewhere', where, `of use only ${where}`);
}

function hintFor(given: unknown): string {
  const origin = typeof given === 'string' ? originMeant(given) : undefined;
  return origin === undefined ? '' : `; did you mean { service: ${quote(origin)} }?`;
}
