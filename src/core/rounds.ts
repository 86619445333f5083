/** What comes after a first failure: one round per further attempt, driven by p-retry. */
import pRetry from 'p-retry';
import type { Call } from './call.js';
import type { AnotherAttempt } from './layer.js';
import type { Timer } from './runtime.js';

/** "One more round", thrown to p-retry. An Error, and no TypeError: those it does not retry. */
class Again extends Error {}
const AGAIN = new Again('another attempt');

/** An attempt that is promised and has not started. */
interface Planned {
  readonly verdict: AnotherAttempt;
  /** By the runtime's clock. */
  readonly due: number;
}

export class Rounds {
  readonly #call: Call;
  /** The next one first. */
  #planned: Planned[] = [];
  /** Ends the wait of a round for a verdict: true when there is one. */
  #settle: ((more: boolean) => void) | undefined = undefined;
  /** Ends the wait for the time of the next one. */
  #proceed: (() => void) | undefined = undefined;
  #timer: Timer = undefined;

  constructor(call: Call) {
    this.#call = call;
  }

  get planned(): boolean {
    return this.#planned.length > 0;
  }

  /** Plans one more attempt. */
  offer(verdict: AnotherAttempt): void {
    const due = this.#call.chain.runtime.now() + verdict.after;
    const later = this.#planned.findIndex((other) => other.due > due);
    this.#planned.splice(later === -1 ? this.#planned.length : later, 0, { verdict, due });
    this.#settle?.(true);
    if (this.#proceed !== undefined && later === 0) this.#arm();
  }

  /** The call has been decided: nothing further starts, and the places of what was planned are free. */
  stop(): void {
    const { runtime, upstream } = this.#call.chain;
    for (const { verdict } of this.#planned) if (verdict.slot === true) upstream.slots.give();
    this.#planned = [];
    runtime.clearTimer(this.#timer);
    this.#settle?.(false);
    this.#proceed?.();
  }

  /** Runs the rounds until the call has been decided. Its first verdict must have been offered. */
  async play(startAttempt: (call: Call, because: AnotherAttempt) => void): Promise<void> {
    await this.#untilDue();
    await pRetry(
      async () => {
        const next = this.#planned.shift();
        if (next === undefined) return;
        startAttempt(this.#call, next.verdict);
        if (await this.#more()) throw AGAIN;
      },
      {
        // How many there may be is for the layers to say: their verdicts are the limit.
        retries: Number.POSITIVE_INFINITY,
        minTimeout: 0,
        onFailedAttempt: async ({ error }) => {
          if (!(error instanceof Again)) throw error;
          await this.#untilDue();
        },
      },
    );
  }

  /** True when a further attempt is planned, false when the call has been decided. */
  #more(): boolean | Promise<boolean> {
    if (this.planned) return true;
    if (this.#call.over) return false;
    return new Promise((resolve) => {
      this.#settle = (more) => {
        this.#settle = undefined;
        resolve(more);
      };
    });
  }

  #untilDue(): Promise<void> | undefined {
    const next = this.#planned[0];
    if (next === undefined || next.verdict.after <= 0) return undefined;
    return new Promise((resolve) => {
      this.#proceed = () => {
        this.#proceed = undefined;
        resolve();
      };
      this.#arm();
    });
  }

  /** The timer is the next one's, also when that has come to stand before another. */
  #arm(): void {
    const { runtime } = this.#call.chain;
    runtime.clearTimer(this.#timer);
    const due = this.#planned[0]?.due ?? 0;
    this.#timer = runtime.setTimer(() => this.#proceed?.(), due - runtime.now());
  }
}
