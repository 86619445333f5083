import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { systemRuntime } from '../../src/core/runtime.js';
import { defaults } from '../../src/options/defaults.js';
import { readOptions } from '../../src/options/validate.js';
import { policyWarnings } from '../../src/options/warnings.js';
import { KEY, PEM, refusalOf } from './refusal.js';

const page = readFileSync(new URL('../../docs/options.md', import.meta.url), 'utf8');

/** The rows of the table: each option by its path, with its default as it is written there. */
const documented = new Map(
  page
    .slice(page.indexOf('## All options'), page.indexOf('## Durations'))
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('`', '')))
    .map(([, path = '', , written = '']) => [path, written]),
);

const resetHeader = {
  retry: { rateLimitedBackoff: { resetHeaders: [{ name: 'X-Reset', format: 'seconds' }] } },
};

const holdHeader = {
  rateLimitHold: { resetHeaders: [{ name: 'X-Reset', format: 'seconds' }] },
};

const failover = { locality: { failover: [{ from: 'us-west1', to: 'us-east1' }] } };

const distribute = {
  locality: { distribute: [{ from: 'us-west1/*', to: { 'us-west1/a': 70, 'us-west1/b': 30 } }] },
};

const zoneAware = (own: object = {}) => ({
  locality: { zoneAware: { callers: { 'us-west1/a': 4, 'us-west1/b': 4 }, ...own } },
});

const v2 = { service: 'http://a', subsets: { v2: { labels: { version: 'v2' } } } };

const routed = (route: object): object => ({ service: 'http://a', routes: [route] });

