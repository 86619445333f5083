import { describe, expect, it } from 'vitest';
import type { Behaviour } from '../../../src/lab/fake-service/options.js';
import { planAnswer } from '../../../src/lab/fake-service/plan.js';

/** A random source that gives the listed numbers and refuses to give more. */
function drawing(...numbers: number[]): () => number {
  return () => {
    const next = numbers.shift();
    if (next === undefined) throw new Error('more was drawn than expected');
    return next;
  };
}

const timed: Behaviour = {
  timing50Percentile: 10,
  timing90Percentile: 20,
  timing99Percentile: 40,
};

describe('the time of an answer', () => {
  it.each([
    [0, 10],
    [0.899, 10],
    [0.9, 20],
    [0.989, 20],
    [0.99, 40],
    [0.999, 40],
  ])('drawn at %d is %d ms', (drawn, delay) => {
    expect(planAnswer(timed, drawing(drawn))).toEqual({ delay, code: 200 });
  });

  it('takes a percentile that is not given from the one below', () => {
    const half = { timing50Percentile: 150 };
    expect(planAnswer(half, drawing())).toEqual({ delay: 150, code: 200 });
    const most = { ...half, timing90Percentile: 300 };
    expect(planAnswer(most, drawing(0.995)).delay).toBe(300);
    expect(planAnswer({}, drawing()).delay).toBe(0);
  });

  it('grows by up to the variance, drawn before the percentile', () => {
    const varied = { ...timed, timingVariance: 50 };
    expect(planAnswer(varied, drawing(0, 0)).delay).toBe(10);
    expect(planAnswer(varied, drawing(0.5, 0.95)).delay).toBe(25);
  });
});

describe('an injected error', () => {
  const failing = { ...timed, errorRate: 0.75 };

  it('comes at its rate, at once and with the code 500', () => {
    const error = { delay: 0, code: 500, error: 'Service error automatically injected' };
    expect(planAnswer(failing, drawing(0.749))).toEqual(error);
    expect(planAnswer(failing, drawing(0.75, 0))).toEqual({ delay: 10, code: 200 });
  });

  it('has the code and the delay it is given', () => {
    const delayed: Behaviour = {
      ...failing,
      errorType: 'delay',
      errorCode: 408,
      errorDelay: 700,
    };
    expect(planAnswer(delayed, drawing(0))).toMatchObject({ delay: 700, code: 408 });
    // A delay without the type is not looked at, as in fake-service.
    const atOnce: Behaviour = { ...failing, errorCode: 503, errorDelay: 700 };
    expect(planAnswer(atOnce, drawing(0))).toMatchObject({ delay: 0, code: 503 });
  });

  it('may be no answer at all', () => {
    const reset: Behaviour = { ...failing, errorType: 'reset', errorDelay: 5 };
    expect(planAnswer(reset, drawing(0))).toMatchObject({ delay: 5, reset: true });
    expect(planAnswer(reset, drawing(0.8, 0))).toEqual({ delay: 10, code: 200 });
  });
});
