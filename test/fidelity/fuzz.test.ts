/**
 * Requests and scripts of servers drawn by chance: what is seen with the platform's fetch and with ours must be the same.
 *
 * FUZZ_RUNS=5000 draws so many; FUZZ_SEED and FUZZ_PATH repeat what a failure has printed.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyCase, compared, isLostBuffer } from './fuzz/case.js';

const { FUZZ_RUNS, FUZZ_SEED, FUZZ_PATH } = process.env;
const runs = Number(FUZZ_RUNS ?? 300);
/** They wait for most of their time, so some of them do at once; what a path repeats is one. */
const SHARDS = FUZZ_PATH === undefined ? 6 : 1;
/** The same each time in the ordinary tests; longer runs draw their own. */
const seed = Number(FUZZ_SEED ?? (FUZZ_RUNS === undefined ? 7 : Date.now() % 2 ** 31));

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
