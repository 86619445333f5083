/** The answer of a fetch of the user's, looked at before anything is made of it. */
import type { RawHeader } from '../core/reply.js';

/** Who reads a body, piece by piece. */
export interface PieceReader {
  read(): Promise<{ readonly done: boolean; readonly piece: Buffer }>;
  /** Nothing more is wanted. Never throws, never rejects. */
  cancel(): void;
}

export interface FetchedAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly rawHeaders: readonly RawHeader[];
  /** Undefined: there is none. */
  readonly body: PieceReader | undefined;
}

/** What a Response must have to be one, whatever its class: that of another realm, of node-fetch, of a mock. */
interface ResponseLike {
  readonly status: number;
  readonly statusText?: string;
  readonly type?: string;
  readonly headers: Iterable<[string, string]> & { getSetCookie?(): string[] };
  readonly body?: unknown;
}

/**
 * Its body has been decoded, so it goes on without its `content-encoding`, and without a length that is not its own.
 * @throws TypeError that says what is wrong with it
 */
export function fetchedAnswer(value: unknown): FetchedAnswer {
  if (!isResponseLike(value)) {
    throw new TypeError(`the option 'fetch' gave ${wordsFor(value)}, expected a Response`);
  }
  const { status, type } = value;
  if (type === 'opaqueredirect') {
    throw new TypeError(
      "the option 'fetch' gave an opaque redirect, of which nothing can be seen; expected the answer with its status and location, as Node gives it to redirect: 'manual'",
    );
  }
  if (!Number.isInteger(status) || status < 200 || status > 999) {
    throw new TypeError(
      `the option 'fetch' gave a Response of status ${status}, expected 200 to 999`,
    );
  }
  return {
    status,
    statusText: value.statusText ?? '',
    rawHeaders: rawHeadersOf(value.headers),
    body: pieceReader(value.body),
  };
}

/** Nobody waits for it any more. Never throws. */
export function discardAnswer(value: unknown): void {
  try {
    if (isResponseLike(value)) pieceReader(value.body)?.cancel();
  } catch {
    // It cannot even be read.
  }
}

function isResponseLike(value: unknown): value is ResponseLike {
  if (typeof value !== 'object' || value === null) return false;
  const { status, headers } = value as Partial<ResponseLike>;
  return typeof status === 'number' && typeof headers?.[Symbol.iterator] === 'function';
}

function wordsFor(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const { constructor: maker } = value as { readonly constructor?: unknown };
  return typeof maker === 'function' ? `an object of class ${maker.name}` : 'an object';
}

function rawHeadersOf(headers: ResponseLike['headers']): string[] {
  const all = [...headers].map(([name, value]): [string, string] => [name.toLowerCase(), value]);
  const isDecoded = all.some(([name]) => name === 'content-encoding');
  const left = isDecoded
    ? all.filter(([name]) => name !== 'content-encoding' && name !== 'content-length')
    : all;
  const cookies = headers.getSetCookie?.();
  if (cookies === undefined) return left.flat();
  return [
    ...left.filter(([name]) => name !== 'set-cookie').flat(),
    ...cookies.flatMap((cookie) => ['set-cookie', cookie]),
  ];
}

/** @throws TypeError for what no Response has */
function pieceReader(body: unknown): PieceReader | undefined {
  if (body === undefined || body === null) return undefined;
  if (typeof body === 'object') {
    if ('getReader' in body) return streamReader(body as ReadableStream<Uint8Array>);
    if (Symbol.asyncIterator in body) return iteratorReader(body as AsyncIterable<Uint8Array>);
  }
  const found = typeof body === 'string' ? 'text' : wordsFor(body);
  throw new TypeError(
    `the option 'fetch' gave an answer whose body is ${found}, expected a stream or null`,
  );
}

function streamReader(stream: ReadableStream<Uint8Array>): PieceReader {
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  return {
    async read() {
      reader ??= stream.getReader();
      const { done, value } = await reader.read();
      return { done, piece: bufferOf(value) };
    },
    cancel() {
      (reader ?? stream).cancel().catch(() => {});
    },
  };
}

/** A stream of Node's, which node-fetch gives. */
function iteratorReader(body: AsyncIterable<Uint8Array | string>): PieceReader {
  const pieces = body[Symbol.asyncIterator]();
  return {
    async read() {
      const next: IteratorResult<Uint8Array | string, undefined> = await pieces.next();
      return { done: next.done === true, piece: bufferOf(next.value) };
    },
    cancel() {
      // An iterator that was never asked would leave its stream open.
      if ('destroy' in body) (body as unknown as { destroy(): void }).destroy();
      pieces.return?.().catch(() => {});
    },
  };
}

const NOTHING = Buffer.alloc(0);

function bufferOf(piece: Uint8Array | string | undefined): Buffer {
  if (piece === undefined) return NOTHING;
  if (typeof piece === 'string') return Buffer.from(piece);
  return Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
}
