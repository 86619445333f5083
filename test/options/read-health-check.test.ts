import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { ClientOptions } from '../../src/options/options.js';
import { readUpdate } from '../../src/options/update.js';
import { readOptions } from '../../src/options/validate.js';
import { policyWarnings } from '../../src/options/warnings.js';
import { deepFreeze } from './deep-freeze.js';
import { testRefusals } from './refusal.js';

type HealthCheck = ClientOptions['healthCheck'];

const PROBE = {
  kind: 'http',
  path: '/healthz',
  method: 'GET',
  host: undefined,
  headers: new Map(),
  expectedStatuses: [{ from: 200, to: 200 }],
  retriableStatuses: [],
};

const USUAL = {
  probe: PROBE,
  timeout: 1000,
  interval: 10_000,
  intervalJitter: 0,
  intervalJitterPercent: 0,
  initialJitter: 0,
  unhealthyThreshold: 3,
  healthyThreshold: 1,
  noTrafficInterval: 60_000,
  noTrafficHealthyInterval: 60_000,
  unhealthyInterval: 10_000,
  unhealthyEdgeInterval: 10_000,
  healthyEdgeInterval: 10_000,
};

const path = '/healthz';

test.each<[HealthCheck, object | undefined]>([
  [undefined, undefined],
  [false, undefined],
  [{ path }, USUAL],
  [{ tcp: true }, { ...USUAL, probe: { kind: 'tcp' } }],
  [{ path, tcp: false }, USUAL],
  [
    {
      path: '/a?b=c%20d',
      host: 'other:8080',
      method: 'HEAD',
      headers: { 'X-A': ' b', 'x-c': false },
      expectedStatuses: [204, '200-299', '404-404'],
      retriableStatuses: [429],
    },
    {
      ...USUAL,
      probe: {
        kind: 'http',
        path: '/a?b=c%20d',
        host: 'other:8080',
        method: 'HEAD',
        headers: new Map([['x-a', ' b']]),
        expectedStatuses: [
          { from: 204, to: 204 },
          { from: 200, to: 299 },
          { from: 404, to: 404 },
        ],
        retriableStatuses: [{ from: 429, to: 429 }],
      },
    },
  ],
  [
    { path, interval: '5s' },
    {
      ...USUAL,
      interval: 5000,
      unhealthyInterval: 5000,
      unhealthyEdgeInterval: 5000,
      healthyEdgeInterval: 5000,
    },
  ],
  [
    { path, unhealthyInterval: 3000 },
    { ...USUAL, unhealthyInterval: 3000, unhealthyEdgeInterval: 3000 },
  ],
  [
    { path, noTrafficInterval: '2m' },
    { ...USUAL, noTrafficInterval: 120_000, noTrafficHealthyInterval: 120_000 },
  ],
  [
    {
      path,
      timeout: 1,
      interval: 2,
      intervalJitter: 3,
      intervalJitterPercent: 4.5,
      initialJitter: 5,
      unhealthyThreshold: 6,
      healthyThreshold: 7,
      noTrafficInterval: 8,
      noTrafficHealthyInterval: 9,
      unhealthyInterval: 10,
      unhealthyEdgeInterval: 11,
      healthyEdgeInterval: 12,
    },
    {
      probe: PROBE,
      timeout: 1,
      interval: 2,
      intervalJitter: 3,
      intervalJitterPercent: 4.5,
      initialJitter: 5,
      unhealthyThreshold: 6,
      healthyThreshold: 7,
      noTrafficInterval: 8,
      noTrafficHealthyInterval: 9,
      unhealthyInterval: 10,
      unhealthyEdgeInterval: 11,
      healthyEdgeInterval: 12,
    },
  ],
])('%j', (healthCheck, expected) => {
  expect(readOptions(deepFreeze({ healthCheck })).defaultPolicy.healthCheck).toEqual(expected);
});