/** One right value for each option of the table. */
const samples: Readonly<Record<keyof typeof defaults, object>> = {
  service: { service: 'http://a' },
  name: { service: 'http://a', name: 'x' },
  endpoints: { service: 'http://a', endpoints: ['http://b'] },
  'endpoints[].url': { service: 'http://a', endpoints: [{ url: 'http://b' }] },
  'endpoints[].weight': { service: 'http://a', endpoints: [{ url: 'http://b', weight: 2 }] },
  'endpoints[].locality': { service: 'http://a', endpoints: [{ url: 'http://b', locality: 'r' }] },
  'endpoints[].labels': {
    service: 'http://a',
    endpoints: [{ url: 'http://b', labels: { version: 'v2' } }],
  },
  'endpoints[].health': {
    service: 'http://a',
    endpoints: [{ url: 'http://b', health: 'draining' }],
  },
  'endpoints[].priority': { service: 'http://a', endpoints: [{ url: 'http://b', priority: 1 }] },
  subsets: { service: 'http://a', subsets: {} },
  'subsets[].labels': v2,
  routes: { service: 'http://a', routes: [] },
  'routes[].name': routed({ name: 'reports' }),
  'routes[].match': routed({ match: [{ path: '/a' }, { path: '/b' }] }),
  'routes[].match.path': routed({ match: { path: '/reports/*' } }),
  'routes[].match.method': routed({ match: { method: ['GET', 'HEAD'] } }),
  'routes[].match.headers': routed({ match: { headers: { 'X-Debug': true } } }),
  'routes[].match.query': routed({ match: { query: { version: /^2/ } } }),
  'routes[].subset': { ...v2, routes: [{ subset: 'v2' }] },
  'routes[].subset[].subset': { ...v2, routes: [{ subset: [{ subset: 'v2', weight: 1 }] }] },
  'routes[].subset[].weight': { ...v2, routes: [{ subset: [{ subset: 'v2', weight: 1 }] }] },
  discoveryTimeout: { discoveryTimeout: '5s' },
  loadBalancer: { loadBalancer: 'random' },
  'loadBalancer.policy': { loadBalancer: { policy: 'random' } },
  'loadBalancer.choiceCount': { loadBalancer: { policy: 'least-request', choiceCount: 3 } },
  'loadBalancer.activeRequestBias': {
    loadBalancer: { policy: 'least-request', activeRequestBias: 2 },
  },
  'loadBalancer.fullScan': { loadBalancer: { policy: 'least-request', fullScan: true } },
  'loadBalancer.decayTime': { loadBalancer: { policy: 'peak-ewma', decayTime: '1s' } },
  'loadBalancer.warmup': { loadBalancer: { policy: 'round-robin', warmup: false } },
  'loadBalancer.warmup.duration': {
    loadBalancer: { policy: 'least-request', warmup: { duration: '30s' } },
  },
  'loadBalancer.warmup.minimumPercent': {
    loadBalancer: { policy: 'peak-ewma', warmup: { duration: '30s', minimumPercent: 0 } },
  },
  'loadBalancer.warmup.aggression': {
    loadBalancer: { policy: 'round-robin', warmup: { duration: 30_000, aggression: 2.5 } },
  },
  'loadBalancer.hashOn': { loadBalancer: { policy: 'maglev', hashOn: () => 'x' } },
  'loadBalancer.hashOn.header': {
    loadBalancer: { policy: 'ring-hash', hashOn: { header: 'x-user-id' } },
  },
  'loadBalancer.hashOn.cookie': { loadBalancer: { policy: 'maglev', hashOn: { cookie: 'sid' } } },
  'loadBalancer.hashOn.query': { loadBalancer: { policy: 'maglev', hashOn: [{ query: 'user' }] } },
  'loadBalancer.hashOn.terminal': {
    loadBalancer: { policy: 'maglev', hashOn: [{ query: 'a', terminal: true }, { query: 'b' }] },
  },
  'loadBalancer.hashBalanceFactor': {
    loadBalancer: { policy: 'ring-hash', hashOn: { query: 'user' }, hashBalanceFactor: 150 },
  },
  'loadBalancer.minimumRingSize': {
    loadBalancer: { policy: 'ring-hash', hashOn: { query: 'user' }, minimumRingSize: 4096 },
  },
  'loadBalancer.maximumRingSize': {
    loadBalancer: { policy: 'ring-hash', hashOn: { query: 'user' }, maximumRingSize: 4096 },
  },
  'loadBalancer.tableSize': {
    loadBalancer: { policy: 'maglev', hashOn: { query: 'user' }, tableSize: 251 },
  },
  locality: { locality: false },
  'locality.local': { locality: { local: 'us-west1/us-west1-a' } },
  'locality.labels': { locality: { labels: { version: 'v1' } } },
  'locality.failover': { locality: { failover: [] } },
  'locality.failover[].from': failover,
  'locality.failover[].to': failover,
  'locality.failoverPriority': { locality: { failoverPriority: ['version=v1'] } },
  'locality.distribute': { locality: { distribute: [] } },
  'locality.distribute[].from': distribute,
  'locality.distribute[].to': distribute,
  'locality.zoneAware': { locality: { zoneAware: false } },
  'locality.zoneAware.callers': zoneAware(),
  'locality.zoneAware.minClusterSize': zoneAware({ minClusterSize: 0 }),
  'locality.zoneAware.routingEnabled': zoneAware({ routingEnabled: 50 }),
  'locality.zoneAware.forceLocalZone': zoneAware({ forceLocalZone: {} }),
  'locality.zoneAware.forceLocalZone.minSize': zoneAware({ forceLocalZone: { minSize: 2 } }),
  timeout: { timeout: '2s' },
  'timeout.response': { timeout: { response: '2s' } },
  'timeout.idle': { timeout: { idle: '2s' } },
  'timeout.total': { timeout: { total: '2s' } },
  retry: { retry: false },
  'retry.attempts': { retry: { attempts: 3 } },
  'retry.retryOn': { retry: { retryOn: '5xx,429' } },
  'retry.retriableStatusCodes': { retry: { retriableStatusCodes: [408] } },
  'retry.retriableHeaders': { retry: { retriableHeaders: { 'x-retry': true } } },
  'retry.perTryTimeout': { retry: { perTryTimeout: '1s' } },
  'retry.perTryIdleTimeout': { retry: { perTryIdleTimeout: '1s' } },
  'retry.backoff': { retry: { backoff: {} } },
  'retry.backoff.baseInterval': { retry: { backoff: { baseInterval: '50ms' } } },
  'retry.backoff.maxInterval': { retry: { backoff: { maxInterval: '1s' } } },
  'retry.rateLimitedBackoff': { retry: { rateLimitedBackoff: false } },
  'retry.rateLimitedBackoff.resetHeaders': { retry: { rateLimitedBackoff: { resetHeaders: [] } } },
  'retry.rateLimitedBackoff.resetHeaders[].name': resetHeader,
  'retry.rateLimitedBackoff.resetHeaders[].format': resetHeader,
  'retry.rateLimitedBackoff.maxInterval': { retry: { rateLimitedBackoff: { maxInterval: '1m' } } },
  'retry.budget': { retry: { budget: false } },
  'retry.budget.percent': { retry: { budget: { percent: 12.5 } } },
  'retry.budget.minRetryConcurrency': { retry: { budget: { minRetryConcurrency: 10 } } },
  'retry.budget.interval': { retry: { budget: { interval: '10s' } } },
  'retry.maxRetries': { retry: { budget: false, maxRetries: 3 } },
  'retry.methods': { retry: { methods: ['POST'] } },
  'retry.retryUnsafeMethods': { retry: { retryUnsafeMethods: true } },
  'retry.idempotencyKey': { retry: { idempotencyKey: () => 'x' } },
  'retry.notProcessed': { retry: { notProcessed: () => true } },
  'retry.maxBufferedBytes': { retry: { maxBufferedBytes: 0 } },
  'retry.ignorePreviousHosts': { retry: { ignorePreviousHosts: false } },
  'retry.retryRemoteLocalities': { retry: { retryRemoteLocalities: true } },
  hedge: { hedge: false },
  'hedge.onPerTryTimeout': { hedge: { onPerTryTimeout: true } },
  'hedge.delay': { hedge: { delay: 'p95' } },
  'hedge.maxHedges': { hedge: { delay: 0, maxHedges: 3 } },
  'hedge.methods': { hedge: { delay: '50ms', methods: ['POST'] } },
  circuitBreaker: { circuitBreaker: {} },
  'circuitBreaker.window': { circuitBreaker: { window: '1m' } },
  'circuitBreaker.minimumCalls': { circuitBreaker: { minimumCalls: 1 } },
  'circuitBreaker.failurePercent': { circuitBreaker: { failurePercent: 12.5 } },
  'circuitBreaker.slowCallDuration': { circuitBreaker: { slowCallDuration: '2s' } },
  'circuitBreaker.openTime': { circuitBreaker: { openTime: '30s' } },
  'circuitBreaker.maxOpenTime': { circuitBreaker: { maxOpenTime: '5m' } },
  'circuitBreaker.openTimeJitterPercent': { circuitBreaker: { openTimeJitterPercent: 0 } },
  'circuitBreaker.halfOpenCalls': { circuitBreaker: { halfOpenCalls: 1 } },
  rateLimitHold: { rateLimitHold: {} },
  'rateLimitHold.statusCodes': { rateLimitHold: { statusCodes: [429] } },
  'rateLimitHold.maxTime': { rateLimitHold: { maxTime: '5m' } },
  'rateLimitHold.resetHeaders': { rateLimitHold: { resetHeaders: [] } },
  'rateLimitHold.resetHeaders[].name': holdHeader,
  'rateLimitHold.resetHeaders[].format': holdHeader,
  fallback: { fallback: () => undefined },
  envoyHeaders: { envoyHeaders: false },
  connectionPool: { connectionPool: false },
  'connectionPool.maxConnections': { connectionPool: { maxConnections: 100 } },
  'connectionPool.maxPendingRequests': { connectionPool: { maxPendingRequests: 0 } },
  'connectionPool.maxRequests': { connectionPool: { maxRequests: 4_294_967_295 } },
  'connectionPool.maxRequestsPerConnection': { connectionPool: { maxRequestsPerConnection: 1 } },
  'connectionPool.connectTimeout': { connectionPool: { connectTimeout: '500ms' } },
  'connectionPool.idleTimeout': { connectionPool: { idleTimeout: false } },
  'connectionPool.maxConnectionDuration': { connectionPool: { maxConnectionDuration: '10m' } },
  'connectionPool.http2': { connectionPool: { http2: true } },
  'connectionPool.maxConcurrentStreams': { connectionPool: { maxConcurrentStreams: 10 } },
  'connectionPool.tcpKeepalive': { connectionPool: { tcpKeepalive: false } },
  'connectionPool.tcpKeepalive.time': { connectionPool: { tcpKeepalive: { time: '30s' } } },
  outlierDetection: { outlierDetection: {} },
  'outlierDetection.consecutive5xxErrors': { outlierDetection: { consecutive5xxErrors: false } },
  'outlierDetection.enforcingConsecutive5xx': { outlierDetection: { enforcingConsecutive5xx: 10 } },
  'outlierDetection.consecutiveGatewayErrors': {
    outlierDetection: { consecutiveGatewayErrors: 10 },
  },
  'outlierDetection.enforcingConsecutiveGatewayFailure': {
    outlierDetection: { enforcingConsecutiveGatewayFailure: 10 },
  },
  'outlierDetection.splitExternalLocalOriginErrors': {
    outlierDetection: { splitExternalLocalOriginErrors: true },
  },
  'outlierDetection.consecutiveLocalOriginFailures': {
    outlierDetection: { consecutiveLocalOriginFailures: 10 },
  },
  'outlierDetection.enforcingConsecutiveLocalOriginFailure': {
    outlierDetection: { enforcingConsecutiveLocalOriginFailure: 10 },
  },
  'outlierDetection.interval': { outlierDetection: { interval: '5s' } },
  'outlierDetection.baseEjectionTime': { outlierDetection: { baseEjectionTime: '5s' } },
  'outlierDetection.maxEjectionTime': { outlierDetection: { maxEjectionTime: '1m' } },
  'outlierDetection.maxEjectionTimeJitter': { outlierDetection: { maxEjectionTimeJitter: '1s' } },
  'outlierDetection.maxEjectionPercent': { outlierDetection: { maxEjectionPercent: 10 } },
  'outlierDetection.alwaysEjectOne': { outlierDetection: { alwaysEjectOne: false } },
  'outlierDetection.minHealthPercent': { outlierDetection: { minHealthPercent: 10 } },
  'outlierDetection.successRateMinimumHosts': { outlierDetection: { successRateMinimumHosts: 10 } },
  'outlierDetection.successRateRequestVolume': {
    outlierDetection: { successRateRequestVolume: 10 },
  },
  'outlierDetection.successRateStdevFactor': { outlierDetection: { successRateStdevFactor: 1500 } },
  'outlierDetection.enforcingSuccessRate': { outlierDetection: { enforcingSuccessRate: 10 } },
  'outlierDetection.enforcingLocalOriginSuccessRate': {
    outlierDetection: { enforcingLocalOriginSuccessRate: 10 },
  },
  'outlierDetection.failurePercentageThreshold': {
    outlierDetection: { failurePercentageThreshold: 10 },
  },
  'outlierDetection.failurePercentageMinimumHosts': {
    outlierDetection: { failurePercentageMinimumHosts: 10 },
  },
  'outlierDetection.failurePercentageRequestVolume': {
    outlierDetection: { failurePercentageRequestVolume: 10 },
  },
  'outlierDetection.enforcingFailurePercentage': {
    outlierDetection: { enforcingFailurePercentage: 10 },
  },
  'outlierDetection.enforcingFailurePercentageLocalOrigin': {
    outlierDetection: { enforcingFailurePercentageLocalOrigin: 10 },
  },
  'outlierDetection.successfulActiveHealthCheckUnejectHost': {
    outlierDetection: { successfulActiveHealthCheckUnejectHost: false },
  },
  healthCheck: { healthCheck: false },
  'healthCheck.path': { healthCheck: { path: '/healthz?deep=1' } },
  'healthCheck.tcp': { healthCheck: { tcp: true } },
  'healthCheck.host': { healthCheck: { path: '/', host: 'shop:81' } },
  'healthCheck.method': { healthCheck: { path: '/', method: 'HEAD' } },
  'healthCheck.headers': { healthCheck: { path: '/', headers: { 'X-A': 'b' } } },
  'healthCheck.expectedStatuses': {
    healthCheck: { path: '/', expectedStatuses: [204, '200-299'] },
  },
  'healthCheck.retriableStatuses': { healthCheck: { path: '/', retriableStatuses: [429] } },
  'healthCheck.timeout': { healthCheck: { tcp: true, timeout: '2s' } },
  'healthCheck.interval': { healthCheck: { tcp: true, interval: '5s' } },
  'healthCheck.intervalJitter': { healthCheck: { tcp: true, intervalJitter: '1s' } },
  'healthCheck.intervalJitterPercent': { healthCheck: { tcp: true, intervalJitterPercent: 15 } },
  'healthCheck.initialJitter': { healthCheck: { tcp: true, initialJitter: '1s' } },
  'healthCheck.unhealthyThreshold': { healthCheck: { tcp: true, unhealthyThreshold: 2 } },
  'healthCheck.healthyThreshold': { healthCheck: { tcp: true, healthyThreshold: 2 } },
  'healthCheck.noTrafficInterval': { healthCheck: { tcp: true, noTrafficInterval: '5m' } },
  'healthCheck.noTrafficHealthyInterval': {
    healthCheck: { tcp: true, noTrafficHealthyInterval: '10m' },
  },
  'healthCheck.unhealthyInterval': { healthCheck: { tcp: true, unhealthyInterval: '2s' } },
  'healthCheck.unhealthyEdgeInterval': { healthCheck: { tcp: true, unhealthyEdgeInterval: '1s' } },
  'healthCheck.healthyEdgeInterval': {
    healthCheck: { tcp: true, healthyThreshold: 2, healthyEdgeInterval: '1s' },
  },
  tls: { tls: {} },
  'tls.ca': { tls: { ca: PEM } },
  'tls.cert': { tls: { cert: PEM, key: KEY } },
  'tls.key': { tls: { cert: PEM, key: KEY } },
  'tls.passphrase': { tls: { cert: PEM, key: KEY, passphrase: 'x' } },
  'tls.servername': { tls: { servername: 'x' } },
  'tls.alpn': { tls: { alpn: ['http/1.1'] } },
  'tls.rejectUnauthorized': { tls: { rejectUnauthorized: false } },
  'tls.minVersion': { tls: { minVersion: 'TLSv1.3' } },
  'tls.maxVersion': { tls: { maxVersion: 'TLSv1.2' } },
  'tls.ciphers': { tls: { ciphers: 'HIGH' } },
  services: { services: {} },
  otherOrigins: { service: 'http://a', otherOrigins: 'default-policy' },
  maxOrigins: { maxOrigins: 100 },
  originIdleTimeout: { originIdleTimeout: '1h' },
  localReplies: { localReplies: 'respond' },
  middleware: { middleware: [() => undefined] },
  layers: { layers: {} },
  'layers.call': { layers: { call: [{ name: 'x', end() {} }] } },
  'layers.attempt': { layers: { attempt: [{ name: 'x', end() {} }] } },
  around: { around: () => undefined },
  runtime: { runtime: systemRuntime },
  proxy: { proxy: 'http://proxy:3128' },
  maxResponseBytes: { maxResponseBytes: 1_000_000 },
  fetch: { fetch: () => Promise.resolve(new Response()) },
  dispatcher: { dispatcher: { dispatch: () => true } },
};

