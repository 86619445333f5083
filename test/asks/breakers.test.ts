/** What users have asked of circuit breakers, each row of `user-asks.md` by its number. */
import { expect, test } from 'vitest';
import type { BreakerPolicy } from '../../src/cluster/circuit-breaker.js';
import type { CircuitState } from '../../src/cluster/events.js';
import * as drive from '../../src/core/drive.js';
import { toError } from '../../src/core/errors.js';
import type { Failure } from '../../src/core/failure.js';
import { OptionsError } from '../../src/index.js';
import { readOptions } from '../../src/options/validate.js';
import { retryPolicy } from '../core/scripted-upstream.js';
import {
  answers,
  breakerPolicy,
  SILENT,
  VirtualCluster,
  type VirtualClusterOptions,
} from '../support/virtual-cluster.js';

/** Opened by two calls, for 5 s. */
async function opened(
  own: Parameters<typeof breakerPolicy>[0] = {},
  options: VirtualClusterOptions = {},
): Promise<VirtualCluster> {
  const circuitBreaker = breakerPolicy({ minimumCalls: 2, ...own });
  const virtual = new VirtualCluster(answers(500), { circuitBreaker, ...options });
  await virtual.finish();
  await virtual.finish();
  expect(stateOf(virtual)).toBe('open');
  return virtual;
}

const stateOf = ({ cluster }: VirtualCluster): CircuitState => cluster.breaker.state;

test('ask 43: a breaker is nobody else’s', async () => {
  await opened();
  const other = new VirtualCluster(answers(200), { circuitBreaker: breakerPolicy() });
  expect(other.start().events).toEqual([]);
});

test('ask 45: its state needs no timer', async () => {
  const virtual = await opened();
  expect(virtual.runtime.pendingTimers).toBe(0);
  await virtual.runtime.advance(5000);
  virtual.scripts = answers(200);
  const { recorder } = await virtual.finish();
  expect(recorder.reply?.status).toBe(200);
});

test('ask 73: several calls on trial, judged by their share', async () => {
  const virtual = await opened({ halfOpenCalls: 5 });
  await virtual.runtime.advance(5000);
  const statuses = [500, 200, 500, 200, 200];
  virtual.scripts = () => answers(statuses.shift() ?? 200, 10);
  const trials = Array.from({ length: 5 }, () => virtual.start());
  expect(trials.every(({ recorder }) => recorder.failure === undefined)).toBe(true);
  await virtual.runtime.advance(100);
  expect(stateOf(virtual)).toBe('closed');
});

test('ask 74: never stuck in half-open, by calls that are aborted or never end', async () => {
  const virtual = await opened({ halfOpenCalls: 1 });
  virtual.scripts = SILENT;
  for (let round = 0; round < 10; round++) {
    await virtual.runtime.advance(5000);
    const trial = virtual.start();
    expect(trial.events).toEqual([]);
    if (round % 2 === 0) drive.abort(trial.call, new Error('enough'));
  }
  await virtual.runtime.advance(5000);
  virtual.scripts = answers(200);
  await virtual.finish();
  expect(stateOf(virtual)).toBe('closed');
});

test('ask 75: it does not open on a single call, by default', async () => {
  const policy = readOptions({ circuitBreaker: {} }).defaultPolicy.circuitBreaker;
  expect(policy?.minimumCalls).toBe(20);
  const virtual = new VirtualCluster(answers(500), { circuitBreaker: policy as BreakerPolicy });
  for (let call = 0; call < 19; call++) await virtual.finish();
  expect(stateOf(virtual)).toBe('closed');
  await virtual.finish();
  expect(stateOf(virtual)).toBe('open');
});

test('ask 76: the end of one call aborts no other', async () => {
  const circuitBreaker = breakerPolicy({ minimumCalls: 1 });
  const virtual = new VirtualCluster(({ call }) => answers(call.method === 'PUT' ? 500 : 200, 50), {
    circuitBreaker,
  });
  const others = [virtual.start(), virtual.start()] as const;
  drive.abort(others[0].call, new Error('enough'));
  virtual.start({ method: 'PUT' });
  await virtual.runtime.advance(60);
  expect(stateOf(virtual)).toBe('open');
  expect(others[1].recorder.reply?.status).toBe(200);
});

test('ask 77: 0, undefined and null are different answers', () => {
  const read = (own: object) => readOptions({ circuitBreaker: own }).defaultPolicy.circuitBreaker;
  expect(read({ slowCallDuration: 0, openTimeJitterPercent: 0 })).toMatchObject({
    slowCallDuration: 0,
    openTimeJitterPercent: 0,
  });
  expect(read({ openTimeJitterPercent: undefined })).toMatchObject({ openTimeJitterPercent: 20 });
  for (const option of ['minimumCalls', 'openTimeJitterPercent', 'openTime', 'slowCallDuration']) {
    expect(() => read({ [option]: null })).toThrow(OptionsError);
  }
  for (const option of ['minimumCalls', 'window', 'openTime', 'failurePercent', 'halfOpenCalls']) {
    expect(() => read({ [option]: 0 })).toThrow(OptionsError);
  }
});

test('ask 78: retries do not hammer an open breaker', async () => {
  const retry = retryPolicy({ attempts: 5, words: new Set(['5xx']), rules: [() => true] });
  const virtual = await opened({}, { policy: { retry } });
  const retries = virtual.count('upstream_rq_retry');
  const call = await virtual.finish();
  expect(call.events).toEqual(['fail circuit-open']);
  expect(call.call.attempts).toHaveLength(0);
  expect(virtual.count('upstream_rq_retry')).toBe(retries);
});

test('ask 79: those that opened together do not try again together, and none too soon', async () => {
  const waits = await Promise.all(
    Array.from({ length: 50 }, async (_, seed) => {
      const virtual = await opened({ openTimeJitterPercent: 20 }, { seed: seed + 1 });
      return virtual.start().recorder.failure?.retryAfterMs ?? 0;
    }),
  );
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(5000 - 2);
  expect(Math.max(...waits)).toBeLessThanOrEqual(6000);
  expect(new Set(waits).size).toBeGreaterThan(40);
});

test('ask 80: each refusal is an error of its own', async () => {
  const virtual = await opened();
  const errorOf = (): Error => {
    const { call, recorder } = virtual.start();
    return toError(call, recorder.failure as Failure) as Error;
  };
  const [first, second] = [errorOf(), errorOf()];
  expect(first).not.toBe(second);
  expect(first.stack?.length).toBe(second.stack?.length);
});
