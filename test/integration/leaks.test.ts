/**
 * Ten thousand calls with random aborts, resets, hangs, cut and unread bodies, with retries and hedges of both kinds:
 * afterwards nothing is left of them.
 */
import { getEventListeners } from 'node:events';
import { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, onTestFinished, test } from 'vitest';
import { createResilientClient, type ResilientRequestInit, type Runtime } from '../../src/index.js';
import { systemRuntime } from '../../src/core/runtime.js';
import { loopbackFleet, seededRandom, type Step } from '../../src/testing/index.js';
import { afterThisTurn } from '../support/fleet.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const CALLS = 10_000;
const WORKERS = 50;

/** The system's runtime, which counts the timers that are set and not over. */
function countingRuntime(): Runtime & {
  readonly pending: Set<unknown>;
  readonly holding: Set<unknown>;
} {
  const pending = new Set<unknown>();
  /** Those that keep the process. */
  const holding = new Set<unknown>();
  return {
    ...systemRuntime,
    pending,
    holding,
    setTimer(callback, delay, background) {
      const timer = systemRuntime.setTimer(
        () => {
          pending.delete(timer);
          holding.delete(timer);
          callback();
        },
        delay,
        background,
      );
      pending.add(timer);
      if (background !== true) holding.add(timer);
      return timer;
    },
    clearTimer(timer) {
      pending.delete(timer);
      holding.delete(timer);
      systemRuntime.clearTimer(timer);
    },
  };
}

const STEPS: readonly Step[] = [
  200,
  200,
  { body: 'a small body' },
  { body: { size: 100_000 } },
  { body: { size: 300_000 }, framing: 'chunked' },
  { status: 503, body: 'not now' },
  { status: 503, body: { size: 300_000 } },
  { status: 503, headers: { 'retry-after': '60' } },
  { status: 204 },
  { body: 'in full', after: 'close' },
  { headers: { connection: 'close' }, body: 'bye' },
  { body: { size: 1000 }, cut: { at: 500, by: 'reset' } },
  { body: { size: 1000 }, cut: { at: 0, by: 'close' } },
  { body: { size: 1000 }, cut: { at: 500, by: 'silence' } },
  { status: 503, body: { size: 1000 }, cut: { at: 500, by: 'silence' } },
  { wait: 60, step: 200 },
  'silence',
  'reset',
  'close',
  'garbage',
];

const METHODS = ['POST', 'POST', 'PUT', 'PATCH'];

/** What is sent, of every kind that can be sent again, and some that cannot. */
const BODIES: readonly ((size: number) => ResilientRequestInit['body'])[] = [
  (size) => 'x'.repeat(size),
  (size) => Buffer.alloc(size),
  (size) => new Blob(['x'.repeat(size)]),
  () => new URLSearchParams({ a: 'b' }),
  (size) => () => 'x'.repeat(size),
  (size) => new Blob(['x'.repeat(size)]).stream(),
  (size) => Readable.from([Buffer.alloc(size), Buffer.alloc(size)]),
];

