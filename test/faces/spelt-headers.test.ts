import { inspect } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import fc from 'fast-check';
import { speltHeaders } from '../../src/faces/spelt-headers.js';

const defaults = { ...inspect.defaultOptions };

afterEach(() => Object.assign(inspect.defaultOptions, defaults));

test('names as they were written, in the order of the first of each', () => {
  const headers = new Headers([
    ['X-B', '1'],
    ['content-TYPE', 'text/plain'],
    ['a', '2'],
    ['x-b', '3'],
  ]);
  expect(speltHeaders(headers)).toEqual([
    ['X-B', '1, 3'],
    ['content-TYPE', 'text/plain'],
    ['a', '2'],
  ]);
});

test('whatever the names and values, and however things are printed elsewhere', () => {
  const letter = (of: string) => fc.constantFrom(...of.split(''));
  const name = fc.string({ unit: letter("abzXYZ019!#$%&'*+-.^_`|~"), minLength: 1, maxLength: 6 });
  const value = fc.oneof(
    fc.constantFrom("', 'x': ''", ": ''", '}', "a: ''... 3 more characters", '\\"', ''),
    fc.string({ unit: letter('ab \'":{},\\'), maxLength: 20 }),
  );
  Object.assign(inspect.defaultOptions, { colors: true, sorted: true, compact: false });
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value)), (pairs) => {
      const spelt = new Map<string, string>();
      for (const [one] of pairs) {
        if (!spelt.has(one.toLowerCase())) spelt.set(one.toLowerCase(), one);
      }
      const headers = new Headers(pairs);
      const found = speltHeaders(headers);
      expect(found?.map(([one]) => one).toSorted()).toEqual([...spelt.values()].toSorted());
      for (const [one, text] of found ?? []) expect(text).toBe(headers.get(one));
    }),
  );
});

test('nothing where another prints itself', () => {
  const headers = new Headers({ a: '1' });
  Object.defineProperty(headers, inspect.custom, { value: () => "Headers { b: '' }" });
  expect(speltHeaders(headers)).toBeUndefined();
});
