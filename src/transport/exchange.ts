/** One attempt on the wire: the handler that undici calls, which reports to the driver. */
import type { Attempt, Exchange } from '../core/attempt.js';
import * as drive from '../core/drive.js';
import { failure, type Failure } from '../core/failure.js';
import { headerValue } from '../core/raw-headers.js';
import type { RawHeader } from '../core/reply.js';
import { isHandshakeRefusal } from './secure-socket.js';

/** What an exchange does with the connection it is on. */
export interface ExchangeConnection {
  /** The exchange has ended well. */
  release(answer: readonly RawHeader[]): void;
  /** The exchange is cancelled. */
  withdraw(): void;
  /** The exchange has failed: the connection cannot serve again. */
  fail(): void;
  /** The connection was found closed before anything was written of the attempt: another one shall have it. */
  passOn(attempt: Attempt): void;
  /** So many times something has been read of it. */
  readonly reads: number;
  /** From here to the end of the exchange nobody holds what is read of it. */
  lend(): void;
  /** Nothing more is read for now; what has been read already still comes. */
  hold(): void;
  goOn(): void;
}

/**
 * It never pauses undici's parser, which cannot bear that the connection ends meanwhile: it fails an assertion that
 * nobody can catch. What is paused is the reading of the socket.
 *
 * Speaks undici 7's own generation of handler methods. The newer one would be wrapped again inside undici,
 * which parses headers that nobody may read and makes a controller for each request.
 */
export class WireExchange implements Exchange {
  readonly #attempt: Attempt;
  readonly #connection: ExchangeConnection;
  #abort: ((reason?: Error) => void) | undefined = undefined;
  #paused = false;
  #hasHead = false;
  #hasLent = false;
  #headRead = -1;
  #over = false;

  constructor(attempt: Attempt, connection: ExchangeConnection) {
    this.#attempt = attempt;
    this.#connection = connection;
  }

  get over(): boolean {
    return this.#over;
  }

  cancel(reason: unknown): void {
    if (this.#over) return;
    this.#over = true;
    const error = reason instanceof Error ? reason : new Error('cancelled', { cause: reason });
    this.#abort?.(error);
    this.#connection.withdraw();
  }

  pause(): void {
    if (this.#paused || this.#over) return;
    this.#paused = true;
    this.#connection.hold();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#connection.goOn();
  }

  onConnect(abort: (reason?: Error) => void): void {
    this.#abort = abort;
    drive.connected(this.#attempt);
  }

  onBodySent(): void {
    drive.sent(this.#attempt);
  }

  onHeaders(status: number, headers: Buffer[], _resume: () => void, statusText: string): true {
    // 1xx heads come this way too; the answer is still to come.
    if (status < 200 || this.#over) return true;
    this.#hasHead = true;
    this.#headRead = this.#connection.reads;
    drive.head(this.#attempt, status, statusText, headers);
    return true;
  }

  onData(chunk: Buffer): true {
    if (this.#over) return true;
    const { receiver } = this.#attempt.call;
    if (!drive.data(this.#attempt, chunk)) this.pause();
    if (receiver.borrows === true && !this.#hasLent) this.#lend();
    return true;
  }

  /** A body of a known length has no trailers, whose pieces undici would hold. */
  #lend(): void {
    this.#hasLent = true;
    const isCounted = headerValue(this.#attempt.rawHeaders, 'content-length') !== undefined;
    if (isCounted && this.#attempt.phase === 'accepted') this.#connection.lend();
  }

  /** Undici takes a reset for the end of a body that has no length. */
  onSocketError(error: Error): void {
    // What its parser refuses it reports itself, a turn later: what came with the head would reach a fetch too early.
    if (this.#hasHead && error.name !== 'HTTPParserError') this.onError(error);
  }

  onComplete(trailers: RawHeader[] | null): void {
    if (this.#over) return;
    this.#over = true;
    this.resume();
    this.#connection.release(this.#attempt.rawHeaders);
    drive.end(this.#attempt, trailers ?? [], this.#headRead === this.#connection.reads);
  }

  onError(error: Error): void {
    if (this.#over) return;
    this.#over = true;
    const reason = this.#classify(error);
    if (reason === undefined) {
      this.#connection.passOn(this.#attempt);
    } else {
      this.#connection.fail();
      drive.fail(this.#attempt, reason);
    }
  }

  /** Undefined when the connection was closed, and nothing of the request was written. */
  #classify(error: Error & { code?: string }): Failure | undefined {
    const code = error.code ?? '';
    const { bodyError } = this.#attempt.call;
    if (bodyError !== undefined && (error === bodyError || UNSENDABLE.has(code))) {
      return failure('invalid', undefined, bodyError, this.#abort !== undefined);
    }
    // Over HTTP/1.1 an error before the connection was handed over means: nothing was written.
    const sent = this.#abort !== undefined;
    // The file behind a blob has changed.
    const isUnreadable = error.name === 'NotReadableError';
    if (isUnreadable || UNSENDABLE.has(code)) return failure('unsendable', undefined, error, sent);
    if (!sent) {
      return this.#attempt.reused ? undefined : failure('connect-failure', 'UF', error, false);
    }
    if (this.#hasHead) return failure('body-cut', 'UPE', error, true);
    if (!this.#attempt.reused && isHandshakeRefusal(code)) {
      return failure('connect-failure', 'UF', error, false);
    }
    return error.name === 'HTTPParserError' || code === 'UND_ERR_HEADERS_OVERFLOW'
      ? failure('protocol-error', 'UPE', error, true)
      : failure('reset', 'UC', error, true);
  }
}

/** What undici answers to a request that it cannot write. */
export const UNSENDABLE: ReadonlySet<string> = new Set([
  'UND_ERR_INVALID_ARG',
  'UND_ERR_NOT_SUPPORTED',
  'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_ABORTED',
  'ERR_OUTRIGGER_BODY_NOT_KEPT',
]);
