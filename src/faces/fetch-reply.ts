/** The fast path's side of a call: gathers the body, and serves whoever reads it. */
import type { Call } from '../core/call.js';
import { abort } from '../core/drive.js';
import { toError } from '../core/errors.js';
import type { Failure } from '../core/failure.js';
import type { LocalReply, Receiver, Reply } from '../core/reply.js';
import { localReplyFor } from './local-reply.js';
import type { Signals } from './signals.js';

/** Bytes that are taken in before anybody reads; then the exchange pauses. The platform's fetch does the same. */
const UNREAD_LIMIT = 64 * 1024;

/** Somebody who takes the body piece by piece. */
export interface BodySink {
  /** False asks for a pause. */
  data(chunk: Buffer): boolean;
  end(): void;
  fail(error: unknown): void;
}

/** What the face does with an answer. */
export interface ReplyHost {
  readonly signals: Signals;
  readonly respondLocally: boolean;
  /** The response object for a head. */
  respond(reply: FetchReply): Response | Promise<Response>;
  /** Cancels replies whose holder, a response or its stream, has been garbage-collected with the body unread. */
  readonly unread: FinalizationRegistry<FetchReply>;
}

const ignore = (): void => {};

const READY = Promise.resolve();

interface Reader {
  readonly read: (bytes: Buffer) => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export class FetchReply implements Receiver {
  call!: Call;
  head!: Reply;
  /** The calls of all hops, when the platform has gone on from here. */
  hops: readonly Call[] | undefined = undefined;
  /** How many of the call's headers the caller gave, as names and values; those behind them were added. */
  ownHeaders = 0;
  /** The body has been read, or somebody has begun to. */
  used = false;
  readonly #host: ReplyHost;
  #resolve: (response: Response | Promise<Response>) => void;
  #reject: (error: unknown) => void;
  readonly signal: AbortSignal | undefined;
  /**
   * Who would read the body. Held for the turn in which the answer comes, when most bodies end; from then on only
   * the holder's collection tells that nobody will come, so it is registered and let go.
   */
  #holder: object | undefined = undefined;
  #registered = false;
  #hasHead = false;
  #chunks: Buffer[] = [];
  #size = 0;
  #ended = false;
  #failed: { readonly error: unknown } | undefined = undefined;
  #reader: Reader | undefined = undefined;
  #sink: BodySink | undefined = undefined;
  #failUnread: ((error: unknown) => void) | undefined = undefined;

  constructor(
    host: ReplyHost,
    resolve: (response: Response | Promise<Response>) => void,
    reject: (error: unknown) => void,
    signal: AbortSignal | undefined,
  ) {
    this.#host = host;
    this.#resolve = resolve;
    this.#reject = reject;
    this.signal = signal;
  }

  /** Nothing more of the body will come. */
  get isOver(): boolean {
    return this.#ended || this.#failed !== undefined;
  }

  onHead(reply: Reply): void {
    this.head = reply;
    this.#hasHead = true;
    const response = this.#host.respond(this);
    if (!(response instanceof Promise)) this.#holder = response;
    this.#resolve(response);
    // queueMicrotask makes an async resource for each.
    if (this.#holder !== undefined) void READY.then(() => this.#letGo());
    // The promise holds the response, which must stay collectable.
    this.#resolve = ignore;
    this.#reject = ignore;
  }

  onData(chunk: Buffer): boolean {
    if (this.#sink !== undefined) return this.#sink.data(chunk);
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    return this.#reader !== undefined || this.#size <= UNREAD_LIMIT;
  }

  onEnd(): void {
    this.#ended = true;
    this.#release();
    if (this.#reader !== undefined) this.#finish(this.#reader);
    this.#sink?.end();
  }

  onFail(failure: Failure): void {
    this.#release();
    if (!this.#hasHead) {
      const local = this.#host.respondLocally ? localReplyFor(this.call, failure) : undefined;
      if (local === undefined) this.#reject(toError(this.call, failure));
      else this.#takeLocal(local);
      return;
    }
    const error =
      failure.kind === 'aborted' ? orAborted(failure.cause) : toError(this.call, failure);
    this.#failed = { error };
    this.#chunks = [];
    this.#reader?.reject(error);
    if (this.#sink === undefined) this.#failUnread?.(error);
    else this.#sink.fail(error);
  }

  /** Tells a stream that nobody has begun to read when its body breaks off. */
  onUnreadFailure(fail: (error: unknown) => void): void {
    this.#heedSignal();
    if (this.#failed === undefined) this.#failUnread = fail;
    else fail(this.#failed.error);
  }

  /** The whole body, once, through a function: at once if it is there, or when it is. */
  consume<T>(read: (bytes: Buffer) => T): Promise<T> {
    this.#heedSignal();
    this.used = true;
    // From here on the reader stands for itself; its response may be gone.
    this.#forget();
    return new Promise<T>((resolve, reject) => {
      const reader = { read, resolve: resolve as (value: unknown) => void, reject };
      if (this.#failed !== undefined) reject(this.#failed.error);
      else if (this.#ended) this.#finish(reader);
      else {
        this.#reader = reader;
        this.head.resume();
      }
    });
  }

  /** From here on another object stands for whoever reads the body. */
  handTo(holder: object): void {
    this.#forget();
    if (this.#ended || this.#failed !== undefined) return;
    this.#holder = holder;
    this.#letGo();
  }

  /** Hands the body over piece by piece, from its first byte. */
  pipe(sink: BodySink): void {
    this.used = true;
    this.#heedSignal();
    if (this.#failed !== undefined) {
      sink.fail(this.#failed.error);
      return;
    }
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#sink = sink;
    let open = true;
    for (const chunk of chunks) open = sink.data(chunk);
    if (this.#ended) sink.end();
    else if (open) this.head.resume();
    else this.head.pause();
  }

  /** Somebody else listens to the caller's signal from here on. */
  unwatch(): void {
    if (this.signal !== undefined) this.#host.signals.unwatch(this.signal, this.call);
  }

  /** The reader does not want the rest. */
  cancel(reason: unknown): void {
    abort(this.call, reason);
  }

  #finish(reader: Reader): void {
    const bytes =
      this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
    this.#chunks = [];
    try {
      reader.resolve(reader.read(bytes));
    } catch (error) {
      reader.reject(error);
    }
  }

  /** It is not listened to any more when the body has come; but the platform gives nothing of one that was not read. */
  #heedSignal(): void {
    if (this.signal?.aborted !== true) return;
    this.#failed ??= { error: orAborted(this.signal.reason) };
  }

  #letGo(): void {
    if (this.#holder === undefined) return;
    this.#host.unread.register(this.#holder, this, this);
    this.#registered = true;
    this.#holder = undefined;
  }

  #forget(): void {
    this.#holder = undefined;
    if (!this.#registered) return;
    this.#registered = false;
    this.#host.unread.unregister(this);
  }

  #release(): void {
    this.#forget();
    this.unwatch();
  }

  #takeLocal(local: LocalReply): void {
    this.call.localReply = local;
    this.onHead(local);
    this.onData(Buffer.from(local.body));
    this.onEnd();
  }
}

/** In the body, the platform puts an error of its own in the place of a reason that is none. */
function orAborted(reason: unknown): unknown {
  return Boolean(reason) ? reason : new DOMException('The operation was aborted.', 'AbortError');
}

/** The URL that was asked, which is the service's, not the endpoint's. */
export function urlOf(call: Call): string {
  return call.chain.upstream.service.origin + call.path;
}
