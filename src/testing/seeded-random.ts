/** Chance that repeats: the same seed gives the same numbers. */

const WARM_UP = 16;

/**
 * A function like `Math.random` whose numbers follow from the seed: from 0 (included) to 1 (excluded), with
 * 53 bits. The generator is sfc32 of PractRand (small fast counting, 128 bits of state).
 *
 * @param seed any safe integer.
 * @throws RangeError when the seed is not a safe integer.
 */
export function seededRandom(seed: number): () => number {
  if (!Number.isSafeInteger(seed)) {
    throw new RangeError(`A seed is a safe integer; found ${seed}`);
  }
  let a = seed | 0;
  let b = Math.floor(seed / 2 ** 32) | 0;
  let c = 0x9e3779b9 | 0;
  let counter = 1;

  function next(): number {
    const drawn = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + drawn) | 0;
    return drawn >>> 0;
  }

  // Neighbouring seeds start alike; a few rounds part them.
  for (let round = 0; round < WARM_UP; round++) next();
  return () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53;
}
