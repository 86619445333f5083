/** What of an attempt is told to outlier detection, and what is not. */
import { describe, expect, test, vi } from 'vitest';
import type { OutlierPolicy } from '../../src/cluster/outlier-policy.js';
import * as drive from '../../src/core/drive.js';
import { failure } from '../../src/core/failure.js';
import type { CallLayer } from '../../src/core/layer.js';
import type { TimeoutPolicy } from '../../src/core/policy.js';
import { LocalReply } from '../../src/core/reply.js';
import { retryPolicy } from '../core/scripted-upstream.js';
import {
  answers,
  fails,
  hedgePolicy,
  outlierPolicy,
  REFUSED,
  SILENT,
  VirtualCluster,
  type Scripts,
  type VirtualClusterOptions,
} from '../support/virtual-cluster.js';

/** A cluster whose detectors find nobody, and what they were told, by the place of the endpoint. */
function told(
  scripts: Scripts,
  options: VirtualClusterOptions = {},
  own: Partial<OutlierPolicy> = {},
): { virtual: VirtualCluster; told: string[] } {
  const never = { consecutive5xxErrors: 0, consecutiveLocalOriginFailures: 0, ...own };
  const virtual = new VirtualCluster(scripts, {
    endpoints: 1,
    outlierDetection: outlierPolicy(never),
    ...options,
  });
  const { outliers } = virtual.cluster;
  const log: string[] = [];
  const answered = outliers.answered.bind(outliers);
  const failed = outliers.failed.bind(outliers);
  let inside = false;
  vi.spyOn(outliers, 'answered').mockImplementation((endpoint, status) => {
    // Without the split a failure is handed on as an answer.
    if (!inside) log.push(`${endpoint.url.slice(-1)} answered ${status}`);
    answered(endpoint, status);
  });
  vi.spyOn(outliers, 'failed').mockImplementation((endpoint, status) => {
    log.push(`${endpoint.url.slice(-1)} failed ${status}`);
    inside = true;
    failed(endpoint, status);
    inside = false;
  });
  return { virtual, told: log };
}

const within = (own: Partial<TimeoutPolicy>) => ({
  policy: { timeout: { response: 0, idle: 0, total: 0, ...own } },
});

const trying = (own: Parameters<typeof retryPolicy>[0] = {}) => ({
  policy: { retry: retryPolicy({ attempts: 0, ...own }) },
});

describe('an answer', () => {
  test.each([200, 304, 404, 429, 500, 503])('of %i is told as that', async (status) => {
    const { virtual, told: log } = told(answers(status));
    await virtual.finish();
    expect(log).toEqual([`0 answered ${status}`]);
  });

  test('is told when its head is there, not at its end', async () => {
    const { virtual, told: log } = told(answers(503, 0, { chunks: [1000] }));
    virtual.start();
    await virtual.runtime.advance(10);
    expect(log).toEqual(['0 answered 503']);
    await virtual.runtime.advance(5000);
    expect(log).toHaveLength(1);
  });

  test('that is retried counts, too', async () => {
    const { virtual, told: log } = told([answers(503), answers(200)], {
      policy: { retry: retryPolicy() },
    });
    await virtual.finish();
    expect(log).toEqual(['0 answered 503', '0 answered 200']);
  });

  test('whose body is cut is a failure as well', async () => {
    const { virtual, told: log } = told(answers(200, 0, { chunks: [1], cut: true }));
    await virtual.finish();
    expect(log).toEqual(['0 answered 200', '0 failed 503']);
  });

  test('that was dropped may break off', async () => {
    const cut = answers(503, 0, { chunks: [1], cut: true });
    const { virtual, told: log } = told([cut, answers(200, 50)], {
      policy: { retry: retryPolicy() },
    });
    await virtual.finish();
    expect(log).toEqual(['0 answered 503', '0 answered 200']);
  });
});

