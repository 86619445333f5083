/** Retries as they are wired: conditions, method rule, back-off, budget, counters, flags, records. */
import { describe, expect, test } from 'vitest';
import type { Call } from '../../src/core/call.js';
import * as drive from '../../src/core/drive.js';
import type { RetryPolicy } from '../../src/core/policy.js';
import { failure } from '../../src/core/failure.js';
import { retryPolicy } from '../core/scripted-upstream.js';
import {
  answers,
  fails,
  REFUSED,
  SILENT,
  VirtualCluster,
  type Scripts,
  type VirtualClusterOptions,
} from '../support/virtual-cluster.js';

/** Waits are half their bound: 12, 25, 50 ms. */
function retrying(
  scripts: Scripts,
  own: Partial<RetryPolicy> = {},
  options: VirtualClusterOptions = {},
): VirtualCluster {
  return new VirtualCluster(scripts, {
    chance: () => 0.5,
    ...options,
    policy: { retry: retryPolicy(own), ...options.policy },
  });
}

const UNSAFE = ['POST', 'PATCH', 'CONNECT', 'PURGE'];
const IDEMPOTENT = ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'];

describe('what Envoy decides and counts (5.2)', () => {
  test('nothing to retry: no counter of retries moves', async () => {
    const virtual = retrying(answers(200));
    const { events } = await virtual.finish();
    expect(events).toEqual(['head 200', 'end']);
    expect(virtual.counted).toEqual({
      upstream_rq_total: 1,
      upstream_rq_completed: 1,
      upstream_rq_200: 1,
      upstream_rq_2xx: 1,
    });
    virtual.expectNothingLeft();
  });

  test('a retry that helps', async () => {
    const virtual = retrying([answers(503), answers(200)]);
    const { events, verdicts, starts } = await virtual.finish();
    expect(events).toEqual(['head 200', 'end']);
    expect(verdicts).toEqual(['another: retriable-status-codes', '']);
    expect(starts).toEqual([0, 1 + 12]);
    expect(virtual.counted).toEqual({
      upstream_rq_total: 2,
      upstream_rq_completed: 1,
      upstream_rq_200: 1,
      upstream_rq_2xx: 1,
      upstream_rq_retry: 1,
      upstream_rq_retry_success: 1,
      upstream_rq_retry_backoff_exponential: 1,
      'retry.upstream_rq_503': 1,
      'retry.upstream_rq_5xx': 1,
    });
    virtual.expectNothingLeft();
  });

  test('success is whatever is not retried: a 404 counts, and so does a failure that is none of the words', async () => {
    const found = retrying([answers(503), answers(404)]);
    await found.finish();
    expect(found.count('upstream_rq_retry_success')).toBe(1);

    const failed = retrying([REFUSED, fails('reset')], { words: new Set(['connect-failure']) });
    const { events } = await failed.finish();
    expect(events).toEqual(['fail reset']);
    expect(failed.count('upstream_rq_retry_success')).toBe(1);
  });

  test('a failure of our own is no success', async () => {
    const virtual = retrying([REFUSED, fails('unsendable')]);
    await virtual.finish();
    expect(virtual.count('upstream_rq_retry')).toBe(1);
    expect(virtual.count('upstream_rq_retry_success')).toBe(0);
  });

  test('the limit: the last answer is passed on, with URX', async () => {
    const virtual = retrying(answers(503));
    const { events, verdicts, explanation, starts } = await virtual.finish();
    expect(events).toEqual(['head 503', 'end']);
    expect(starts).toEqual([0, 13, 39]);
    expect(verdicts).toEqual([
      'another: retriable-status-codes',
      'another: retriable-status-codes',
      'give-up: attempts',
    ]);
    expect(explanation).toMatchObject({ flags: 'URX', retriesLeft: 0 });
    expect(virtual.counted).toEqual({
      upstream_rq_total: 3,
      upstream_rq_completed: 1,
      upstream_rq_503: 1,
      upstream_rq_5xx: 1,
      upstream_rq_retry: 2,
      upstream_rq_retry_limit_exceeded: 1,
      upstream_rq_retry_backoff_exponential: 2,
      'retry.upstream_rq_503': 2,
      'retry.upstream_rq_5xx': 2,
      'retry_not_made.attempts': 1,
    });
    virtual.expectNothingLeft();
  });

  test('no attempts at all is a limit, too', async () => {
    const virtual = retrying(answers(503), { attempts: 0 });
    const { events, explanation } = await virtual.finish();
    expect(events).toEqual(['head 503', 'end']);
    expect(explanation.flags).toBe('URX');
    expect(virtual.count('upstream_rq_retry_limit_exceeded')).toBe(1);
  });

  test('the limit after a failure: its own flag and URX', async () => {
    const virtual = retrying(REFUSED);
    const { events, explanation } = await virtual.finish();
    expect(events).toEqual(['fail connect-failure']);
    expect(explanation.flags).toBe('UF,URX');
    expect(virtual.counted).toMatchObject({ upstream_rq_503: 1, upstream_rq_retry: 2 });
    expect(virtual.count('retry.upstream_rq_503')).toBe(0);
    virtual.expectNothingLeft();
  });

  test('no slot: the answer is passed on, with UO', async () => {
    const budget = { percent: 0, minRetryConcurrency: 0, interval: 0 };
    const virtual = retrying(answers(503), { budget });
    const { events, verdicts, explanation } = await virtual.finish();
    expect(events).toEqual(['head 503', 'end']);
    expect(verdicts).toEqual(['give-up: budget']);
    expect(explanation.flags).toBe('UO');
    expect(virtual.counted).toMatchObject({
      upstream_rq_retry_overflow: 1,
      'retry_not_made.budget': 1,
    });
    expect(virtual.count('upstream_rq_retry')).toBe(0);
    expect(virtual.count('retry.upstream_rq_503')).toBe(0);
  });

  test('the last try’s time: 504, with UT and URX', async () => {
    const virtual = retrying(SILENT, { perTryTimeout: 100 });
    const { events, explanation, starts } = await virtual.finish();
    expect(events).toEqual(['fail try-timeout']);
    expect(explanation.flags).toBe('UT,URX');
    expect(explanation.attempts.map(({ flag }) => flag)).toEqual(['UT', 'UT', 'UT']);
    expect(starts).toEqual([0, 101 + 12, 113 + 101 + 25]);
    expect(virtual.counted).toMatchObject({
      upstream_rq_per_try_timeout: 3,
      upstream_rq_retry: 2,
      upstream_rq_504: 1,
    });
    expect(virtual.count('upstream_rq_timeout')).toBe(0);
    expect(virtual.cancels).toEqual([1, 1, 1]);
    virtual.expectNothingLeft();
  });

  test('the time of a try without progress has a counter of its own', async () => {
    const virtual = retrying(SILENT, { perTryIdleTimeout: 100, attempts: 1 });
    const { events } = await virtual.finish();
    expect(events).toEqual(['fail try-timeout']);
    expect(virtual.count('upstream_rq_per_try_idle_timeout')).toBe(2);
    expect(virtual.count('upstream_rq_per_try_timeout')).toBe(0);
  });

  test('nothing is retried once a head was passed on', async () => {
    const cut = { ...answers(200), chunks: [1, 1], cut: true };
    const virtual = retrying(cut);
    const { events } = await virtual.finish();
    expect(events).toEqual(['head 200', 'data', 'data', 'fail body-cut']);
    expect(virtual.count('upstream_rq_retry')).toBe(0);
  });

  test.each(['no-healthy-endpoint', 'unsendable', 'invalid', 'refused'] as const)(
    '%s is not retried, whatever the words and rules say',
    async (kind) => {
      const virtual = retrying(fails(kind), {
        words: new Set(['5xx', 'reset', 'connect-failure', 'gateway-error']),
        rules: [() => true],
      });
      const { events } = await virtual.finish();
      expect(events).toEqual([`fail ${kind}`]);
      expect(virtual.count('upstream_rq_retry')).toBe(0);
    },
  );

  test('nowhere to send to is not retried', async () => {
    const virtual = retrying(answers(200), { words: new Set(['5xx']) }, { endpoints: 0 });
    const { events, explanation } = await virtual.finish();
    expect(events).toEqual(['fail no-healthy-endpoint']);
    expect(explanation.flags).toBe('UH');
  });
});

