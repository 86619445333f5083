import { describe, expect, test } from 'vitest';
import { OptionsError } from '../../src/core/errors.js';
import { readOptions } from '../../src/options/validate.js';
import { testRefusals } from './refusal.js';

const KNOWN =
  "known here: 'service', 'name', 'endpoints', 'loadBalancer', 'tls', 'timeout', 'services', 'otherOrigins', 'localReplies', 'middleware', 'layers', 'around' and 'runtime'";
const LATER = [
  'retry',
  'hedge',
  'connectionPool',
  'outlierDetection',
  'circuitBreaker',
  'healthCheck',
  'locality',
  'routes',
  'subsets',
  'fault',
  'proxy',
  'fetch',
];

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
    ['switched off', { retry: false }, 'retry: not available in this version'],
    [
      'misspelt',
      { hedg: {} },
      "unknown option 'hedg'; did you mean 'hedge' (not available in this version)?",
    ],
  ]);
});

describe('names of Istio and Envoy', () => {
  const LATER_NAMES = [
    ['http1MaxPendingRequests', 'connectionPool.maxPendingRequests'],
    ['http2MaxRequests', 'connectionPool.maxRequests'],
    ['max_requests_per_connection', 'connectionPool.maxRequestsPerConnection'],
    ['circuit_breakers', 'connectionPool'],
    ['consecutiveErrors', 'outlierDetection.consecutive5xxErrors'],
    ['consecutive_5xx', 'outlierDetection.consecutive5xxErrors'],
    ['baseEjectionTime', 'outlierDetection.baseEjectionTime'],
    ['retries', 'retry'],
    ['num_retries', 'retry.attempts'],
    ['perTryTimeout', 'retry.perTryTimeout'],
    ['hedge_policy', 'hedge'],
    ['localityLbSetting', 'locality'],
  ] as const;
  testRefusals(readOptions, [
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
    ...LATER_NAMES.map(
      ([key, here]) =>
        [
          key,
          { [key]: 1 },
          `unknown option '${key}'; here it is '${here}' (not available in this version)`,
        ] as const,
    ),
  ]);
});

describe('options that are words or code', () => {
  const MIDDLEWARE = '(request, next) => Promise<Response>';
  const CALL_LAYER =
    "expected a layer: an object with a 'name' and at least one of the hooks 'start', 'judge' or 'end'";
  const RUNTIME =
    "expected a runtime with the functions 'now', 'random', 'setTimer', 'clearTimer' and 'defer'";
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
      { runtime: { now() {}, random() {}, setTimer() {} } },
      `runtime: found one without 'clearTimer' and 'defer', ${RUNTIME}`,
    ],
  ]);
});

test('all problems come at once, each with its path', () => {
  const wrong = {
    service: 'http://a',
    endpoints: [{ url: 'http://b', weight: 0 }, { ulr: 'http://c' }],
    loadBalancr: 'random',
    retry: false,
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
      expected: "'url', 'weight' or 'locality'",
      message: "unknown option 'endpoints[1].ulr'; did you mean 'url'?",
    },
    {
      path: 'loadBalancr',
      found: "the unknown option 'loadBalancr'",
      expected: expect.stringContaining("'loadBalancer'") as string,
      message: "unknown option 'loadBalancr'; did you mean 'loadBalancer'?",
    },
    {
      path: 'retry',
      found: "the option 'retry'",
      expected: expect.stringContaining("'service'") as string,
      message: 'retry: not available in this version',
    },
    {
      path: 'localReplies',
      found: "'answer'",
      expected: "'throw' or 'respond'",
      message: "localReplies: found 'answer', expected 'throw' or 'respond'",
    },
  ]);
});

describe('timeout', () => {
  testRefusals(readOptions, [
    [
      'a number as text',
      { timeout: '500' },
      "timeout: found '500', expected a duration up to 576h, as milliseconds or as text such as '300ms', '1.5s' or '1m30s'; did you mean 500 or '500s'?",
    ],
    [
      'below zero',
      { timeout: -1 },
      "timeout: found -1, expected a duration up to 576h, as milliseconds or as text such as '300ms', '1.5s' or '1m30s'",
    ],
    [
      'true',
      { timeout: true },
      "timeout: found true, expected a duration up to 576h, as milliseconds or as text such as '300ms', '1.5s' or '1m30s'",
    ],
  ]);

  test.each([
    [false, 0],
    [0, 0],
    ['0s', 0],
    ['2s', 2000],
    [1500, 1500],
  ])('%s is %s ms', (timeout, milliseconds) => {
    expect(readOptions({ timeout }).defaultPolicy.timeout).toBe(milliseconds);
  });

  test('of the client holds for services that have none of their own', () => {
    const { services } = readOptions({
      timeout: '2s',
      services: { 'http://a': {}, 'http://b': { timeout: '5s' }, 'http://c': { timeout: false } },
    });
    expect([...services.values()].map(({ timeout }) => timeout)).toEqual([2000, 5000, 0]);
  });
});
