/** Hedges: Envoy's section 7 line by line, and those of a delay. */
import { describe, expect, test } from 'vitest';
import * as drive from '../../src/core/drive.js';
import type { Attempt } from '../../src/core/attempt.js';
import type { Call } from '../../src/core/call.js';
import type { HedgePolicy, RetryPolicy } from '../../src/core/policy.js';
import { NO_POLICY, retryPolicy } from '../core/scripted-upstream.js';
import {
  answers,
  fails,
  hedgePolicy,
  SILENT,
  VirtualCluster,
  type Scripts,
  type VirtualClusterOptions,
} from '../support/virtual-cluster.js';

const NO_BUDGET = { percent: 0, minRetryConcurrency: 0, interval: 0 };

/** Hedges on a per-try timeout of 100 ms, which begins 1 ms after the attempt; waits are 12 and 25 ms. */
function soft(
  scripts: Scripts,
  own: Partial<RetryPolicy> = {},
  options: VirtualClusterOptions = {},
): VirtualCluster {
  return new VirtualCluster(scripts, {
    chance: () => 0.5,
    ...options,
    policy: {
      retry: retryPolicy({ perTryTimeout: 100, ...own }),
      hedge: hedgePolicy({ onPerTryTimeout: true }),
      ...options.policy,
    },
  });
}

/** Hedges of a delay, without retries unless they are given. */
function delayed(
  scripts: Scripts,
  own: Partial<HedgePolicy>,
  retry?: RetryPolicy,
  options: VirtualClusterOptions = {},
): VirtualCluster {
  return new VirtualCluster(scripts, {
    chance: () => 0.5,
    ...options,
    policy: { retry, hedge: hedgePolicy(own), ...options.policy },
  });
}