describe('the method rule', () => {
  test.each(UNSAFE)('%s: an answer and a reset are not repeated', async (method) => {
    for (const script of [answers(503), fails('reset'), fails('protocol-error')]) {
      const virtual = retrying([script, answers(200)], { words: new Set(['5xx']) });
      const { verdicts, call } = await virtual.finish({ method });
      expect(call.attempts).toHaveLength(1);
      expect(verdicts).toEqual(['give-up: method']);
      expect(virtual.count('retry_not_made.method')).toBe(1);
      expect(virtual.count('upstream_rq_retry')).toBe(0);
    }
  });

  test.each(UNSAFE)('%s: the time of a try is no proof that nothing happened', async (method) => {
    const virtual = retrying([SILENT, answers(200)], { perTryTimeout: 50 });
    const { events, verdicts } = await virtual.finish({ method });
    expect(events).toEqual(['fail try-timeout']);
    expect(verdicts).toEqual(['give-up: method']);
  });

  test.each(UNSAFE)('%s: nor is a connection that had served before', async (method) => {
    const virtual = retrying([{ ...fails('reset'), reused: true }, answers(200)]);
    const { events, verdicts } = await virtual.finish({ method });
    expect(events).toEqual(['fail reset']);
    expect(verdicts).toEqual(['give-up: method']);
  });

  test.each([...UNSAFE, ...IDEMPOTENT])(
    '%s: what surely was not processed is repeated',
    async (method) => {
      for (const script of [REFUSED, fails('refused-stream')]) {
        const virtual = retrying([script, answers(200)]);
        const { events } = await virtual.finish({ method });
        expect(events).toEqual(['head 200', 'end']);
      }
    },
  );

  test.each(IDEMPOTENT)('%s is repeated', async (method) => {
    const virtual = retrying([answers(503), fails('reset'), answers(200)]);
    const { events } = await virtual.finish({ method });
    expect(events).toEqual(['head 200', 'end']);
  });

  test('a key of the caller’s lifts it, whatever its spelling', async () => {
    for (const headers of [
      ['Idempotency-Key', 'abc'],
      ['accept', '*/*', 'IDEMPOTENCY-KEY', 'abc'],
    ]) {
      const virtual = retrying([answers(503), answers(200)]);
      const { events } = await virtual.finish({ method: 'POST', headers });
      expect(events).toEqual(['head 200', 'end']);
    }
    const virtual = retrying([answers(503), answers(200)]);
    // A value that reads like the name is none.
    const { events } = await virtual.finish({
      method: 'POST',
      headers: ['x-header', 'idempotency-key'],
    });
    expect(events).toEqual(['head 503', 'end']);
  });

  test('so do `methods`, for those named', async () => {
    const own = { methods: new Set(['POST']) };
    const named = await retrying([answers(503), answers(200)], own).finish({ method: 'POST' });
    expect(named.events).toEqual(['head 200', 'end']);
    const other = await retrying([answers(503), answers(200)], own).finish({ method: 'PATCH' });
    expect(other.events).toEqual(['head 503', 'end']);
  });

  test('and `retryUnsafeMethods`, for all', async () => {
    const virtual = retrying([fails('reset'), answers(200)], { retryUnsafeMethods: true });
    const { events } = await virtual.finish({ method: 'PATCH' });
    expect(events).toEqual(['head 200', 'end']);
  });

  test('an answer that says it never reached the service is repeated, and only that one', async () => {
    const own: Partial<RetryPolicy> = {
      statusCodes: new Set(),
      notProcessed: ({ headers }) => headers.get('x-envoy-overloaded') === 'true',
    };
    const overloaded = answers(503, 0, { headers: ['x-envoy-overloaded', 'true'] });
    const virtual = retrying([overloaded, answers(503)], own);
    const { events, verdicts } = await virtual.finish({ method: 'POST' });
    expect(events).toEqual(['head 503', 'end']);
    expect(verdicts).toEqual(['another: not-processed', '']);
  });

  test('an attempt before that may have been processed counts no more than the one that failed last', async () => {
    // The retry was allowed because the first was surely not processed; the second surely was.
    const virtual = retrying([REFUSED, fails('reset'), answers(200)]);
    const { events, verdicts } = await virtual.finish({ method: 'POST' });
    expect(events).toEqual(['fail reset']);
    expect(verdicts).toEqual(['another: connect-failure', 'give-up: method']);
  });
});

