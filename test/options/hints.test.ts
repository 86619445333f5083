/** What is answered to names from elsewhere, by the place they stand in. */
import { describe, expect, test } from 'vitest';
import { defaults } from '../../src/options/defaults.js';
import { discoveryDefaults } from '../../src/options/discovery-defaults.js';
import { namesInPlace } from '../../src/options/other-names.js';
import { readOptions } from '../../src/options/validate.js';
import { refusalOf, testRefusals } from './refusal.js';

const rows: readonly [options: object, hint: string][] = [
  [{ retry: { attempt: 3 } }, "did you mean 'attempts'?"],
  [{ retry: { delay: '1s' } }, "here it is 'retry.backoff.baseInterval'"],
  [{ retry: { interval: '1s' } }, "here it is 'retry.backoff.baseInterval'"],
  [{ retry: { timeout: '1s' } }, "here it is 'retry.perTryTimeout'"],
  [{ retry: { key: true } }, "here it is 'retry.idempotencyKey'"],
  [{ retry: { backoff: { initialInterval: '1s' } } }, "here it is 'retry.backoff.baseInterval'"],
  [{ retry: { backoff: { min: '1s' } } }, "here it is 'retry.backoff.baseInterval'"],
  [{ retry: { backoff: { max: '1s' } } }, "here it is 'retry.backoff.maxInterval'"],
  [
    { circuitBreaker: { errorThresholdPercentage: 50 } },
    "here it is 'circuitBreaker.failurePercent'",
  ],
  [{ circuitBreaker: { resetTimeout: 30_000 } }, "here it is 'circuitBreaker.openTime'"],
  [{ circuitBreaker: { rollingCountTimeout: 1 } }, "here it is 'circuitBreaker.window'"],
  [{ circuitBreaker: { volumeThreshold: 5 } }, "here it is 'circuitBreaker.minimumCalls'"],
  [{ circuitBreaker: { timeout: 3000 } }, 'its place is the top level'],
  [{ circuitBreaker: { sleepWindowInMilliseconds: 1 } }, "here it is 'circuitBreaker.openTime'"],
  [{ circuitBreaker: { requestVolumeThreshold: 1 } }, "here it is 'circuitBreaker.minimumCalls'"],
  [{ circuitBreaker: { failureRateThreshold: 1 } }, "here it is 'circuitBreaker.failurePercent'"],
  [{ circuitBreaker: { slidingWindowSize: 1 } }, "here it is 'circuitBreaker.window'"],
  [{ circuitBreaker: { waitDurationInOpenState: 1 } }, "here it is 'circuitBreaker.openTime'"],
  [
    { circuitBreaker: { permittedNumberOfCallsInHalfOpenState: 1 } },
    "here it is 'circuitBreaker.halfOpenCalls'",
  ],
  [{ circuitBreaker: { slowCallRateThreshold: 1 } }, 'a slow call is a failed one here'],
  [{ circuitBreaker: { FailureRatio: 0.5 } }, "here it is 'circuitBreaker.failurePercent', in"],
  [{ circuitBreaker: { MinimumThroughput: 8 } }, "here it is 'circuitBreaker.minimumCalls'"],
  [{ circuitBreaker: { SamplingDuration: 8 } }, "here it is 'circuitBreaker.window'"],
  [{ circuitBreaker: { BreakDuration: 8 } }, "here it is 'circuitBreaker.openTime'"],
  [{ circuitBreaker: { halfOpenAfter: 8 } }, "here it is 'circuitBreaker.openTime'"],
  [{ circuitBreaker: { threshold: 0.2 } }, "here it is 'circuitBreaker.failurePercent'"],
  [{ circuitBreaker: { duration: 8 } }, "here it is 'circuitBreaker.window'"],
  [{ errorThresholdPercentage: 50 }, "here it is 'circuitBreaker.failurePercent'"],
  [{ breaker: {} }, "here it is 'circuitBreaker'"],
  [{ circuitBreakers: {} }, "here it is 'connectionPool'"],
  [{ hedge: { attempts: 2 } }, "here it is 'hedge.maxHedges'"],
  [{ hedge: { timeout: '1s' } }, "here it is 'hedge.delay'"],
  [{ hedge: { percentile: 95 } }, "here it is 'hedge.delay'"],
  [{ timeout: { call: '1s' } }, "here it is 'timeout.total'"],
  [{ timeout: { headers: '1s' } }, "here it is 'timeout.response'"],
  [{ timeout: { body: '1s' } }, "here it is 'timeout.idle'"],
  [{ allowH2: true }, "here it is 'connectionPool.http2'"],
  [{ connectionPool: { allowH2: true } }, "here it is 'connectionPool.http2'"],
  [{ connectionPool: { h2: true } }, "here it is 'connectionPool.http2'"],
  [{ connectionPool: { allowHTTP2: true } }, "here it is 'connectionPool.http2'"],
  [{ connectionPool: { connect: {} } }, "here it is 'tls', and 'connectionPool.connectTimeout'"],
  [{ connectionPool: { agent: {} } }, "connections are the client's own"],
  [{ agent: {} }, "those of an undici agent are 'dispatcher'"],
  [{ connectionPool: { track_remaining: true } }, 'what remains is always counted'],
  [{ connectionPool: { enabled: false } }, 'it is always on; false lifts the limits'],
  [{ commonLbConfig: {} }, "its panic threshold is 'outlierDetection.minHealthPercent' here"],
  [{ commonHttpProtocolOptions: {} }, "here it is part of 'connectionPool'"],
  [{ rateLimit: {} }, 'calls are not limited by time'],
  [{ timeLimiter: {} }, "here it is 'timeout'"],
  [{ ConcurrencyLimiter: {} }, "here it is 'connectionPool'"],
  [{ permitLimit: 5 }, "here it is 'connectionPool.maxRequests'"],
  [{ coreSize: 5 }, "here it is 'connectionPool.maxRequests'"],
  [{ tls: { insecureSkipVerify: true } }, "here it is 'tls.rejectUnauthorized', the other way"],
  [{ tls: { mode: 'SIMPLE' } }, 'https endpoints have TLS'],
  [{ tls: { subjectAltNames: [] } }, "one name is checked, which is 'tls.servername'"],
  [{ tls: { credentialName: 'x' } }, 'the PEM itself is given'],
  ...['circuitBreaker', 'outlierDetection', 'healthCheck', 'rateLimitHold', 'retry'].map(
    (option) =>
      [{ [option]: { enabled: true } }, 'an object switches it on, false off'] as [object, string],
  ),
  [{ circuitBreaker: { capacity: 5 } }, "here it is 'connectionPool.maxRequests'"],
  [{ circuitBreaker: { forceOpen: true } }, 'a circuit cannot be forced'],
  [{ circuitBreaker: { metrics: {} } }, "the counters are in 'client.stats()'"],
  [{ circuitBreaker: { BreakDurationGenerator: 1 } }, 'here the time doubles'],
  [{ circuitBreaker: { waitIntervalFunctionInOpenState: 1 } }, 'here the time doubles'],
  [{ circuitBreaker: { ShouldHandle: 1 } }, 'what counts as a failure cannot be changed'],
  [{ circuitBreaker: { ignoreExceptions: [] } }, 'what counts as a failure cannot be changed'],
  [{ retry: { ShouldHandle: 1 } }, "here it is a function in 'retry.retryOn'"],
  [{ circuitBreaker: { maxFailures: 5 } }, 'here a share counts'],
  [{ outlierDetection: { maxFailures: 5 } }, "here it is 'outlierDetection.consecutive5xxErrors'"],
  [{ circuitBreaker: { breaker: {} } }, 'here a share counts'],
  [{ circuitBreaker: { thresholds: [] } }, "Envoy's limits are in 'connectionPool'"],
  [
    { loadBalancer: { policy: 'round-robin', warmup: { window: '5s' } } },
    "here it is 'loadBalancer.warmup.duration'",
  ],
  // Hystrix's, with a dot in one key
  [{ 'circuitBreaker.requestVolumeThreshold': 20 }, "here it is 'circuitBreaker.minimumCalls'"],
  [{ 'circuitBreaker.enabled': true }, 'an object switches it on, false off'],
  [{ 'metrics.rollingStats.timeInMilliseconds': 1 }, "here it is 'circuitBreaker.window'"],
  [{ circuitBreaker: { 'circuitBreaker.forceOpen': true } }, 'a circuit cannot be forced'],
];

