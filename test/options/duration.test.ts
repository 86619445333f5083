import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OptionsError } from '../../src/core/errors.js';
import { parseDuration } from '../../src/options/duration.js';
import { refusalOf } from './refusal.js';

const EXPECTED =
  "expected a duration up to 576h, as milliseconds or as text such as '300ms', '1.5s' or '1m30s'";

describe('durations that are understood', () => {
  test.each<[number | string, number]>([
    [0, 0],
    [-0, 0],
    [0.5, 0.5],
    [1500, 1500],
    [2_073_600_000, 2_073_600_000],
    ['0s', 0],
    ['0ms', 0],
    ['300ms', 300],
    ['0.5ms', 0.5],
    ['5s', 5000],
    ['05s', 5000],
    ['1.5s', 1500],
    ['1.005s', 1005],
    ['0.000001ms', 0.000001],
    ['1m', 60_000],
    ['1m30s', 90_000],
    ['90s', 90_000],
    ['1h', 3_600_000],
    ['1h1m1s1ms', 3_661_001],
    ['1.5h0.5m', 5_430_000],
    ['2m500ms', 120_500],
    ['576h', 2_073_600_000],
  ])('%j is %d ms', (given, milliseconds) => {
    expect(parseDuration(given, 'deadline')).toBe(milliseconds);
  });
});

describe('durations that are refused', () => {
  test.each<[unknown, string, string?]>([
    ['5', "'5'", "; did you mean 5 or '5s'?"],
    ['0', "'0'", "; did you mean 0 or '0s'?"],
    ['1.50', "'1.50'", "; did you mean 1.5 or '1.5s'?"],
    ['5 s', "'5 s'", "; did you mean '5s'?"],
    [' 5s', "' 5s'", "; did you mean '5s'?"],
    ['5S', "'5S'", "; did you mean '5s'?"],
    ['1min', "'1min'", "; did you mean '1m'?"],
    ['2 hours 5 minutes', "'2 hours 5 minutes'", "; did you mean '2h5m'?"],
    ['250 milliseconds', "'250 milliseconds'", "; did you mean '250ms'?"],
    ['10sec', "'10sec'", "; did you mean '10s'?"],
    ['-1s', "'-1s'"],
    ['+1s', "'+1s'"],
    ['abc', "'abc'"],
    ['', "''"],
    [' ', "' '"],
    ['s', "'s'"],
    ['1d', "'1d'"],
    ['100us', "'100us'"],
    ['30s1m', "'30s1m'"],
    ['1s1s', "'1s1s'"],
    ['.5s', "'.5s'"],
    ['1.s', "'1.s'"],
    ['1e3s', "'1e3s'"],
    ['1,5s', "'1,5s'"],
    ['577h', "'577h'"],
    ['Infinity', "'Infinity'"],
    ['99999999999', "'99999999999'"],
    [-1, '-1'],
    [NaN, 'NaN'],
    [Infinity, 'Infinity'],
    [2_073_600_001, '2073600001'],
    [5n, '5n'],
    [true, 'true'],
    [null, 'null'],
    [undefined, 'undefined'],
    [{ seconds: 5 }, 'an object'],
    [['5s'], 'an array'],
  ])('%o', (given, found, hint = '') => {
    expect(refusalOf(() => parseDuration(given, 'deadline'))).toBe(
      `deadline: found ${found}, ${EXPECTED}${hint}`,
    );
  });
});

test('what is written of hours, minutes, seconds and milliseconds is what is read', () => {
  const upTo = (most: number) => fc.option(fc.nat(most), { nil: undefined });
  fc.assert(
    fc.property(upTo(500), upTo(999), upTo(9999), upTo(99_999), (h, m, s, ms) => {
      const written = [
        [h, 'h'],
        [m, 'm'],
        [s, 's'],
        [ms, 'ms'],
      ].map(([amount, unit]) => (amount === undefined ? '' : `${amount}${unit}`));
      fc.pre(written.join('') !== '');
      const sum = (h ?? 0) * 3_600_000 + (m ?? 0) * 60_000 + (s ?? 0) * 1000 + (ms ?? 0);
      expect(parseDuration(written.join(''), 'deadline')).toBe(sum);
    }),
  );
});

test('any text is either a duration or refused', () => {
  const letters = fc.string({ unit: fc.constantFrom(...'0159.hms eE-+'.split('')) });
  fc.assert(
    fc.property(letters, (text) => {
      try {
        const duration = parseDuration(text, 'deadline');
        expect(duration).toBeGreaterThanOrEqual(0);
        expect(duration).toBeLessThanOrEqual(2_073_600_000);
      } catch (error) {
        expect(error).toBeInstanceOf(OptionsError);
      }
    }),
  );
});