describe('the wait', () => {
  test('Retry-After in place of the back-off, and a counter for each kind', async () => {
    const limited = answers(503, 0, { headers: ['Retry-After', '1'] });
    const virtual = retrying([limited, answers(503), answers(200)]);
    const { starts } = await virtual.finish();
    // 1000 + half of 500; then the first step of the back-off, which the other wait has not used up.
    expect(starts).toEqual([0, 1 + 1250, 1251 + 1 + 12]);
    expect(virtual.counted).toMatchObject({
      upstream_rq_retry: 2,
      upstream_rq_retry_backoff_ratelimited: 1,
      upstream_rq_retry_backoff_exponential: 1,
    });
  });

  test('longer than the policy allows: not retried, and not shortened', async () => {
    const limited = answers(503, 0, { headers: ['Retry-After', '301'] });
    const virtual = retrying([limited, answers(200)]);
    const { events, verdicts, explanation } = await virtual.finish();
    expect(events).toEqual(['head 503', 'end']);
    expect(verdicts).toEqual(['give-up: retry-after-too-long']);
    expect(explanation).toMatchObject({ flags: undefined, retriesLeft: 2 });
    expect(virtual.count('retry_not_made.retry-after-too-long')).toBe(1);
    virtual.expectNothingLeft();
  });

  test('heeded only where it is asked for', async () => {
    const limited = answers(503, 0, { headers: ['Retry-After', '301'] });
    const virtual = retrying([limited, answers(200)], { rateLimitedBackoff: undefined });
    const { events, starts } = await virtual.finish();
    expect(events).toEqual(['head 200', 'end']);
    expect(starts).toEqual([0, 13]);
  });

  test('beyond the deadline: the answer is passed on at once', async () => {
    const limited = answers(503, 0, { headers: ['Retry-After', '1'] });
    const timeout = { response: 0, idle: 0, total: 1000 };
    const virtual = retrying([limited, answers(200)], {}, { policy: { timeout } });
    const { events, verdicts, call } = await virtual.finish();
    expect(events).toEqual(['head 503', 'end']);
    expect(verdicts).toEqual(['give-up: deadline']);
    expect(call.endedAt - call.startedAt).toBe(1);
    virtual.expectNothingLeft();
  });

  test.each([
    [{ response: 14, idle: 0, total: 0 }, 2, 'fail timeout'],
    [{ response: 13, idle: 0, total: 0 }, 1, 'head 503'],
    [{ response: 0, idle: 0, total: 14 }, 2, 'fail timeout'],
    [{ response: 0, idle: 0, total: 13 }, 1, 'head 503'],
    [{ response: 13, idle: 0, total: 100 }, 1, 'head 503'],
    [{ response: 100, idle: 0, total: 13 }, 1, 'head 503'],
  ])('a retry 13 ms after the start, within %o: %i, %s', async (timeout, attempts, outcome) => {
    const virtual = retrying([answers(503), answers(200, 100)], {}, { policy: { timeout } });
    const { call, events } = await virtual.finish();
    expect(call.attempts).toHaveLength(attempts);
    expect(events[0]).toBe(outcome);
    virtual.expectNothingLeft();
  });

  test('the sequence starts anew with each call', async () => {
    const virtual = retrying([answers(503), answers(503), answers(200)]);
    const first = await virtual.finish();
    const second = await virtual.finish();
    expect(second.starts).toEqual(first.starts);
  });

  test('a connection found closed is no reason to wait, once', async () => {
    const closed = { ...fails('reset'), reused: true };
    const virtual = retrying([closed, fails('reset'), answers(200)]);
    const { starts, verdicts, call } = await virtual.finish();
    expect(verdicts).toEqual(['another: reset-on-reuse', 'another: reset', '']);
    expect(starts).toEqual([0, 1, 2 + 12]);
    // The pool is asked for a fresh connection from then on.
    expect(call.distrustsIdle).toBe(true);
    expect(virtual.counted).toMatchObject({
      upstream_rq_retry: 2,
      upstream_rq_retry_backoff_exponential: 1,
    });
  });

  test('that retry is within the budget, too', async () => {
    const budget = { percent: 0, minRetryConcurrency: 0, interval: 0 };
    const virtual = retrying({ ...fails('reset'), reused: true }, { budget });
    const { verdicts } = await virtual.finish();
    expect(verdicts).toEqual(['give-up: budget']);
  });

  test('the caller’s abort ends it, and gives the place back', async () => {
    const limited = answers(503, 0, { headers: ['Retry-After', '100'] });
    const virtual = retrying([limited, answers(200)]);
    const { call, events } = virtual.start();
    await virtual.runtime.advance(50_000);
    expect(virtual.cluster.slots.active).toBe(1);
    drive.abort(call, new Error('enough'));
    expect(events).toEqual(['fail aborted']);
    virtual.expectNothingLeft();
  });
});

