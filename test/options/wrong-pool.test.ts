/** What is said of a wrong `connectionPool`, and of names that people bring along for it. */
import { describe, expect, test } from 'vitest';
import { readOptions } from '../../src/options/validate.js';
import { policyWarnings } from '../../src/options/warnings.js';
import { testRefusals } from './refusal.js';

const OBJECT = 'expected an object of connection-pool options, or false';
const DURATION =
  "expected a duration up to 576h, as milliseconds or as text such as '300ms', '1.5s' or '1m30s'";
const FROM_ONE = 'expected a whole number from 1 to 4294967295';
const FROM_ZERO = 'expected a whole number from 0 to 4294967295';
const PER_CONNECTION = 'expected a whole number from 0 to 536870912';
const SILENCE = "expected a duration from '1s' to '9h6m7s', which is what the system takes";

const read = (connectionPool: unknown) => readOptions({ connectionPool });

describe('no object', () => {
  testRefusals(read, [
    ['true', true, `connectionPool: found true, ${OBJECT}; leave it out, it is on by default`],
    ['null', null, `connectionPool: found null, ${OBJECT}`],
    ['a list', [1], `connectionPool: found an array, ${OBJECT}`],
    [
      'a number',
      100,
      `connectionPool: found 100, ${OBJECT}; did you mean { maxConnections: 100 }?`,
    ],
  ]);
});

describe('limits', () => {
  testRefusals(read, [
    [
      '0, which is no limit in Istio and none at all here',
      { maxConnections: 0, maxRequests: 0 },
      `connectionPool.maxConnections: found 0, ${FROM_ONE}; 4294967295 is no limit`,
      `connectionPool.maxRequests: found 0, ${FROM_ONE}; 4294967295 is no limit`,
    ],
    [
      'below zero',
      { maxPendingRequests: -1, maxRequestsPerConnection: -1 },
      `connectionPool.maxPendingRequests: found -1, ${FROM_ZERO}; 4294967295 is no limit`,
      `connectionPool.maxRequestsPerConnection: found -1, ${PER_CONNECTION}; 0 is no limit`,
    ],
    [
      'text, parts, no number',
      { maxConnections: '10', maxPendingRequests: 1.5, maxRequests: NaN },
      `connectionPool.maxConnections: found '10', ${FROM_ONE}; did you mean 10?`,
      `connectionPool.maxPendingRequests: found 1.5, ${FROM_ZERO}`,
      `connectionPool.maxRequests: found NaN, ${FROM_ONE}`,
    ],
    [
      'without end, null, false',
      { maxConnections: Infinity, maxPendingRequests: null, maxRequests: false },
      `connectionPool.maxConnections: found Infinity, ${FROM_ONE}; 4294967295 is no limit`,
      `connectionPool.maxPendingRequests: found null, ${FROM_ZERO}; 4294967295 is no limit`,
      `connectionPool.maxRequests: found false, ${FROM_ONE}; 4294967295 is no limit`,
    ],
    [
      'beyond 32 bits',
      { maxConnections: 2 ** 32, maxRequestsPerConnection: 2 ** 29 + 1 },
      `connectionPool.maxConnections: found 4294967296, ${FROM_ONE}`,
      `connectionPool.maxRequestsPerConnection: found 536870913, ${PER_CONNECTION}`,
    ],
  ]);
});

describe('times', () => {
  testRefusals(read, [
    [
      'a connection that may take no time',
      { connectTimeout: 0 },
      'connectionPool.connectTimeout: found 0, expected a duration above zero',
    ],
    [
      'a connection that may take for ever',
      { connectTimeout: false },
      `connectionPool.connectTimeout: found false, ${DURATION}`,
    ],
    [
      'text without a unit, below zero, true',
      { connectTimeout: '10', idleTimeout: -1, maxConnectionDuration: true },
      `connectionPool.connectTimeout: found '10', ${DURATION}; did you mean 10 or '10s'?`,
      `connectionPool.idleTimeout: found -1, ${DURATION}, or false`,
      `connectionPool.maxConnectionDuration: found true, ${DURATION}, or false`,
    ],
  ]);

  test('0 and false are none', () => {
    const none = { idleTimeout: 0, maxConnectionDuration: 0 };
    for (const off of [0, false]) {
      const given = { idleTimeout: off, maxConnectionDuration: off } as const;
      expect(read(given).defaultPolicy.connectionPool).toMatchObject(none);
    }
  });
});