describe('on a per-try timeout', () => {
  test('the slow try goes on, and a retry starts beside it after its back-off', async () => {
    const virtual = soft([SILENT, answers(200, 50)]);
    const { call, events, recorder, explanation } = virtual.start();
    await virtual.runtime.advance(101);
    expect(virtual.cancels).toEqual([0]);
    expect(call.attempts).toHaveLength(1);
    expect(virtual.cluster.slots.active).toBe(1);
    await virtual.runtime.advance(11);
    expect(call.attempts).toHaveLength(1);
    await virtual.runtime.advance(1);
    expect(call.attempts).toHaveLength(2);
    expect(virtual.cancels).toEqual([0, 0]);
    await virtual.runtime.advance(51);
    expect(events).toEqual(['head 200', 'end']);
    expect(recorder.reply).toBe(call.attempts[1]);
    expect(virtual.cancels).toEqual([1, 0]);
    expect(explanation.flags).toBeUndefined();
    expect(virtual.counted).toMatchObject({
      upstream_rq_total: 2,
      upstream_rq_retry: 1,
      upstream_rq_retry_success: 1,
      upstream_rq_retry_backoff_exponential: 1,
      upstream_rq_200: 1,
    });
    expect(virtual.count('upstream_rq_per_try_timeout')).toBe(0);
    expect(virtual.count('upstream_rq_hedge')).toBe(0);
    virtual.expectNothingLeft();
  });

  test('no retry condition is asked', async () => {
    const virtual = soft([SILENT, answers(200)], { words: new Set(), statusCodes: new Set() });
    const { events } = await virtual.finish();
    expect(events).toEqual(['head 200', 'end']);
  });

  test('records: the kept try, why the other was made, and who won', async () => {
    const virtual = soft([answers(200, 130), answers(200, 50)]);
    const { explanation } = await virtual.finish();
    expect(explanation.attempts).toMatchObject([
      {
        outcome: 'answered',
        verdict: { kind: 'another', reason: 'hedge-on-per-try-timeout' },
      },
      {
        because: { reason: 'hedge-on-per-try-timeout', after: 12, hedgeDelay: undefined },
        outcome: 'superseded',
      },
    ]);
    expect(explanation.retriesLeft).toBe(1);
  });

  test('the slow try may still win: no retry success, its hedge is cancelled', async () => {
    const virtual = soft([answers(200, 130), SILENT]);
    const { call, recorder } = await virtual.finish();
    expect(recorder.reply).toBe(call.attempts[0]);
    expect(virtual.cancels).toEqual([0, 1]);
    expect(virtual.counted).toMatchObject({ upstream_rq_retry: 1, upstream_rq_200: 1 });
    // In Envoy the answer of a try that was hedged already asks nothing of the retries.
    expect(virtual.count('upstream_rq_retry_success')).toBe(0);
    virtual.expectNothingLeft();
  });

  test('it may win while its hedge still waits: that is taken back, with its slot', async () => {
    const virtual = soft([answers(200, 105), SILENT]);
    const { call, events } = await virtual.finish();
    expect(events).toEqual(['head 200', 'end']);
    expect(call.attempts).toHaveLength(1);
    virtual.expectNothingLeft();
  });

  test('each attempt has its own time, so that several run at once: 1 + retries', async () => {
    const virtual = soft([SILENT, SILENT, SILENT, answers(200)]);
    const started = virtual.start();
    await virtual.runtime.advance(2000);
    const { call } = started;
    expect(started.starts).toEqual([0, 101 + 12, 113 + 101 + 25]);
    expect(call.attempts.map(({ phase }) => phase)).toEqual(['sent', 'sent', 'sent']);
    expect(started.events).toEqual([]);
    expect(started.verdicts.at(-1)).toBe('wait: attempts');
    expect(started.explanation.flags).toBe('URX');
    drive.abort(call, new Error('enough'));
    virtual.expectNothingLeft();
  });

  test('the limit is reached: URX, and the slow ones keep running', async () => {
    const virtual = soft([answers(200, 500), SILENT], { attempts: 1 });
    const started = virtual.start();
    await virtual.runtime.advance(300);
    expect(started.call.attempts).toHaveLength(2);
    expect(started.verdicts).toEqual(['another: hedge-on-per-try-timeout', 'wait: attempts']);
    expect(started.explanation.flags).toBe('URX');
    expect(virtual.count('upstream_rq_retry_limit_exceeded')).toBe(1);
    await virtual.runtime.runUntilIdle();
    expect(started.events).toEqual(['head 200', 'end']);
    virtual.expectNothingLeft();
  });

  test('no slot: UO, and the slow one keeps running', async () => {
    const virtual = soft([answers(200, 500), SILENT], { budget: NO_BUDGET });
    const started = virtual.start();
    await virtual.runtime.advance(300);
    expect(started.call.attempts).toHaveLength(1);
    expect(started.verdicts).toEqual(['wait: budget']);
    expect(started.explanation).toMatchObject({ flags: 'UO', retriesLeft: 1 });
    await virtual.runtime.runUntilIdle();
    expect(started.events).toEqual(['head 200', 'end']);
    expect(virtual.counted).toMatchObject({
      upstream_rq_retry_overflow: 1,
      'retry_not_made.budget': 1,
    });
    expect(virtual.count('upstream_rq_retry')).toBe(0);
    virtual.expectNothingLeft();
  });

  test('one that was not hedged, for want of a slot, is retried like any other', async () => {
    // The budget of the one call is taken by another until 250 ms.
    const budget = { percent: 0, minRetryConcurrency: 1, interval: 0 };
    const virtual = soft([answers(503, 300), answers(200)], { budget });
    virtual.cluster.slots.take();
    const started = virtual.start();
    await virtual.runtime.advance(250);
    expect(started.verdicts).toEqual(['wait: budget']);
    virtual.cluster.slots.give();
    await virtual.runtime.runUntilIdle();
    expect(started.events).toEqual(['head 200', 'end']);
    expect(started.verdicts).toEqual(['another: retriable-status-codes', '']);
    virtual.expectNothingLeft();
  });

  test('a retriable answer of one already hedged is dropped while others run', async () => {
    const virtual = soft([answers(503, 150), answers(200, 80)]);
    const { events, verdicts, call } = await virtual.finish();
    expect(events).toEqual(['head 200', 'end']);
    expect(verdicts).toEqual(['wait: already-hedged', '']);
    expect(call.attempts).toHaveLength(2);
    expect(virtual.count('upstream_rq_retry')).toBe(1);
    expect(virtual.count('retry.upstream_rq_503')).toBe(0);
    virtual.expectNothingLeft();
  });

  test('also while its hedge still waits', async () => {
    const virtual = soft([answers(503, 105), answers(200, 5)]);
    const { events, verdicts } = await virtual.finish();
    expect(verdicts).toEqual(['wait: already-hedged', '']);
    expect(events).toEqual(['head 200', 'end']);
    virtual.expectNothingLeft();
  });

  test('with no other left it is passed on', async () => {
    const virtual = soft([answers(503, 200), fails('reset', 20)], { attempts: 1 });
    const { events, verdicts, explanation } = await virtual.finish();
    // The hedge fails at 134 ms, and no retry is left; the slow one answers at 201 ms.
    expect(verdicts).toEqual(['give-up: already-hedged', 'wait: attempts']);
    expect(events).toEqual(['head 503', 'end']);
    expect(explanation.flags).toBe('URX');
    virtual.expectNothingLeft();
  });

  test('a retriable answer of the hedge is retried by the ordinary rules', async () => {
    const virtual = soft([SILENT, answers(503, 10), answers(200, 5)]);
    const { events, verdicts, starts } = await virtual.finish();
    expect(events).toEqual(['head 200', 'end']);
    expect(verdicts).toEqual([
      'another: hedge-on-per-try-timeout',
      'another: retriable-status-codes',
      '',
    ]);
    // 101 + 12, then 1 + 10 + 25.
    expect(starts).toEqual([0, 113, 149]);
    expect(virtual.counted).toMatchObject({ upstream_rq_retry: 2, 'retry.upstream_rq_503': 1 });
    virtual.expectNothingLeft();
  });

  test('where it cannot be retried it is dropped while others run', async () => {
    const virtual = soft([answers(200, 200), answers(503, 10)], { attempts: 1 });
    const { events, verdicts } = await virtual.finish();
    expect(events).toEqual(['head 200', 'end']);
    expect(verdicts).toEqual(['another: hedge-on-per-try-timeout', 'wait: attempts']);
    virtual.expectNothingLeft();
  });

  test('a good head that the words do not retry wins, whatever it says', async () => {
    const virtual = soft([SILENT, answers(404, 10)]);
    const { events } = await virtual.finish();
    expect(events).toEqual(['head 404', 'end']);
  });

  test('a reset is answered only when no other runs or waits', async () => {
    const none = { words: new Set<never>(), statusCodes: new Set<number>() };
    // The hedged one is reset at 106 while its hedge waits until 113.
    const waiting = soft([fails('reset', 105), answers(200, 5)], none);
    expect((await waiting.finish()).events).toEqual(['head 200', 'end']);
    // At 121 while its hedge runs.
    const running = soft([fails('reset', 120), answers(200, 50)], none);
    expect((await running.finish()).events).toEqual(['head 200', 'end']);
    // The hedge is reset first, then the slow one.
    const both = soft([fails('reset', 200), fails('protocol-error', 5)], none);
    const { events, call } = await both.finish();
    expect(events).toEqual(['fail reset']);
    expect(call.endedAt).toBe(201);
    both.expectNothingLeft();
  });

  test('the timeout of the call resets all of them: 504', async () => {
    const timeout = { response: 0, idle: 0, total: 300 };
    const virtual = soft(SILENT, {}, { policy: { timeout } });
    const { events, explanation } = await virtual.finish();
    expect(events).toEqual(['fail timeout']);
    expect(virtual.cancels).toEqual([1, 1, 1]);
    expect(explanation.flags).toBe('UT');
    expect(virtual.counted).toMatchObject({ upstream_rq_timeout: 3, upstream_rq_504: 1 });
    expect(virtual.count('upstream_rq_per_try_timeout')).toBe(0);
    virtual.expectNothingLeft();
  });

  test('and a hedge that would start after it is not made', async () => {
    const timeout = { response: 110, idle: 0, total: 0 };
    const virtual = soft(SILENT, {}, { policy: { timeout } });
    const { verdicts, call } = await virtual.finish();
    expect(call.attempts).toHaveLength(1);
    expect(verdicts).toEqual(['wait: deadline']);
    expect(virtual.count('retry_not_made.deadline')).toBe(1);
    virtual.expectNothingLeft();
  });

  test('goes to an endpoint that has not been tried', async () => {
    const virtual = soft([SILENT, SILENT, answers(200)]);
    const { endpoints } = await virtual.finish();
    expect(new Set(endpoints).size).toBe(3);
  });

  test.each(['PUT', 'DELETE', 'POST'])(
    '%s: the slow try goes on alone, for that method is not sent twice at once',
    async (method) => {
      const virtual = soft([answers(200, 300), answers(200)]);
      const { events, verdicts, call } = await virtual.finish({ method });
      expect(events).toEqual(['head 200', 'end']);
      expect(call.attempts).toHaveLength(1);
      expect(verdicts).toEqual(['wait: method']);
      expect(virtual.count('retry_not_made.method')).toBe(1);
    },
  );

  test('unless `methods` names it', async () => {
    const hedge = hedgePolicy({ onPerTryTimeout: true, methods: new Set(['POST']) });
    const virtual = soft([SILENT, answers(200)], {}, { policy: { hedge } });
    const { call } = await virtual.finish({ method: 'POST' });
    expect(call.attempts).toHaveLength(2);
  });

  test('no time of a try without progress: that one is cancelled', async () => {
    const virtual = soft([SILENT, answers(200)], { perTryTimeout: 0, perTryIdleTimeout: 100 });
    const { events, verdicts } = await virtual.finish();
    expect(events).toEqual(['head 200', 'end']);
    expect(virtual.cancels).toEqual([1, 0]);
    expect(verdicts).toEqual(['another: reset', '']);
    expect(virtual.count('upstream_rq_per_try_idle_timeout')).toBe(1);
    virtual.expectNothingLeft();
  });

  test('both times of one try make one hedge of it', async () => {
    for (const times of [
      { perTryTimeout: 150, perTryIdleTimeout: 100 },
      { perTryTimeout: 100, perTryIdleTimeout: 150 },
    ]) {
      const virtual = soft([SILENT, answers(200, 80)], { ...times, attempts: 5 });
      const { call, events } = await virtual.finish();
      expect(events).toEqual(['head 200', 'end']);
      expect(call.attempts).toHaveLength(2);
      virtual.expectNothingLeft();
    }
  });

  test.each([undefined, hedgePolicy({ delay: 1000 })])(
    'without it a slow try is cancelled, and retried as a reset is',
    async (hedge) => {
      const virtual = soft([SILENT, answers(200)], {}, { policy: { hedge } });
      const { events, verdicts } = await virtual.finish();
      expect(events).toEqual(['head 200', 'end']);
      expect(verdicts).toEqual(['another: reset', '']);
      expect(virtual.cancels).toEqual([1, 0]);
      expect(virtual.count('upstream_rq_per_try_timeout')).toBe(1);
    },
  );
});

