import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { ClientOptions } from '../../src/options/options.js';
import { readOptions } from '../../src/options/validate.js';
import type { RouteWarningCode } from '../../src/options/route-warnings.js';
import { policyWarnings } from '../../src/options/warnings.js';

function warningsOf(options: ClientOptions): string[] {
  const { defaultPolicy, services } = readOptions(options);
  const [policy = defaultPolicy] = services.values();
  return policyWarnings(policy, '').map(({ code, message }) => `${code} ${message}`);
}

const three: ClientOptions = {
  service: 'http://a',
  endpoints: ['http://x', 'http://y', 'http://z'],
};

const rows: readonly [what: string, options: ClientOptions, ...warnings: string[]][] = [
  [
    'tries that do not fit',
    { timeout: '1s', retry: { perTryTimeout: '500ms' } },
    'OUTRIGGER_RETRIES_DO_NOT_FIT retry.perTryTimeout: 3 tries of 500 ms and up to 75 ms of back-off take up to 1575 ms, but timeout.total ends the call after 1000 ms',
  ],
  [
    'tries that fit but for the back-off',
    { timeout: '3s', retry: { attempts: 5, perTryTimeout: '400ms' } },
    'OUTRIGGER_RETRIES_DO_NOT_FIT retry.perTryTimeout: 6 tries of 400 ms and up to 625 ms of back-off take up to 3025 ms, but timeout.total ends the call after 3000 ms',
  ],
  [
    'tries that do not fit into the time to the head',
    { timeout: { response: 900, total: 5000 }, retry: { perTryTimeout: 300 } },
    'OUTRIGGER_RETRIES_DO_NOT_FIT retry.perTryTimeout: 3 tries of 300 ms and up to 75 ms of back-off take up to 975 ms, but timeout.response ends the call after 900 ms',
  ],
  [
    'a single try that does not fit',
    { timeout: { response: 900 }, retry: { attempts: 0, perTryTimeout: 901 } },
    'OUTRIGGER_RETRIES_DO_NOT_FIT retry.perTryTimeout: 1 try of 901 ms and up to 0 ms of back-off take up to 901 ms, but timeout.response ends the call after 900 ms',
  ],
  [
    'a back-off that does not fit',
    { timeout: '1s', retry: { backoff: { baseInterval: '5s', maxInterval: '5s' } } },
    'OUTRIGGER_RETRIES_DO_NOT_FIT retry.backoff: up to 10000 ms of back-off before 2 retries, but timeout.total ends the call after 1000 ms',
  ],
  [
    'an edge that is never waited',
    { healthCheck: { tcp: true, healthyEdgeInterval: '1s' } },
    'OUTRIGGER_HEALTH_CHECK_HAS_NO_EFFECT healthCheck.healthyEdgeInterval: 1000 ms are never waited, since with healthyThreshold 1 no change is ever pending',
  ],
  [
    'a warm-up from the whole share on',
    { loadBalancer: { policy: 'round-robin', warmup: { duration: '1m', minimumPercent: 100 } } },
    'OUTRIGGER_WARMUP_WITHOUT_EFFECT loadBalancer.warmup.minimumPercent: with 100 percent new endpoints get their whole share from the start',
  ],
  [
    'failover where nothing tells who is out',
    { locality: { local: 'us-west1/a', failover: [{ from: 'us-west1', to: 'us-east1' }] } },
    'OUTRIGGER_LOCALITY_HAS_NO_EFFECT locality.failover: has no effect without outlierDetection or healthCheck: nothing tells which endpoints are out',
  ],
  [
    'failover from elsewhere',
    {
      locality: { local: 'us-west1/a', failover: [{ from: 'us-east1', to: 'us-west1' }] },
      outlierDetection: { maxEjectionPercent: 100 },
    },
    "OUTRIGGER_LOCALITY_HAS_NO_EFFECT locality.failover: has no effect: no entry is from 'us-west1', the own region",
  ],
  [
    'failover from here',
    {
      locality: { local: 'us-west1/a', failover: [{ from: 'us-west1', to: 'us-east1' }] },
      healthCheck: { tcp: true },
    },
  ],
  [
    'shares of another place',
    {
      locality: {
        local: 'us-west1/a',
        distribute: [
          { from: 'us-east1/*', to: { '*': 100 } },
          { from: 'us-west1/b', to: { '*': 100 } },
        ],
      },
    },
    "OUTRIGGER_LOCALITY_HAS_NO_EFFECT locality.distribute: has no effect: the own locality 'us-west1/a' fits none of 'us-east1/*' and 'us-west1/b'",
  ],
  [
    'shares of nobody knows where',
    { locality: { distribute: [{ from: 'us-west1/*', to: { '*': 100 } }] } },
    'OUTRIGGER_LOCALITY_HAS_NO_EFFECT locality.distribute: has no effect: neither locality.local nor OUTRIGGER_LOCALITY of the environment says where this is',
  ],
  ['an own locality without more', { locality: { local: 'us-west1/a' } }],
  [
    'labels where nothing tells who is out',
    { locality: { failoverPriority: ['version=v1'] } },
    'OUTRIGGER_LOCALITY_HAS_NO_EFFECT locality.failoverPriority: has no effect without outlierDetection or healthCheck: nothing tells which endpoints are out',
  ],
  [
    'labels of a client of which nothing is known',
    { locality: { failoverPriority: ['version', 'tier'] }, healthCheck: { tcp: true } },
    'OUTRIGGER_LOCALITY_HAS_NO_EFFECT locality.failoverPriority: has no effect: neither locality.labels nor locality.local says anything of this client',
  ],
  [
    'labels that suffice without a place',
    {
      locality: { failoverPriority: ['version'], labels: { version: 'v1' } },
      healthCheck: { tcp: true },
    },
  ],
  [
    'failover beside labels, where the place is not known',
    {
      locality: {
        failoverPriority: ['version=v1'],
        failover: [{ from: 'us-west1', to: 'us-east1' }],
      },
      healthCheck: { tcp: true },
    },
    'OUTRIGGER_LOCALITY_HAS_NO_EFFECT locality.failover: has no effect: neither locality.local nor OUTRIGGER_LOCALITY of the environment says where this is',
  ],
  [
    'failover from elsewhere beside labels: nearness counts',
    {
      locality: {
        local: 'eu-west1',
        failoverPriority: ['version=v1'],
        failover: [{ from: 'us-west1', to: 'us-east1' }],
      },
      healthCheck: { tcp: true },
    },
  ],
  [
    'zones of nobody knows where',
    { locality: { zoneAware: { callers: { a: 1, b: 1 } } } },
    'OUTRIGGER_LOCALITY_HAS_NO_EFFECT locality.zoneAware: has no effect: neither locality.local nor OUTRIGGER_LOCALITY of the environment says where this is',
  ],
  ['zones', { locality: { local: 'a', zoneAware: { callers: { a: 1, b: 1 } } } }],
  [
    'zones of other callers, for no call, under a sticky policy',
    {
      locality: { local: 'a', zoneAware: { callers: { b: 1, c: 1 }, routingEnabled: 0 } },
      loadBalancer: { policy: 'maglev', hashOn: { query: 'user' } },
    },
    'OUTRIGGER_LOCALITY_HAS_NO_EFFECT locality.zoneAware: has no effect: maglev takes no notice of zones, as in Envoy',
    'OUTRIGGER_LOCALITY_HAS_NO_EFFECT locality.zoneAware.routingEnabled: has no effect: with 0 % no call goes by zones',
    "OUTRIGGER_LOCALITY_HAS_NO_EFFECT locality.zoneAware.callers: has no effect: nobody calls from 'a', the own locality",
  ],
  [
    'zones with callers in a single one',
    { locality: { local: 'a', zoneAware: { callers: { a: 3, b: 0 } } } },
    'OUTRIGGER_LOCALITY_HAS_NO_EFFECT locality.zoneAware.callers: has no effect: all callers are in one locality, so that no other one has to be spared',
  ],
  [
    'the same, forced',
    { locality: { local: 'a', zoneAware: { callers: { a: 3 }, forceLocalZone: {} } } },
  ],
  [
    'a table with less slots than endpoints',
    { ...three, loadBalancer: { policy: 'maglev', hashOn: { query: 'a' }, tableSize: 2 } },
    'OUTRIGGER_ENDPOINTS_WITHOUT_CALLS loadBalancer.tableSize: 2 places are too few for 3 endpoints: some of them get no calls',
  ],
  [
    'a ring with less places than endpoints',
    {
      ...three,
      loadBalancer: {
        policy: 'ring-hash',
        hashOn: { query: 'a' },
        minimumRingSize: 1,
        maximumRingSize: 1,
      },
    },
    'OUTRIGGER_ENDPOINTS_WITHOUT_CALLS loadBalancer.maximumRingSize: 1 place is too few for 3 endpoints: some of them get no calls',
  ],
  [
    'a table with just enough',
    { ...three, loadBalancer: { policy: 'maglev', hashOn: { query: 'a' }, tableSize: 3 } },
  ],
  [
    'a silence in a try as long as the call',
    { timeout: '1s', retry: { perTryIdleTimeout: '3s' } },
    'OUTRIGGER_TIMEOUT_ORDER retry.perTryIdleTimeout: 3000 ms can never run out, since timeout.total ends the call after 1000 ms',
  ],
  [
    'calls that end before they are slow',
    { timeout: { response: '2s', total: '5s' }, circuitBreaker: { slowCallDuration: '2s' } },
    'OUTRIGGER_TIMEOUT_ORDER circuitBreaker.slowCallDuration: no call is ever slower than 2000 ms, since timeout.response ends it after 2000 ms',
  ],
  ['calls that may be slow', { timeout: '2s', circuitBreaker: { slowCallDuration: '1999ms' } }],
  ['a breaker that does not look at the time', { timeout: '2s', circuitBreaker: {} }],
  [
    'a try as long as the call',
    { timeout: '1s', retry: { perTryTimeout: '1s' } },
    'OUTRIGGER_PER_TRY_TIMEOUT_IGNORED retry.perTryTimeout: 1000 ms is ignored, as in Envoy, since it is not below the 1000 ms of timeout.total',
  ],
  [
    'a hedge without a time for the try',
    { hedge: { onPerTryTimeout: true } },
    'OUTRIGGER_HEDGE_CANNOT_HAPPEN hedge.onPerTryTimeout: no try is ever hedged, since retry.perTryTimeout is 0, which is none',
  ],
  [
    'a hedge without retries',
    { hedge: { onPerTryTimeout: true }, retry: false },
    'OUTRIGGER_HEDGE_CANNOT_HAPPEN hedge.onPerTryTimeout: no try is ever hedged, since such a hedge is a retry, and retry is off',
  ],
  [
    'a hedge without attempts',
    { hedge: { onPerTryTimeout: true }, retry: { attempts: 0, perTryTimeout: 5 } },
    'OUTRIGGER_HEDGE_CANNOT_HAPPEN hedge.onPerTryTimeout: no try is ever hedged, since such a hedge is a retry, and retry.attempts is 0',
  ],
  [
    'a hedge on a time that is ignored',
    { timeout: 10, hedge: { onPerTryTimeout: true }, retry: { perTryTimeout: 20 } },
    'OUTRIGGER_PER_TRY_TIMEOUT_IGNORED retry.perTryTimeout: 20 ms is ignored, as in Envoy, since it is not below the 10 ms of timeout.total',
    'OUTRIGGER_HEDGE_CANNOT_HAPPEN hedge.onPerTryTimeout: no try is ever hedged, since retry.perTryTimeout is 20 ms, and timeout.total ends the call after 10 ms',
  ],
  [
    'a delay as long as the call',
    { timeout: '1s', hedge: { delay: '1s' } },
    'OUTRIGGER_HEDGE_CANNOT_HAPPEN hedge.delay: 1000 ms are never over in time, since timeout.total ends the call after 1000 ms',
  ],
  [
    'a delay as long as the time to the head',
    { timeout: { response: 50, total: '1s' }, hedge: { delay: 60 } },
    'OUTRIGGER_HEDGE_CANNOT_HAPPEN hedge.delay: 60 ms are never over in time, since timeout.response ends the call after 50 ms',
  ],
  [
    'a delay between the total and a longer time to the head',
    { timeout: { response: 300, total: 100 }, hedge: { delay: 200 } },
    'OUTRIGGER_TIMEOUT_ORDER timeout.response: 300 ms can never run out, since timeout.total ends the call after 100 ms',
    'OUTRIGGER_HEDGE_CANNOT_HAPPEN hedge.delay: 200 ms are never over in time, since timeout.total ends the call after 100 ms',
  ],
  [
    'conditions that stand for none',
    { retry: { retryOn: 'retriable-status-codes,retriable-headers' } },
    "OUTRIGGER_RETRY_CONDITION_EMPTY retry.retryOn: 'retriable-status-codes' stands for none, since retry.retriableStatusCodes has 0 of them",
    "OUTRIGGER_RETRY_CONDITION_EMPTY retry.retryOn: 'retriable-headers' stands for none, since retry.retriableHeaders has 0 of them",
  ],
  [
    'no condition at all',
    { retry: { retryOn: [] } },
    'OUTRIGGER_RETRY_CONDITION_EMPTY retry.retryOn: with 0 conditions, none of the 2 retries is ever made',
  ],
  [
    'timeouts that come too late',
    { timeout: { response: 2000, idle: '3s', total: '2s' } },
    'OUTRIGGER_TIMEOUT_ORDER timeout.response: 2000 ms can never run out, since timeout.total ends the call after 2000 ms',
    'OUTRIGGER_TIMEOUT_ORDER timeout.idle: 3000 ms can never run out, since timeout.total ends the call after 2000 ms',
  ],
  [
    'a budget for nothing',
    { retry: { budget: { percent: 0, minRetryConcurrency: 0 } } },
    'OUTRIGGER_RETRIES_CANNOT_HAPPEN retry.budget: percent 0 and minRetryConcurrency 0 leave none of the 2 retries to any call',
  ],
  [
    'a limit of nothing',
    { retry: { budget: false, maxRetries: 0, attempts: 1 } },
    'OUTRIGGER_RETRIES_CANNOT_HAPPEN retry.maxRetries: 0 at any one time leave none of the 1 retries to any call',
  ],
  [
    'a share of the endpoints that is less than one',
    { outlierDetection: { alwaysEjectOne: false } },
    'OUTRIGGER_EJECTION_CANNOT_HAPPEN outlierDetection.maxEjectionPercent: 10 % of 1 endpoint is less than one, so none is ever ejected; that takes 100, or alwaysEjectOne',
  ],
  [
    'a number of HTTP/2 without HTTP/2',
    { connectionPool: { maxConcurrentStreams: 10 } },
    'OUTRIGGER_HTTP2_HAS_NO_EFFECT connectionPool.maxConcurrentStreams: has no effect without http2: true',
  ],
  [
    'what no proxy knows of its connections',
    { proxy: 'http://proxy', connectionPool: { maxRequestsPerConnection: 10 } },
    'OUTRIGGER_POOL_OPTION_HAS_NO_EFFECT connectionPool.maxRequestsPerConnection: has no effect on what goes through the proxy',
  ],
  [
    'a threshold that another one is reached before',
    { outlierDetection: { consecutiveGatewayErrors: 5 } },
    'OUTRIGGER_DETECTOR_HAS_NO_EFFECT outlierDetection.consecutiveGatewayErrors: 5 in a row make no difference, since each of them is a 5xx, and consecutive5xxErrors ejects after 5; set it lower, or consecutive5xxErrors: 0',
  ],
];

