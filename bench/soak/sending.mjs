/** What the calls of the soak send: every kind of body, of every size. */
import { Readable } from 'node:stream';
import { filling, fillingInPieces } from './filling.mjs';

/** @param {number} size */
function webStream(size) {
  const pieces = fillingInPieces(size);
  return new ReadableStream({
    pull(controller) {
      const { done, value } = pieces.next();
      if (done) controller.close();
      else controller.enqueue(new Uint8Array(value));
    },
  });
}

/** @param {number} size */
async function* pieceByPiece(size) {
  for (const piece of fillingInPieces(size)) {
    await new Promise(setImmediate);
    yield piece;
  }
}

/** @param {number} size */
function form(size) {
  const data = new FormData();
  data.append('part', new Blob([filling(size)]), 'filling.txt');
  data.append('word', 'one');
  return data;
}

/**
 * By name: what `init` is given, and whether the server can tell that what arrived is right.
 * @type {Readonly<Record<string, { make: (size: number) => unknown, stream?: true, wrapped?: true }>>}
 */
export const bodies = {
  text: { make: (size) => filling(size).toString('latin1') },
  bytes: { make: (size) => new Uint8Array(filling(size)) },
  buffer: { make: (size) => new Uint8Array(filling(size)).buffer },
  blob: { make: (size) => new Blob([filling(size)]) },
  'url parameters': {
    make: (size) =>
      new URLSearchParams({ part: filling(Math.min(size, 100_000)).toString('latin1') }),
    wrapped: true,
  },
  form: { make: form, wrapped: true },
  function: { make: (size) => () => filling(size).toString('latin1') },
  'function of streams': { make: (size) => () => webStream(size), stream: true },
  'web stream': { make: webStream, stream: true },
  'stream of a blob': { make: (size) => new Blob([filling(size)]).stream(), stream: true },
  "stream of Node's": { make: (size) => Readable.from(fillingInPieces(size)), stream: true },
  iterator: { make: pieceByPiece, stream: true },
};
