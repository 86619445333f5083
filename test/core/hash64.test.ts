import fc from 'fast-check';
import { expect, test } from 'vitest';
import { modulo } from '../../src/core/hash64.js';

test('the rest of a division is exact for every hash, whatever the signs of its halves', () => {
  const bits = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
  fc.assert(
    fc.property(bits, fc.integer({ min: 1, max: 2 ** 26 }), (hash, divisor) => {
      const [high, low] = [Number(hash >> 32n), Number(hash & 0xffff_ffffn)];
      const expected = Number(hash % BigInt(divisor));
      expect(modulo(high, low, divisor)).toBe(expected);
      expect(modulo(high | 0, low | 0, divisor)).toBe(expected);
    }),
    { numRuns: 2000 },
  );
});
