/** Writes the body of a request into a stream of HTTP/2, no faster than it is taken. */
import type { ClientHttp2Stream } from 'node:http2';
import { RequestContentLengthMismatchError } from 'undici/lib/core/errors.js';
import type { Content } from './http2-headers.js';

/**
 * In bytes. Node counts what has been handed over and not sent, and above 10 MB in all resets the streams that are
 * answered.
 */
const PIECE = 64 * 1024;

/**
 * Tells of each piece that has been taken. Rejects with what the body throws, or when it is not as long as was
 * promised; a stream that breaks is heard of elsewhere, and ends it.
 */
export async function writeBody(
  stream: ClientHttp2Stream,
  content: Content,
  promised: number | undefined,
  tell: () => void,
): Promise<void> {
  const whole = typeof content === 'string' ? Buffer.from(content) : content;
  if (whole instanceof Uint8Array && whole.byteLength <= PIECE) {
    stream.end(whole, tell);
    return;
  }
  let left = promised ?? Number.POSITIVE_INFINITY;
  for await (const chunk of chunksOf(whole)) {
    if (!stream.writable) return;
    left -= chunk.byteLength;
    if (left < 0) throw new RequestContentLengthMismatchError();
    if (chunk.byteLength > 0 && !stream.write(chunk)) await drained(stream);
    tell();
  }
  if (promised !== undefined && left > 0 && stream.writable) {
    throw new RequestContentLengthMismatchError();
  }
  stream.end();
}

function chunksOf(
  content: Exclude<Content, string>,
): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
  if (content instanceof Uint8Array) return piecesOf(content);
  return content instanceof Blob ? content.stream() : content;
}

function* piecesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += PIECE) yield bytes.subarray(at, at + PIECE);
}

/** Resolves also when the stream is closed. */
function drained(stream: ClientHttp2Stream): Promise<void> {
  return new Promise((resolve) => {
    const goOn = (): void => {
      stream.off('drain', goOn).off('close', goOn);
      resolve();
    };
    stream.on('drain', goOn).on('close', goOn);
  });
}