test.each(rows)('%s', (_what, options, ...warnings) => {
  expect(warningsOf(options)).toEqual(warnings);
});

test.each<[string, ClientOptions]>([
  ['nothing', {}],
  ['a timeout', { timeout: 1 }],
  ['times without a total', { timeout: { response: 5, idle: 1 } }],
  ['tries that just fit', { timeout: 975, retry: { perTryTimeout: 300 } }],
  ['a time of a try without one of the call', { retry: { perTryTimeout: '1h' } }],
  ['no retries', { timeout: 1, retry: false }],
  [
    'a hedge on a time of the try',
    { retry: { perTryTimeout: 300 }, hedge: { onPerTryTimeout: true } },
  ],
  ['a delay below the timeout', { timeout: 2, hedge: { delay: 1 } }],
  ['a percentile', { timeout: 1, hedge: { delay: 'p99' } }],
  ['a budget with a floor', { retry: { budget: { percent: 0, minRetryConcurrency: 1 } } }],
  ['a budget without a floor', { retry: { budget: { percent: 1, minRetryConcurrency: 0 } } }],
  ['no attempts and no limit', { retry: { attempts: 0, budget: false, maxRetries: 0 } }],
  ['no attempts and no condition', { retry: { attempts: 0, retryOn: [] } }],
  ['a rule alone', { retry: { retryOn: [() => true] } }],
  [
    'hedges that need no condition',
    { retry: { retryOn: [], perTryTimeout: 5 }, hedge: { onPerTryTimeout: true } },
  ],
  ['a limit above nothing', { retry: { budget: false, maxRetries: 1 } }],
  ['HTTP/2, whatever is called', { connectionPool: { http2: true, maxConcurrentStreams: 10 } }],
])('%s is nothing to warn of', (_what, options) => {
  expect(warningsOf(options)).toEqual([]);
});

test('the path of a service stands before the option', () => {
  const { defaultPolicy } = readOptions({ timeout: 1, hedge: { delay: 1 } });
  expect(policyWarnings(defaultPolicy, "services['http://a']")[0]?.message).toMatch(
    /^services\['http:\/\/a'\]\.hedge\.delay: 1 ms/,
  );
});

/** They are seen in route-warnings.test.ts; the compiler holds the names to the type. */
const OF_ROUTES: Readonly<Record<RouteWarningCode, true>> = {
  OUTRIGGER_ROUTE_NEVER_TAKEN: true,
  OUTRIGGER_SUBSET_IS_EMPTY: true,
  OUTRIGGER_SUBSET_IS_NOT_USED: true,
};

describe('docs/options.md', () => {
  const page = readFileSync(new URL('../../docs/options.md', import.meta.url), 'utf8');

  test('names every code', () => {
    const documented = [...page.matchAll(/^\| `(OUTRIGGER_\w+)`/gm)].map(([, code]) => code);
    const seen = rows.flatMap(([, , ...warnings]) => warnings.map((text) => text.split(' ')[0]));
    const all = new Set([...seen, ...Object.keys(OF_ROUTES)]);
    expect(documented.toSorted()).toEqual([...all].toSorted());
  });
});
