import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom } from '../../src/testing/index.js';

/** From a second, independent writing-down of the generator. */
const FIRST_OF_SEED_1 = [0.45416540713928677, 0.15395221600293263, 0.623297922929989];

const draw = (seed: number, count: number): number[] => {
  const random = seededRandom(seed);
  return Array.from({ length: count }, random);
};

test('the same seed gives the same numbers, another seed others', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.maxSafeInteger(), (one, other) => {
      expect(draw(one, 20)).toEqual(draw(one, 20));
      fc.pre(one !== other);
      expect(draw(one, 3)).not.toEqual(draw(other, 3));
    }),
  );
});

test('the numbers of a seed stay what they are from version to version', () => {
  expect(draw(1, 3)).toEqual(FIRST_OF_SEED_1);
});

test.each([0, 1, -1, 2 ** 32, Number.MAX_SAFE_INTEGER])(
  'from 0 to below 1, spread evenly: seed %d',
  (seed) => {
    const numbers = draw(seed, 100_000);
    const tenths = new Array<number>(10).fill(0);
    expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
    for (const number of numbers) {
      tenths[Math.floor(number * 10)] = (tenths[Math.floor(number * 10)] ?? 0) + 1;
    }
    // 10,000 each, with a standard deviation of 95.
    for (const count of tenths) expect(Math.abs(count - 10_000)).toBeLessThan(500);
    // Each number says nothing about the next one.
    const sum = numbers.reduce(
      (total, x, i) => total + (x - 0.5) * ((numbers[i + 1] ?? 0.5) - 0.5),
      0,
    );
    expect(Math.abs((sum / numbers.length) * 12)).toBeLessThan(0.02);
  },
);

test.each([1.5, NaN, Infinity, 2 ** 53])('not a seed: %d', (seed) => {
  expect(() => seededRandom(seed)).toThrow(RangeError);
});