describe('a rule of the user’s', () => {
  test('asks for a retry', async () => {
    const virtual = retrying([answers(404), answers(200)], {
      rules: [({ status, attempt }) => status === 404 && attempt === 1],
    });
    const { events, verdicts } = await virtual.finish();
    expect(events).toEqual(['head 200', 'end']);
    expect(verdicts).toEqual(['another: rule', '']);
  });

  test.each(['rules', 'notProcessed'])(
    'that throws (%s) ends the call with its error',
    async (which) => {
      const boom = new Error('boom');
      const rule = () => {
        throw boom;
      };
      const virtual = retrying(
        answers(404),
        which === 'rules' ? { rules: [rule] } : { notProcessed: rule },
      );
      const { recorder } = await virtual.finish();
      expect(recorder.failure).toMatchObject({ kind: 'invalid', cause: boom });
      virtual.expectNothingLeft();
    },
  );
});

test.each([answers(404), fails('reset')])(
  'a rule that aborts the call starts nothing, and keeps no place',
  async (script) => {
    const started: Call[] = [];
    const rule = () => {
      for (const call of started) drive.abort(call, new Error('enough'));
      return true;
    };
    const virtual = retrying(script, { rules: [rule], words: new Set() });
    const { call, events } = virtual.start();
    started.push(call);
    await virtual.runtime.runUntilIdle();
    expect(events).toEqual(['fail aborted']);
    expect(call.attempts).toHaveLength(1);
    virtual.expectNothingLeft();
  },
);

