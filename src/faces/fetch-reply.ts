/** The fast path's side of a call: gathers the body, and serves whoever reads it. */
import type { Call } from '../core/call.js';
import { abort } from '../core/drive.js';
import { toError } from '../core/errors.js';
import { headerValue } from '../core/raw-headers.js';
import type { Failure } from '../core/failure.js';
import type { LocalReply, Receiver, Reply } from '../core/reply.js';
import { localReplyFor } from './local-reply.js';
import type { Signals } from './signals.js';

/** Bytes that are taken in before anybody reads; then the exchange pauses. The platform's fetch does the same. */
const UNREAD_LIMIT = 64 * 1024;

/** In bytes: a body that is shorter comes in one piece, mostly. */
const LEAST_GATHERED = 4 * 1024;
/** In bytes: a server may say what it likes. */
const MOST_GATHERED = 16 * 1024 * 1024;

/** Somebody who takes the body piece by piece. */
export interface BodySink {
  /** False asks for a pause. */
  data(chunk: Buffer): boolean;
  /** It keeps nothing of a chunk. */
  readonly borrows?: boolean;
  end(): void;
  fail(error: unknown): void;
}

/** What the face does with an answer. */
export interface ReplyHost {
  readonly signals: Signals;
  readonly respondLocally: boolean;
  /** The response object for a head; undefined where the call of another reply will bring it. */
  respond(reply: FetchReply): Response | Promise<Response> | undefined;
  /** Cancels replies whose holder, a response or its stream, has been garbage-collected with the body unread. */
  readonly unread: FinalizationRegistry<FetchReply>;
}

const ignore = (): void => {};

export const READY = Promise.resolve();

const NONE: readonly FetchReply[] = [];

/** What is made of a whole body. */
export type Read<T> = (
  chunks: readonly Buffer[],
  size: number,
  /** Nobody else has them: one that holds all, in memory of its own. */
  isOwn: boolean,
) => T;

interface Reader {
  readonly read: Read<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export class FetchReply implements Receiver {
  call!: Call;
  head!: Reply;
  /** The calls of all hops, when the platform has gone on from here. */
  hops: readonly Call[] | undefined = undefined;
  /** Of the hops before this one, first to last. */
  before: readonly FetchReply[] = NONE;
  /** What the caller has asked with, when it was a `Request`: while it is held, its signal follows the caller's. */
  request: Request | undefined = undefined;
  /** How many of the call's headers the caller gave, as names and values; those behind them were added. */
  ownHeaders = 0;
  isLeft = false;
  /** See `HopAnswer`. */
  whenOver: (() => void) | undefined = undefined;
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
  /** In place of the chunks, once somebody waits for the whole of a body whose length is known. */
  #whole: Buffer | undefined = undefined;
  #size = 0;
  /** See `Receiver`. */
  borrows = false;
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

  /** What the body has broken off with. */
  get error(): unknown {
    return this.#failed?.error;
  }

  onHead(reply: Reply): void {
    this.head = reply;
    this.#hasHead = true;
    const response = this.#host.respond(this);
    if (response === undefined) return;
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
    if (this.#reader !== undefined) this.#gather(chunk);
    else this.#chunks.push(chunk);
    this.#size += chunk.length;
    return this.#reader !== undefined || this.#size <= UNREAD_LIMIT;
  }

  /** What is to become one piece is put together as it comes. */
  #gather(chunk: Buffer): void {
    const space = this.#whole ?? this.#spaceForAll();
    if (space !== undefined && this.#size + chunk.length <= space.length) {
      space.set(chunk, this.#size);
      return;
    }
    // Longer than was said, which the transport does not let through over HTTP/1.
    if (space !== undefined) this.#chunks.push(space.subarray(0, this.#size));
    this.#whole = undefined;
    this.#chunks.push(this.borrows ? Buffer.from(chunk) : chunk);
  }

  #spaceForAll(): Buffer | undefined {
    if (this.borrows) return undefined;
    const length = Number(headerValue(this.head.rawHeaders, 'content-length'));
    if (!(length >= LEAST_GATHERED && length <= MOST_GATHERED)) return undefined;
    // What a fetch or a dispatcher of the user's says need not be true.
    if (this.#size > length) return undefined;
    const whole = Buffer.allocUnsafeSlow(length);
    let place = 0;
    for (const chunk of this.#chunks) {
      whole.set(chunk, place);
      place += chunk.length;
    }
    this.#chunks = [];
    this.#whole = whole;
    this.borrows = true;
    return whole;
  }

  onEnd(): void {
    this.#ended = true;
    this.#release();
    if (this.#reader !== undefined) this.#finish(this.#reader);
    this.#sink?.end();
    this.whenOver?.();
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
    this.#letGoOfBody();
    this.#reader?.reject(error);
    if (this.#sink === undefined) this.#failUnread?.(error);
    else this.#sink.fail(error);
    this.whenOver?.();
  }

  /** Tells a stream that nobody has begun to read when its body breaks off. */
  onUnreadFailure(fail: (error: unknown) => void): void {
    this.#heedSignal();
    if (this.#failed === undefined) this.#failUnread = fail;
    else fail(this.#failed.error);
  }

  /** The whole body, once, through a function: at once if it is there, or when it is. */
  consume<T>(read: Read<T>): Promise<T> {
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
    this.borrows = sink.borrows === true;
    let open = true;
    for (const chunk of chunks) open = sink.data(chunk);
    if (this.#ended) sink.end();
    else if (open) this.head.resume();
    else this.head.pause();
  }

  /** The reply of the next hop, which brings what this one was to bring. */
  next(): FetchReply {
    const next = new FetchReply(this.#host, this.#resolve, this.#reject, this.signal);
    next.before = [...this.before, this];
    next.request = this.request;
    this.#resolve = ignore;
    this.#reject = ignore;
    return next;
  }

  /** It never became a call. */
  refuse(error: unknown): void {
    this.#reject(error);
  }

  /** Somebody else listens to the caller's signal from here on. */
  unwatch(): void {
    if (this.signal !== undefined) this.#host.signals.unwatch(this.signal, this.call);
  }

  /** Nobody wants the rest: its call goes on elsewhere. */
  leave(): void {
    this.isLeft = true;
    this.cancel(new Error('no longer wanted'));
  }

  /** The reader does not want the rest. */
  cancel(reason: unknown): void {
    abort(this.call, reason);
  }

  #finish(reader: Reader): void {
    const size = this.#size;
    const whole = this.#whole;
    const chunks = whole === undefined ? this.#chunks : [whole.subarray(0, size)];
    this.#letGoOfBody();
    try {
      reader.resolve(reader.read(chunks, size, whole?.length === size));
    } catch (error) {
      reader.reject(error);
    }
  }

  /** It is not listened to any more when the body has come; but the platform gives nothing of one that was not read. */
  #heedSignal(): void {
    if (this.signal?.aborted !== true) return;
    this.#failed ??= { error: orAborted(this.signal.reason) };
  }

  #letGoOfBody(): void {
    this.#chunks = [];
    this.#whole = undefined;
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
