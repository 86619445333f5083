/** A long body that is there as a whole, handed over in pieces: an idle timeout sees how far it has come. */
import type { OpenedBody, RequestBody } from '../core/body.js';
import type { Call } from '../core/call.js';

/** In bytes. Undici tells of each piece when it has been written. */
const PIECE = 64 * 1024;

/** Undefined where nobody looks at the progress, or there is none to be seen. */
export function inPieces({ body, policy }: Call): OpenedBody | undefined {
  const isWatched = policy.timeout.idle > 0 || (policy.retry?.perTryIdleTimeout ?? 0) > 0;
  if (!isWatched || !isLong(body)) return undefined;
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  let finished = false;
  // eslint-disable-next-line @typescript-eslint/require-await -- undici tells of pieces as they are drained
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE);
    finished = true;
  }
  return {
    content: pieces(),
    type: undefined,
    length: bytes.length,
    get finished() {
      return finished;
    },
    end() {},
  };
}

function isLong(body: RequestBody | null): body is string | Uint8Array {
  return (typeof body === 'string' || body instanceof Uint8Array) && body.length > PIECE;
}