test.each(rows)('%j', (options, hint) => {
  expect(() => readOptions(options)).toThrow(`; ${hint}`);
});

test('every hint names its option by the full path', () => {
  const known = { ...defaults, ...discoveryDefaults };
  for (const [name, option] of namesInPlace) {
    expect([name, Object.hasOwn(known, option.replace('()', ''))]).toEqual([name, true]);
  }
});

describe('a DestinationRule', () => {
  const KEEPALIVE = { time: '60s', interval: '75s', probes: 3 };
  const connectionPool = {
    tcp: { maxConnections: 0, connectTimeout: '30ms', tcpKeepalive: KEEPALIVE },
    http: { http1MaxPendingRequests: 1, maxRetries: 3, h2UpgradePolicy: 'UPGRADE' },
  };

  const PROBLEMS = [
    "unknown option 'connectionPool.tcp'; there is no such part here: what stands in it is given directly",
    'connectionPool.tcp.maxConnections: found 0, expected a whole number from 1 to 4294967295; 4294967295 is no limit',
    "unknown option 'connectionPool.tcp.tcpKeepalive.interval'; Node can set 'time' alone: the system's own number holds",
    "unknown option 'connectionPool.tcp.tcpKeepalive.probes'; Node can set 'time' alone: the system's own number holds",
    "unknown option 'connectionPool.http'; there is no such part here: what stands in it is given directly",
    "unknown option 'connectionPool.http.http1MaxPendingRequests'; here it is 'connectionPool.maxPendingRequests'",
    "unknown option 'connectionPool.http.maxRetries'; here it is 'retry.maxRetries', which needs 'retry.budget: false'",
    "unknown option 'connectionPool.http.h2UpgradePolicy'; here it is 'connectionPool.http2'",
  ];

  testRefusals(readOptions, [
    ['is answered as a whole', { connectionPool }, ...PROBLEMS],
    [
      'also in its trafficPolicy',
      { trafficPolicy: { connectionPool, tls: { mode: 'SIMPLE' } } },
      "unknown option 'trafficPolicy'; what stands in it is given here directly",
      ...PROBLEMS.map((problem) =>
        problem
          .replace("'connectionPool.tcp", "'trafficPolicy.connectionPool.tcp")
          .replace("'connectionPool.http'", "'trafficPolicy.connectionPool.http'")
          .replace("'connectionPool.http.", "'trafficPolicy.connectionPool.http.")
          .replace(/^connectionPool/, 'trafficPolicy.connectionPool'),
      ),
      "unknown option 'trafficPolicy.tls.mode'; https endpoints have TLS, and 'tls.cert' with 'tls.key' makes it mutual",
    ],
    [
      "Envoy's thresholds, each",
      { connectionPool: { thresholds: [{}, { max_retries: 3, maxRequests: '5' }] } },
      "unknown option 'connectionPool.thresholds'; there is no such part here: what stands in it is given directly",
      "unknown option 'connectionPool.thresholds[1].max_retries'; here it is 'retry.maxRetries', which needs 'retry.budget: false'",
      "connectionPool.thresholds[1].maxRequests: found '5', expected a whole number from 1 to 4294967295; did you mean 5?",
    ],
    [
      "Kubernetes' httpGet",
      { healthCheck: { httpGet: { path: '/healthz', port: 80 } } },
      "unknown option 'healthCheck.httpGet'; there is no such part here: 'path', 'host' and the statuses are given directly",
      "unknown option 'healthCheck.httpGet.port'; a check goes to the endpoint's own port",
    ],
  ]);

  test('that is a circle ends', () => {
    const tcp: Record<string, unknown> = {};
    tcp.tcp = tcp;
    const trafficPolicy: Record<string, unknown> = { connectionPool: { tcp } };
    trafficPolicy.trafficPolicy = trafficPolicy;
    const refusal = refusalOf(() => readOptions({ trafficPolicy, connectionPool: { tcp } }));
    expect(refusal.split('\n')).toHaveLength(6);
  });
});

