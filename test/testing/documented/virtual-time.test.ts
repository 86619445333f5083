import { expect, test } from 'vitest';
import type { Runtime } from '../../../src/index.js';
import { virtualRuntime } from '../../../src/testing/index.js';

/** The code under test: asks again after 1, 2, 4, … seconds, each spread by up to a half. */
async function askUntilDone(ask: () => Promise<boolean>, runtime: Runtime): Promise<number> {
  for (let round = 0; ; round++) {
    if (await ask()) return round;
    const delay = 1000 * 2 ** round * (1 + runtime.random() / 2);
    await new Promise<void>((resolve) => runtime.setTimer(resolve, delay));
  }
}

test('four rounds of asking, in no time', async () => {
  const runtime = virtualRuntime({ seed: 7 });
  const asked: number[] = [];
  const rounds = askUntilDone(() => {
    asked.push(runtime.now());
    return Promise.resolve(asked.length === 4);
  }, runtime);

  await runtime.advance(999);
  expect(asked).toEqual([0]);
  await runtime.runUntilIdle();
  expect(await rounds).toBe(3);
  expect(runtime.now()).toBeGreaterThanOrEqual(7_000);
  expect(runtime.now()).toBeLessThan(10_500);
  expect(runtime.pendingTimers).toBe(0);
});