describe('no answer', () => {
  test.each(['reset', 'protocol-error', 'refused-stream'] as const)('%s', async (kind) => {
    const { virtual, told: log } = told(fails(kind));
    await virtual.finish();
    expect(log).toEqual(['0 failed 503']);
  });

  test('no connection', async () => {
    const { virtual, told: log } = told(REFUSED);
    await virtual.finish();
    expect(log).toEqual(['0 failed 503']);
  });

  test.each(['aborted', 'closed', 'unsendable', 'invalid', 'refused', 'overflow'] as const)(
    '%s says nothing of the endpoint',
    async (kind) => {
      const { virtual, told: log } = told(fails(kind));
      await virtual.finish();
      expect(log).toEqual([]);
    },
  );
});

describe('times', () => {
  test.each([{ total: 100 }, { response: 100 }, { idle: 100 }])(
    'of the call, while it waits for the head: %j',
    async (timeout) => {
      const { virtual, told: log } = told(SILENT, within(timeout));
      await virtual.finish();
      expect(log).toEqual(['0 failed 504']);
    },
  );

  test('of the call, without a connection yet', async () => {
    const { virtual, told: log } = told(answers(200, 0, { connect: 1000 }), within({ total: 100 }));
    await virtual.finish();
    expect(log).toEqual([]);
  });

  test.each([{ total: 100 }, { idle: 100 }])('of the call, in the body: %j', async (timeout) => {
    const slow = answers(200, 0, { chunks: [10_000] });
    const { virtual, told: log } = told(slow, within(timeout));
    await virtual.finish();
    expect(log).toEqual(['0 answered 200']);
  });

  test('of the call, beside an answer that was dropped', async () => {
    const busy = answers(503, 0, { chunks: [10_000] });
    const { virtual, told: log } = told([busy, SILENT], {
      endpoints: 2,
      policy: { ...within({ total: 100 }).policy, retry: retryPolicy() },
    });
    await virtual.finish();
    expect(log.map((line) => line.slice(2))).toEqual(['answered 503', 'failed 504']);
  });

  test('of a try', async () => {
    const { virtual, told: log } = told([SILENT, answers(200)], {
      policy: { retry: retryPolicy({ perTryTimeout: 50 }) },
    });
    await virtual.finish();
    expect(log).toEqual(['0 failed 504', '0 answered 200']);
  });

  test('of a try without progress before the head', async () => {
    const { virtual, told: log } = told(SILENT, trying({ perTryIdleTimeout: 50 }));
    await virtual.finish();
    expect(log).toEqual(['0 failed 504']);
  });

  test('of a try without progress in the body', async () => {
    const stalled = answers(200, 0, { chunks: [10_000] });
    const { virtual, told: log } = told(stalled, trying({ perTryIdleTimeout: 50 }));
    await virtual.finish();
    expect(log).toEqual(['0 answered 200', '0 failed 504']);
  });
});