describe('merging', () => {
  const other = { ...PROBE, path: '/other' };
  const rows: [string, HealthCheck, HealthCheck, object | undefined][] = [
    ['nothing leaves what is there', { path }, undefined, USUAL],
    ['objects merge', { path }, { healthyThreshold: 2 }, { ...USUAL, healthyThreshold: 2 }],
    ['one path over another', { path }, { path: '/other' }, { ...USUAL, probe: other }],
    ['false disables', { path }, false, undefined],
    ['an object over false', false, { path }, USUAL],
    [
      'TCP over HTTP keeps the paces alone',
      { path, host: 'x', method: 'HEAD', headers: {}, expectedStatuses: [204], timeout: '2s' },
      { tcp: true },
      { ...USUAL, probe: { kind: 'tcp' }, timeout: 2000 },
    ],
    ['HTTP over TCP', { tcp: true, timeout: '2s' }, { path }, { ...USUAL, timeout: 2000 }],
    [
      'headers merge in any case, and one can be left out',
      { path, headers: { 'X-A': 'a', 'X-B': 'b', 'X-C': 'c' } },
      { headers: { 'x-a': 'new', 'x-b': false } },
      {
        ...USUAL,
        probe: {
          ...PROBE,
          headers: new Map([
            ['x-c', 'c'],
            ['x-a', 'new'],
          ]),
        },
      },
    ],
    ['lists replace', { path, expectedStatuses: [204, 205] }, { expectedStatuses: [200] }, USUAL],
  ];

  test.each(rows)("a service's over the client's: %s", (_what, client, own, expected) => {
    const { services } = readOptions({
      healthCheck: client,
      services: { 'http://a': { healthCheck: own } },
    });
    expect(services.get('http://a')?.healthCheck).toEqual(expected);
  });

  test.each(rows)('an update: %s', (_what, before, healthCheck, expected) => {
    const current = readOptions({ healthCheck: before });
    expect(readUpdate(current, { healthCheck }).defaultPolicy.healthCheck).toEqual(expected);
  });
});

