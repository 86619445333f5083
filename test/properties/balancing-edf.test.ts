import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EdfScheduler } from '../../src/balancing/edf.js';

const scheduler = (weights: readonly number[], prePicks = 0) =>
  new EdfScheduler(weights.length, (entry) => weights[entry] ?? 0, prePicks);

function counts(edf: EdfScheduler, size: number, picks: number): number[] {
  const counted = new Array<number>(size).fill(0);
  for (let i = 0; i < picks; i++) {
    const entry = edf.pick();
    counted[entry] = (counted[entry] ?? Number.NaN) + 1;
  }
  return counted;
}

const total = (weights: readonly number[]) => weights.reduce((sum, weight) => sum + weight, 0);

/** Any weights; and weights whose deadlines are exact in binary, so that those due together really are. */
const anyWeights = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 12 });
const exactWeights = fc.array(fc.constantFrom(1, 2, 4, 8, 16), { minLength: 1, maxLength: 12 });

describe('EdfScheduler', () => {
  it('picks each entry as often as its weight says in a full cycle', () => {
    fc.assert(
      fc.property(anyWeights, (weights) => {
        expect(counts(scheduler(weights), weights.length, total(weights))).toEqual(weights);
      }),
    );
  });

  it('picks each entry as often as its weight says in any cycle, wherever it starts', () => {
    fc.assert(
      fc.property(exactWeights, fc.nat(500_000_000), (weights, prePicks) => {
        const counted = counts(scheduler(weights, prePicks), weights.length, total(weights));
        expect(counted).toEqual(weights);
      }),
    );
  });

  it('never picks an entry two times more or less than its share of the picks so far', () => {
    fc.assert(
      fc.property(anyWeights, fc.nat(500_000_000), fc.nat(300), (weights, prePicks, picks) => {
        const counted = counts(scheduler(weights, prePicks), weights.length, picks);
        counted.forEach((count, i) => {
          const share = ((weights[i] ?? 0) * picks) / total(weights);
          expect(Math.abs(count - share)).toBeLessThan(weights.length);
        });
      }),
    );
  });

  it('starts after pre-picks as after picks that were thrown away', () => {
    fc.assert(
      fc.property(exactWeights, fc.nat(2000), (weights, prePicks) => {
        const thrown = scheduler(weights);
        for (let i = 0; i < prePicks; i++) thrown.pick();
        const skipped = scheduler(weights, prePicks);
        for (let i = 0; i < 2 * total(weights); i++) expect(skipped.pick()).toBe(thrown.pick());
      }),
    );
  });

  it('starts after pre-picks as after picks that were thrown away, but for ties, with any weights', () => {
    fc.assert(
      fc.property(anyWeights, fc.nat(2000), fc.nat(200), (weights, prePicks, picks) => {
        const size = weights.length;
        const before = counts(scheduler(weights), size, prePicks);
        const thrown = counts(scheduler(weights), size, prePicks + picks);
        const skipped = counts(scheduler(weights, prePicks), size, picks);
        skipped.forEach((count, i) => {
          const expected = (thrown[i] ?? 0) - (before[i] ?? 0);
          expect(Math.abs(count - expected)).toBeLessThanOrEqual(2);
        });
      }),
    );
  });
});
