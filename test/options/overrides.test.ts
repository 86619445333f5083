import { describe, expect, test } from 'vitest';
import type { Policy, RetryPolicy } from '../../src/core/policy.js';
import type { ClientOptions, RequestOverrides } from '../../src/options/options.js';
import { readOverrides } from '../../src/options/overrides.js';
import { readOptions } from '../../src/options/validate.js';
import { deepFreeze } from './deep-freeze.js';
import { DEFAULT_RETRY } from './default-retry.js';
import { testRefusals } from './refusal.js';

function service(options: ClientOptions = {}): Policy {
  const { timeout, retry, hedge } = readOptions(options).defaultPolicy;
  return { timeout, retry, hedge };
}

/** The policy of a call with these options. */
function called(overrides: RequestOverrides, options: ClientOptions = {}): Policy {
  return readOverrides(overrides).apply(service(options));
}

describe('init.resilience', () => {
  test.each([[{}], [{ timeout: undefined, retry: undefined }], [Object.create(null)]])(
    '%j leaves everything as it is',
    (overrides) => {
      const before = service({ timeout: { idle: 5 }, hedge: { delay: 1 } });
      expect(readOverrides(overrides).apply(before)).toEqual(before);
    },
  );

  test.each<[RequestOverrides['timeout'], ClientOptions['timeout'], object]>([
    ['500ms', undefined, { response: 0, idle: 0, total: 500 }],
    [0, '2s', { response: 0, idle: 0, total: 0 }],
    [false, { idle: 5 }, { response: 0, idle: 0, total: 0 }],
    ['500ms', { response: 1, idle: 2, total: 3 }, { response: 0, idle: 0, total: 500 }],
    [{ idle: 7 }, { response: 1, idle: 2, total: 3 }, { response: 1, idle: 7, total: 3 }],
    [{ total: false }, '2s', { response: 0, idle: 0, total: 0 }],
    [{ response: 1 }, '2s', { response: 1, idle: 0, total: 2000 }],
  ])('timeout: %j over %j', (timeout, base, expected) => {
    expect(called({ timeout }, { timeout: base }).timeout).toEqual(expected);
  });

  test('the service stays as it is', () => {
    const before = service({ retry: { methods: ['POST'] } });
    const copy = structuredClone(before);
    readOverrides({ timeout: 1, retry: { attempts: 9, methods: [] }, hedge: { delay: 1 } }).apply(
      before,
    );
    expect(before).toEqual(copy);
  });
});

