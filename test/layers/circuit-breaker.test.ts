/** The circuit breaker in the chain: calls in place of attempts, and each of their endings. */
import { expect, test } from 'vitest';
import * as drive from '../../src/core/drive.js';
import { CircuitOpenError, toError } from '../../src/core/errors.js';
import type { Failure } from '../../src/core/failure.js';
import type { AttemptLayer, CallLayer } from '../../src/core/layer.js';
import { localReplyFor } from '../../src/faces/local-reply.js';
import { retryPolicy } from '../core/scripted-upstream.js';
import {
  answers,
  breakerPolicy,
  fails,
  hedgePolicy,
  REFUSED,
  SILENT,
  VirtualCluster,
  type VirtualCall,
  type VirtualClusterOptions,
} from '../support/virtual-cluster.js';

const circuitBreaker = breakerPolicy({ minimumCalls: 2, halfOpenCalls: 1 });

/** A cluster whose breaker has opened, for 5 s. */
async function opened(options: VirtualClusterOptions = {}): Promise<VirtualCluster> {
  const virtual = new VirtualCluster(answers(503), { circuitBreaker, ...options });
  await virtual.finish();
  await virtual.finish();
  expect(virtual.cluster.breaker.state).toBe('open');
  return virtual;
}

const failureOf = ({ recorder }: VirtualCall): Failure | undefined => recorder.failure;

test('a call counts once, however many attempts it makes', async () => {
  const retry = retryPolicy({ attempts: 5 });
  const virtual = new VirtualCluster(answers(503), { circuitBreaker, policy: { retry } });
  const { call } = await virtual.finish();
  expect(call.attempts).toHaveLength(6);
  expect(virtual.cluster.breaker.state).toBe('closed');
  await virtual.finish();
  expect(virtual.cluster.breaker.state).toBe('open');
});

test('a call that a retry or a hedge has saved is a success', async () => {
  const virtual = new VirtualCluster([answers(503), answers(200)], {
    circuitBreaker,
    policy: { retry: retryPolicy() },
  });
  for (let call = 0; call < 10; call++) await virtual.finish();
  virtual.scripts = [SILENT, answers(200)];
  const hedge = hedgePolicy({ delay: 10 });
  for (let call = 0; call < 10; call++) await virtual.finish({ policy: { hedge } });
  expect(virtual.count('upstream_rq_hedge')).toBe(10);
  expect(virtual.cluster.breaker.state).toBe('closed');
});

test('a refused call makes no attempt, is not tried again, and costs no time', async () => {
  const virtual = await opened({ policy: { retry: retryPolicy({ words: new Set(['5xx']) }) } });
  const before = virtual.exchanges.length;
  const call = virtual.start();
  expect(call.events).toEqual(['fail circuit-open']);
  expect(failureOf(call)).toMatchObject({ flag: 'UO', sent: false });
  expect(call.call.attempts).toEqual([]);
  expect(call.explanation).toMatchObject({ flags: 'UO', attempts: [] });
  await virtual.runtime.advance(1000);
  expect(virtual.exchanges).toHaveLength(before);
  virtual.expectNothingLeft();
});

test('the error says when to come back, and is a new one each time', async () => {
  const virtual = await opened();
  await virtual.runtime.advance(1499.5);
  const errors = [virtual.start(), virtual.start()].map((call) =>
    toError(call.call, failureOf(call) as Failure),
  ) as [CircuitOpenError, CircuitOpenError];
  for (const error of errors) {
    expect(error).toBeInstanceOf(CircuitOpenError);
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({
      name: 'CircuitOpenError',
      code: 'ERR_OUTRIGGER_CIRCUIT_OPEN',
      message: `the circuit of shop lets no call through, retry after ${error.retryAfterMs} ms`,
      service: 'shop',
      flag: 'UO',
      attempts: [],
    });
    expect(error.cause).toBeUndefined();
  }
  expect(errors[0]).not.toBe(errors[1]);
  expect(errors[0].retryAfterMs).toBeGreaterThan(3490);
  expect(errors[0].retryAfterMs).toBeLessThanOrEqual(3501);
  // Whoever keeps to it is let through.
  await virtual.runtime.advance(errors[0].retryAfterMs - 1);
  expect(virtual.start().events).toEqual(['fail circuit-open']);
  await virtual.runtime.advance(1);
  expect(virtual.start().events).toEqual([]);
});

test('the local reply says it in whole seconds, rounded up', async () => {
  const virtual = await opened();
  await virtual.runtime.advance(3500);
  const call = virtual.start();
  const reply = localReplyFor(call.call, failureOf(call) as Failure);
  expect(reply).toMatchObject({ status: 503, body: 'circuit open' });
  const headers = reply?.rawHeaders ?? [];
  for (const [name, value] of [
    ['retry-after', '2'],
    ['x-envoy-overloaded', 'true'],
    ['x-outrigger-flags', 'UO'],
  ] as const) {
    expect(headers[headers.indexOf(name) + 1]).toBe(value);
  }
});

/** Ends a call that is on trial in some way. */
type Ending = (call: VirtualCall, virtual: VirtualCluster) => void | Promise<void>;

