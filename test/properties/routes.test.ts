/** The compiled route table against the plain rule: the first route that fits. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { FieldMatch, PathMatch, RouteMatch } from '../../src/options/normalized.js';
import { PrefixTree } from '../../src/routing/prefix-tree.js';
import { RouteTable } from '../../src/routing/route-table.js';

const PARTS = ['', '/', '/a', '/ab', '/a/', '/a/b', '/a/bc', '/b', '/a/b/c'];

const path: fc.Arbitrary<PathMatch | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.record({
    kind: fc.constantFrom('exact' as const, 'prefix' as const),
    text: fc.constantFrom(...PARTS),
  }),
  fc.record({
    kind: fc.constant('pattern' as const),
    pattern: fc.constantFrom(/b$/, /^\/a/g, /B/i, /^$/y),
  }),
);
const field = (name: string): fc.Arbitrary<FieldMatch> =>
  fc.record({
    name: fc.constant(name),
    value: fc.constantFrom<FieldMatch['value']>(true, false, '1', '1,2', '', /^1/g),
  });
const match: fc.Arbitrary<RouteMatch> = fc.record({
  path,
  methods: fc.constantFrom<ReadonlySet<string> | undefined>(
    undefined,
    new Set(['GET']),
    new Set(['GET', 'POST']),
  ),
  headers: fc.array(field('x-a'), { maxLength: 1 }),
  query: fc.array(field('q'), { maxLength: 1 }),
});
const routes = fc.array(fc.record({ matches: fc.array(match, { maxLength: 2 }) }), {
  maxLength: 8,
});
const request = fc.record({
  method: fc.constantFrom('GET', 'POST', 'get', 'PUT'),
  path: fc.constantFrom(...PARTS.filter((part) => part !== '')),
  query: fc.constantFrom('', '?', '?q', '?q=1', '?p=2&q=1&q=3', '?q=', '?qq=1'),
  headers: fc.constantFrom<readonly string[]>(
    [],
    ['x-a', '1'],
    ['X-A', ' 1 '],
    ['x-a', '1', 'host', 'h', 'X-a', '2'],
    ['x-a', ''],
    ['x-ab', '1'],
  ),
});

type Asked = typeof request extends fc.Arbitrary<infer T> ? T : never;

test('finds the route that trying one after the other finds', () => {
  fc.assert(
    fc.property(routes, fc.array(request, { minLength: 1, maxLength: 10 }), (all, asked) => {
      const table = new RouteTable(all);
      for (const one of asked) {
        const found = table.find(one.method, one.path + one.query, one.headers);
        const first = all.findIndex(
          ({ matches }) => matches.length === 0 || matches.some((each) => isMet(each, one)),
        );
        expect(found).toBe(first);
      }
    }),
    { numRuns: 3000 },
  );
});

function isMet(each: RouteMatch, one: Asked): boolean {
  const values = new Map<string, string>();
  for (let index = 0; index < one.headers.length; index += 2) {
    const name = (one.headers[index] as string).toLowerCase();
    const value = (one.headers[index + 1] as string).trim();
    const before = values.get(name);
    values.set(name, before === undefined ? value : `${before},${value}`);
  }
  const parameters = new Map<string, string>();
  for (const pair of one.query.slice(1).split('&')) {
    const [name = '', value = ''] = pair.split('=');
    if (pair !== '' && !parameters.has(name)) parameters.set(name, value);
  }
  return (
    isPathMet(each.path, one.path) &&
    (each.methods?.has(one.method.toUpperCase()) ?? true) &&
    each.headers.every(({ name, value }) => isValueMet(value, values.get(name))) &&
    each.query.every(({ name, value }) => isValueMet(value, parameters.get(name)))
  );
}

function isPathMet(wanted: PathMatch | undefined, given: string): boolean {
  if (wanted === undefined) return true;
  if (wanted.kind === 'exact') return given === wanted.text;
  if (wanted.kind === 'pattern') {
    return new RegExp(wanted.pattern.source, wanted.pattern.flags).test(given);
  }
  return given.startsWith(wanted.text);
}

function isValueMet(wanted: FieldMatch['value'], given: string | undefined): boolean {
  if (typeof wanted === 'boolean') return wanted === (given !== undefined);
  if (given === undefined) return false;
  return typeof wanted === 'string' ? given === wanted : given.startsWith('1');
}

test('a tree of prefixes has what a text begins with, the shortest first', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'ä', '\u{1f600}'), maxLength: 6 });
  fc.assert(
    fc.property(fc.array(text, { maxLength: 12 }), text, (prefixes, asked) => {
      const tree = new PrefixTree<number>();
      prefixes.forEach((prefix, index) => tree.add(prefix, index));
      const found = tree.fold<null, number[]>(
        asked,
        (values, _, all) => [...all, ...values],
        null,
        [],
      );
      const expected = prefixes
        .map((prefix, index) => ({ prefix, index }))
        .filter(({ prefix }) => asked.startsWith(prefix))
        .sort((one, other) => one.prefix.length - other.prefix.length || one.index - other.index);
      expect(found).toEqual(expected.map(({ index }) => index));
    }),
    { numRuns: 2000 },
  );
});