describe('retry of a call', () => {
  const retried = (retry: RequestOverrides['retry'], base?: ClientOptions['retry']) =>
    called({ retry }, { retry: base }).retry;

  test('field by field over the service', () => {
    expect(
      retried(
        { attempts: 1, backoff: { maxInterval: '1s' }, rateLimitedBackoff: { maxInterval: '1s' } },
        { attempts: 5, perTryTimeout: 7, backoff: { baseInterval: '50ms' }, methods: ['POST'] },
      ),
    ).toMatchObject({
      attempts: 1,
      perTryTimeout: 7,
      backoff: { baseInterval: 50, maxInterval: 1000 },
      rateLimitedBackoff: { resetHeaders: [{ name: 'retry-after' }, {}], maxInterval: 1000 },
      methods: new Set(['POST']),
    });
  });

  test('its conditions replace those of retryOn, and no others', () => {
    const base = { retriableStatusCodes: [408], retriableHeaders: { a: true, b: 'x' } };
    expect(retried({ retryOn: '5xx' }, base)).toMatchObject({
      words: new Set(['5xx', 'retriable-status-codes', 'retriable-headers']),
      statusCodes: new Set([408]),
    });
    expect(
      retried({ retriableStatusCodes: [], retriableHeaders: { A: false } }, base),
    ).toMatchObject({ statusCodes: new Set([503]), headers: [{ name: 'b', value: 'x' }] });
  });

  test('the limits are those of the service', () => {
    expect(retried({ attempts: 1 }, { budget: { percent: 7 } })?.budget).toMatchObject({
      percent: 7,
    });
    expect(retried({ attempts: 1 }, { budget: false, maxRetries: 7 })).toMatchObject({
      budget: undefined,
      maxRetries: 7,
    });
  });

  test('false is off, an object is on', () => {
    expect(retried(false)).toBeUndefined();
    expect(retried({}, false)).toEqual(DEFAULT_RETRY);
    expect(retried({ attempts: 1, rateLimitedBackoff: false }, false)).toMatchObject({
      attempts: 1,
      rateLimitedBackoff: undefined,
      budget: { percent: 20 },
    });
    expect(retried({ rateLimitedBackoff: {} }, { rateLimitedBackoff: false })).toMatchObject({
      rateLimitedBackoff: { maxInterval: 300_000 },
    });
    const notProcessed = () => true;
    expect(retried({ notProcessed: false }, { notProcessed })?.notProcessed).toBeUndefined();
  });

  test.each<[string, object, object, object]>([
    [
      'a maximum that nobody gave follows',
      { baseInterval: 50 },
      {},
      { baseInterval: 50, maxInterval: 500 },
    ],
    [
      'a maximum that was given stays, be it ten times the base',
      { baseInterval: 50 },
      { baseInterval: 25, maxInterval: 250 },
      { baseInterval: 50, maxInterval: 250 },
    ],
    [
      "the service's maximum gives way",
      { baseInterval: 50 },
      { baseInterval: 10, maxInterval: 20 },
      { baseInterval: 50, maxInterval: 50 },
    ],
    ['the default base gives way', { maxInterval: 10 }, {}, { baseInterval: 10, maxInterval: 10 }],
    [
      "the service's base gives way",
      { maxInterval: 10 },
      { baseInterval: 20 },
      { baseInterval: 10, maxInterval: 10 },
    ],
    ['nothing of its own', {}, { baseInterval: 20 }, { baseInterval: 20, maxInterval: 200 }],
  ])('backoff: %s', (_what, backoff, base, expected) => {
    expect(retried({ backoff }, { backoff: base })?.backoff).toEqual(expected);
  });

  test('over a policy that was made by hand, all of which counts as given', () => {
    const rule = () => true;
    const retry: RetryPolicy = {
      attempts: 3,
      words: new Set(['5xx', 'retriable-status-codes', 'retriable-headers']),
      statusCodes: new Set([408]),
      headers: [{ name: 'a', value: true }],
      rules: [rule],
      perTryTimeout: 1,
      perTryIdleTimeout: 2,
      backoff: { baseInterval: 3, maxInterval: 30 },
      rateLimitedBackoff: undefined,
      methods: new Set(['POST']),
      retryUnsafeMethods: true,
      idempotencyKey: true,
      notProcessed: undefined,
      maxBufferedBytes: 5,
      ignorePreviousHosts: false,
      retryRemoteLocalities: false,
      budget: undefined,
      maxRetries: 6,
    };
    const before = { ...service(), retry };
    expect(readOverrides({ retry: { perTryTimeout: 9 } }).apply(before).retry).toMatchObject({
      ...retry,
      perTryTimeout: 9,
    });
    expect(readOverrides({ retry: { retryOn: [] } }).apply(before).retry).toMatchObject({
      words: new Set(['retriable-headers']),
      rules: [],
    });
  });
});

describe('hedge of a call', () => {
  const hedged = (hedge: RequestOverrides['hedge'], base?: ClientOptions['hedge']) =>
    called({ hedge }, { hedge: base }).hedge;

  test('field by field over the service', () => {
    expect(hedged({ maxHedges: 3 }, { delay: 'p95', methods: ['PUT'] })).toEqual({
      onPerTryTimeout: false,
      delay: { percentile: 95 },
      maxHedges: 3,
      methods: new Set(['PUT']),
    });
    expect(hedged({ delay: 5 }, { onPerTryTimeout: true })).toMatchObject({
      onPerTryTimeout: true,
      delay: 5,
    });
  });

  test('is switched off, and on', () => {
    expect(hedged(false, { delay: 5 })).toBeUndefined();
    expect(hedged({ delay: false }, { delay: 5 })).toBeUndefined();
    expect(hedged({ delay: 0 })).toMatchObject({ delay: 0, maxHedges: 1 });
    expect(hedged({ maxHedges: 2 })).toBeUndefined();
  });
});