describe('tcpKeepalive', () => {
  testRefusals(read, [
    [
      'a time in place of the object',
      { tcpKeepalive: '30s' },
      "connectionPool.tcpKeepalive: found '30s', expected an object with 'time', or false; did you mean { time: '30s' }?",
    ],
    [
      'true',
      { tcpKeepalive: true },
      "connectionPool.tcpKeepalive: found true, expected an object with 'time', or false; leave it out, it is on by default",
    ],
    // Node would hand the system 0, which it ignores, and its own two hours would hold.
    [
      'less than a second',
      { tcpKeepalive: { time: 500 } },
      `connectionPool.tcpKeepalive.time: found 500, ${SILENCE}`,
    ],
    [
      'more than the system takes',
      { tcpKeepalive: { time: '24h' } },
      `connectionPool.tcpKeepalive.time: found '24h', ${SILENCE}`,
    ],
    [
      'false for the time',
      { tcpKeepalive: { time: false } },
      `connectionPool.tcpKeepalive.time: found false, ${DURATION}`,
    ],
    [
      'what Node cannot set',
      { tcpKeepalive: { probes: 9, interval: '75s' } },
      "unknown option 'connectionPool.tcpKeepalive.probes'; Node can set 'time' alone: the system's own number holds",
      "unknown option 'connectionPool.tcpKeepalive.interval'; Node can set 'time' alone: the system's own number holds",
    ],
    [
      "Envoy's names",
      { tcpKeepalive: { keepalive_time: 60, keepalive_probes: 3 } },
      "unknown option 'connectionPool.tcpKeepalive.keepalive_time'; here it is 'connectionPool.tcpKeepalive.time'",
      "unknown option 'connectionPool.tcpKeepalive.keepalive_probes'; Node can set 'time' alone: the system's own number holds",
    ],
  ]);
});

describe('names from elsewhere', () => {
  const FLAT = 'there is no such part here: what stands in it is given directly';
  testRefusals(read, [
    [
      "Istio's parts",
      { tcp: { maxConnections: 1 }, http: { http1MaxPendingRequests: 1 } },
      `unknown option 'connectionPool.tcp'; ${FLAT}`,
      `unknown option 'connectionPool.http'; ${FLAT}`,
      "unknown option 'connectionPool.http.http1MaxPendingRequests'; here it is 'connectionPool.maxPendingRequests'",
    ],
    [
      "Envoy's thresholds",
      { thresholds: [{ max_connections: 1 }] },
      `unknown option 'connectionPool.thresholds'; ${FLAT}`,
      "unknown option 'connectionPool.thresholds[0].max_connections'; did you mean 'maxConnections'?",
    ],
    [
      "Istio's numbers",
      { http1MaxPendingRequests: 1, http2MaxRequests: 1, maxRetries: 3 },
      "unknown option 'connectionPool.http1MaxPendingRequests'; here it is 'connectionPool.maxPendingRequests'",
      "unknown option 'connectionPool.http2MaxRequests'; here it is 'connectionPool.maxRequests'",
      "unknown option 'connectionPool.maxRetries'; here it is 'retry.maxRetries', which needs 'retry.budget: false'",
    ],
    [
      "Envoy's numbers",
      { max_connections: 1, max_pending_requests: 1, max_requests: 1, connect_timeout: '1s' },
      "unknown option 'connectionPool.max_connections'; did you mean 'maxConnections'?",
      "unknown option 'connectionPool.max_pending_requests'; did you mean 'maxPendingRequests'?",
      "unknown option 'connectionPool.max_requests'; did you mean 'maxRequests'?",
      "unknown option 'connectionPool.connect_timeout'; did you mean 'connectTimeout'?",
    ],
    [
      "undici's",
      { connections: 10, keepAliveTimeout: 4000, pipelining: 1, clientTtl: 60_000 },
      "unknown option 'connectionPool.connections'; here it is 'connectionPool.maxConnections'",
      "unknown option 'connectionPool.keepAliveTimeout'; here it is 'connectionPool.idleTimeout'",
      "unknown option 'connectionPool.pipelining'; a connection has one request at a time, which cannot be changed",
      "unknown option 'connectionPool.clientTtl'; here it is 'connectionPool.maxConnectionDuration'",
    ],
    [
      "those of Node's agents",
      { maxSockets: 10, keepAlive: true, keepAliveMsecs: 1000 },
      "unknown option 'connectionPool.maxSockets'; here it is 'connectionPool.maxConnections'",
      "unknown option 'connectionPool.keepAlive'; here it is 'connectionPool.tcpKeepalive'",
      "unknown option 'connectionPool.keepAliveMsecs'; here it is 'connectionPool.tcpKeepalive.time'",
    ],
  ]);

  testRefusals(readOptions, [
    [
      'at the top',
      { maxPendingRequests: 1, connections: 1, connectTimeout: 1, circuitBreakers: {} },
      "unknown option 'maxPendingRequests'; here it is 'connectionPool.maxPendingRequests'",
      "unknown option 'connections'; here it is 'connectionPool.maxConnections'",
      "unknown option 'connectTimeout'; here it is 'connectionPool.connectTimeout'",
      "unknown option 'circuitBreakers'; here it is 'connectionPool'",
    ],
    [
      'parts of it at the top',
      { tcpKeepalive: {}, maxConnectionDuration: 1 },
      "unknown option 'tcpKeepalive'; its place is 'connectionPool.tcpKeepalive'",
      "unknown option 'maxConnectionDuration'; its place is 'connectionPool.maxConnectionDuration'",
    ],
    [
      'the names of bulkheads',
      { bulkhead: {}, maxConcurrent: 1, maxQueue: 1 },
      "unknown option 'bulkhead'; here it is 'connectionPool'",
      "unknown option 'maxConcurrent'; here it is 'connectionPool.maxRequests'",
      "unknown option 'maxQueue'; here it is 'connectionPool.maxPendingRequests'",
    ],
    [
      'in a service',
      { services: { 'http://a': { connectionPool: { maxConnections: 0, tcp: {} } } } },
      `services['http://a'].connectionPool.maxConnections: found 0, ${FROM_ONE}; 4294967295 is no limit`,
      `unknown option services['http://a'].connectionPool.tcp; ${FLAT}`,
    ],
  ]);
});