test(`${CALLS} calls leave nothing behind`, { timeout: 120_000 }, async () => {
  const seed = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000);
  onTestFinished(({ task }) => {
    if (task.result?.state === 'fail') console.error(`TEST_SEED=${seed} repeats this run`);
  });
  const random = seededRandom(seed);
  const oneOf = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;

  const fleet = await loopbackFleet({
    endpoints: 3,
    seed,
    plan: (_index, _request, chance) => STEPS[Math.floor(chance() * STEPS.length)] as Step,
  });
  onTestFinished(() => fleet.close());
  const runtime = countingRuntime();
  const client = createResilientClient({
    service: 'http://shop',
    endpoints: fleet.endpoints,
    timeout: { total: '5s', idle: '400ms' },
    retry: {
      retryOn: ['5xx'],
      perTryTimeout: '150ms',
      backoff: { baseInterval: '5ms' },
      budget: { percent: 30 },
    },
    hedge: { delay: '40ms', maxHedges: 2 },
    runtime,
  });
  const shared = new AbortController();
  let settled = 0;
  let orders = 0;

  /** What the caller does with an answer; some leave it lying. */
  const reads: ((response: Response) => Promise<unknown>)[] = [
    (response) => response.text(),
    (response) => response.arrayBuffer(),
    (response) => response.clone().text(),
    async () => {},
    async (response) => response.body?.cancel(),
    async (response) => (await response.body?.getReader().read())?.done,
    async (response) => {
      for await (const chunk of response.body as unknown as AsyncIterable<unknown>) void chunk;
    },
  ];

  async function one(): Promise<void> {
    const controller = new AbortController();
    const fullPath = random() < 0.1;
    const kind = random();
    // On the full path the platform listens, and lets go of its listeners when it collects them.
    const lasting = fullPath ? controller.signal : shared.signal;
    const signal = kind < 0.3 ? controller.signal : kind < 0.5 ? lasting : undefined;
    const init: ResilientRequestInit = {
      ...(signal && { signal }),
      ...(random() < 0.3 && {
        method: oneOf(METHODS),
        body: oneOf(BODIES)(Math.floor(random() * 50_000)),
        duplex: 'half' as const,
        headers: random() < 0.5 ? { 'idempotency-key': 'abc' } : { 'x-order': String(orders++) },
      }),
      ...(fullPath && { redirect: 'manual' as const }),
      // Envoy's kind of hedge, which keeps the slow try, for some of the calls.
      ...(random() < 0.3 && { resilience: { hedge: { onPerTryTimeout: true } } }),
    };
    const aborts = random();
    const call = client.fetch('/path', init);
    if (aborts < 0.2) controller.abort(new Error('at once'));
    else if (aborts < 0.4) setImmediate(() => controller.abort(new Error('soon')));
    try {
      const response = await call;
      if (aborts > 0.9) controller.abort(new Error('after the head'));
      await oneOf(reads)(response);
    } catch {
      // Every way to fail is welcome here; what counts is what is left.
    }
    settled += 1;
  }

  /** Each of so many calls at once finds a place for a retry, where no more are allowed in all. */
  async function expectPlacesToBeFree(places: number): Promise<void> {
    client.update({
      timeout: false,
      retry: { perTryTimeout: false, budget: { percent: 0, minRetryConcurrency: places } },
      hedge: false,
    });
    fleet.plan((_, { headers }) => (headers['x-envoy-attempt-count'] === '1' ? 503 : 200));
    const answers = Array.from({ length: places }, async () => (await client.fetch('/')).status);
    expect(await Promise.all(answers)).toEqual(Array(places).fill(200));
  }

  /** What must not be done twice has reached one endpoint at most. */
  function expectOrdersOnce(): void {
    const seen = fleet.servers
      .flatMap(({ requests }) => requests)
      .filter(({ method }) => method === 'POST' || method === 'PATCH')
      .flatMap(({ headers }) => headers['x-order'] ?? []);
    expect(seen.length).toBeGreaterThan(200);
    expect(new Set(seen).size).toBe(seen.length);
  }

  let left = CALLS;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await one();
  };
  await Promise.all(Array.from({ length: WORKERS }, worker));

  expect(settled).toBe(CALLS);
  // Bodies that were left lying come back when they are collected.
  await expect
    .poll(
      () => {
        collect();
        return client.endpoints().map(({ active }) => active);
      },
      { timeout: 10_000 },
    )
    .toEqual([0, 0, 0]);
  expect(client.stats()['cluster.shop.upstream_rq_active']).toBe(0);
  // Every attempt is accounted for, and only what waits for work is open.
  // The connection of a call that has just ended waits for work from the next turn on.
  await afterThisTurn();
  for (const { connections } of client.endpoints()) expect(connections.open).toBe(connections.idle);
  const idle = client.endpoints().reduce((sum, { connections }) => sum + connections.idle, 0);
  await fleet.connectionsAre(idle);
  expect(client.stats()['cluster.shop.upstream_cx_active']).toBe(idle);
  expect(runtime.holding.size).toBe(0);
  // All of it has happened, often enough.
  for (const counter of ['retry', 'hedge', 'per_try_timeout', 'timeout', 'retry_overflow']) {
    expect(client.stats()[`cluster.shop.upstream_rq_${counter}`]).toBeGreaterThan(20);
  }
  expectOrdersOnce();
  await expectPlacesToBeFree(5);
  // Where a stream is sent the platform listens, until it collects what did.
  await expect
    .poll(
      () => {
        collect();
        return getEventListeners(shared.signal, 'abort').length;
      },
      { timeout: 10_000 },
    )
    .toBe(0);
  await client.close();
  await fleet.connectionsAre(0);
  expect(client.stats()['cluster.shop.upstream_cx_active']).toBe(0);
  expect(runtime.pending.size).toBe(0);
});
