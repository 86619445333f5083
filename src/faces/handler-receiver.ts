/** The dispatcher face's side of a call: passes everything on to an undici handler. */
import { RequestAbortedError } from 'undici/lib/core/errors.js';
import type { Call } from '../core/call.js';
import { abort } from '../core/drive.js';
import { toError } from '../core/errors.js';
import type { Failure } from '../core/failure.js';
import type { RawHeader, Receiver, Reply } from '../core/reply.js';
import type { BodySink, FetchReply } from './fetch-reply.js';
import { localReplyFor } from './local-reply.js';
import { outletOf, type Outlet } from './outlet.js';

export class HandlerReceiver implements Receiver {
  call: Call | undefined = undefined;
  /** What the handler was told, when it failed by itself: not what the handler had aborted it with. */
  error: unknown = undefined;
  head: Reply | undefined = undefined;
  /** See `HopAnswer`. */
  whenOver: (() => void) | undefined = undefined;
  readonly #outlet: Outlet;
  readonly #respondLocally: boolean;
  #aborted: { readonly reason: unknown } | undefined = undefined;
  #settled = false;
  #isLeft = false;

  constructor(outlet: Outlet, respondLocally: boolean) {
    this.#outlet = outlet;
    this.#respondLocally = respondLocally;
  }

  /** Nothing more of the answer will come. */
  get isOver(): boolean {
    return this.#settled;
  }

  /** Introduces itself to the handler. False when the handler has aborted already, and has been told so. */
  begin(): boolean {
    this.#guard(() => {
      this.#outlet.start({
        abort: (reason) => this.#abort(reason),
        pause: () => this.head?.pause(),
        resume: () => this.head?.resume(),
      });
    });
    if (this.#aborted === undefined) return true;
    this.refuse(this.#aborted.reason);
    return false;
  }

  /** Settles a request that never became a call. */
  refuse(error: unknown): void {
    if (this.#settled) return;
    this.#settled = true;
    if (this.#aborted === undefined) this.error = error;
    this.#outlet.error(error);
  }

  /** The handler does not hear of anything any more, and what is still on its way to it is given up. */
  leave(): void {
    this.#settled = true;
    this.#isLeft = true;
    if (this.call !== undefined) abort(this.call, new Error('no longer wanted'));
  }

  onHead(reply: Reply): void {
    this.head = reply;
    if (this.#settled) return;
    this.#guard(() => {
      if (!this.#outlet.head(reply.status, reply.rawHeaders, reply.statusText)) reply.pause();
    });
  }

  onData(chunk: Buffer): boolean {
    if (this.#settled || this.#aborted !== undefined) return true;
    return this.#guard(() => this.#outlet.data(chunk)) !== false;
  }

  onEnd(trailers: readonly RawHeader[]): void {
    if (this.#settled) return;
    if (this.#aborted === undefined) this.#guard(() => this.#outlet.end(trailers));
    if (this.#aborted === undefined) this.#settled = true;
    else this.refuse(this.#aborted.reason);
    this.whenOver?.();
  }

  onFail(failure: Failure): void {
    const { call } = this;
    const local =
      this.#respondLocally && call !== undefined && this.head === undefined
        ? localReplyFor(call, failure)
        : undefined;
    if (local === undefined || call === undefined) {
      const error = call === undefined ? failure.cause : toError(call, failure);
      if (this.head === undefined || call === undefined) this.refuse(error);
      else this.#breakOff(call, error);
      this.whenOver?.();
      return;
    }
    call.localReply = local;
    this.onHead(local);
    this.onData(Buffer.from(local.body));
    this.onEnd([]);
  }

  /** Not in the turn of the head: undici never does, and a fetch that has just got it would not hear of it. */
  #breakOff({ chain }: Call, error: unknown): void {
    if (this.#settled) return;
    this.#settled = true;
    this.error = error;
    chain.runtime.defer(() => {
      if (!this.#isLeft) this.#outlet.error(error);
    });
  }

  #abort(reason: unknown = new RequestAbortedError()): void {
    this.#aborted ??= { reason };
    if (this.call !== undefined) abort(this.call, reason);
  }

  /** A handler that throws has aborted, as in undici. */
  #guard<T>(run: () => T): T | undefined {
    try {
      return run();
    } catch (error) {
      this.#abort(error);
      return undefined;
    }
  }
}

/** Lets a handler have an answer that has come already, from its head on. */
export function replay(reply: FetchReply, outlet: Outlet): void {
  const { head } = reply;
  outlet.start({
    abort: (reason) => reply.cancel(reason),
    pause: () => head.pause(),
    resume: () => head.resume(),
  });
  outlet.head(head.status, head.rawHeaders, head.statusText);
  const sink: BodySink = {
    data: (chunk) => reply.isLeft || outlet.data(chunk),
    end: () => {
      if (!reply.isLeft) outlet.end([]);
    },
    // Not in the turn of the head, as above.
    fail: (error) =>
      reply.call.chain.runtime.defer(() => {
        if (!reply.isLeft) outlet.error(error);
      }),
  };
  reply.pipe(sink);
}

/** The same of an answer whose body nobody wants any more. */
export function replayHead({ head }: FetchReply, outlet: Outlet): void {
  outlet.start({ abort() {}, pause() {}, resume() {} });
  outlet.head(head.status, head.rawHeaders, head.statusText);
  outlet.end([]);
}

/** Settles a request that was never made. */
export function failHandler(handler: object, error: unknown): void {
  const outlet = outletOf(handler);
  outlet.start({ abort() {}, pause() {}, resume() {} });
  outlet.error(error);
}