describe('what holds', () => {
  const DEFAULTS = {
    maxConnections: 1024,
    maxPendingRequests: 1024,
    maxRequests: 1024,
    maxRequestsPerConnection: 0,
    connectTimeout: 10_000,
    idleTimeout: 3_600_000,
    maxConnectionDuration: 0,
    tcpKeepalive: { time: 60_000 },
  };
  const UNLIMITED = 2 ** 32 - 1;
  const NO_LIMITS = {
    maxConnections: UNLIMITED,
    maxPendingRequests: UNLIMITED,
    maxRequests: UNLIMITED,
  };

  test.each([
    ['nothing', undefined, DEFAULTS],
    ['an empty object', {}, DEFAULTS],
    ['false: no limits, and the times that hold by default', false, { ...DEFAULTS, ...NO_LIMITS }],
    ['undefined in it', { maxConnections: undefined }, DEFAULTS],
    [
      '0 where it says something',
      { maxPendingRequests: 0 },
      { ...DEFAULTS, maxPendingRequests: 0 },
    ],
    ['no keep-alive', { tcpKeepalive: false }, { ...DEFAULTS, tcpKeepalive: undefined }],
    [
      'a keep-alive',
      { tcpKeepalive: { time: '90s' } },
      { ...DEFAULTS, tcpKeepalive: { time: 90_000 } },
    ],
  ])('%s', (_what, connectionPool, expected) => {
    expect(read(connectionPool).defaultPolicy.connectionPool).toMatchObject(expected);
  });

  test('a service takes over what it says nothing of, and false lifts the limits of the client', () => {
    const { services } = readOptions({
      connectionPool: { maxConnections: 7, connectTimeout: '1s' },
      services: {
        'http://a': { connectionPool: { maxPendingRequests: 3 } },
        'http://b': { connectionPool: false },
        'http://c': {},
      },
    });
    const poolOf = (origin: string) => services.get(origin)?.connectionPool;
    expect(poolOf('http://a')).toMatchObject({
      maxConnections: 7,
      maxPendingRequests: 3,
      connectTimeout: 1000,
    });
    expect(poolOf('http://b')).toMatchObject({ ...NO_LIMITS, connectTimeout: 1000 });
    expect(poolOf('http://c')).toMatchObject({ maxConnections: 7, maxPendingRequests: 1024 });
  });
});

describe('warnings', () => {
  const warningsOf = (connectionPool: object) =>
    policyWarnings(read(connectionPool).defaultPolicy, '').map(({ message }) => message);

  test('an idle time that can never run out', () => {
    const sentence = (idle: number) =>
      `connectionPool.idleTimeout: ${idle} ms can never run out, since connectionPool.maxConnectionDuration closes a connection after 60000 ms`;
    expect(warningsOf({ idleTimeout: '2m', maxConnectionDuration: '1m' })).toEqual([
      sentence(120_000),
    ]);
    expect(warningsOf({ idleTimeout: '1m', maxConnectionDuration: '1m' })).toEqual([
      sentence(60_000),
    ]);
  });

  test.each([
    ['one that can', { idleTimeout: '59s', maxConnectionDuration: '1m' }],
    ['the usual one', { maxConnectionDuration: '1m' }],
    ['none', { idleTimeout: false, maxConnectionDuration: '1m' }],
    ['no age', { idleTimeout: '2h' }],
  ])('none for %s', (_what, options) => {
    expect(warningsOf(options)).toEqual([]);
  });
});
