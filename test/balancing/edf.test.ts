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

describe('a schedule that goes on from another', () => {
  const successor = (
    before: EdfScheduler,
    weights: readonly number[],
    entryOf: (entry: number) => number | undefined = (entry) => entry,
    random = () => 0.5,
  ) =>
    new EdfScheduler(weights.length, (entry) => weights[entry] ?? 0, {
      schedule: before,
      entryOf,
      random,
    });

  it('picks what the other would have picked', () => {
    for (const weights of [
      [1, 2, 4],
      [3, 7, 5, 1],
      [1, 1, 1],
    ]) {
      const whole = sequence(scheduler(weights, 11), 60);
      let edf = scheduler(weights, 11);
      const renewed = whole.map(() => {
        edf = successor(edf, weights);
        return edf.pick();
      });
      expect(renewed).toEqual(whole);
    }
  });

  it('knows entries by other numbers', () => {
    const edf = scheduler([1, 2, 4]);
    const whole = sequence(scheduler([1, 2, 4]), 14);
    const turned = successor(edf, [4, 2, 1], (entry) => 2 - entry);
    expect(sequence(turned, 14)).toEqual(whole.map((entry) => 2 - entry));
  });

  it('leaves the turns of the others as they are when one goes', () => {
    const whole = sequence(scheduler([1, 2, 4, 3]), 100).filter((entry) => entry !== 3);
    const edf = scheduler([1, 2, 4, 3]);
    const first = sequence(edf, 17).filter((entry) => entry !== 3);
    const rest = sequence(successor(edf, [1, 2, 4]), 50);
    expect([...first, ...rest]).toEqual(whole.slice(0, first.length + 50));
  });

  it('takes a new weight for the rest of a turn', () => {
    const edf = scheduler([1, 10]);
    sequence(edf, 5);
    // At 0.6 entry 0 has 0.4 of its turn before it: with a tenth of the weight, 4 rounds.
    expect(sequence(successor(edf, [0.1, 10]), 42).indexOf(0)).toBe(40);
    expect(sequence(successor(edf, [4, 10]), 42).indexOf(0)).toBe(1);
  });

  it('begins the turn of a new entry where chance says', () => {
    const edf = scheduler([1, 10]);
    // Entry 1 is due at 0.1, 0.2 and so on, entry 0 at 1.
    for (const [chance, before] of [
      [0.04, 1],
      [0.54, 6],
      [0.94, 11],
    ] as const) {
      const three = successor(
        edf,
        [1, 10, 1],
        (entry) => (entry === 2 ? undefined : entry),
        () => chance,
      );
      expect(sequence(three, 14).indexOf(2)).toBe(before);
    }
  });
});
