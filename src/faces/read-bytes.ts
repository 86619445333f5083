/** What the readers of a light response make of the bytes of its body, which has come in pieces. */
import type { Read } from './fetch-reply.js';

export const parse: Read<unknown> = (chunks, size) => {
  const bytes = joined(chunks, size);
  // Of several marks, how many are dropped is the platform's matter.
  if (marks(bytes) > 1) return new Response(Uint8Array.from(bytes)).json();
  return JSON.parse(text(bytes));
};

/** UTF-8 as fetch decodes it: without a byte order mark. */
export const decode: Read<string | Promise<string>> = (chunks, size) => {
  const bytes = joined(chunks, size);
  if (marks(bytes) > 1) return new Response(Uint8Array.from(bytes)).text();
  return text(bytes);
};

/** Bytes of their own: what the transport hands up are views of the socket's. */
export const copy: Read<Uint8Array<ArrayBuffer>> = (chunks, size, isOwn) => {
  if (isOwn) return new Uint8Array((chunks[0] as Buffer<ArrayBuffer>).buffer);
  // It is all written over: zeros in it would be for nothing.
  const own = new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
  let place = 0;
  for (const chunk of chunks) {
    own.set(chunk, place);
    place += chunk.length;
  }
  return own;
};

export const copyOfMemory: Read<ArrayBuffer> = (chunks, size, isOwn) =>
  copy(chunks, size, isOwn).buffer;

function joined(chunks: readonly Buffer[], size: number): Buffer {
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size);
}

function text(bytes: Buffer): string {
  return bytes.toString('utf8', 3 * marks(bytes));
}

/** Byte order marks at the beginning; it does not count beyond two. */
function marks(bytes: Buffer): number {
  if (bytes[0] !== 0xef || bytes[1] !== 0xbb || bytes[2] !== 0xbf) return 0;
  return bytes[3] === 0xef && bytes[4] === 0xbb && bytes[5] === 0xbf ? 2 : 1;
}