describe('which endpoint', () => {
  test('each attempt goes to one that has not been tried', async () => {
    const virtual = retrying(answers(503), { attempts: 2 }, { endpoints: 3 });
    for (let call = 0; call < 20; call++) {
      const { endpoints } = await virtual.finish();
      expect(new Set(endpoints)).toEqual(new Set([0, 1, 2]));
    }
  });

  test('after all have been tried, any', async () => {
    const virtual = retrying(answers(503), { attempts: 5 }, { endpoints: 2 });
    const { endpoints } = await virtual.finish();
    expect(endpoints).toHaveLength(6);
    expect(new Set(endpoints.slice(0, 2))).toEqual(new Set([0, 1]));
  });
});

describe('options of one call', () => {
  test('switch retries on where the service has none', async () => {
    const virtual = new VirtualCluster([answers(503), answers(200)], { policy: {} });
    expect((await virtual.finish()).events).toEqual(['head 503', 'end']);
    const policy = { retry: retryPolicy() };
    expect((await virtual.finish({ policy })).events).toEqual(['head 200', 'end']);
  });

  test('switch them off', async () => {
    const virtual = retrying([answers(503), answers(200)]);
    const { events, call } = await virtual.finish({ policy: { retry: undefined } });
    expect(events).toEqual(['head 503', 'end']);
    expect(call.chain.judges).toHaveLength(0);
  });

  test('have conditions of their own', async () => {
    const virtual = retrying([answers(418), answers(200)]);
    const policy = { retry: retryPolicy({ statusCodes: new Set([418]) }) };
    expect((await virtual.finish({ policy })).events).toEqual(['head 200', 'end']);
    expect((await virtual.finish({ policy })).events).toEqual(['head 200', 'end']);
    expect((await virtual.finish()).events).toEqual(['head 418', 'end']);
  });
});