describe('hedges', () => {
  test('a try that two times were up for is told of once', async () => {
    const patient: CallLayer = {
      name: 'patient',
      judge: (_call, { type }) =>
        type === 'overdue' ? { kind: 'wait', reason: 'patience' } : undefined,
    };
    const { virtual, told: log } = told(answers(200, 100), {
      ...trying({ perTryIdleTimeout: 10, perTryTimeout: 50 }),
      callLayers: [patient],
    });
    await virtual.finish();
    expect(log).toEqual(['0 failed 504', '0 answered 200']);
  });

  const soft = {
    endpoints: 2,
    policy: {
      retry: retryPolicy({ perTryTimeout: 50, backoff: { baseInterval: 1, maxInterval: 1 } }),
      hedge: hedgePolicy({ onPerTryTimeout: true }),
    },
  };

  test('the slow one is told of when its time is up, and not again', async () => {
    const { virtual, told: log } = told([SILENT, answers(200, 20)], soft);
    const call = virtual.start();
    await virtual.runtime.advance(55);
    expect(log.map((line) => line.slice(2))).toEqual(['failed 504']);
    await virtual.runtime.runUntilIdle();
    expect(call.events.at(-1)).toBe('end');
    expect(log.map((line) => line.slice(2))).toEqual(['failed 504', 'answered 200']);
    expect(log[0]?.[0]).not.toBe(log[1]?.[0]);
  });

  test('nor when the time of the call is up as well', async () => {
    const { virtual, told: log } = told([SILENT, answers(200, 1000)], {
      ...soft,
      policy: { ...soft.policy, ...within({ total: 90 }).policy },
    });
    await virtual.finish();
    expect(log.map((line) => line.slice(2))).toEqual(['failed 504', 'failed 504']);
    expect(new Set(log.map(([endpoint]) => endpoint)).size).toBe(2);
  });

  test('a slow one that answers in the end has answered', async () => {
    const { virtual, told: log } = told([answers(200, 70), answers(200, 1000)], soft);
    await virtual.finish();
    expect(log.map((line) => line.slice(2))).toEqual(['failed 504', 'answered 200']);
    expect(log[0]?.[0]).toBe(log[1]?.[0]);
  });

  test('a slow one that is cut off in the end has failed twice', async () => {
    const { virtual, told: log } = told([fails('reset', 70), answers(200, 40)], soft);
    await virtual.finish();
    expect(log.map((line) => line.slice(2))).toEqual(['failed 504', 'failed 503', 'answered 200']);
  });

  test('the loser is not told of', async () => {
    const { virtual, told: log } = told([answers(200, 100), answers(200, 1)], {
      endpoints: 2,
      policy: { hedge: hedgePolicy({ delay: 10 }) },
    });
    const call = await virtual.finish();
    expect(call.call.attempts).toHaveLength(2);
    expect(log).toHaveLength(1);
  });
});

describe('what the client does itself', () => {
  test.each([0, 1, 10])('the caller gives up after %i ms', async (after) => {
    const { virtual, told: log } = told(SILENT);
    const { call } = virtual.start();
    await virtual.runtime.advance(after);
    drive.abort(call, 'enough');
    await virtual.runtime.runUntilIdle();
    expect(log).toEqual([]);
  });

  test('the caller gives up in the body', async () => {
    const { virtual, told: log } = told(answers(200, 0, { chunks: [100] }));
    const { call } = virtual.start();
    await virtual.runtime.advance(10);
    drive.abort(call, 'enough');
    await virtual.runtime.runUntilIdle();
    expect(log).toEqual(['0 answered 200']);
  });

  test.each([
    ['refuses', () => failure('refused', undefined, undefined, false)],
    ['answers', () => new LocalReply(503, '', [], '')],
  ])('a layer %s', async (_what, start) => {
    const { virtual, told: log } = told(answers(200), {
      attemptLayers: [{ name: 'own', start }],
    });
    await virtual.finish();
    expect(log).toEqual([]);
  });
});

describe('with the split', () => {
  const split = { splitExternalLocalOriginErrors: true };
  const localOf = (virtual: VirtualCluster): [total: number, good: number] => {
    const local = virtual.cluster.endpoints[0]?.outlier.local;
    return [local?.total ?? 0, local?.good ?? 0];
  };

  test('a connection is a good one, a reset after it a bad one', async () => {
    const { virtual } = told(fails('reset'), {}, split);
    await virtual.finish();
    expect(localOf(virtual)).toEqual([2, 1]);
  });

  test('no connection is a bad one', async () => {
    const { virtual } = told(REFUSED, {}, split);
    await virtual.finish();
    expect(localOf(virtual)).toEqual([1, 0]);
  });

  test('an error that was answered is neither', async () => {
    const { virtual } = told(answers(503), {}, split);
    await virtual.finish();
    expect(localOf(virtual)).toEqual([1, 1]);
    expect(virtual.cluster.endpoints[0]?.outlier.external.total).toBe(1);
  });

  test('as in Envoy, resets never add up, since each of them had its connection', async () => {
    const { virtual } = told(fails('reset'), {}, { ...split, consecutiveLocalOriginFailures: 2 });
    for (let call = 0; call < 10; call++) await virtual.finish();
    expect(virtual.cluster.endpoints[0]?.ejected).toBe(false);
    virtual.scripts = REFUSED;
    // The last of the resets, and one connection that failed.
    await virtual.finish();
    expect(virtual.cluster.endpoints[0]?.ejected).toBe(true);
  });

  test('as in Envoy, bodies that are cut do not add up either, since each had its head', async () => {
    const cut = answers(200, 0, { chunks: [1], cut: true });
    const { virtual } = told(cut, {}, { consecutive5xxErrors: 2 });
    for (let call = 0; call < 10; call++) await virtual.finish();
    expect(virtual.cluster.endpoints[0]?.ejected).toBe(false);
    const { virtual: strict } = told(cut, {}, { consecutive5xxErrors: 1 });
    await strict.finish();
    expect(strict.cluster.endpoints[0]?.ejected).toBe(true);
  });
});