describe('wrong ones', () => {
  const EXPECTED = 'expected an object of health-check options, or false';
  const STATUS = "expected a status code from 200 to 599, or a range such as '200-299'";
  const checks = (healthCheck: unknown): unknown => readOptions({ healthCheck });
  testRefusals(checks, [
    ['true', true, `healthCheck: found true, ${EXPECTED}; did you mean { path: '/healthz' }?`],
    ['a path', '/up', `healthCheck: found '/up', ${EXPECTED}; did you mean { path: '/up' }?`],
    ['null', null, `healthCheck: found null, ${EXPECTED}`],
    ['nothing in it', {}, "healthCheck: needs a 'path', or 'tcp: true'"],
    ['neither', { interval: '5s', tcp: false }, "healthCheck: needs a 'path', or 'tcp: true'"],
    [
      'both',
      { tcp: true, path, method: 'GET', retriableStatuses: [] },
      "healthCheck.path: of no use beside 'tcp: true'",
      "healthCheck.method: of no use beside 'tcp: true'",
      "healthCheck.retriableStatuses: of no use beside 'tcp: true'",
    ],
    ...['', '/a b', '/a#b', '/ä', 'http://a'].map(
      (wrong) =>
        [
          `the path '${wrong}'`,
          { path: wrong },
          `healthCheck.path: found '${wrong}', expected a path such as '/healthz', without white space and '#'`,
        ] as const,
    ),
    ...[
      ['healthz', '/healthz'],
      ['http://a:80/b?c', '/b?c'],
    ].map(
      ([wrong, meant]) =>
        [
          `the path '${wrong}'`,
          { path: wrong },
          `healthCheck.path: found '${wrong}', expected a path such as '/healthz', without white space and '#'; did you mean '${meant}'?`,
        ] as const,
    ),
    [
      'a host that is a URL',
      { path, host: 'http://a' },
      "healthCheck.host: found 'http://a', expected a host, with or without a port: 'shop.internal'",
    ],
    [
      'a method with a body',
      { path, method: 'POST' },
      "healthCheck.method: found 'POST', expected 'GET' or 'HEAD'",
    ],
    [
      'statuses',
      { path, expectedStatuses: [199, 600, '2xx', '200 - 299', '204', '299-200', 'ok', 200.5] },
      `healthCheck.expectedStatuses[0]: found 199, ${STATUS}`,
      `healthCheck.expectedStatuses[1]: found 600, ${STATUS}`,
      `healthCheck.expectedStatuses[2]: found '2xx', ${STATUS}; did you mean '200-299'?`,
      `healthCheck.expectedStatuses[3]: found '200 - 299', ${STATUS}; did you mean '200-299'?`,
      `healthCheck.expectedStatuses[4]: found '204', ${STATUS}; did you mean 204?`,
      "healthCheck.expectedStatuses[5]: found '299-200', expected a range whose first status is not above its last",
      `healthCheck.expectedStatuses[6]: found 'ok', ${STATUS}`,
      `healthCheck.expectedStatuses[7]: found 200.5, ${STATUS}`,
    ],
    [
      "Envoy's ranges",
      {
        path,
        expectedStatuses: [{ start: 200, end: 300 }],
        retriableStatuses: [{ start: 429, end: 430 }],
      },
      `healthCheck.expectedStatuses[0]: found an object, ${STATUS}; did you mean '200-299'?`,
      `healthCheck.retriableStatuses[0]: found an object, ${STATUS}; did you mean 429?`,
    ],
    [
      'no list of statuses, or none in it',
      { path, expectedStatuses: [], retriableStatuses: 429 },
      'healthCheck.expectedStatuses: found an empty array, expected at least one status code',
      'healthCheck.retriableStatuses: found 429, expected a list of status codes',
    ],
    [
      'headers',
      { path, headers: { Host: 'a', 'x a': 'b', 'x-b': 'a\nb', 'x-c': 1, 'x-d': 'd', 'X-D': 'd' } },
      "healthCheck.headers.Host: cannot be given; here it is 'healthCheck.host'",
      "healthCheck.headers['x a']: found 'x a', expected the name of a header, such as 'retry-after'",
      "healthCheck.headers['x-b']: found 'a\\nb', expected the value of a header as text of ASCII on one line, or false",
      "healthCheck.headers['x-c']: found 1, expected the value of a header as text of ASCII on one line, or false",
      "healthCheck.headers['X-D']: found 'x-d' again, expected each header once",
    ],
    [
      'figures',
      { tcp: true, unhealthyThreshold: 0, healthyThreshold: 1.5, intervalJitterPercent: 101 },
      'healthCheck.unhealthyThreshold: found 0, expected a whole number from 1 to 1000',
      'healthCheck.healthyThreshold: found 1.5, expected a whole number from 1 to 1000',
      'healthCheck.intervalJitterPercent: found 101, expected a number from 1 to 100, or 0',
    ],
    ...(
      [
        'timeout',
        'interval',
        'noTrafficInterval',
        'noTrafficHealthyInterval',
        'unhealthyInterval',
        'unhealthyEdgeInterval',
        'healthyEdgeInterval',
      ] as const
    ).map(
      (key) =>
        [
          `no ${key}`,
          { tcp: true, [key]: 0 },
          `healthCheck.${key}: found 0, expected a duration above zero`,
        ] as const,
    ),
    [
      "Kubernetes' names",
      {
        httpGet: { path },
        periodSeconds: 5,
        failureThreshold: 3,
        successThreshold: 1,
        tcpSocket: {},
      },
      "unknown option 'healthCheck.httpGet'; there is no such part here: 'path', 'host' and the statuses are given directly",
      "unknown option 'healthCheck.periodSeconds'; here it is 'healthCheck.interval'",
      "unknown option 'healthCheck.failureThreshold'; here it is 'healthCheck.unhealthyThreshold'",
      "unknown option 'healthCheck.successThreshold'; here it is 'healthCheck.healthyThreshold'",
      "unknown option 'healthCheck.tcpSocket'; here it is 'healthCheck.tcp'",
    ],
    [
      "Envoy's names",
      { httpHealthCheck: { path }, expected_statuses: [], port: 80 },
      "unknown option 'healthCheck.httpHealthCheck'; there is no such part here: 'path', 'host' and the statuses are given directly",
      "unknown option 'healthCheck.expected_statuses'; did you mean 'expectedStatuses'?",
      "unknown option 'healthCheck.port'; a check goes to the endpoint's own port",
    ],
  ]);

  testRefusals(readOptions, [
    [
      "Envoy's list",
      { healthChecks: [] },
      "unknown option 'healthChecks'; here it is 'healthCheck'",
    ],
    [
      'parts at the top',
      { tcpHealthCheck: {}, unhealthyThreshold: 3, readinessProbe: {}, initialDelaySeconds: 1 },
      "unknown option 'tcpHealthCheck'; here it is 'healthCheck.tcp'",
      "unknown option 'unhealthyThreshold'; here it is 'healthCheck.unhealthyThreshold'",
      "unknown option 'readinessProbe'; here it is 'healthCheck'",
      "unknown option 'initialDelaySeconds'; checks begin at once; 'healthCheck.initialJitter' spreads the first ones",
    ],
  ]);
});

