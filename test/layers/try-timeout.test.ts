/** The times of one attempt: Envoy's `per_try_timeout` and `per_try_idle_timeout` (6.1, 6.2). */
import { describe, expect, test } from 'vitest';
import * as drive from '../../src/core/drive.js';
import { TimeoutError, toError } from '../../src/core/errors.js';
import type { RetryPolicy } from '../../src/core/policy.js';
import { retryPolicy } from '../core/scripted-upstream.js';
import {
  answers,
  hedgePolicy,
  SILENT,
  VirtualCluster,
  type Scripts,
  type VirtualCall,
  type VirtualClusterOptions,
} from '../support/virtual-cluster.js';

/** Waits are half their bound: 12, 25, 50 ms. An attempt has its connection after 1 ms. */
function trying(
  scripts: Scripts,
  own: Partial<RetryPolicy>,
  options: VirtualClusterOptions = {},
): VirtualCluster {
  return new VirtualCluster(scripts, {
    chance: () => 0.5,
    ...options,
    policy: { retry: retryPolicy(own), ...options.policy },
  });
}

function errorOf({ call, recorder }: VirtualCall): unknown {
  return recorder.failure && toError(call, recorder.failure);
}

describe('perTryTimeout', () => {
  test('ask 34: the first try has it, each further one, and the last; then 504 UT', async () => {
    const virtual = trying(SILENT, { perTryTimeout: 100 });
    const call = virtual.start();
    await virtual.runtime.advance(100.9);
    expect(virtual.cancels).toEqual([0]);
    await virtual.runtime.runUntilIdle();
    expect(call.starts).toEqual([0, 101 + 12, 113 + 101 + 25]);
    expect(virtual.cancels).toEqual([1, 1, 1]);
    expect(
      call.explanation.attempts.map(({ outcome, flag, endedAt }) => [outcome, flag, endedAt]),
    ).toEqual([
      ['try-timeout', 'UT', 101],
      ['try-timeout', 'UT', 214],
      ['try-timeout', 'UT', 340],
    ]);
    expect(call.events).toEqual(['fail try-timeout']);
    const error = errorOf(call);
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error).toMatchObject({
      message: 'shop: no answer within 100 ms (retry.perTryTimeout), in the last of 3 attempts',
      flag: 'UT',
      timeout: 100,
      limit: 'retry.perTryTimeout',
      attempts: [{ number: 1 }, { number: 2 }, { number: 3 }],
    });
    expect(call.explanation.flags).toBe('UT,URX');
    expect(virtual.counted).toMatchObject({
      upstream_rq_per_try_timeout: 3,
      upstream_rq_504: 1,
      upstream_rq_retry: 2,
      upstream_rq_retry_limit_exceeded: 1,
    });
    expect(virtual.count('upstream_rq_timeout')).toBe(0);
    virtual.expectNothingLeft();
  });

  test('with no retries it ends the call, in words for one attempt', async () => {
    const virtual = trying(SILENT, { perTryTimeout: 100, attempts: 0 });
    expect(errorOf(await virtual.finish())).toMatchObject({
      message: 'shop: no answer within 100 ms (retry.perTryTimeout)',
    });
  });

  test('where the condition for retries does not hold, it ends the call at once', async () => {
    const virtual = trying(SILENT, { perTryTimeout: 100, words: new Set(['connect-failure']) });
    const call = await virtual.finish();
    expect(call.starts).toEqual([0]);
    expect(errorOf(call)).toBeInstanceOf(TimeoutError);
  });

  test('begins with the connection: what comes before is not its business', async () => {
    const slow = answers(200, 99, { connect: 1000 });
    const call = await trying(slow, { perTryTimeout: 100 }).finish();
    expect(call.events).toEqual(['head 200', 'end']);
    expect(call.starts).toEqual([0]);
  });

  test('ask 39: ends with the head, the body takes what it takes', async () => {
    const body = answers(200, 50, { chunks: [500, 500] });
    const virtual = trying(body, { perTryTimeout: 100 });
    const { events } = await virtual.finish();
    expect(events).toEqual(['head 200', 'data', 'data', 'end']);
    virtual.expectNothingLeft();
  });

  test('a dropped answer that is read on is not overdue', async () => {
    const dropped = answers(503, 50, { chunks: [500] });
    const virtual = trying([dropped, answers(200, 50, { chunks: [900] })], { perTryTimeout: 100 });
    const call = await virtual.finish();
    expect(call.events).toEqual(['head 200', 'data', 'end']);
    expect(virtual.cancels).toEqual([0, 0]);
    expect(virtual.count('upstream_rq_per_try_timeout')).toBe(0);
  });

  test('ask 35: works alone, without a timeout of the call', async () => {
    const virtual = trying([SILENT, answers(200)], { perTryTimeout: 100 });
    const { events } = await virtual.finish();
    expect(events).toEqual(['head 200', 'end']);
  });

  test('ask 33: two names: the total is for all tries together, this one for each', async () => {
    const virtual = trying(
      SILENT,
      { perTryTimeout: 100, attempts: 9 },
      { policy: { timeout: { response: 0, idle: 0, total: 250 } } },
    );
    const call = await virtual.finish();
    expect(call.starts).toEqual([0, 113, 239]);
    expect(call.explanation.duration).toBe(250);
    expect(errorOf(call)).toMatchObject({ limit: 'timeout', timeout: 250 });
    expect(virtual.counted).toMatchObject({
      upstream_rq_per_try_timeout: 2,
      upstream_rq_timeout: 1,
    });
  });

  test('ask 36: a total that leaves no time for the tries says so', async () => {
    const virtual = trying(
      SILENT,
      { perTryTimeout: 100, attempts: 3 },
      { policy: { timeout: { response: 0, idle: 0, total: 150 } } },
    );
    expect(errorOf(await virtual.finish())).toMatchObject({
      message: 'shop: no answer within 150 ms, in 2 of 4 possible attempts of up to 100 ms each',
    });
    const alone = trying(SILENT, {}, { policy: { timeout: { response: 0, idle: 0, total: 150 } } });
    expect(errorOf(await alone.finish())).toMatchObject({
      message: 'shop: no answer within 150 ms, in 1 of 3 possible attempts',
    });
  });

  test('is ignored where it is not below the total, as in Envoy', async () => {
    const first = async (perTryTimeout: number, total: number): Promise<unknown> => {
      const timeout = { response: 0, idle: 0, total };
      const virtual = trying(SILENT, { perTryTimeout, attempts: 0 }, { policy: { timeout } });
      const call = await virtual.finish();
      return [(errorOf(call) as TimeoutError).limit, call.explanation.duration];
    };
    expect(await first(300, 300)).toEqual(['timeout', 300]);
    expect(await first(400, 300)).toEqual(['timeout', 300]);
    expect(await first(299, 300)).toEqual(['timeout', 300]);
    expect(await first(298, 300)).toEqual(['retry.perTryTimeout', 299]);
  });

  test('ask 37: a time under a millisecond is exactly that; 0 is none', async () => {
    const virtual = trying(SILENT, { perTryTimeout: 0.5, attempts: 0 });
    expect((await virtual.finish()).explanation.duration).toBe(1.5);
    const never = trying(answers(200, 1e6), { perTryTimeout: 0 });
    expect((await never.finish()).events).toEqual(['head 200', 'end']);
  });

  test('ask 38: it is a reason to retry of its own, which an abort of the caller is not', async () => {
    const virtual = trying([SILENT, SILENT], { perTryTimeout: 100 });
    const call = virtual.start();
    await virtual.runtime.advance(101);
    expect(call.verdicts).toEqual(['another: reset']);
    expect(call.explanation.attempts[0]).toMatchObject({ outcome: 'try-timeout', flag: 'UT' });
    await virtual.runtime.advance(50);
    drive.abort(call.call, 'the caller');
    expect(call.verdicts).toEqual(['another: reset', '']);
    expect(call.explanation.attempts[1]).toMatchObject({ outcome: 'aborted', flag: 'DC' });
    expect(errorOf(call)).toBe('the caller');
    virtual.expectNothingLeft();
  });
});