describe('gRPC', () => {
  const grpc = { method: 'POST', headers: ['content-type', 'application/grpc'] };
  const status = (code: string) => answers(200, 0, { headers: ['grpc-status', code] });

  test.each([
    ['0', 200],
    ['1', 499],
    ['2', 500],
    ['3', 400],
    ['4', 504],
    ['5', 404],
    ['6', 409],
    ['7', 403],
    ['8', 429],
    ['9', 400],
    ['10', 409],
    ['11', 400],
    ['12', 501],
    ['13', 500],
    ['14', 503],
    ['15', 500],
    ['16', 401],
    ['17', 500],
    ['nonsense', 500],
  ])('grpc-status %s in the head counts as %i', async (code, http) => {
    const { virtual, told: log } = told(status(code));
    await virtual.finish(grpc);
    expect(log).toEqual([`0 answered ${http}`]);
  });

  test('in trailers it comes too late', async () => {
    const { virtual, told: log } = told(answers(200));
    await virtual.finish(grpc);
    expect(log).toEqual(['0 answered 200']);
  });

  test.each(['application/grpc+proto', 'application/grpc'])('%s is gRPC', async (type) => {
    const { virtual, told: log } = told(status('14'));
    await virtual.finish({ method: 'POST', headers: ['a', 'b', 'Content-Type', type] });
    expect(log).toEqual(['0 answered 503']);
  });

  test.each([
    ['a GET', { headers: grpc.headers }],
    ['JSON', { method: 'POST', headers: ['content-type', 'application/json'] }],
    ['gRPC-Web', { method: 'POST', headers: ['content-type', 'application/grpc-web'] }],
    ['no type', { method: 'POST' }],
  ])('%s is not', async (_what, request) => {
    const { virtual, told: log } = told(status('14'));
    await virtual.finish(request);
    expect(log).toEqual(['0 answered 200']);
  });
});

describe('in the chain', () => {
  const names = (virtual: VirtualCluster): string[] =>
    virtual.cluster.chains.usual.attemptLayers.map(({ name }) => name);

  test('only when it is on, after the layers of the user', () => {
    const own = { name: 'own', end() {} };
    const retry = retryPolicy({ perTryTimeout: 5 });
    const options = { attemptLayers: [own], policy: { retry } };
    expect(names(new VirtualCluster(answers(200), options))).not.toContain('outlier detection');
    expect(names(told(answers(200), options).virtual)).toEqual([
      'observe',
      'envoy headers',
      'own',
      'outlier detection',
      'try timeout',
    ]);
  });

  test('an endpoint that a first attempt has condemned is not chosen for the second', async () => {
    const { virtual } = told(
      [answers(503), answers(200)],
      { endpoints: 2, policy: { retry: retryPolicy({ ignorePreviousHosts: false }) } },
      { consecutive5xxErrors: 1 },
    );
    virtual.cluster.setBalancer((endpoints) => ({ name: 'first', pick: () => endpoints[0] }));
    expect((await virtual.finish()).endpoints).toEqual([0, 1]);
  });
});