const endings: readonly [how: string, state: 'half-open' | 'open' | 'closed', end: Ending][] = [
  ['aborted', 'half-open', ({ call }) => drive.abort(call, new Error('enough'))],
  ['closed with its client', 'half-open', ({ call }) => drive.close(call, new Error('closed'))],
  ['answered', 'closed', (_call, virtual) => virtual.runtime.advance(100)],
  [
    'out of time',
    'open',
    ({ call }) => drive.timeOut(call, { option: 'timeout', milliseconds: 1 }),
  ],
  ['the last attempt is closed by a failure', 'open', failWith('reset')],
  ['refused by another limit', 'half-open', failWith('overflow')],
  ['impossible to send', 'half-open', failWith('unsendable')],
];

function failWith(kind: Failure['kind']): Ending {
  return ({ call }) => {
    const attempt = call.attempts[0];
    if (attempt === undefined) throw new Error('no attempt');
    drive.fail(attempt, { kind, flag: undefined, cause: undefined, sent: false });
  };
}

test.each(endings)('a call on trial gives its place back: %s', async (_how, state, end) => {
  const virtual = await opened();
  await virtual.runtime.advance(5000);
  virtual.scripts = answers(200, 50);
  const trial = virtual.start();
  expect(virtual.start().events).toEqual(['fail circuit-open']);
  await end(trial, virtual);
  const { breaker } = virtual.cluster;
  expect(breaker.state).toBe(state);
  const next = virtual.start();
  expect(next.events).toEqual(state === 'open' ? ['fail circuit-open'] : []);
});

test.each(['refuses', 'throws'] as const)('so does one that an attempt layer %s', async (how) => {
  let isOn = false;
  const layer: AttemptLayer = {
    name: 'own',
    start() {
      if (!isOn) return undefined;
      if (how === 'throws') throw new Error('no');
      return { kind: 'refused', flag: undefined, cause: 'no', sent: false };
    },
  };
  const virtual = await opened({ attemptLayers: [layer] });
  await virtual.runtime.advance(5000);
  isOn = true;
  virtual.start();
  virtual.start();
  isOn = false;
  virtual.scripts = answers(200);
  await virtual.finish();
  expect(virtual.cluster.breaker.state).toBe('closed');
});

test('a call that a layer of your own has answered or refused was never asked for', async () => {
  let refuses = false;
  const layer: CallLayer = {
    name: 'own',
    start: () =>
      refuses ? { kind: 'refused', flag: undefined, cause: 'no', sent: false } : undefined,
  };
  const virtual = await opened({ callLayers: [layer] });
  await virtual.runtime.advance(5000);
  refuses = true;
  virtual.start();
  expect(virtual.cluster.breaker.state).toBe('open');
});

test('a call that has waited in a layer of your own is asked for when it goes on', async () => {
  const layer: CallLayer = {
    name: 'own',
    start: ({ chain: { runtime } }) =>
      new Promise((resolve) => {
        runtime.setTimer(() => resolve(undefined), 100);
      }),
  };
  const virtual = new VirtualCluster(answers(200), {
    circuitBreaker: breakerPolicy({ minimumCalls: 2, slowCallDuration: 50 }),
    callLayers: [layer],
  });
  for (let call = 0; call < 5; call++) await virtual.finish();
  // Its own wait is not the service's.
  expect(virtual.cluster.breaker.state).toBe('closed');
  virtual.scripts = REFUSED;
  for (let call = 0; call < 5; call++) virtual.start();
  await virtual.runtime.advance(101);
  expect(virtual.cluster.breaker.state).toBe('open');
  const late = virtual.start();
  await virtual.runtime.advance(4900);
  expect(late.events).toEqual(['fail circuit-open']);
  const next = virtual.start();
  await virtual.runtime.advance(101);
  expect(next.events).toEqual(['fail connect-failure']);
});

test('a body that is cut off opens it, whatever its head was', async () => {
  const virtual = new VirtualCluster(answers(200, 0, { cut: true }), { circuitBreaker });
  await virtual.finish();
  await virtual.finish();
  expect(virtual.cluster.breaker.state).toBe('open');
});

test('a service without endpoints opens it', async () => {
  const virtual = new VirtualCluster(answers(200), { circuitBreaker, endpoints: 0 });
  await virtual.finish();
  await virtual.finish();
  expect(virtual.cluster.breaker.state).toBe('open');
});

test('answers below 500 do not, and a connection that fails does', async () => {
  const virtual = new VirtualCluster(answers(429), { circuitBreaker });
  for (let call = 0; call < 5; call++) await virtual.finish();
  expect(virtual.cluster.breaker.state).toBe('closed');
  virtual.scripts = fails('reset');
  for (let call = 0; call < 5; call++) await virtual.finish();
  expect(virtual.cluster.breaker.state).toBe('open');
});

test('it stands inside the times and layers of your own, outside hedges and retries', () => {
  const layer: CallLayer = { name: 'own', end() {} };
  const { cluster } = new VirtualCluster(answers(200), {
    circuitBreaker,
    callLayers: [layer],
    policy: {
      timeout: { response: 0, idle: 0, total: 1 },
      hedge: hedgePolicy({ delay: 1 }),
      retry: retryPolicy(),
    },
  });
  const names = (layers: readonly CallLayer[]) => layers.map(({ name }) => name);
  const { chains } = cluster;
  const around = ['observe', 'deadline', 'own', 'circuit breaker', 'hedge', 'retry'];
  expect(names(chains.usual.callLayers)).toEqual(around);
  // Also in the chain of a call with options of its own.
  const own = chains.for({ ...chains.usual.policy, retry: undefined });
  expect(names(own.callLayers)).toEqual(around.slice(0, -1));
  expect(names(new VirtualCluster(answers(200)).cluster.chains.usual.callLayers)).toEqual([
    'observe',
  ]);
});
