import { describe, expect, it } from 'vitest';
import { EdfScheduler, PRE_PICK_LIMIT } from '../../src/balancing/edf.js';

/** A scheduler with fixed weights. */
const scheduler = (weights: readonly number[], prePicks = 0) =>
  new EdfScheduler(weights.length, (entry) => weights[entry] ?? 0, prePicks);

const sequence = (edf: EdfScheduler, picks: number) =>
  Array.from({ length: picks }, () => edf.pick());

describe('EdfScheduler', () => {
  it.each([
    { weights: [1, 2], prePicks: 0, picked: [1, 0, 1, 1, 0, 1] },
    { weights: [1, 2], prePicks: 1, picked: [0, 1, 1, 0, 1, 1] },
    { weights: [3, 1], prePicks: 0, picked: [0, 0, 1, 0] },
    { weights: [1, 1, 1], prePicks: 0, picked: [0, 1, 2, 0, 1, 2] },
    { weights: [1, 1, 1], prePicks: 2, picked: [2, 0, 1, 2, 0, 1] },
    { weights: [7], prePicks: 5, picked: [0, 0, 0] },
  ])('picks $picked with weights $weights after $prePicks pre-picks', (example) => {
    const edf = scheduler(example.weights, example.prePicks);
    expect(sequence(edf, example.picked.length)).toEqual(example.picked);
  });

  it('serves entries that are due together first in, first out', () => {
    // All due at 1 for the first time; the heavy one is due again at 1.25, 1.5 and 1.75, and at 2 with the others,
    // which have then waited longer.
    const weights = [1, 1, 1];
    const edf = new EdfScheduler(3, (entry) => weights[entry] ?? 0);
    weights[0] = 4;
    expect(sequence(edf, 9)).toEqual([0, 1, 2, 0, 0, 0, 1, 2, 0]);
  });

  it('sees a new weight after the next pick of its entry', () => {
    const weights = [1, 1];
    const edf = new EdfScheduler(2, (entry) => weights[entry] ?? 0);
    expect(sequence(edf, 2)).toEqual([0, 1]);
    weights[1] = 3;
    // Entry 1 is still due at 2; from there on it is due three times as often.
    expect(sequence(edf, 8)).toEqual([0, 1, 1, 1, 0, 1, 1, 1]);
  });

  it('asks for one weight at each pick, and not for more when it starts after many picks', () => {
    let asked = 0;
    const weightOf = (entry: number) => {
      asked++;
      return 1 + (entry % 5);
    };
    const edf = new EdfScheduler(1000, weightOf, 400_000_001);
    // Once for all of them, and once for each of the picks that no whole share covers.
    expect(asked).toBeLessThan(2000);
    asked = 0;
    sequence(edf, 100);
    expect(asked).toBe(100);
  });

  it('takes pre-picks modulo 429496729', () => {
    const weights = [1, 2, 4];
    expect(sequence(scheduler(weights, PRE_PICK_LIMIT + 3), 14)).toEqual(
      sequence(scheduler(weights, 3), 14),
    );
    expect(PRE_PICK_LIMIT).toBe(429_496_729);
  });
});
