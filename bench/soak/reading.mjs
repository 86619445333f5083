/**
 * What callers do with an answer. A way of reading gives the body back where it has read all of it as it was sent; some
 * stop halfway, and some let the answer lie, which is then collected as garbage.
 */
import { Readable } from 'node:stream';
import { arrayBuffer } from 'node:stream/consumers';
import { inspect } from 'node:util';

/** @typedef {Uint8Array | ArrayBuffer | string | undefined} Read */

/** @param {ReadableStream<Uint8Array> | null} stream */
async function allOf(stream) {
  const pieces = [];
  for await (const piece of /** @type {any} */ (stream ?? [])) pieces.push(piece);
  return Buffer.concat(pieces);
}

/**
 * Reads about the first half of what comes in the first pieces.
 * @param {ReadableStream<Uint8Array> | null} stream
 */
async function someOf(stream) {
  const reader = stream?.getReader();
  await reader?.read();
  await reader?.read();
  return reader;
}

/** @param {ReadableStream<Uint8Array> | null} stream */
async function readByob(stream) {
  const reader = stream?.getReader({ mode: 'byob' });
  const pieces = [];
  for (;;) {
    const { done, value } = (await reader?.read(new Uint8Array(30_000))) ?? { done: true };
    if (value !== undefined) pieces.push(Buffer.from(value));
    if (done) return Buffer.concat(pieces);
  }
}

/** @param {Response} response */
async function throughPipe(response) {
  /** @type {Uint8Array[]} */
  const pieces = [];
  const sink = new WritableStream({ write: (piece) => void pieces.push(piece) });
  await response.body?.pipeTo(sink);
  return Buffer.concat(pieces);
}

/**
 * In full.
 * @type {Readonly<Record<string, (response: Response) => Promise<Read>>>}
 */
const whole = {
  text: (response) => response.text(),
  arrayBuffer: (response) => response.arrayBuffer(),
  // Node 20 has no `bytes` on its own answers.
  bytes: (response) => /** @type {any} */ (response).bytes?.() ?? response.arrayBuffer(),
  blob: async (response) => (await response.blob()).arrayBuffer(),
  'for await': (response) => allOf(response.body),
  byob: (response) => readByob(response.body),
  'a pipe': throughPipe,
  "a stream of Node's": (response) =>
    response.body === null
      ? Promise.resolve('')
      : arrayBuffer(Readable.fromWeb(/** @type {any} */ (response.body))),
  'another Response': (response) => new Response(response.body, response).text(),
  async 'two clones'(response) {
    const [one, other] = await Promise.all([response.clone().text(), response.text()]);
    if (one !== other) throw new Error('the clones differ');
    return one;
  },
  'a clone, the other is left': (response) => response.clone().text(),
  async 'a tee, one branch cancelled'(response) {
    if (response.body === null) return '';
    const [one, other] = response.body.tee();
    const reading = allOf(one);
    await other.cancel();
    return reading;
  },
  async 'inspected before'(response) {
    inspect(response);
    return response.text();
  },
  async twice(response) {
    const text = await response.text();
    await response.text().catch(() => {});
    return text;
  },
};

/**
 * Not to the end, and says so.
 * @type {Readonly<Record<string, (response: Response) => Promise<Read>>>}
 */
const partly = {
  async 'cancelled at once'(response) {
    await response.body?.cancel();
    return undefined;
  },
  async 'half, then cancelled'(response) {
    const reader = await someOf(response.body);
    await reader?.cancel(new Error('enough'));
    return undefined;
  },
  async 'half, by a loop that breaks'(response) {
    for await (const _ of /** @type {any} */ (response.body ?? [])) break;
    return undefined;
  },
  async 'a clone read in half, both cancelled'(response) {
    const copy = response.clone();
    const reader = await someOf(copy.body);
    await Promise.all([reader?.cancel(), response.body?.cancel()]);
    return undefined;
  },
  async 'a tee read in half, both cancelled'(response) {
    if (response.body === null) return undefined;
    const [one, other] = response.body.tee();
    const reader = await someOf(one);
    await Promise.all([reader?.cancel(), other.cancel()]);
    return undefined;
  },
};

/**
 * Nobody ever comes back to it.
 * @type {Readonly<Record<string, (response: Response) => Promise<Read>>>}
 */
const left = {
  'left untouched': () => Promise.resolve(undefined),
  async 'its stream looked at'(response) {
    void response.body;
    return undefined;
  },
  async 'its headers looked at'(response) {
    void [...response.headers];
    return undefined;
  },
  async 'half read, left'(response) {
    await someOf(response.body);
    return undefined;
  },
  async 'a clone, both left'(response) {
    response.clone();
    return undefined;
  },
  async 'a clone half read, both left'(response) {
    await someOf(response.clone().body);
    return undefined;
  },
};

export const reads = { whole, partly, left };