describe('reading the same object again', () => {
  test('is spared where nothing of it can change', () => {
    const frozen = deepFreeze({ timeout: { total: 1 }, retry: { retryOn: ['5xx', 503] } });
    expect(readOverrides(frozen)).toBe(readOverrides(frozen));
    const before = service();
    expect(readOverrides(frozen).apply(before)).toBe(readOverrides(frozen).apply(before));
    expect(readOverrides(frozen).apply(service({ hedge: { delay: 1 } })).hedge).toBeDefined();
    expect(readOverrides(frozen).apply(before).hedge).toBeUndefined();
    // Policies that take turns, as those of a split's subsets do, are each laid over once.
    const others = [service(), service(), service()];
    const made = others.map((policy) => readOverrides(frozen).apply(policy));
    others.forEach((policy, index) => {
      expect(readOverrides(frozen).apply(policy)).toBe(made[index]);
    });
  });

  test.each<[string, () => { overrides: RequestOverrides; change: () => void }]>([
    [
      'not frozen',
      () => {
        const overrides = { timeout: 1 };
        return { overrides, change: () => (overrides.timeout = 2) };
      },
    ],
    [
      'frozen at the top alone',
      () => {
        const timeout = { total: 1 };
        return { overrides: Object.freeze({ timeout }), change: () => (timeout.total = 2) };
      },
    ],
    [
      'with a getter',
      () => {
        let timeout = 1;
        const overrides = {
          get timeout() {
            return timeout;
          },
        };
        return { overrides: Object.freeze(overrides), change: () => (timeout = 2) };
      },
    ],
  ])('but is done where it is %s', (_what, make) => {
    const { overrides, change } = make();
    const totalNow = () => readOverrides(overrides).apply(service()).timeout.total;
    expect(totalNow()).toBe(1);
    change();
    expect(totalNow()).toBe(2);
  });

  test('and a list that is not frozen is read anew', () => {
    const retryOn: (503 | '5xx')[] = [503];
    const overrides = Object.freeze({ retry: Object.freeze({ retryOn }) });
    const wordsNow = () => readOverrides(overrides).apply(service()).retry?.words;
    expect(wordsNow()?.has('5xx')).toBe(false);
    retryOn.push('5xx');
    expect(wordsNow()?.has('5xx')).toBe(true);
  });
});

describe('wrong options of a call', () => {
  testRefusals(readOverrides, [
    ['text', '500ms', "resilience: found '500ms', expected an object with options of the call"],
    ['null', null, 'resilience: found null, expected an object with options of the call'],
    [
      'options of later versions',
      { fault: false },
      'resilience.fault: not available in this version',
    ],
    [
      'options of the client',
      {
        loadBalancer: 'random',
        fallback: () => undefined,
        connectionPool: {},
        middleware: [],
        proxy: false,
        fetch,
      },
      'resilience.loadBalancer: belongs to the service and cannot be said for one call',
      'resilience.fallback: belongs to the service and cannot be said for one call',
      'resilience.connectionPool: belongs to the service and cannot be said for one call',
      'resilience.middleware: belongs to the client and cannot be said for one call',
      'resilience.proxy: belongs to the service and cannot be said for one call',
      'resilience.fetch: belongs to the client and cannot be said for one call',
    ],
    [
      'parts of them',
      { maxConnections: 1, tcpKeepalive: {}, retry: { maxRequests: 1 } },
      "unknown option 'resilience.maxConnections'; here it is 'connectionPool.maxConnections', which belongs to the service and cannot be said for one call",
      "unknown option 'resilience.tcpKeepalive'; its place is 'connectionPool.tcpKeepalive', which belongs to the service and cannot be said for one call",
      "unknown option 'resilience.retry.maxRequests'; here it is 'connectionPool.maxRequests', which belongs to the service and cannot be said for one call",
    ],
    [
      "Istio's name",
      { perTryTimeout: 1 },
      "unknown option 'resilience.perTryTimeout'; here it is 'retry.perTryTimeout'",
    ],
    [
      'an unknown word',
      { foo: 1 },
      "unknown option 'resilience.foo'; known here: 'timeout', 'retry', 'hedge' and 'maxResponseBytes'",
    ],
    [
      'the limits, which are shared',
      { retry: { budget: false, maxRetries: 3, attempts: 1 } },
      'resilience.retry.budget: belongs to the service, since all its calls share it',
      'resilience.retry.maxRetries: belongs to the service, since all its calls share it',
    ],
    [
      'a number for retries',
      { retry: 3 },
      'resilience.retry: found 3, expected an object of retry options, or false; did you mean { attempts: 3 }?',
    ],
    [
      'a misspelt word',
      { retry: { retryOn: ['reset', '5x'] } },
      "resilience.retry.retryOn[1]: found '5x', expected one of Envoy's words for what is retried, a status code or a function; did you mean '5xx'?",
    ],
    [
      'a maximum below the base beside it',
      { retry: { backoff: { baseInterval: 20, maxInterval: 10 } } },
      "resilience.retry.backoff.maxInterval: found 10 ms, expected at least 20 ms, which is 'baseInterval'",
    ],
    [
      'a delay of no kind',
      { hedge: { delay: 'p100' }, timeout: { total: -1 } },
      "resilience.hedge.delay: found 'p100', expected a percentile above 'p0' and below 'p100'",
      "resilience.timeout.total: found -1, expected a duration up to 576h, as milliseconds or as text such as '300ms', '1.5s' or '1m30s', or false",
    ],
  ]);
});
