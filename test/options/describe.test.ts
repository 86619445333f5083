import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { describe as described, listOf, pathOf, quote } from '../../src/options/describe.js';

describe('a value in a message', () => {
  class Config {
    service = 'http://a';
  }
  const nameless = (() =>
    class {
      x = 1;
    })();
  test.each<[unknown, string]>([
    ['text', "'text'"],
    ["it's", "'it\\'s'"],
    ['say "no"', `'say "no"'`],
    ['a\nb\\c', "'a\\nb\\\\c'"],
    ['x'.repeat(61), `'${'x'.repeat(60)}…'`],
    ['http://me:secret@host/p@th', "'http://***@th'"],
    ['-----BEGIN PRIVATE KEY-----\nMIIE', "'-----BEGIN …'"],
    [5, '5'],
    [-0, '-0'],
    [5n, '5n'],
    [Symbol('x'), 'a symbol'],
    [null, 'null'],
    [undefined, 'undefined'],
    [() => 1, 'a function'],
    [Config, 'a function'],
    [[], 'an empty array'],
    [[1], 'an array'],
    [{}, 'an object'],
    [Object.create(null), 'an object'],
    [runInNewContext('({})'), 'an object'],
    [new Config(), 'an instance of Config'],
    [new nameless(), 'an object'],
    [Object.create({ constructor: 5 }), 'an object'],
  ])('%o', (value, text) => {
    expect(described(value)).toBe(text);
  });
});

test('lists', () => {
  expect(listOf([])).toBe('');
  expect(listOf(['a'])).toBe("'a'");
  expect(listOf(['a', 'b'])).toBe("'a' or 'b'");
  expect(listOf(['a', 'b', 'c'], 'and')).toBe("'a', 'b' and 'c'");
});

test('paths', () => {
  expect(pathOf('', 'tls')).toBe('tls');
  expect(pathOf('tls', 'ca')).toBe('tls.ca');
  expect(pathOf('services', 'http://a')).toBe("services['http://a']");
  expect(pathOf('', '')).toBe("['']");
  expect(pathOf('', 'x'.repeat(61))).toBe(`['${'x'.repeat(60)}…']`);
  expect(quote('')).toBe("''");
});