describe('perTryIdleTimeout', () => {
  test('without a head it ends the try, and another is made', async () => {
    const virtual = trying([SILENT, answers(200, 40)], { perTryIdleTimeout: 50 });
    const call = await virtual.finish();
    expect(call.starts).toEqual([0, 51 + 12]);
    expect(call.events).toEqual(['head 200', 'end']);
    expect(virtual.counted).toMatchObject({ upstream_rq_per_try_idle_timeout: 1 });
    expect(virtual.count('upstream_rq_per_try_timeout')).toBe(0);
    virtual.expectNothingLeft();
  });

  test('the last try has it too', async () => {
    const virtual = trying(SILENT, { perTryIdleTimeout: 50, attempts: 1 });
    const call = await virtual.finish();
    expect(call.starts).toEqual([0, 63]);
    expect(errorOf(call)).toMatchObject({
      message: 'shop: nothing came for 50 ms (retry.perTryIdleTimeout), in the last of 2 attempts',
      limit: 'retry.perTryIdleTimeout',
      timeout: 50,
    });
  });

  test('counts from each sign of life: the connection, what is sent, the head, each piece', async () => {
    const virtual = trying(answers(200, 140, { chunks: [49, 49, 1000] }), {
      perTryIdleTimeout: 50,
    });
    const call = virtual.start();
    for (const at of [41, 81, 121]) {
      await virtual.runtime.advanceTo(at);
      drive.sent(call.call.attempts[0] as never);
    }
    await virtual.runtime.runUntilIdle();
    expect(call.events).toEqual(['head 200', 'data', 'data', 'fail timeout']);
    expect(call.explanation.duration).toBe(1 + 140 + 49 + 49 + 50);
    expect(errorOf(call)).toMatchObject({
      message: 'shop: nothing came for 50 ms (retry.perTryIdleTimeout)',
    });
    virtual.expectNothingLeft();
  });

  test('while the reader holds the body back, nobody is late', async () => {
    const virtual = trying(answers(200, 10, { chunks: [10, 5000] }), { perTryIdleTimeout: 50 });
    const call = virtual.start();
    await virtual.runtime.advance(25);
    call.call.answer?.pause();
    await virtual.runtime.advance(1000);
    call.call.answer?.resume();
    await virtual.runtime.advance(49);
    expect(call.events).toEqual(['head 200', 'data']);
    await virtual.runtime.advance(1);
    expect(call.events).toEqual(['head 200', 'data', 'fail timeout']);
  });

  test('cuts off a dropped answer that is not read on', async () => {
    const stuck = answers(503, 0, { chunks: [100_000] });
    const virtual = trying([stuck, answers(200, 40, { chunks: [40, 40] })], {
      perTryIdleTimeout: 50,
    });
    const call = virtual.start();
    await virtual.runtime.advance(60);
    expect(virtual.cancels).toEqual([1, 0]);
    await virtual.runtime.runUntilIdle();
    expect(call.events).toEqual(['head 200', 'data', 'data', 'end']);
    virtual.expectNothingLeft();
  });

  test('of a try that hedging lets go on, the body is watched as ever', async () => {
    const virtual = trying(
      [answers(200, 300, { chunks: [100_000] }), SILENT],
      { perTryTimeout: 100, perTryIdleTimeout: 150, attempts: 1 },
      { policy: { hedge: hedgePolicy({ onPerTryTimeout: true }) } },
    );
    const call = virtual.start();
    await virtual.runtime.advance(302);
    expect(call.events).toEqual(['head 200']);
    await virtual.runtime.advance(150);
    expect(call.events).toEqual(['head 200', 'fail timeout']);
    virtual.expectNothingLeft();
  });
});
