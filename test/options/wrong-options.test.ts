import { describe, expect, test } from 'vitest';
import { OptionsError } from '../../src/core/errors.js';
import { readOptions } from '../../src/options/validate.js';
import { testRefusals } from './refusal.js';

const KNOWN =
  "known here: 'service', 'name', 'endpoints', 'subsets', 'routes', 'discoveryTimeout', 'loadBalancer', 'locality', 'tls', 'timeout', 'retry', 'hedge', 'circuitBreaker', 'rateLimitHold', 'fallback', 'envoyHeaders', 'connectionPool', 'outlierDetection', 'healthCheck', 'proxy', 'maxResponseBytes', 'services', 'otherOrigins', 'maxOrigins', 'originIdleTimeout', 'localReplies', 'middleware', 'layers', 'around', 'runtime', 'fetch' and 'dispatcher'";
const LATER = ['fault'];

describe('unknown options', () => {
  testRefusals(readOptions, [
    [
      'a letter left out',
      { loadBalancr: 'random' },
      "unknown option 'loadBalancr'; did you mean 'loadBalancer'?",
    ],
    [
      'letters swapped',
      { servcie: 'http://x' },
      "unknown option 'servcie'; did you mean 'service'?",
    ],
    [
      'another spelling',
      { local_replies: 'throw' },
      "unknown option 'local_replies'; did you mean 'localReplies'?",
    ],
    ['a word of no kin', { foo: 1 }, `unknown option 'foo'; ${KNOWN}`],
    ['an empty name', { '': 1 }, `unknown option ['']; ${KNOWN}`],
    ['a name with a line break', { 'a\nb': 1 }, `unknown option ['a\\nb']; ${KNOWN}`],
    [
      'names of the prototype',
      JSON.parse('{"__proto__": {"service": "http://x"}, "constructor": 1}'),
      `unknown option '__proto__'; ${KNOWN}`,
      `unknown option 'constructor'; ${KNOWN}`,
    ],
    [
      'options in the wrong place',
      { weight: 2, rejectUnauthorized: false, choiceCount: 3 },
      "unknown option 'weight'; its place is 'endpoints[].weight'",
      "unknown option 'rejectUnauthorized'; its place is 'tls.rejectUnauthorized'",
      "unknown option 'choiceCount'; its place is 'loadBalancer.choiceCount'",
    ],
  ]);
});

describe('options of later versions', () => {
  testRefusals(readOptions, [
    ...LATER.map((key) => [key, { [key]: {} }, `${key}: not available in this version`] as const),
    ['switched off', { fault: false }, 'fault: not available in this version'],
    [
      'misspelt',
      { fualt: [] },
      "unknown option 'fualt'; did you mean 'fault' (not available in this version)?",
    ],
  ]);
});

describe('names of Istio and Envoy', () => {
  const NAMES = [
    ['localityLbSetting', 'locality'],
    ['retryRemoteLocalities', 'retry.retryRemoteLocalities'],
    ['retry_priority', 'retry.retryRemoteLocalities'],
    ['num_retries', 'retry.attempts'],
    ['perTryTimeout', 'retry.perTryTimeout'],
    ['per_try_timeout', 'retry.perTryTimeout'],
    ['retryBackOff', 'retry.backoff'],
    ['rateLimitedRetryBackOff', 'retry.rateLimitedBackoff'],
    ['retry_budget', 'retry.budget'],
    ['budget_percent', 'retry.budget.percent'],
    ['retryIgnorePreviousHosts', 'retry.ignorePreviousHosts'],
    ['per_request_buffer_limit_bytes', 'retry.maxBufferedBytes'],
    ['hedge_policy', 'hedge'],
    ['hedgeOnPerTryTimeout', 'hedge.onPerTryTimeout'],
    ['http1MaxPendingRequests', 'connectionPool.maxPendingRequests'],
    ['http2MaxRequests', 'connectionPool.maxRequests'],
    ['max_requests_per_connection', 'connectionPool.maxRequestsPerConnection'],
    ['circuit_breakers', 'connectionPool'],
    ['consecutive_5xx', 'outlierDetection.consecutive5xxErrors'],
    ['baseEjectionTime', 'outlierDetection.baseEjectionTime'],
    ['headersTimeout', 'timeout.response'],
    ['bodyTimeout', 'timeout.idle'],
  ] as const;
  testRefusals(readOptions, [
    ...NAMES.map(
      ([key, here]) =>
        [key, { [key]: 1 }, `unknown option '${key}'; here it is '${here}'`] as const,
    ),
    ['retries', { retries: {} }, "unknown option 'retries'; here it is 'retry'"],
    [
      'retries, as a number',
      { retries: 3 },
      "unknown option 'retries'; here it is 'retry.attempts'",
    ],
    [
      'maxRetries',
      { maxRetries: 3 },
      "unknown option 'maxRetries'; here it is 'retry.attempts' for one call, and 'retry.maxRetries' for all calls at any one time, which needs 'retry.budget: false'",
    ],
    [
      'suppress_envoy_headers',
      { suppress_envoy_headers: true },
      "unknown option 'suppress_envoy_headers'; here it is 'envoyHeaders', the other way round",
    ],
    [
      'options of retries, timeouts and hedges at the top',
      { retriableStatusCodes: [503], retryOn: '5xx', response: 1, delay: 'p95', percent: 20 },
      "unknown option 'retriableStatusCodes'; its place is 'retry.retriableStatusCodes'",
      "unknown option 'retryOn'; its place is 'retry.retryOn'",
      "unknown option 'response'; its place is 'timeout.response'",
      "unknown option 'delay'; its place is 'hedge.delay'",
      "unknown option 'percent'; its place is 'retry.budget.percent'",
    ],
    [
      'lbPolicy',
      { lbPolicy: 'ROUND_ROBIN' },
      "unknown option 'lbPolicy'; here it is 'loadBalancer'",
    ],
    [
      'lb_policy',
      { lb_policy: 'ROUND_ROBIN' },
      "unknown option 'lb_policy'; here it is 'loadBalancer'",
    ],
    ['host', { host: 'reviews' }, "unknown option 'host'; here it is 'service'"],
    ['sni', { sni: 'x' }, "unknown option 'sni'; here it is 'tls.servername'"],
    [
      'trafficPolicy',
      { trafficPolicy: {} },
      "unknown option 'trafficPolicy'; what stands in it is given here directly",
    ],
    [
      'portLevelSettings',
      { portLevelSettings: [] },
      "unknown option 'portLevelSettings'; each port is a service of its own in 'services'",
    ],
  ]);
});

