/** Bodies that can be read once, in all the forms in which callers have them, read piece by piece. */
import { AsyncResource } from 'node:async_hooks';
import { IncomingMessage } from 'node:http';
import { PassThrough, type Readable, type Stream } from 'node:stream';
import { KeptBody, type ChunkReader } from '../core/kept-body.js';

type Chunks = AsyncIterable<unknown> | Iterable<unknown>;

/** A web stream, a stream of Node's or anything that can be iterated. Undefined for everything else. */
export function oneShotBody(value: object): KeptBody | undefined {
  if (value instanceof ReadableStream) return new KeptBody(webReader(value));
  if (isStream(value)) return streamBody(value);
  if (Symbol.asyncIterator in value || Symbol.iterator in value) {
    return new KeptBody(iterableReader(value as Chunks));
  }
  return undefined;
}

function webReader(stream: ReadableStream): ChunkReader {
  // Nobody else is to read it from here on. Where somebody does, reading it fails, and says so.
  let reader = stream.locked ? undefined : stream.getReader();
  const context = new AsyncResource('OutriggerBody');
  return {
    length: undefined,
    read: async () =>
      context.runInAsyncScope(async () => {
        reader ??= stream.getReader();
        return reader.read();
      }),
    cancel() {
      const reason = new Error('the request has ended');
      (reader ?? stream).cancel(reason).catch(ignore);
    },
  };
}

function streamBody(stream: Stream): KeptBody {
  const chunks = iterableReader({ [Symbol.asyncIterator]: () => iteratorOf(readableOf(stream)) });
  let length: number | undefined;
  let isAsked = false;
  const body = new KeptBody({
    get length() {
      if (!isAsked) length = lengthOf(stream);
      isAsked = true;
      return length;
    },
    read: () => chunks.read(),
    cancel() {
      // As undici does: its socket is the one on which the caller may want to answer.
      if (Object.getPrototypeOf(stream) === IncomingMessage.prototype) {
        (stream as unknown as { socket: unknown }).socket = null;
      }
      (stream as Partial<Readable>).destroy?.();
    },
  });
  // It may fail before it is read, and without a listener that would end the process.
  stream.on('error', (error) => body.fail(error));
  return body;
}

function iterableReader(source: Chunks): ChunkReader {
  const context = new AsyncResource('OutriggerBody');
  let iterator: AsyncIterator<unknown> | undefined;
  return {
    length: undefined,
    read: async () =>
      context.runInAsyncScope(() => {
        iterator ??= iteratorOf(source);
        return iterator.next();
      }),
    cancel() {
      // A generator that has not begun can be ended all the same; anything else has opened nothing yet.
      const open = iterator ?? (source as Partial<AsyncIterator<unknown>>);
      if (typeof open.return !== 'function') return;
      context.runInAsyncScope(async () => open.return?.()).catch(ignore);
    },
  };
}

function iteratorOf(source: Chunks): AsyncIterator<unknown> {
  return Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : awaited(source);
}

/** As undici reads what is no stream: a piece may be a promise. */
async function* awaited(source: Iterable<unknown>): AsyncGenerator {
  for (const piece of source) yield await piece;
}

function isStream(value: object): value is Stream {
  const { pipe, on } = value as Partial<Readable>;
  return typeof pipe === 'function' && typeof on === 'function';
}

/** Streams from before Node 0.10, of which some packages still make theirs, cannot be iterated. */
function readableOf(stream: Stream): AsyncIterable<unknown> {
  if (Symbol.asyncIterator in stream) return stream as AsyncIterable<unknown>;
  const through = new PassThrough();
  stream.on('error', (error) => through.destroy(error as Error));
  stream.pipe(through);
  // Some wait for it before they begin.
  (stream as Partial<Readable>).resume?.();
  return through;
}

/** Of a stream whose bytes are all there already, as undici looks for it: such a body goes out with a length. */
function lengthOf(stream: Stream): number | undefined {
  const readable = stream as Partial<Readable> & {
    _readableState?: { objectMode: boolean; ended: boolean; encoding: unknown; length: number };
  };
  const { _readableState: state } = readable;
  if (state === undefined) return undefined;
  // Lets it notice its end.
  readable.read?.(0);
  return state.ended && !state.objectMode && state.encoding == null ? state.length : undefined;
}

const ignore = (): void => {};
