/** One attempt through a dispatcher of somebody else's. */
import type { Dispatcher } from 'undici';
import { ConnectTimeoutError } from 'undici/lib/core/errors.js';
import type { Attempt } from '../core/attempt.js';
import * as drive from '../core/drive.js';
import type { RawHeader } from '../core/reply.js';
import type { Runtime, Timer } from '../core/runtime.js';
import { BothHandlers, type DispatchListener } from './both-handlers.js';
import type { RelayedExchange, RelaySlot } from './relay.js';
import { relayedFailure } from './relayed-failure.js';

/** What a dispatcher is known by. */
export type Dispatching = Pick<Dispatcher, 'dispatch'>;

/** A time for its connection, where the dispatcher does not keep one. */
export interface ConnectTime {
  readonly runtime: Runtime;
  readonly milliseconds: number;
  /** It was over. */
  readonly timedOut: () => void;
}

const NO_HEAD = 'the dispatcher gave an answer without its head';

export class DispatchedExchange implements RelayedExchange, DispatchListener {
  readonly #dispatcher: Dispatching;
  readonly #attempt: Attempt;
  readonly #slot: RelaySlot;
  readonly #connectTime: ConnectTime | undefined;
  readonly #handlers: BothHandlers;
  #timer: Timer = undefined;
  #sent = false;
  #hasHead = false;
  #isPaused = false;
  #over = false;

  constructor(
    dispatcher: Dispatching,
    attempt: Attempt,
    slot: RelaySlot,
    connectTime?: ConnectTime,
  ) {
    this.#dispatcher = dispatcher;
    this.#attempt = attempt;
    this.#slot = slot;
    this.#connectTime = connectTime;
    this.#handlers = new BothHandlers(this);
  }

  begin(): void {
    const { call, endpoint, headers, body } = this.#attempt;
    const { wire } = call;
    this.#startTimer();
    try {
      this.#dispatcher.dispatch(
        {
          origin: originOf(endpoint?.url ?? ''),
          path: call.path,
          method: call.method,
          headers: recordOf(headers),
          body: body === undefined ? call.body : body.content,
          ...(wire?.reset === undefined ? {} : { reset: wire.reset }),
          ...(wire?.headersTimeout === undefined ? {} : { headersTimeout: wire.headersTimeout }),
          ...(wire?.bodyTimeout === undefined ? {} : { bodyTimeout: wire.bodyTimeout }),
          ...(wire?.expectContinue === undefined ? {} : { expectContinue: wire.expectContinue }),
        } as Dispatcher.DispatchOptions,
        this.#handlers as unknown as Dispatcher.DispatchHandler,
      );
    } catch (error) {
      this.failed(error);
    }
  }

  cancel(reason: unknown): void {
    if (this.#over) return;
    this.#end();
    this.#handlers.abort(
      reason instanceof Error ? reason : new Error('cancelled', { cause: reason }),
    );
    this.#slot.withdraw();
  }

  cut(error: Error): void {
    if (this.#over) return;
    this.failed(error);
    this.#handlers.abort(error);
  }

  pause(): void {
    if (this.#over) return;
    this.#isPaused = true;
    this.#handlers.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#handlers.resume();
  }

  started(): boolean {
    if (this.#over) return false;
    this.#stopTimer();
    this.#sent = true;
    drive.connected(this.#attempt);
    // A hook may have ended it, and has found nothing to abort yet where it was not known to be sent.
    return !this.#over;
  }

  bodySent(): void {
    if (!this.#over) drive.sent(this.#attempt);
  }

  head(status: number, statusText: string, rawHeaders: readonly RawHeader[]): boolean {
    if (this.#over) return true;
    this.#hasHead = true;
    drive.head(this.#attempt, status, statusText, rawHeaders);
    return !this.#isPaused;
  }

  data(chunk: Buffer): boolean {
    if (this.#over) return true;
    if (!this.#hasHead) {
      this.cut(new Error(NO_HEAD));
      return true;
    }
    if (!drive.data(this.#attempt, chunk)) this.#isPaused = true;
    return !this.#isPaused;
  }

  end(trailers: readonly RawHeader[]): void {
    if (this.#over) return;
    if (!this.#hasHead) {
      this.failed(new Error(NO_HEAD));
      return;
    }
    this.#end();
    this.#slot.release();
    drive.end(this.#attempt, trailers);
  }

  failed(error: unknown): void {
    if (this.#over) return;
    this.#end();
    const { bodyError } = this.#attempt.call;
    const reason = relayedFailure(error, { sent: this.#sent, hasHead: this.#hasHead, bodyError });
    this.#slot.fail(reason);
    drive.fail(this.#attempt, reason);
  }

  #end(): void {
    this.#over = true;
    this.#stopTimer();
  }

  #startTimer(): void {
    if (this.#connectTime === undefined) return;
    const { runtime, milliseconds, timedOut } = this.#connectTime;
    const inBackground = false;
    this.#timer = runtime.setTimer(
      () => {
        timedOut();
        const where = this.#attempt.endpoint?.url ?? '';
        this.failed(new ConnectTimeoutError(`no connection to ${where} within ${milliseconds} ms`));
      },
      milliseconds,
      inBackground,
    );
  }

  #stopTimer(): void {
    this.#connectTime?.runtime.clearTimer(this.#timer);
  }
}

/** @throws TypeError for a socket in the file system */
export function originOf(url: string): string {
  if (!url.startsWith('unix:')) return url;
  throw new TypeError(`${url} can only be reached by connections of our own`);
}

/** Names that come more than once have a list: proxies and mocks take headers for a plain object. */
function recordOf(headers: readonly string[]): Record<string, string | string[]> {
  const fields = new Map<string, [name: string, value: string | string[]]>();
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] as string;
    const value = headers[index + 1] as string;
    const field = fields.get(name.toLowerCase());
    if (field === undefined) fields.set(name.toLowerCase(), [name, value]);
    else field[1] = [field[1], value].flat();
  }
  return Object.fromEntries(fields.values());
}
