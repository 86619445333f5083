/** Routes that are never taken, and subsets that nobody comes to or that have nobody. */
import { expect, test } from 'vitest';
import type { RouteOptions, ServiceOptions } from '../../src/index.js';
import { routeWarnings } from '../../src/options/route-warnings.js';
import { readOptions } from '../../src/options/validate.js';

function warningsOf(options: ServiceOptions): string[] {
  const { services } = readOptions({ service: 'http://shop', ...options });
  const service = services.get('http://shop');
  return service === undefined
    ? ['no service']
    : routeWarnings(service).map(({ option, sentence }) => `${option}: ${sentence}`);
}

test.each<
  [what: string, before: RouteOptions['match'], after: RouteOptions['match'], never: boolean]
>([
  ['every call before', {}, { path: '/a' }, true],
  ['no match before', undefined, { path: '/a' }, true],
  ['every path before every call', { path: '/*' }, {}, true],
  ['the same path', { path: '/a' }, { path: '/a' }, true],
  ['a wider path', { path: '/a/*' }, { path: '/a/b' }, true],
  ['a wider beginning', { path: '/a*' }, { path: '/a/b/*' }, true],
  ['a narrower beginning', { path: '/a/b/*' }, { path: '/a*' }, false],
  ['the very path before its beginning', { path: '/a' }, { path: '/a*' }, false],
  ['the same pattern', { path: /^\/a/ }, { path: /^\/a/ }, true],
  ['another pattern', { path: /^\/a/ }, { path: /^\/a/i }, false],
  ['a pattern before a path', { path: /a/ }, { path: '/a' }, false],
  ['more methods', { method: ['GET', 'POST'] }, { method: 'post' }, true],
  ['fewer methods', { method: 'GET' }, { method: ['GET', 'POST'] }, false],
  ['methods before any', { method: 'GET' }, {}, false],
  [
    'a header that is there, whatever it is',
    { headers: { A: true } },
    { headers: { a: 'b' } },
    true,
  ],
  ['a header that is not there', { headers: { a: true } }, { headers: { a: false } }, false],
  ['the same value', { query: { a: '1' } }, { query: { a: '1', b: '2' } }, true],
  ['text and a pattern', { query: { a: '/1/' } }, { query: { a: /1/ } }, false],
  ['one more field', { query: { a: '1', b: '2' } }, { query: { a: '1' } }, false],
  ['one of several', [{ path: '/a' }, { path: '/b' }], { path: '/b' }, true],
  ['several, of which one is free', { path: '/a' }, [{ path: '/a' }, { path: '/b' }], false],
])('a route behind %s', (_what, before, after, never) => {
  const sentence = 'routes[1]: no call ever takes it, since routes[0] takes all of them before';
  expect(warningsOf({ routes: [{ match: before }, { match: after }] })).toEqual(
    never ? [sentence] : [],
  );
});

test('subsets without a way to them, and without endpoints', () => {
  const endpoints = [
    { url: 'http://10.0.0.1', labels: { version: 'v1' } },
    { url: 'http://10.0.0.2', labels: { version: 'v1' } },
  ];
  const subsets = {
    v1: { labels: { version: 'v1' } },
    v2: { labels: { version: 'v2', stage: 'live' } },
    v3: { labels: { version: 'v3' } },
    v4: { labels: { version: 'v4' } },
  };
  const routes = [
    { match: { path: '/a' }, subset: 'v2' },
    {
      subset: [
        { subset: 'v1', weight: 100 },
        { subset: 'v4', weight: 0 },
      ],
    },
  ];
  expect(warningsOf({ endpoints, subsets, routes })).toEqual([
    "subsets.v2: its calls fail, since no endpoint of 2 has 'version=v2' and 'stage=live'",
    'subsets.v3: no call goes there, since no route leads to it',
  ]);
  // What a discovery will bring is not known.
  const discovery = { name: 'test', start: () => ({ stop() {} }) };
  expect(warningsOf({ endpoints: discovery, subsets, routes })).toHaveLength(1);
});

test('thousands of routes are not each held against all before', () => {
  const paths = Array.from({ length: 2000 }, (_, index) => `/shop/${index}/*`);
  const { services } = readOptions({
    service: 'http://shop',
    routes: [...paths, '/shop/7/late'].map((path) => ({ match: { path } })),
  });
  const service = services.get('http://shop');
  if (service === undefined) throw new Error('no service');
  let looks = 0;
  const routes = service.routes.map((route) => {
    const counted = { ...route };
    return Object.defineProperty(counted, 'matches', {
      get() {
        looks += 1;
        return route.matches;
      },
    });
  });
  expect(
    routeWarnings({ ...service, routes }).map(({ option, sentence }) => [option, sentence]),
  ).toEqual([['routes[2000]', 'no call ever takes it, since routes[7] takes all of them before']]);
  expect(looks).toBeLessThan(3 * routes.length);
});