describe('after a delay', () => {
  test('another attempt starts beside, and the first good head wins', async () => {
    const virtual = delayed([SILENT, answers(200, 20)], { delay: 50 });
    const { call, events, recorder, starts, explanation } = await virtual.finish();
    expect(starts).toEqual([0, 50]);
    expect(events).toEqual(['head 200', 'end']);
    expect(recorder.reply).toBe(call.attempts[1]);
    expect(virtual.cancels).toEqual([1, 0]);
    expect(explanation).toMatchObject({
      hedge: { delay: 50, notMade: undefined },
      attempts: [
        { because: undefined, outcome: 'superseded' },
        { because: { reason: 'hedge-delay', after: 0, hedgeDelay: 50 }, outcome: 'answered' },
      ],
    });
    expect(virtual.counted).toMatchObject({ upstream_rq_hedge: 1, upstream_rq_total: 2 });
    expect(virtual.count('upstream_rq_retry')).toBe(0);
    expect(virtual.count('upstream_rq_retry_success')).toBe(0);
    virtual.expectNothingLeft();
  });

  test('counts from the first attempt, not from a wait of some layer before it', async () => {
    const waits = {
      name: 'waits',
      start: ({ chain: { runtime } }: Call) =>
        new Promise<undefined>((resolve) => {
          runtime.setTimer(() => resolve(undefined), 500);
        }),
    };
    const virtual = delayed([answers(200, 40), SILENT], { delay: 50 }, undefined, {
      callLayers: [waits],
    });
    const { call, starts } = await virtual.finish();
    expect(starts).toEqual([500]);
    expect(call.hedgeDelay).toBe(50);
    virtual.expectNothingLeft();
  });

  test('an answer in time has no hedge', async () => {
    const virtual = delayed(answers(200, 48), { delay: 50 });
    const { call, explanation } = await virtual.finish();
    expect(call.attempts).toHaveLength(1);
    expect(explanation.hedge).toEqual({ delay: 50, notMade: undefined });
    expect(virtual.count('upstream_rq_hedge')).toBe(0);
    virtual.expectNothingLeft();
  });

  test('a body that takes longer than the delay has none either', async () => {
    const virtual = delayed({ ...answers(200, 10), chunks: [500] }, { delay: 50 });
    const { call } = await virtual.finish();
    expect(call.attempts).toHaveLength(1);
  });

  test('the slow one may still win', async () => {
    const virtual = delayed([answers(200, 60), SILENT], { delay: 50 });
    const { call, recorder } = await virtual.finish();
    expect(recorder.reply).toBe(call.attempts[0]);
    expect(virtual.cancels).toEqual([0, 1]);
    virtual.expectNothingLeft();
  });

  test.each([1, 2, 3])('at most maxHedges: %i', async (maxHedges) => {
    const virtual = delayed(SILENT, { delay: 50, maxHedges }, undefined, { endpoints: 5 });
    const { call } = virtual.start();
    await virtual.runtime.advance(1000);
    expect(call.attempts.map(({ startedAt }) => startedAt)).toEqual(
      [0, 50, 100, 150].slice(0, maxHedges + 1),
    );
    expect(virtual.cluster.slots.active).toBe(maxHedges);
    drive.abort(call, new Error('enough'));
    virtual.expectNothingLeft();
  });

  test('0: all of them at once', async () => {
    const virtual = delayed(SILENT, { delay: 0, maxHedges: 2 });
    const { call } = virtual.start();
    await virtual.runtime.advance(0);
    expect(call.attempts.map(({ startedAt }) => startedAt)).toEqual([0, 0, 0]);
    expect(new Set(call.attempts.map(({ endpoint }) => endpoint)).size).toBe(3);
    drive.abort(call, new Error('enough'));
    virtual.expectNothingLeft();
  });

  test('is not lost by a clock that rounds', async () => {
    // Set anew at 203.7, the timer is due a little before 0.8 + 482.8.
    const [start, delay, other] = [0.8252687676758907, 482.83577020134175, 203.7190146297303];
    expect(other + (start + delay - other)).toBeLessThan(start + delay);
    const waking = {
      name: 'waking',
      start(call: Call) {
        call.wakeAt(other);
        return undefined;
      },
    };
    const virtual = delayed(SILENT, { delay }, undefined, { callLayers: [waking] });
    await virtual.runtime.advance(start);
    const { call } = virtual.start();
    await virtual.runtime.advance(delay + 1);
    expect(call.attempts).toHaveLength(2);
    // Nor is it woken by another's time.
    expect(call.attempts[1]?.startedAt).toBeCloseTo(start + delay);
    drive.abort(call, new Error('enough'));
    virtual.expectNothingLeft();
  });

  test.each(['GET', 'HEAD', 'OPTIONS', 'TRACE'])('%s may be hedged', async (method) => {
    const virtual = delayed([SILENT, answers(200)], { delay: 50 });
    expect((await virtual.finish({ method })).call.attempts).toHaveLength(2);
  });

  test.each(['PUT', 'DELETE', 'POST', 'PATCH'])('%s not, unless it is named', async (method) => {
    const virtual = delayed(answers(200, 200), { delay: 50 });
    const { call, explanation } = await virtual.finish({ method });
    expect(call.attempts).toHaveLength(1);
    expect(explanation.hedge).toBeUndefined();
    const named = delayed([SILENT, answers(200)], { delay: 50, methods: new Set([method]) });
    expect((await named.finish({ method })).call.attempts).toHaveLength(2);
  });

  test('an Idempotency-Key makes repeating safe, not sending twice at once', async () => {
    const virtual = delayed(answers(200, 200), { delay: 50 });
    const headers = ['idempotency-key', 'abc'];
    expect((await virtual.finish({ method: 'POST', headers })).call.attempts).toHaveLength(1);
  });

  test('none while nothing runs: one in back-off is not hedged', async () => {
    const limited = answers(503, 0, { headers: ['retry-after', '1'] });
    const virtual = delayed([limited, answers(200, 5)], { delay: 50, maxHedges: 3 }, retryPolicy());
    const { call, starts } = await virtual.finish();
    expect(call.attempts).toHaveLength(2);
    expect(starts).toEqual([0, 1251]);
    virtual.expectNothingLeft();
  });

  test('but what follows the back-off is', async () => {
    const limited = answers(503, 0, { headers: ['retry-after', '1'] });
    const virtual = delayed([limited, SILENT, answers(200, 5)], { delay: 50 }, retryPolicy());
    const { call, explanation } = await virtual.finish();
    expect(call.attempts).toHaveLength(3);
    expect(explanation.attempts[2]?.because?.reason).toBe('hedge-delay');
    virtual.expectNothingLeft();
  });

  test.each([0, 1])('a delay of %i ms beside a long back-off does not spin', async (delay) => {
    const limited = answers(503, 0, { headers: ['retry-after', '100'] });
    const virtual = delayed(() => limited, { delay, maxHedges: 1 }, retryPolicy());
    const { call } = virtual.start();
    await virtual.runtime.runUntilIdle({ limit: 20_000 });
    expect(call.ended).toBe(true);
    virtual.expectNothingLeft();
  });

  test('within the budget: refused, said, counted once, and asked for again', async () => {
    const retry = retryPolicy({ budget: { percent: 0, minRetryConcurrency: 1, interval: 0 } });
    const virtual = delayed([SILENT, answers(200)], { delay: 50 }, retry);
    virtual.cluster.slots.take();
    const started = virtual.start();
    await virtual.runtime.advance(520);
    expect(started.call.attempts).toHaveLength(1);
    expect(started.explanation.hedge).toEqual({ delay: 50, notMade: 'budget' });
    expect(virtual.counted).toMatchObject({ 'retry_not_made.budget': 1 });
    // No retry was refused: neither Envoy's counter nor its flag.
    expect(virtual.count('upstream_rq_retry_overflow')).toBe(0);
    expect(started.explanation.flags).toBeUndefined();
    virtual.cluster.slots.give();
    await virtual.runtime.runUntilIdle();
    expect(started.events).toEqual(['head 200', 'end']);
    expect(started.starts).toEqual([0, 550]);
    expect(started.explanation.hedge).toEqual({ delay: 50, notMade: undefined });
    virtual.expectNothingLeft();
  });

  test('refused at a delay of 0 it does not spin', async () => {
    const retry = retryPolicy({ budget: NO_BUDGET });
    const virtual = delayed(answers(200, 100_000), { delay: 0 }, retry);
    const { call } = virtual.start();
    await virtual.runtime.runUntilIdle({ limit: 20_000 });
    expect(call.attempts).toHaveLength(1);
    expect(virtual.count('retry_not_made.budget')).toBe(1);
  });

  test('maxRetries bounds hedges, too', async () => {
    const retry = retryPolicy({ budget: undefined, maxRetries: 1 });
    const virtual = delayed(SILENT, { delay: 50, maxHedges: 3 }, retry);
    const started = virtual.start();
    await virtual.runtime.advance(1000);
    const { call } = started;
    expect(call.attempts).toHaveLength(2);
    expect(started.explanation.hedge?.notMade).toBe('max-retries');
    expect(virtual.count('retry_not_made.max-retries')).toBe(1);
    drive.abort(call, new Error('enough'));
    virtual.expectNothingLeft();
  });

  test('it uses up no retry, and the retries no hedge', async () => {
    const failing = answers(503, 60);
    const virtual = delayed(failing, { delay: 50 }, retryPolicy({ attempts: 2 }));
    const { call, explanation } = await virtual.finish();
    expect(call.attempts).toHaveLength(1 + 2 + 1);
    expect(explanation.flags).toBe('URX');
    expect(virtual.counted).toMatchObject({
      upstream_rq_retry: 2,
      upstream_rq_hedge: 1,
      'retry.upstream_rq_503': 2,
    });
    virtual.expectNothingLeft();
  });

  test('one of two fails, and nothing is retried: the other decides', async () => {
    const virtual = delayed([fails('reset', 60), answers(200, 50)], { delay: 50 });
    const { events } = await virtual.finish();
    expect(events).toEqual(['head 200', 'end']);
    virtual.expectNothingLeft();
  });

  test('a bad answer is dropped while the other runs, and passed on when it is the last', async () => {
    const limit = retryPolicy({ attempts: 0 });
    const better = delayed([answers(503, 60), answers(200, 50)], { delay: 50 }, limit);
    expect((await better.finish()).events).toEqual(['head 200', 'end']);
    const worse = delayed([answers(503, 60), fails('reset', 5)], { delay: 50 }, limit);
    expect((await worse.finish()).events).toEqual(['head 503', 'end']);
    worse.expectNothingLeft();
  });

  test('both kinds together: 1 + retries + hedges, and no more', async () => {
    const virtual = delayed(
      SILENT,
      { onPerTryTimeout: true, delay: 30, maxHedges: 2 },
      retryPolicy({ perTryTimeout: 100 }),
      { endpoints: 9 },
    );
    const { call } = virtual.start();
    await virtual.runtime.advance(10_000);
    const reasons = call.attempts.map(({ because }) => because?.reason);
    expect(reasons.filter((reason) => reason === 'hedge-delay')).toHaveLength(2);
    expect(reasons.filter((reason) => reason === 'hedge-on-per-try-timeout')).toHaveLength(1);
    // Three places are all that one call allows: the third retry finds none.
    expect(virtual.cluster.slots.active).toBe(3);
    drive.abort(call, new Error('enough'));
    virtual.expectNothingLeft();
  });

  test('not after the call was aborted, timed out or answered', async () => {
    const timeout = { response: 50, idle: 0, total: 0 };
    const virtual = delayed(SILENT, { delay: 50 }, undefined, {
      policy: { ...NO_POLICY, timeout, hedge: hedgePolicy({ delay: 50 }) },
    });
    const { call, events } = await virtual.finish();
    expect(events).toEqual(['fail timeout']);
    expect(call.attempts).toHaveLength(1);
    virtual.expectNothingLeft();
  });

  test('goes to another endpoint, and the loser’s time reaches the balancer', async () => {
    const ended: [string, number, boolean][] = [];
    const virtual = delayed([SILENT, answers(200, 19)], { delay: 50 }, undefined, {
      loadBalancer: (endpoints) => {
        let next = 0;
        return {
          name: 'recording',
          pick: () => endpoints[next++ % 2],
          ended(endpoint, { latency, cancelled }) {
            ended.push([endpoint.url.slice(-1), latency, cancelled]);
          },
        };
      },
    });
    await virtual.finish();
    expect(ended).toEqual([
      ['0', 70, true],
      ['1', 20, false],
    ]);
  });
});