describe('warnings', () => {
  function warningsOf(options: ClientOptions): string[] {
    return policyWarnings(readOptions(options).defaultPolicy, '').map(({ message }) => message);
  }

  test.each<[string, HealthCheck, ...string[]]>([
    ['none of what is usual', { path }],
    [
      'none of edges that are waited',
      { path, healthyThreshold: 2, healthyEdgeInterval: 5, unhealthyEdgeInterval: 7 },
    ],
    [
      'edges that never are',
      { path, unhealthyThreshold: 1, healthyEdgeInterval: 5, unhealthyEdgeInterval: 7 },
      'healthCheck.healthyEdgeInterval: 5 ms are never waited, since with healthyThreshold 1 no change is ever pending',
      'healthCheck.unhealthyEdgeInterval: 7 ms are never waited, since with unhealthyThreshold 1 no change is ever pending',
    ],
    [
      'none of a status that is retriable',
      { path, expectedStatuses: ['200-299'], retriableStatuses: ['299-300'] },
    ],
    [
      'one that is expected, too',
      { path, expectedStatuses: ['200-250', '251-299'], retriableStatuses: [429, '240-260'] },
      'healthCheck.retriableStatuses: 240-260 always passes, since it is among the expectedStatuses',
    ],
  ])('%s', (_what, healthCheck, ...messages) => {
    expect(warningsOf({ healthCheck })).toEqual(messages);
  });

  test('outlier detection may be there for the panic threshold alone', () => {
    const outlierDetection = { consecutive5xxErrors: 0, minHealthPercent: 50 };
    expect(warningsOf({ healthCheck: { path }, outlierDetection })).toEqual([]);
    expect(warningsOf({ outlierDetection })).toHaveLength(1);
    expect(
      warningsOf({ healthCheck: { path }, outlierDetection: { consecutive5xxErrors: 0 } }),
    ).toHaveLength(1);
  });
});

test('the examples of the page are right, and nothing to warn of', () => {
  const page = readFileSync(new URL('../../docs/health-checks.md', import.meta.url), 'utf8');
  const examples = [...page.matchAll(/createResilientClient\((\{[^]*?\n\})\)/g)];
  expect(examples).toHaveLength(2);
  for (const [, options = ''] of examples) {
    // eslint-disable-next-line @typescript-eslint/no-implied-eval, @typescript-eslint/no-unsafe-call -- the page's own code
    const read = readOptions(new Function(`return ${options}`)());
    for (const policy of read.services.values()) {
      expect(policy.healthCheck).toBeDefined();
      expect(policyWarnings(policy, '')).toEqual([]);
    }
  }
});
