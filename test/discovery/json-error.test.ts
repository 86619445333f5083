import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonErrorPosition } from '../../src/discovery/json-error.js';

test.each<[string, number, number]>([
  ['', 1, 1],
  ['  \n ', 2, 2],
  ['[1, 2', 1, 6],
  ['[1 2]', 1, 4],
  ['[1,]', 1, 4],
  ['[,1]', 1, 2],
  ['{"a" 1}', 1, 6],
  ['{"a": }', 1, 7],
  ['{"a": 1,}', 1, 9],
  ['{a: 1}', 1, 2],
  ['{"a": 1]', 1, 8],
  ['[1}', 1, 3],
  ['[] []', 1, 4],
  ['nul', 1, 1],
  ['[01]', 1, 3],
  ["['a']", 1, 2],
  ['["a\nb"]', 1, 2],
  ['["\\x"]', 1, 2],
  ['[\n  "http://a",\n  {\n    "url" "http://b"\n  }\n]\n', 4, 11],
  ['[\r\n  1\r\n  2\r\n]', 3, 3],
])('%j is wrong at line %i, column %i', (text, line, column) => {
  expect(() => JSON.parse(text) as unknown).toThrow();
  expect(jsonErrorPosition(text)).toEqual({ line, column });
});

test('what JSON.parse takes has no mistake', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(0, 2), (text, indent) => {
      const written = JSON.stringify(JSON.parse(text), undefined, indent);
      expect(jsonErrorPosition(written)).toBeUndefined();
    }),
  );
});

test('it has one exactly where JSON.parse refuses', () => {
  const piece = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '1',
    'true',
    ' ',
    '\n',
    '-',
    '"',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 9 }), (pieces) => {
      const text = pieces.join('');
      let isRight = true;
      try {
        JSON.parse(text);
      } catch {
        isRight = false;
      }
      expect(jsonErrorPosition(text) === undefined).toBe(isRight);
    }),
    { numRuns: 2000 },
  );
});

test('a text that is too long to say gives no place, and no other mistake', () => {
  expect(jsonErrorPosition(`["${'x'.repeat(20_000_000)}", ]`)).toBeUndefined();
});
