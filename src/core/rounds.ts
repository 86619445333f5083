/** What comes after a first failure: one round per further attempt, driven by p-retry. */
import pRetry from 'p-retry';
import type { Call } from './call.js';
import type { Timer } from './runtime.js';

/** The verdict "another attempt", thrown to p-retry. An Error, and no TypeError: those it does not retry. */
class Again extends Error {
  constructor(readonly after: number) {
    super('another attempt');
  }
}

export class Rounds {
  /** Verdicts that came while no round was waiting for one. */
  #offered: Again[] = [];
  #planned = 0;
  #settle: ((again: Again | undefined) => void) | undefined = undefined;
  #pause: { timer: Timer; end: () => void } | undefined = undefined;
  readonly #call: Call;

  constructor(call: Call) {
    this.#call = call;
  }

  /** True while a further attempt is promised and has not started. */
  get planned(): boolean {
    return this.#planned > 0;
  }

  /** Plans one more attempt after so many milliseconds. */
  offer(after: number): void {
    this.#planned += 1;
    const again = new Again(after);
    const settle = this.#settle;
    if (settle === undefined) {
      this.#offered.push(again);
    } else {
      this.#settle = undefined;
      settle(again);
    }
  }

  /** The call has been decided: nothing further starts. */
  stop(): void {
    this.#offered = [];
    this.#planned = 0;
    this.#settle?.(undefined);
    const pause = this.#pause;
    if (pause !== undefined) {
      this.#call.chain.runtime.clearTimer(pause.timer);
      pause.end();
    }
  }

  /** Runs the rounds until the call has been decided. Its first verdict must have been offered. */
  async play(startAttempt: (call: Call) => void): Promise<void> {
    const call = this.#call;
    await this.#wait(this.#offered.shift());
    await pRetry(
      async () => {
        if (call.over) return;
        this.#planned -= 1;
        startAttempt(call);
        const again = await this.#next();
        if (again !== undefined) throw again;
      },
      {
        // How many there may be is for the layers to say: their verdicts are the limit.
        retries: Number.POSITIVE_INFINITY,
        minTimeout: 0,
        onFailedAttempt: async ({ error }) => {
          if (!(error instanceof Again)) throw error;
          await this.#wait(error);
        },
      },
    );
  }

  #next(): Promise<Again | undefined> | Again | undefined {
    if (this.#call.over || this.#offered.length > 0) return this.#offered.shift();
    return new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  #wait(again: Again | undefined): Promise<void> | undefined {
    if (again === undefined || again.after <= 0 || this.#call.over) return undefined;
    return new Promise((resolve) => {
      const end = (): void => {
        this.#pause = undefined;
        resolve();
      };
      this.#pause = { timer: this.#call.chain.runtime.setTimer(end, again.after), end };
    });
  }
}
