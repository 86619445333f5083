/** What the readers of a light response make of the bytes of its body. */

export function parse(bytes: Buffer): unknown {
  // Of several marks, how many are dropped is the platform's matter.
  if (marks(bytes) > 1) return new Response(Uint8Array.from(bytes)).json();
  return JSON.parse(decode(bytes) as string);
}

/** UTF-8 as fetch decodes it: without a byte order mark. */
export function decode(bytes: Buffer): string | Promise<string> {
  const found = marks(bytes);
  if (found > 1) return new Response(Uint8Array.from(bytes)).text();
  return bytes.toString('utf8', 3 * found);
}

/** Byte order marks at the beginning; it does not count beyond two. */
function marks(bytes: Buffer): number {
  if (bytes[0] !== 0xef || bytes[1] !== 0xbb || bytes[2] !== 0xbf) return 0;
  return bytes[3] === 0xef && bytes[4] === 0xbb && bytes[5] === 0xbf ? 2 : 1;
}

/** A buffer of its own: what the transport hands up is a view of the socket's. */
export function copy(bytes: Buffer): Uint8Array<ArrayBuffer> {
  const own = new Uint8Array(bytes.length);
  own.set(bytes);
  return own;
}

export function copyOfMemory(bytes: Buffer): ArrayBuffer {
  return copy(bytes).buffer;
}