function written(value: unknown): string {
  if (value === undefined) return '–';
  if (value === systemRuntime) return "the process's own";
  const shown = inspect(value, { compact: true, breakLength: Infinity });
  return shown.replaceAll('[ ', '[').replaceAll(' ]', ']');
}

describe('the table of options', () => {
  test('has the options of the table of defaults, in its order', () => {
    expect([...documented.keys()]).toEqual(Object.keys(defaults));
  });

  test.each(Object.entries(defaults))('%s has the default that the page says', (path, value) => {
    expect(documented.get(path)).toBe(written(value));
  });

  test.each(Object.entries(samples))('%s is an option', (_path, options) => {
    expect(() => readOptions(options)).not.toThrow();
  });

  test('has every option that is known at the top', () => {
    const known = /known here: (.*)/.exec(refusalOf(() => readOptions({ '?': 1 })))?.[1] ?? '';
    const top = Object.keys(defaults).filter((path) => !path.includes('.'));
    expect(known.match(/\w+(?=')/g)?.sort()).toEqual(top.sort());
  });
});

test('the right options of the page are right, and nothing to warn of', () => {
  const examples = [...page.matchAll(/```js\nimport .*\n([^]*?)\n```/g)];
  expect(examples).toHaveLength(3);
  const read = (options: unknown): void => {
    expect(policyWarnings(readOptions(options).defaultPolicy, '')).toEqual([]);
  };
  for (const [, code = ''] of examples) expect(refusalOf(() => run(code, read))).toBe('');
});

test('the wrong options of the page are answered as it says', () => {
  const example = /```js\n(createResilientClient\([^]*?\);)\n```[^]*?```text\n([^]*?)\n```/.exec(
    page,
  );
  const [, code = '', message] = example ?? [];
  expect(`OptionsError: ${refusalOf(() => run(code))}`).toBe(message);
});

/** Runs code of the page, with nothing behind `createResilientClient` but the reading of its options. */
function run(code: string, read: (options: unknown) => void = readOptions): void {
  // eslint-disable-next-line @typescript-eslint/no-implied-eval, @typescript-eslint/no-unsafe-call -- the page's own code
  new Function('createResilientClient', code)(read);
}