describe('what is dropped', () => {
  test('a retried answer whose body goes on does not hold the retry up', async () => {
    const endless = { ...answers(503), chunks: [10_000] };
    const virtual = retrying([endless, answers(200)]);
    const { events, call } = await virtual.finish();
    expect(events).toEqual(['head 200', 'end']);
    expect(call.endedAt - call.startedAt).toBe(14);
    expect(virtual.cancels).toEqual([1, 0]);
    virtual.expectNothingLeft();
  });

  test.each(['read to its end', 'cut off'])(
    'its endpoint is charged with the failure, whether it was %s',
    async (how) => {
      const failing = { ...answers(503), chunks: how === 'cut off' ? [10_000] : [1] };
      const virtual = retrying([failing, answers(200)], {}, { endpoints: 2 });
      const { endpoints } = await virtual.finish();
      const [first = 0, second = 0] = endpoints;
      expect(virtual.cluster.endpoints[first]).toMatchObject({ success: 0, error: 1 });
      expect(virtual.cluster.endpoints[second]).toMatchObject({ success: 1, error: 0 });
    },
  );
});

describe('records', () => {
  test('say why each attempt was made, and what came of it', async () => {
    const virtual = retrying([REFUSED, answers(503, 5), answers(200, 5)]);
    const { explanation } = await virtual.finish();
    expect(explanation.attempts).toMatchObject([
      {
        number: 1,
        because: undefined,
        outcome: 'connect-failure',
        flag: 'UF',
        status: undefined,
        verdict: { kind: 'another', reason: 'connect-failure' },
      },
      {
        number: 2,
        because: { reason: 'connect-failure', after: 12, hedgeDelay: undefined },
        outcome: 'dropped',
        status: 503,
        verdict: { kind: 'another', reason: 'retriable-status-codes' },
      },
      {
        number: 3,
        because: { reason: 'retriable-status-codes', after: 25 },
        outcome: 'answered',
        status: 200,
        verdict: undefined,
      },
    ]);
    expect(explanation.retriesLeft).toBe(0);
    expect(explanation.flags).toBeUndefined();
  });

  test('every attempt tells its number to the endpoint', async () => {
    const virtual = retrying(answers(503));
    const { call } = await virtual.finish();
    const counts = call.attempts.map(({ headers }) => headers.slice(-2));
    expect(counts).toEqual([
      ['x-envoy-attempt-count', '1'],
      ['x-envoy-attempt-count', '2'],
      ['x-envoy-attempt-count', '3'],
    ]);
  });
});

test('a call whose caller gives up while an attempt fails is not gone on with', async () => {
  const virtual = retrying([answers(503), answers(200)]);
  const { call, events } = virtual.start();
  await virtual.runtime.advance(5);
  drive.abort(call, new Error('enough'));
  // Late news from the wire.
  const attempt = call.attempts[0];
  if (attempt !== undefined) drive.fail(attempt, failure('reset', 'UC', undefined, true));
  await virtual.runtime.advance(1000);
  expect(events).toEqual(['fail aborted']);
  expect(call.attempts).toHaveLength(1);
  virtual.expectNothingLeft();
});
