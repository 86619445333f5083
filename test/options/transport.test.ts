import { describe, expect, test } from 'vitest';
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
