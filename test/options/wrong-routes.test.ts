import { describe, expect, test } from 'vitest';
import { readOptions } from '../../src/options/validate.js';
import { testRefusals } from './refusal.js';

const PATH =
  "expected a path such as '/orders', '/reports/*' with * at its end alone, or a regular expression";
const SUBSETS = { v1: { labels: { version: 'v1' } }, v2: { labels: { version: 'v2' } } };

const route = (options: unknown): unknown =>
  readOptions({ service: 'http://shop', subsets: SUBSETS, routes: [options] });

describe('routes', () => {
  const read = (routes: unknown): unknown => readOptions({ service: 'http://shop', routes });
  testRefusals(read, [
    ['an object', { path: '/' }, 'routes: found an object, expected a list of routes'],
    [
      'a route that is text',
      ['/a'],
      "routes[0]: found '/a', expected an object with the options of a route",
    ],
    [
      'the same name twice',
      [{ name: 'a' }, { name: 'b' }, { name: 'a' }],
      "routes[2].name: found 'a', expected a name of its own",
    ],
    [
      'a subset where there is none',
      [{ subset: 'v2' }],
      "routes[0].subset: found 'v2', expected the name of one of the subsets, of which there are none",
    ],
  ]);

  test('beside subsets that throw when they are read', () => {
    const subsets = {
      get v1() {
        throw new Error('boo');
      },
    };
    expect(() => readOptions({ service: 'http://shop', subsets, routes: [] })).toThrow(
      'subsets: found an object that throws when it is read',
    );
  });

  test('need a service', () => {
    expect(() => readOptions({ routes: [], subsets: {} })).toThrow(
      "routes: of use only together with 'service'",
    );
    expect(() => readOptions({ services: {}, routes: [] })).toThrow(
      "routes: of use only inside each of 'services'",
    );
  });

  test('false are none', () => {
    const client = readOptions({ service: 'http://shop', routes: false, subsets: false });
    const service = client.services.get('http://shop');
    expect(service?.routes).toEqual([]);
    expect(service?.subsets.size).toBe(0);
  });
});

describe('a route', () => {
  testRefusals(route, [
    [
      'misspelt options',
      { mach: {}, timeuot: 1 },
      "unknown option 'routes[0].mach'; did you mean 'match'?",
      "unknown option 'routes[0].timeuot'; did you mean 'timeout'?",
    ],
    [
      'what belongs to the service',
      { retry: { budget: { percent: 5 } } },
      'routes[0].retry.budget: belongs to the service, since all its calls share it',
    ],
    ['what is yet to come', { fault: {} }, 'routes[0].fault: not available in this version'],
    [
      'a name with a blank',
      { name: 'a b' },
      "routes[0].name: found 'a b', expected a name without white space",
    ],
    ['an unknown subset', { subset: 'V3' }, "routes[0].subset: found 'V3', expected 'v1' or 'v2'"],
    [
      'a subset in other letters',
      { subset: 'V2' },
      "routes[0].subset: found 'V2', expected 'v1' or 'v2'; did you mean 'v2'?",
    ],
    [
      'a share alone',
      { subset: { subset: 'v1', weight: 1 } },
      'routes[0].subset: found an object, expected the name of a subset, or a list of objects with subset and weight; did you forget the []?',
    ],
    [
      'shares',
      { subset: [{ subset: 'v1', weight: -1 }, { subset: 'v4', weight: 1 }, { weight: 1 }, 'v1'] },
      'routes[0].subset[0].weight: found -1, expected a whole number from 0 to 4294967295',
      "routes[0].subset[1].subset: found 'v4', expected 'v1' or 'v2'",
      'routes[0].subset[2].subset: found nothing, expected the name of a subset',
      "routes[0].subset[3]: found 'v1', expected an object with subset and weight",
    ],
    [
      'shares of nothing',
      { subset: [{ subset: 'v1', weight: 0 }] },
      'routes[0].subset: found no weight above 0, expected at least one subset that has a part',
    ],
    [
      'a subset twice',
      {
        subset: [
          { subset: 'v1', weight: 1 },
          { subset: 'v1', weight: 2 },
        ],
      },
      "routes[0].subset: found 'v1' again, expected each subset once",
    ],
  ]);
});

test('paths that look odd and are sent as they stand', () => {
  for (const path of ['*', '/', '//a', '/.*', '/..*', '/a%2', '/a:b', "/it's", '/a|b']) {
    expect(() => route({ match: { path } })).not.toThrow();
  }
  for (const value of ['', 'a=b', '%20', 'a+b', '?', '/']) {
    expect(() => route({ match: { query: { a: value } } })).not.toThrow();
  }
});