describe('options that are words or code', () => {
  const MIDDLEWARE = '(request, next) => Promise<Response>';
  const CALL_LAYER =
    "expected a layer: an object with a 'name' and at least one of the hooks 'start', 'judge' or 'end'";
  const RUNTIME =
    "expected a runtime with the functions 'now', 'date', 'random', 'setTimer', 'clearTimer' and 'defer'";
  testRefusals(readOptions, [
    [
      'another word for otherOrigins',
      { service: 'http://a', otherOrigins: 'allow' },
      "otherOrigins: found 'allow', expected 'refuse' or 'default-policy'",
    ],
    [
      'a word in other letters',
      { localReplies: 'Respond' },
      "localReplies: found 'Respond', expected 'throw' or 'respond'; did you mean 'respond'?",
    ],
    [
      'true for a word',
      { localReplies: true },
      "localReplies: found true, expected 'throw' or 'respond'",
    ],
    [
      'a lone middleware',
      { middleware: () => undefined },
      `middleware: found a function, expected a list of functions ${MIDDLEWARE}`,
    ],
    [
      'middleware that is no function',
      { middleware: [() => undefined, 'log'] },
      `middleware[1]: found 'log', expected a function ${MIDDLEWARE}`,
    ],
    [
      'layers in a list',
      { layers: [] },
      "layers: found an empty array, expected an object with the lists 'call' and 'attempt'",
    ],
    [
      'a misspelt list of layers',
      { layers: { calls: [] } },
      "unknown option 'layers.calls'; did you mean 'call'?",
    ],
    [
      'a lone layer',
      { layers: { attempt: { name: 'x', end() {} } } },
      'layers.attempt: found an object, expected a list of attempt layers',
    ],
    [
      'a factory for a layer',
      { layers: { call: [() => ({})] } },
      `layers.call[0]: found a function, ${CALL_LAYER}`,
    ],
    [
      'a layer whose hook is misspelt',
      { layers: { call: [{ name: 'x', onStart() {} }] } },
      `layers.call[0]: found an object without a hook, ${CALL_LAYER}`,
    ],
    [
      'a layer without a name',
      { layers: { call: [{ start() {} }] } },
      'layers.call[0].name: found undefined, expected the name of the layer',
    ],
    [
      'a layer with an empty name',
      { layers: { attempt: [{ name: '', end() {} }] } },
      "layers.attempt[0].name: found '', expected the name of the layer",
    ],
    [
      'a hook that is no function',
      { layers: { attempt: [{ name: 'x', head: true }] } },
      "layers.attempt[0].head: found true, expected the hook 'head', a function",
    ],
    [
      'around as an object',
      { around: {} },
      'around: found an object, expected a function (attempt, dispatch) => void',
    ],
    ['a runtime that is none', { runtime: 'virtual' }, `runtime: found 'virtual', ${RUNTIME}`],
    [
      'half a runtime',
      { runtime: { now() {}, date() {}, random() {}, setTimer() {} } },
      `runtime: found one without 'clearTimer' and 'defer', ${RUNTIME}`,
    ],
  ]);
});

test('all problems come at once, each with its path', () => {
  const wrong = {
    service: 'http://a',
    endpoints: [{ url: 'http://b', weight: 0 }, { ulr: 'http://c' }],
    loadBalancr: 'random',
    fault: false,
    localReplies: 'answer',
  };
  let thrown: unknown;
  try {
    readOptions(wrong);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(OptionsError);
  expect((thrown as OptionsError).problems).toEqual([
    {
      path: 'endpoints[0].weight',
      found: '0',
      expected: 'a whole number from 1 to 4294967295',
      message: 'endpoints[0].weight: found 0, expected a whole number from 1 to 4294967295',
    },
    {
      path: 'endpoints[1].ulr',
      found: "the unknown option 'ulr'",
      expected: "'url', 'weight', 'locality', 'priority', 'labels' or 'health'",
      message: "unknown option 'endpoints[1].ulr'; did you mean 'url'?",
    },
    {
      path: 'loadBalancr',
      found: "the unknown option 'loadBalancr'",
      expected: expect.stringContaining("'loadBalancer'") as string,
      message: "unknown option 'loadBalancr'; did you mean 'loadBalancer'?",
    },
    {
      path: 'fault',
      found: "the option 'fault'",
      expected: expect.stringContaining("'service'") as string,
      message: 'fault: not available in this version',
    },
    {
      path: 'localReplies',
      found: "'answer'",
      expected: "'throw' or 'respond'",
      message: "localReplies: found 'answer', expected 'throw' or 'respond'",
    },
  ]);
});
