import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { xxHash64 } from '../../src/balancing/xxhash64.js';
import { plainXxHash64, whole } from './plain-hash.js';

describe('xxHash64', () => {
  test.each([
    ['', 0, 0xef46db3751d8e999n],
    ['a', 0, 0xd24ec4f1a98c6e5bn],
    ['foo', 0, 3728699739546630719n],
    ['foo', 1, 14071536367944281277n],
    ['Nobody inspects the spammish repetition', 0, 0xfbcea83c8a378bf1n],
  ])('of %j with seed %d', (text, seed, hash) => {
    expect(whole(xxHash64(text, seed))).toBe(hash);
  });

  test.each([0, 1])('is that of the specification for bytes of every length, seed %d', (seed) => {
    for (let length = 0; length <= 100; length++) {
      fc.assert(
        fc.property(fc.uint8Array({ minLength: length, maxLength: length }), (array) => {
          const bytes = Buffer.from(array);
          const hash = xxHash64(bytes.toString('latin1'), seed, 'latin1');
          expect(whole(hash)).toBe(plainXxHash64(bytes, BigInt(seed)));
        }),
        { numRuns: 20 },
      );
    }
  });

  test('takes the bytes that a text has in UTF-8, be it short or long', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.string({ unit: 'grapheme-ascii', minLength: 200, maxLength: 600 }),
    );
    fc.assert(
      fc.property(text, (given) => {
        expect(whole(xxHash64(given))).toBe(plainXxHash64(Buffer.from(given)));
      }),
    );
  });

  test('of one text says nothing about the next', () => {
    const long = 'x'.repeat(300);
    const [first, other] = [xxHash64('user-1'), xxHash64(long)];
    expect(xxHash64('user-1')).toEqual(first);
    expect(xxHash64(long)).toEqual(other);
  });
});
