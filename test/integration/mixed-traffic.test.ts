/**
 * The traffic of `npm run soak`, some hundred calls of it, through a client with every layer on: nothing is left of them,
 * and what was read is what was sent.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, onTestFinished, test } from 'vitest';
import { Child } from '../../bench/child.mjs';
import { everyLayer } from '../../bench/soak/client.mjs';
import { stateAtRest } from '../../bench/soak/state.mjs';
import { Traffic } from '../../bench/soak/traffic.mjs';
import { createResilientClient } from '../../src/index.js';
import { seededRandom } from '../../src/testing/index.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const CALLS = 400;
const WORKERS = 20;
const BATCHES = 4;
/** MB that the heap grows by when each call of a batch leaves 4 kB. */
const LEAK = (CALLS * 4096) / 2 ** 20;

test(`${BATCHES} times ${CALLS} calls of all kinds`, { timeout: 120_000 }, async () => {
  const server = new Child('soak/server.mjs');
  onTestFinished(() => server.end());
  const origins = (await server.ask('origins')) as string[];
  const sockets = async (): Promise<number> => (await server.ask('sockets')) as number;
  const resources = (): string => process.getActiveResourcesInfo().sort().join();
  const before = resources();
  const client = everyLayer(createResilientClient, origins);
  onTestFinished(() => client.destroy());
  const traffic = new Traffic({
    fetch: client.fetch,
    randomOf: seededRandom,
    across: new URL(origins[0] as string).host,
    largest: 300_000,
    pace: 0.3,
  });

  const growth: number[] = [];
  let heap = NaN;
  for (let batch = 1; batch <= BATCHES; batch++) {
    const work = async (): Promise<void> => {
      while (traffic.calls < batch * CALLS) await traffic.call();
    };
    await Promise.all(Array.from({ length: WORKERS }, work));
    const state = await stateAtRest(client, traffic, sockets, collect);
    expect([...traffic.uncollected.values()]).toEqual([]);
    expect(state).toMatchObject({ active: 0, listeners: 0, uncollected: 0 });
    expect(state.open).toBe(state.idle);
    expect(state.sockets).toBe(state.open);
    growth.push(state.heap - heap);
    heap = state.heap;
  }
  expect(traffic.wrong).toEqual([]);
  expect(traffic.bytes).toBeGreaterThan(10_000_000);
  // What is kept once, such as compiled code, comes with some batches; what leaks comes with each.
  expect(Math.min(...growth.slice(1))).toBeLessThan(LEAK);

  // Those without work go by themselves.
  await expect.poll(sockets, { timeout: 15_000 }).toBe(0);
  await expect
    .poll(() => client.endpoints().every(({ connections }) => connections.open === 0))
    .toBe(true);
  await client.close();
  await expect.poll(resources, { timeout: 5000 }).toBe(before);
});
