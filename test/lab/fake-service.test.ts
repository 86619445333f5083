import { describe, expect, it } from 'vitest';
import {
  answerTo,
  type FakeServiceOptions,
  goDuration,
  planAnswer,
  startFakeService,
} from '../../src/lab/fake-service.js';

/** A random source that gives the listed numbers and refuses to give more. */
function drawing(...numbers: number[]): () => number {
  return () => {
    const next = numbers.shift();
    if (next === undefined) throw new Error('more was drawn than expected');
    return next;
  };
}

const timed: FakeServiceOptions = {
  name: 'a',
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
    const half = { name: 'a', timing50Percentile: 150 };
    expect(planAnswer(half, drawing())).toEqual({ delay: 150, code: 200 });
    const most = { ...half, timing90Percentile: 300 };
    expect(planAnswer(most, drawing(0.995)).delay).toBe(300);
    expect(planAnswer({ name: 'a' }, drawing()).delay).toBe(0);
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
    const delayed: FakeServiceOptions = {
      ...failing,
      errorType: 'delay',
      errorCode: 408,
      errorDelay: 700,
    };
    expect(planAnswer(delayed, drawing(0))).toMatchObject({ delay: 700, code: 408 });
    // A delay without the type is not looked at, as in fake-service.
    const atOnce: FakeServiceOptions = { ...failing, errorCode: 503, errorDelay: 700 };
    expect(planAnswer(atOnce, drawing(0))).toMatchObject({ delay: 0, code: 503 });
  });
});

describe('the answer', () => {
  const start = new Date('2020-09-15T16:27:02.467Z');
  const times = { start, end: new Date(start.getTime() + 150), elapsed: 150.25 };

  it("has fake-service's fields", () => {
    expect(JSON.parse(answerTo('/', { name: 'b' }, { delay: 150, code: 200 }, times))).toEqual({
      name: 'b',
      uri: '/',
      type: 'HTTP',
      ip_addresses: ['127.0.0.1'],
      start_time: '2020-09-15T16:27:02.467000',
      end_time: '2020-09-15T16:27:02.617000',
      duration: '150.25ms',
      body: 'Hello from b',
      upstream_calls: {},
      code: 200,
    });
  });

  it('of an error says no more than what went wrong', () => {
    const plan = { delay: 0, code: 503, error: 'broken' };
    expect(JSON.parse(answerTo('/x', { name: 'b', message: 'hi' }, plan, times))).toEqual({
      name: 'b',
      uri: '/x',
      type: 'HTTP',
      ip_addresses: ['127.0.0.1'],
      code: 503,
      error: 'broken',
    });
  });

  it.each([
    [0, '0s'],
    [0.087, '87µs'],
    [150, '150ms'],
    [150.5004, '150.5ms'],
    [1000.213, '1.000213s'],
  ])('prints %d ms as Go does: %s', (ms, text) => {
    expect(goDuration(ms)).toBe(text);
  });
});

describe('a service that runs', () => {
  it('answers over HTTP, counts, and stops with connections open', async () => {
    const service = await startFakeService({ name: 'c', errorRate: 1, errorCode: 503 });
    const url = `http://127.0.0.1:${service.port}/path`;
    const response = await fetch(url);
    expect(response.status).toBe(503);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toMatchObject({ name: 'c', uri: '/path', code: 503 });
    expect(service.received).toBe(1);
    await service.stop();
    await expect(fetch(url)).rejects.toThrow('fetch failed');
  });

  it('never answers before its time', async () => {
    const service = await startFakeService({ name: 'd', timing50Percentile: 20 });
    try {
      const answer = await fetch(`http://127.0.0.1:${service.port}/`).then((res) => res.json());
      const { duration } = answer as { duration: string };
      expect(duration).toMatch(/ms$/);
      expect(Number.parseFloat(duration)).toBeGreaterThanOrEqual(20);
    } finally {
      await service.stop();
    }
  });
});
