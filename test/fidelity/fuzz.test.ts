/**
 * Requests and scripts of servers drawn by chance: what is seen with the platform's fetch and with ours must be the same.
 *
 * FUZZ_RUNS=5000 draws so many; FUZZ_SEED and FUZZ_PATH repeat what a failure has printed.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { anyCase, compared, isLostBuffer } from './fuzz/case.js';

const { FUZZ_RUNS, FUZZ_SEED, FUZZ_PATH } = process.env;
const runs = Number(FUZZ_RUNS ?? 300);
/** They wait for most of their time, so some of them do at once; what a path repeats is one. */
const SHARDS = FUZZ_PATH === undefined ? 6 : 1;
/** The same each time in the ordinary tests; longer runs draw their own. */
const seed = Number(FUZZ_SEED ?? (FUZZ_RUNS === undefined ? 7 : Date.now() % 2 ** 31));

/**
 * The platform of Node 24 and 26 throws where nobody can catch it when a form or an iterator is given up while it is
 * read: it closes its stream of them a second time.
 */
function isOfThePlatform({ code, stack }: Error & { code?: unknown }): boolean {
  return code === 'ERR_INVALID_STATE' && stack?.includes('node:internal/deps/undici') === true;
}

/** Vitest's own listeners. */
const others = (['uncaughtException', 'unhandledRejection'] as const).map(
  (event) => [event, process.listeners(event as 'uncaughtException')] as const,
);
beforeAll(() => {
  for (const [event, listeners] of others) {
    process.removeAllListeners(event);
    process.on(event, (error: Error, origin: NodeJS.UncaughtExceptionOrigin) => {
      if (isOfThePlatform(error)) return;
      for (const listener of listeners) listener.call(process, error, origin);
    });
  }
});
afterAll(() => {
  for (const [event, listeners] of others) {
    process.removeAllListeners(event);
    for (const listener of listeners) process.on(event, listener);
  }
});

const shards = Array.from({ length: SHARDS }, (_, index) => index);

test.concurrent.each(shards)(
  `${runs} requests and answers, part %i`,
  async (shard) => {
    await fc.assert(
      fc.asyncProperty(anyCase, async (drawn) => {
        const { ours, platform } = await compared(drawn);
        fc.pre(!isLostBuffer(platform));
        expect(ours).toEqual(platform);
      }),
      {
        seed: seed + shard,
        numRuns: Math.ceil(runs / SHARDS),
        ...(FUZZ_PATH !== undefined && { path: FUZZ_PATH }),
      },
    );
  },
  60_000 + runs * 500,
);
