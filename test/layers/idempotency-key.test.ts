/** One key a call, the same on each attempt, and only where one is needed. */
import { describe, expect, test } from 'vitest';
import type { KeyedRequest, RetryPolicy } from '../../src/core/policy.js';
import { headerValue } from '../../src/core/raw-headers.js';
import { retryPolicy } from '../core/scripted-upstream.js';
import { answers, fails, VirtualCluster, type VirtualCall } from '../support/virtual-cluster.js';

function keyed(idempotencyKey: RetryPolicy['idempotencyKey'], seed = 1): VirtualCluster {
  const scripts = [answers(503), fails('reset'), answers(200)];
  return new VirtualCluster(scripts, { policy: { retry: retryPolicy({ idempotencyKey }) }, seed });
}

const keysOf = ({ call }: VirtualCall) =>
  call.attempts.map(({ headers }) => headerValue(headers, 'idempotency-key'));

const VERSION_4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('true', () => {
  test('gives a POST a random UUID, the same on each attempt, so that it is repeated', async () => {
    const virtual = keyed(true);
    const first = await virtual.finish({ method: 'POST', headers: ['host', 'shop'] });
    expect(first.events).toEqual(['head 200', 'end']);
    const keys = keysOf(first);
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toMatch(VERSION_4);
    expect(first.call.headers).toEqual(['host', 'shop', 'idempotency-key', keys[0]]);
  });

  test('another one for each call', async () => {
    const virtual = keyed(true);
    const keys = new Set<string | undefined>();
    for (let call = 0; call < 200; call++) {
      const [key] = keysOf(await virtual.finish({ method: 'POST' }));
      expect(key).toMatch(VERSION_4);
      keys.add(key);
    }
    expect(keys.size).toBe(200);
  });

  test.each(['GET', 'HEAD', 'PUT', 'DELETE'])('%s needs none', async (method) => {
    const headers: string[] = [];
    const call = await keyed(true).finish({ method, headers });
    expect(keysOf(call)).toEqual([undefined, undefined, undefined]);
    expect(call.call.headers).toBe(headers);
  });

  test('the caller’s own stays', async () => {
    const headers = ['Idempotency-Key', 'mine'];
    const call = await keyed(true).finish({ method: 'POST', headers });
    expect(keysOf(call)).toEqual(['mine', 'mine', 'mine']);
    expect(call.call.headers).toBe(headers);
  });
});

describe('a function', () => {
  test('is asked once a call, and told of the request', async () => {
    const asked: KeyedRequest[] = [];
    const virtual = keyed((request) => {
      asked.push(request);
      return `order-${asked.length}`;
    });
    const headers = ['host', 'shop', 'x-order', '7'];
    expect(keysOf(await virtual.finish({ method: 'POST', headers }))).toEqual(
      Array(3).fill('order-1'),
    );
    expect(asked).toMatchObject([{ method: 'POST', path: '/' }]);
    expect(asked[0]?.headers.get('x-order')).toBe('7');
    expect(keysOf(await virtual.finish({ method: 'PATCH' }))[0]).toBe('order-2');
    await virtual.finish({ method: 'GET' });
    expect(asked).toHaveLength(2);
  });

  test.each([undefined, null, 7, '', 'two words', 'a\r\nb: c', 'schl\u00fcssel', 'tab\t'])(
    'that gives %j ends the call with an error that says so',
    async (key) => {
      const virtual = keyed(() => key as string);
      const { recorder, call } = await virtual.finish({ method: 'POST' });
      expect(call.attempts).toHaveLength(0);
      expect(recorder.failure?.kind).toBe('invalid');
      expect(recorder.failure?.cause).toBeInstanceOf(TypeError);
      expect(String(recorder.failure?.cause)).toContain('retry.idempotencyKey gave');
      virtual.expectNothingLeft();
    },
  );

  test('that throws ends the call with its error', async () => {
    const boom = new Error('boom');
    const virtual = keyed(() => {
      throw boom;
    });
    const { recorder } = await virtual.finish({ method: 'POST' });
    expect(recorder.failure).toMatchObject({ kind: 'invalid', cause: boom });
  });
});

test('false gives none', async () => {
  const call = await keyed(false).finish({ method: 'POST' });
  expect(keysOf(call)).toEqual([undefined]);
  expect(call.events).toEqual(['head 503', 'end']);
});
