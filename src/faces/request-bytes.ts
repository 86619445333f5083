/** The bytes that a `Request` sends, where the platform has them all and sends how many there are. */
import { platformClass } from './platform-class.js';

/** In bytes: what is longer is not gathered, but left to the platform to send as it reads. */
const LIMIT = 256 * 1024;

/**
 * Uses the request up, as fetch does. Gives back its bytes; or the request that the platform is to send, with a body as
 * that of the given one.
 */
export async function requestBytes(
  request: Request,
  method: string,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer> | Request> {
  const Platform = platformClass(Request);
  let taken: Request;
  try {
    // In this mode no request is made of a stream, and nothing is read of it: so the platform tells it from bytes.
    taken = new Platform(request, { mode: 'no-cors', method: 'POST' });
  } catch {
    return request;
  }
  const bytes = await allBytes(taken.clone().body as ReadableStream<Uint8Array<ArrayBuffer>>);
  return bytes ?? new Platform(taken, { mode: 'cors', method, signal: signal ?? null });
}

/** Undefined where there are too many, or one cannot be read. */
async function allBytes(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const reader = stream.getReader();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, size);
      chunks.push(value);
      size += value.length;
      if (size > LIMIT) break;
    }
  } catch {
    return undefined;
  }
  // It ends when the other copy does.
  reader.cancel().catch(ignore);
  return undefined;
}

const ignore = (): void => {};