describe('a match', () => {
  testRefusals(
    (match) => route({ match }),
    [
      [
        'text',
        '/a',
        "routes[0].match: found '/a', expected an object with path, method, headers and query, or a list of them",
      ],
      ['none of several', [], 'routes[0].match: found an empty array, expected at least one match'],
      ['a path that is none', { path: '' }, `routes[0].match.path: found '', ${PATH}`],
      [
        'without its slash',
        { path: 'a/*' },
        `routes[0].match.path: found 'a/*', ${PATH}; did you mean '/a/*'?`,
      ],
      ['* in between', { path: '/a/*/b' }, `routes[0].match.path: found '/a/*/b', ${PATH}`],
      [
        'a query in it',
        { path: '/a?b=c' },
        `routes[0].match.path: found '/a?b=c', ${PATH}; a parameter of the query has its place in 'query'`,
      ],
      [
        'a method that is none',
        { method: 'G E T' },
        "routes[0].match.method: found 'G E T', expected the name of a method, such as 'POST'",
      ],
      [
        'a number of methods',
        { method: 1 },
        "routes[0].match.method: found 1, expected a list of methods, such as ['POST']",
      ],
      [
        'a header that is none',
        { headers: { 'a b': true } },
        "routes[0].match.headers['a b']: found 'a b', expected the name of a header, such as 'retry-after'",
      ],
      [
        'values that are none',
        { headers: { a: 1 }, query: { b: null } },
        "routes[0].match.headers.a: found 1, expected true, the exact value or a regular expression; did you mean '1'?",
        'routes[0].match.query.b: found null, expected true, the exact value or a regular expression',
      ],
      [
        'the same header twice',
        { headers: { a: true, A: false } },
        "routes[0].match.headers.A: found 'a' again, expected each header once",
      ],
      [
        'a URL',
        { path: 'http://shop/a?b' },
        `routes[0].match.path: found 'http://shop/a?b', ${PATH}; did you mean '/a'?`,
      ],
      [
        'a regular expression in quotes',
        { path: '^/a/[0-9]+$' },
        `routes[0].match.path: found '^/a/[0-9]+$', ${PATH}; did you mean /^\\/a\\/[0-9]+$/?`,
      ],
      [
        'paths that no URL has',
        [{ path: '/kä' }, { path: '/{id}*' }, { path: '/a/../b' }],
        "routes[0].match[0].path: found '/kä', expected a path as it is sent; did you mean '/k%C3%A4'?",
        "routes[0].match[1].path: found '/{id}*', expected a path as it is sent; did you mean '/%7Bid%7D*'?",
        "routes[0].match[2].path: found '/a/../b', expected a path as it is sent; did you mean '/b'?",
      ],
      [
        'parameters that no URL has',
        { query: { ä: true, b: 'a b', c: 'd&e' } },
        "routes[0].match.query['ä']: found 'ä', expected text as it is sent; did you mean '%C3%A4'?",
        "routes[0].match.query.b: found 'a b', expected text as it is sent; did you mean 'a%20b'?",
        "routes[0].match.query.c: found 'd&e', expected text as it is sent; did you mean 'd%26e'?",
      ],
      [
        'Istio’s matches of text',
        {
          path: { prefix: '/a' },
          method: { exact: 'GET' },
          headers: { a: { exact: 'b' }, c: { prefix: 'd.' }, e: { regex: 'f+' }, g: {} },
        },
        `routes[0].match.path: found an object, ${PATH}; did you mean '/a*'?`,
        "routes[0].match.method: found an object, expected the name of a method, such as 'POST', or a list of them; did you mean 'GET'?",
        "routes[0].match.headers.a: found an object, expected true, the exact value or a regular expression; did you mean 'b'?",
        'routes[0].match.headers.c: found an object, expected true, the exact value or a regular expression; did you mean /^d\\./?',
        'routes[0].match.headers.e: found an object, expected true, the exact value or a regular expression; did you mean /^(?:f+)$/?',
        'routes[0].match.headers.g: found an object, expected true, the exact value or a regular expression',
      ],
      [
        'Istio’s words',
        { uri: { prefix: '/a' }, queryParams: {} },
        "unknown option 'routes[0].match.uri'; here it is 'routes[].match.path'",
        "unknown option 'routes[0].match.queryParams'; here it is 'routes[].match.query'",
      ],
    ],
  );
});

describe('subsets', () => {
  testRefusals(
    (subsets) => readOptions({ service: 'http://shop', subsets }),
    [
      [
        'a list',
        [],
        'subsets: found an empty array, expected an object with the options of each subset by its name',
      ],
      [
        'no labels',
        { v1: {} },
        "subsets.v1.labels: found nothing, expected an object with labels, such as { version: 'v2' }",
      ],
      [
        'a name with a bar',
        { 'a|b': { labels: {} } },
        "subsets['a|b']: found 'a|b', expected a name without white space and |",
      ],
      [
        'what belongs to a route',
        { v1: { labels: {}, timeout: '1s' } },
        "unknown option 'subsets.v1.timeout'; its place is the top level",
      ],
      [
        'options that are wrong',
        { v1: { labels: {}, connectionPool: { maxConnections: 0 } } },
        'subsets.v1.connectionPool.maxConnections: found 0, expected a whole number from 1 to 4294967295; 4294967295 is no limit',
      ],
    ],
  );
});

describe('origins that are not configured', () => {
  testRefusals(readOptions, [
    ['none', { maxOrigins: 0 }, 'maxOrigins: found 0, expected a whole number from 1 to 1000000'],
    [
      'where they are refused',
      { service: 'http://shop', maxOrigins: 5, originIdleTimeout: '1m' },
      "maxOrigins: of use only with otherOrigins: 'default-policy', or without a service",
      "originIdleTimeout: of use only with otherOrigins: 'default-policy', or without a service",
    ],
    [
      'no time',
      { originIdleTimeout: 'soon' },
      "originIdleTimeout: found 'soon', expected a duration up to 576h, as milliseconds or as text such as '300ms', '1.5s' or '1m30s', or false",
    ],
  ]);
});
