/** What bodies are filled with, in both directions: numbered lines, so that a lost, doubled or swapped part shows. */

const LINE = 8;

/** The largest body there is. */
export const LARGEST = 5 * 1024 * 1024;

/** @type {Buffer | undefined} */
let made;

/**
 * The first so many bytes: a view, not to be written into.
 * @param {number} size at most LARGEST
 */
export function filling(size) {
  if (made === undefined) {
    made = Buffer.alloc(LARGEST);
    for (let at = 0; at < LARGEST; at += LINE) {
      made.write(`${String(at / LINE).padStart(LINE - 1, '0')}\n`, at, 'latin1');
    }
  }
  return made.subarray(0, size);
}

/**
 * The same in pieces.
 * @param {number} size
 * @param {number} [piece]
 */
export function* fillingInPieces(size, piece = 64 * 1024) {
  const all = filling(size);
  for (let at = 0; at < size; at += piece) yield all.subarray(at, Math.min(at + piece, size));
}
