/** Ten thousand calls with random aborts, resets, cut and unread bodies: afterwards nothing is left of them. */
import { getEventListeners } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, onTestFinished, test } from 'vitest';
import { createResilientClient, type Runtime } from '../../src/index.js';
import { systemRuntime } from '../../src/core/runtime.js';
import { loopbackFleet, seededRandom, type Step } from '../../src/testing/index.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const CALLS = 10_000;
const WORKERS = 50;

/** The system's runtime, which counts the timers that are set and not over. */
function countingRuntime(): Runtime & { readonly pending: Set<unknown> } {
  const pending = new Set<unknown>();
  return {
    ...systemRuntime,
    pending,
    setTimer(callback, delay, background) {
      const timer = systemRuntime.setTimer(
        () => {
          pending.delete(timer);
          callback();
        },
        delay,
        background,
      );
      pending.add(timer);
      return timer;
    },
    clearTimer(timer) {
      pending.delete(timer);
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
  { status: 204 },
  { body: 'in full', after: 'close' },
  { headers: { connection: 'close' }, body: 'bye' },
  { body: { size: 1000 }, cut: { at: 500, by: 'reset' } },
  { body: { size: 1000 }, cut: { at: 0, by: 'close' } },
  'reset',
  'close',
  'garbage',
];

/** A light response is told by its prototype: one below the platform's. */
const isLight = (response: Response): boolean =>
  Object.getPrototypeOf(response) !== Response.prototype;

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
    runtime,
  });
  const shared = new AbortController();
  let settled = 0;

  /** What the caller does with an answer; some leave it lying. */
  const reads: ((response: Response) => Promise<unknown>)[] = [
    (response) => response.text(),
    (response) => response.arrayBuffer(),
    (response) => response.clone().text(),
    async () => {},
    async (response) => response.body?.cancel(),
    // On the full path the platform keeps a stream that is locked and dropped, as its own fetch does.
    async (response) => isLight(response) && (await response.body?.getReader().read())?.done,
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
    const init: RequestInit = {
      ...(signal && { signal }),
      ...(random() < 0.3 && { method: 'POST', body: 'x'.repeat(Math.floor(random() * 50_000)) }),
      ...(fullPath && { redirect: 'manual' as const }),
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
  for (const { connections } of client.endpoints()) expect(connections.open).toBe(connections.idle);
  const idle = client.endpoints().reduce((sum, { connections }) => sum + connections.idle, 0);
  await fleet.connectionsAre(idle);
  expect(client.stats()['cluster.shop.upstream_cx_active']).toBe(idle);
  expect(runtime.pending.size).toBe(0);
  expect(getEventListeners(shared.signal, 'abort')).toHaveLength(0);
  await client.close();
  await fleet.connectionsAre(0);
  expect(client.stats()['cluster.shop.upstream_cx_active']).toBe(0);
});