describe('percent', () => {
  const ROUND = { policy: 'round-robin' } as const;
  test.each<[string, (value: unknown) => object]>([
    ['retry.budget.percent', (percent) => ({ retry: { budget: { percent } } })],
    [
      'loadBalancer.warmup.minimumPercent',
      (minimumPercent) => ({
        loadBalancer: { ...ROUND, warmup: { duration: '30s', minimumPercent } },
      }),
    ],
    [
      'circuitBreaker.openTimeJitterPercent',
      (openTimeJitterPercent) => ({ circuitBreaker: { openTimeJitterPercent } }),
    ],
    [
      'healthCheck.intervalJitterPercent',
      (intervalJitterPercent) => ({ healthCheck: { tcp: true, intervalJitterPercent } }),
    ],
  ])('%s is no ratio', (path, options) => {
    const refusal = (value: unknown) => refusalOf(() => readOptions(options(value)));
    const hint = (found: string, meant: string) =>
      `${path}: found ${found}, expected a number from 1 to 100, or 0${meant}`;
    expect(refusal(0.5)).toBe(hint('0.5', '; did you mean 50?'));
    expect(refusal('0.2')).toBe(hint("'0.2'", '; did you mean 20?'));
    expect(refusal('50%')).toBe(hint("'50%'", '; did you mean 50?'));
    expect(refusal('half')).toBe(hint("'half'", ''));
    for (const right of [0, 1, 12.5, 100]) expect(refusal(right)).toBe('');
  });

  test('of outlier detection is whole', () => {
    const refusal = (maxEjectionPercent: unknown) =>
      refusalOf(() => readOptions({ outlierDetection: { maxEjectionPercent } }));
    expect(refusal(33.3)).toMatch('; did you mean 33?');
    expect(refusal('50%')).toMatch('; did you mean 50?');
    expect(refusal(0.5)).toMatch('; did you mean 50?');
    expect(refusal(101)).not.toMatch('did you mean');
  });
});

describe('what is proposed in place of a value would be taken', () => {
  test.each([-1, NaN, 0, 0.5, Infinity, '5'])('connectionPool: %s', (connectionPool) => {
    expect(refusalOf(() => readOptions({ connectionPool }))).not.toMatch('did you mean');
  });

  test('tcpKeepalive', () => {
    const refusal = (tcpKeepalive: unknown) =>
      refusalOf(() => readOptions({ connectionPool: { tcpKeepalive } }));
    expect(refusal('5')).not.toMatch('did you mean');
    expect(refusal('5s')).toMatch("; did you mean { time: '5s' }?");
  });
});
