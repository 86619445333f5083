import { describe, expect, it } from 'vitest';
import { answerTo, goDuration } from '../../../src/lab/fake-service/answer.js';

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

  it('tells what the upstreams answered, also when one of them failed', () => {
    const calls = { 'http://127.0.0.1:1': { name: 'c', code: 200 } };
    const answered = answerTo('/', { name: 'b' }, { delay: 0, code: 200 }, times, calls);
    expect(JSON.parse(answered)).toMatchObject({ upstream_calls: calls });
    const failed = { delay: 0, code: 503, error: 'An upstream failed' };
    expect(JSON.parse(answerTo('/', { name: 'b' }, failed, times, calls))).toMatchObject({
      upstream_calls: calls,
      code: 503,
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
