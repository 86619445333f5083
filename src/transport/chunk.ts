/** A piece of what a socket has brought, kept for as long as somebody holds a part of it. */
import { markAsUntransferable } from 'node:worker_threads';

/** As much as Node's own pool: whoever holds a header of an answer holds all of that. */
const SLAB_SIZE = 8 * 1024;
/** So that the next chunk begins where processors like it. */
const ALIGNMENT = 8;

let slab: ArrayBufferLike = new ArrayBuffer(0);
let used = 0;

/**
 * A Buffer in all but this: it knows its `buffer`. Undici asks for that with each header, and V8 finds it out anew each
 * time by a call into native code.
 */
class Chunk extends Uint8Array {
  readonly #buffer: ArrayBufferLike;

  constructor(buffer: ArrayBufferLike, offset: number, length: number) {
    super(buffer as ArrayBuffer, offset, length);
    this.#buffer = buffer;
  }

  override get buffer(): ArrayBuffer {
    return this.#buffer as ArrayBuffer;
  }
}
Object.setPrototypeOf(Chunk.prototype, Buffer.prototype as object);

/** A copy of its own. */
export function chunkOf(bytes: Uint8Array): Buffer {
  const { length } = bytes;
  const chunk = chunkFor(length);
  chunk.set(bytes);
  return chunk as unknown as Buffer;
}

function chunkFor(length: number): Chunk {
  // A long one has its own memory, which goes with it.
  if (length > SLAB_SIZE / 2) return new Chunk(Buffer.allocUnsafeSlow(length).buffer, 0, length);
  if (used + length > slab.byteLength) {
    slab = Buffer.allocUnsafeSlow(SLAB_SIZE).buffer;
    // Whoever gave a piece to another thread would take away what other answers hold, as with Node's own pool.
    markAsUntransferable(slab);
    used = 0;
  }
  const chunk = new Chunk(slab, used, length);
  used += Math.ceil(length / ALIGNMENT) * ALIGNMENT;
  return chunk;
}
