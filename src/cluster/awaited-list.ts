/** The first list of endpoints, while it has not come: the calls that wait for it, and why it is late. */
import type { Alarm } from '../core/alarms.js';
import type { Call } from '../core/call.js';
import { describeCause } from '../core/explanation.js';
import { failure, type Failure } from '../core/failure.js';

interface WaitingCall {
  readonly goOn: (refusal: Failure | undefined) => void;
  /** Of a call that has no time of its own. */
  readonly alarm: Alarm | undefined;
}

export class AwaitedList {
  /** The name of the discovery that is to bring it. */
  discovery: string;
  /** Milliseconds that a call without a time of its own waits. */
  timeout: number;
  /** What the discovery has failed with last; undefined while it has not. */
  reason: unknown = undefined;
  readonly #waiting = new Map<Call, WaitingCall>();
  readonly #listeners = new Set<() => void>();
  #isOver = false;

  constructor(discovery: string, timeout: number) {
    this.discovery = discovery;
    this.timeout = timeout;
  }

  /** It has come. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Why there is no list, for a message. */
  get words(): string {
    const why = this.reason === undefined ? '' : `: ${describeCause(this.reason)}`;
    return `${this.discovery} has not answered yet${why}`;
  }

  /** For a call that begins: until the list comes, at most. */
  wait(call: Call): undefined | PromiseLike<undefined | Failure> {
    if (this.#isOver) return undefined;
    return new Promise((goOn) => {
      const isBounded = call.answerBy !== Number.POSITIVE_INFINITY;
      const end = call.chain.runtime.now() + this.timeout;
      const alarm = isBounded ? undefined : call.at(end, (late: Call) => this.#giveUp(late), call);
      this.#waiting.set(call, { goOn, alarm });
    });
  }

  /** The call has ended, or may go on. */
  leave(call: Call): void {
    this.#waiting.delete(call);
  }

  /** Calls back once, when the list has come; what it gives back takes that back. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The list is there: everybody goes on. */
  answered(): void {
    this.#isOver = true;
    for (const [call, { goOn, alarm }] of this.#waiting) {
      if (alarm !== undefined) call.chain.alarms.clear(alarm);
      goOn(undefined);
    }
    this.#waiting.clear();
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }

  #giveUp(call: Call): void {
    this.#waiting.get(call)?.goOn(failure('no-healthy-endpoint', 'UH', this.reason, false));
    this.#waiting.delete(call);
  }
}
