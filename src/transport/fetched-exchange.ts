/** One attempt through a fetch of the user's. */
import type { Attempt } from '../core/attempt.js';
import * as drive from '../core/drive.js';
import { failure, type Failure } from '../core/failure.js';
import {
  discardAnswer,
  fetchedAnswer,
  type FetchedAnswer,
  type PieceReader,
} from './fetched-answer.js';
import { fetchedRequest, type FetchedRequest } from './fetched-request.js';
import type { RelayedExchange, RelaySlot } from './relay.js';
import { beneath, relayedFailure } from './relayed-failure.js';

/** Calls the function of the user's; whatever it throws at once is a rejection. */
export type Send = (request: FetchedRequest) => Promise<unknown>;

export class FetchedExchange implements RelayedExchange {
  readonly #send: Send;
  readonly #attempt: Attempt;
  readonly #slot: RelaySlot;
  readonly #controller = new AbortController();
  #body: PieceReader | undefined = undefined;
  #hasHead = false;
  #isPaused = false;
  #isReading = false;
  #over = false;

  constructor(send: Send, attempt: Attempt, slot: RelaySlot) {
    this.#send = send;
    this.#attempt = attempt;
    this.#slot = slot;
  }

  /** There is no telling when it has a connection: the time of the try begins at once. */
  begin(): void {
    drive.connected(this.#attempt);
    // A hook may have ended it.
    if (this.#over) return;
    let request: FetchedRequest;
    try {
      request = fetchedRequest(this.#attempt, this.#controller.signal, () => {
        if (!this.#over) drive.sent(this.#attempt);
      });
    } catch (error) {
      this.#fail(failure('unsendable', undefined, error, false));
      return;
    }
    this.#send(request).then(
      (answer) => this.#answered(answer),
      (error: unknown) => this.#broke(error),
    );
  }

  cancel(reason: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#stop(reason);
    this.#slot.withdraw();
  }

  cut(error: Error): void {
    if (this.#over) return;
    this.#broke(error);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    if (!this.#over && this.#hasHead) void this.#read();
  }

  #answered(value: unknown): void {
    if (this.#over) {
      discardAnswer(value);
      return;
    }
    let answer: FetchedAnswer;
    try {
      answer = fetchedAnswer(value);
    } catch (error) {
      discardAnswer(value);
      this.#fail(failure('invalid', undefined, error, true));
      return;
    }
    this.#body = answer.body;
    this.#hasHead = true;
    drive.head(this.#attempt, answer.status, answer.statusText, answer.rawHeaders);
    void this.#read();
  }

  async #read(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      while (this.#mayRead) {
        const { done, piece } = (await this.#body?.read()) ?? NOTHING_MORE;
        if (this.#over) return;
        if (done) this.#end();
        else if (piece.length > 0 && !drive.data(this.#attempt, piece)) this.#isPaused = true;
      }
    } catch (error) {
      this.#broke(error);
    } finally {
      this.#isReading = false;
    }
  }

  get #mayRead(): boolean {
    return !this.#over && !this.#isPaused;
  }

  #end(): void {
    this.#over = true;
    this.#slot.release();
    drive.end(this.#attempt, []);
  }

  #broke(error: unknown): void {
    if (this.#over) return;
    const { bodyError } = this.#attempt.call;
    this.#fail(relayedFailure(beneath(error), { sent: true, hasHead: this.#hasHead, bodyError }));
  }

  #fail(reason: Failure): void {
    if (this.#over) return;
    this.#over = true;
    this.#stop(reason.cause);
    this.#slot.fail(reason);
    drive.fail(this.#attempt, reason);
  }

  /** Whoever still works for it hears that nobody waits. */
  #stop(reason: unknown): void {
    this.#controller.abort(
      reason instanceof Error ? reason : new Error('cancelled', { cause: reason }),
    );
    this.#body?.cancel();
  }
}

const NOTHING_MORE = { done: true, piece: Buffer.alloc(0) };