describe('after a percentile of recent head times', () => {
  const slowOnce = (slow: number) => (attempt: Attempt) =>
    attempt.number === 1 && attempt.call.path === '/' && attempt.call.method === 'HEAD'
      ? SILENT
      : answers(200, slow);

  test('none before twenty answers, and then the percentile', async () => {
    const virtual = delayed(slowOnce(39), { delay: { percentile: 95 } });
    for (let answer = 0; answer < 20; answer++) {
      const { explanation, call } = await virtual.finish();
      expect(explanation.hedge).toBeUndefined();
      expect(call.attempts).toHaveLength(1);
    }
    const { explanation, starts } = await virtual.finish({ method: 'HEAD' });
    expect(explanation.hedge?.delay).toBeCloseTo(40, 0);
    expect(explanation.attempts[1]?.because?.hedgeDelay).toBe(explanation.hedge?.delay);
    expect(starts[1]).toBeCloseTo(40, 0);
    virtual.expectNothingLeft();
  });

  test('never sooner than five milliseconds, which are the pauses of any process', async () => {
    const virtual = delayed(slowOnce(1), { delay: { percentile: 95 } });
    for (let answer = 0; answer < 20; answer++) await virtual.finish();
    const { explanation, starts } = await virtual.finish({ method: 'HEAD' });
    expect([explanation.hedge?.delay, starts[1]]).toEqual([5, 5]);
  });

  test('of attempts, never of whole calls: hedged calls do not drive it up', async () => {
    const virtual = delayed(slowOnce(9), { delay: { percentile: 95 } });
    for (let answer = 0; answer < 20; answer++) await virtual.finish();
    // Each of these takes twice as long as an attempt does.
    for (let call = 0; call < 100; call++) await virtual.finish({ method: 'HEAD' });
    const { explanation } = await virtual.finish({ method: 'HEAD' });
    expect(explanation.hedge?.delay).toBeCloseTo(10, 0);
    expect(virtual.count('upstream_rq_hedge')).toBe(101);
  });

  test('after ten seconds of silence nothing is known any more', async () => {
    const virtual = delayed(slowOnce(9), { delay: { percentile: 95 } });
    for (let answer = 0; answer < 20; answer++) await virtual.finish();
    await virtual.runtime.advance(11_000);
    const { explanation } = await virtual.finish();
    expect(explanation.hedge).toBeUndefined();
  });
});
