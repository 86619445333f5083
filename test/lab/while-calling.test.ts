import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { ResilientClient } from '../../src/index.js';
import type { ExperimentContext } from '../../src/lab/experiment.js';
import { progressOn } from '../../src/lab/progress.js';
import { whileCalling } from '../../src/lab/while-calling.js';

/** A client whose calls take a while; how many have begun and ended. */
function slowClient() {
  const seen = { begun: 0, ended: 0 };
  const fetch = async (): Promise<Response> => {
    seen.begun += 1;
    await sleep(20);
    seen.ended += 1;
    return new Response('');
  };
  return { client: { fetch } as unknown as ResilientClient, seen };
}

function contextOf(signal: AbortSignal): ExperimentContext {
  const progress = progressOn(new PassThrough());
  return { seed: 1, progress, signal } as ExperimentContext;
}

const steady = { label: 'calls', rate: 200, duration: 100 };

it('calls at its rate while the story lasts, and waits for the last call', async () => {
  const { client, seen } = slowClient();
  const { signal } = new AbortController();
  const lived = await whileCalling(client, steady, contextOf(signal), async () => {
    await sleep(100);
    return 'the end';
  });
  expect(lived.told).toBe('the end');
  expect(lived.seconds).toBeGreaterThan(0.09);
  expect(lived.calls).toHaveLength(seen.begun);
  expect(seen.ended).toBe(seen.begun);
  expect(seen.begun).toBeGreaterThan(2);
  expect(seen.begun).toBeLessThanOrEqual(lived.seconds * steady.rate + 1);
});

it('ends with the story that fails, and calls no more', async () => {
  const { client, seen } = slowClient();
  const { signal } = new AbortController();
  const story = () => Promise.reject(new Error('no port is free'));
  await expect(whileCalling(client, steady, contextOf(signal), story)).rejects.toThrow('no port');
  const { begun } = seen;
  expect(seen.ended).toBe(begun);
  await sleep(20);
  expect(seen.begun).toBe(begun);
});
