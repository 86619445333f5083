import { beforeEach, describe, expect, test, vi, type MockInstance } from 'vitest';
import { createResilientClient, type ClientOptions } from '../../src/index.js';
import { readOptions } from '../../src/options/validate.js';
import { readUpdate } from '../../src/options/update.js';
import { PEM, refusalOf, testRefusals } from './refusal.js';

const fetch = (): Promise<Response> => Promise.resolve(new Response());
const dispatcher = { dispatch: (): boolean => true };
const FETCH = 'expected a function (url, init) => Promise<Response>';
const DISPATCHER = "expected an undici Dispatcher, or another object with its function 'dispatch'";

describe('fetch and dispatcher', () => {
  test('are handed on as they are', () => {
    expect(readOptions({ fetch }).transport).toEqual({ kind: 'fetch', fetch });
    const { transport } = readOptions({ dispatcher });
    expect(transport?.kind === 'dispatcher' && transport.dispatcher).toBe(dispatcher);
    expect(readOptions({}).transport).toBeUndefined();
  });

  test('stay what they are', () => {
    const current = readOptions({ fetch });
    expect(readUpdate(current, { fetch, timeout: '1s' }).transport).toEqual({
      kind: 'fetch',
      fetch,
    });
    const other = { fetch: (): Promise<Response> => fetch() };
    expect(refusalOf(() => readUpdate(current, other))).toBe(
      'fetch: cannot be changed by an update; make a new client',
    );
  });

  testRefusals(readOptions, [
    ['false', { fetch: false }, `fetch: found false, ${FETCH}`],
    ['a Response', { fetch: {} }, `fetch: found an object, ${FETCH}`],
    ['an origin', { dispatcher: 'http://x' }, `dispatcher: found 'http://x', ${DISPATCHER}`],
    [
      'an object without dispatch',
      { dispatcher: {} },
      `dispatcher: found an object, ${DISPATCHER}`,
    ],
    ['a function', { dispatcher: fetch }, `dispatcher: found a function, ${DISPATCHER}`],
    ['both', { fetch, dispatcher }, "fetch: of no use beside 'dispatcher'"],
    [
      'what is said of connections of our own',
      {
        fetch,
        service: 'https://a',
        endpoints: ['https://b', 'unix:/run/app.sock'],
        tls: { ca: PEM },
        connectionPool: { http2: true },
        healthCheck: { tcp: true },
      },
      "tls: do not reach the connections behind 'fetch'",
      "connectionPool.http2: cannot be chosen for the connections behind 'fetch'",
      "healthCheck.tcp: needs connections of the client's own, there are others behind 'fetch'",
      "endpoints[1]: cannot be reached by what is behind 'fetch'",
    ],
    [
      'a host for the checks of a fetch, which sends none',
      { fetch, service: 'http://a', healthCheck: { path: '/', host: 'b' } },
      "healthCheck.host: is not sent by what is behind 'fetch'",
    ],
    [
      'the same inside of services',
      {
        dispatcher,
        services: { 'https://a': { tls: { ca: PEM }, endpoints: ['unix:/run/app.sock'] } },
      },
      "services['https://a'].tls: do not reach the connections behind 'dispatcher'",
      "services['https://a'].endpoints[0]: cannot be reached by what is behind 'dispatcher'",
    ],
    [
      'for one call',
      { routes: [{ fetch }], service: 'http://a' },
      "unknown option 'routes[0].fetch'; its place is the top level",
    ],
  ]);
});

test('checks through a dispatcher may name a host', () => {
  const healthCheck = { path: '/', host: 'b' };
  expect(readOptions({ dispatcher, service: 'http://a', healthCheck }).services.size).toBe(1);
});

describe('options of connections that are somebody else’s are warned of', () => {
  let emitWarning: MockInstance<typeof process.emitWarning>;
  beforeEach(() => {
    emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  });

  function saidOf(options: ClientOptions): string[] {
    createResilientClient(options);
    return emitWarning.mock.calls.map(
      ([message, said]) => `${(said as { code: string }).code} ${String(message)}`,
    );
  }

  const code = 'OUTRIGGER_POOL_OPTION_HAS_NO_EFFECT';
  const ofConnections = {
    maxRequestsPerConnection: 10,
    connectTimeout: '1s',
    idleTimeout: '2s',
    maxConnectionDuration: '1s',
    maxConcurrentStreams: 5,
    tcpKeepalive: false,
  } as const;
  const ofPlaces = { maxConnections: 1, maxPendingRequests: 1, maxRequests: 1 };

  test.each([
    ['fetch', { fetch }],
    ['dispatcher', { dispatcher: dispatcher as never }],
  ])('beside %s', (kind, given) => {
    expect(saidOf({ ...given, connectionPool: { ...ofConnections, ...ofPlaces } })).toEqual(
      [
        'maxRequestsPerConnection',
        'maxConnectionDuration',
        'tcpKeepalive',
        'connectTimeout',
        'idleTimeout',
        'maxConcurrentStreams',
      ].map(
        (key) => `${code} connectionPool.${key}: has no effect on the connections behind '${kind}'`,
      ),
    );
  });

  test('beside a proxy, which knows some of them', () => {
    const { maxConcurrentStreams: _, ...connectionPool } = ofConnections;
    expect(saidOf({ proxy: 'http://p', connectionPool })).toEqual([
      expect.stringContaining('OUTRIGGER_TIMEOUT_ORDER connectionPool.idleTimeout'),
      ...['maxRequestsPerConnection', 'maxConnectionDuration', 'tcpKeepalive'].map(
        (key) => `${code} connectionPool.${key}: has no effect on what goes through the proxy`,
      ),
    ]);
  });

  test('at the place of the service or subset', () => {
    const connectionPool = { tcpKeepalive: { time: '30s' } };
    const subsets = { v: { labels: { v: '1' }, connectionPool: { connectTimeout: '1s' } } };
    const routes = [{ match: {}, subset: 'v' }];
    const endpoints = [{ url: 'http://b', labels: { v: '1' } }];
    const services = { 'http://a': { connectionPool, endpoints, subsets, routes }, 'http://c': {} };
    const place = "services['http://a']";
    expect(saidOf({ fetch, services })).toEqual([
      `${code} ${place}.connectionPool.tcpKeepalive: has no effect on the connections behind 'fetch'`,
      `${code} ${place}.subsets.v.connectionPool.connectTimeout: has no effect on the connections behind 'fetch'`,
    ]);
  });

  test('not where the proxy is that of all services but one', () => {
    const connectionPool = { maxRequestsPerConnection: 5 };
    const services = { 'http://a': { proxy: false }, 'http://b': {} } as const;
    expect(saidOf({ proxy: 'http://p', connectionPool, services })).toEqual([]);
    expect(saidOf({ proxy: 'http://p', connectionPool, services: { 'http://b': {} } })).toEqual([
      `${code} connectionPool.maxRequestsPerConnection: has no effect on what goes through the proxy`,
    ]);
  });

  test('and nothing else is', () => {
    expect(saidOf({ fetch, connectionPool: ofPlaces, timeout: '1s' })).toEqual([]);
    expect(
      saidOf({ connectionPool: { ...ofConnections, idleTimeout: '0.5s', http2: true } }),
    ).toEqual([]);
    expect(saidOf({ proxy: 'http://p', connectionPool: { connectTimeout: '1s' } })).toEqual([]);
  });
});
