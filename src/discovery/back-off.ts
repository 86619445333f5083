/** How long to wait before the next try of what fails: twice as long each time, up to a bound, with jitter. */
import type { Runtime } from '../core/runtime.js';

export class BackOff {
  readonly #runtime: Runtime;
  readonly #first: number;
  readonly #longest: number;
  #failures = 0;

  /** Both in milliseconds. */
  constructor(runtime: Runtime, first: number, longest: number) {
    this.#runtime = runtime;
    this.#first = first;
    this.#longest = longest;
  }

  /** Milliseconds to wait now: half of it for sure, the other half by chance. */
  next(): number {
    const whole = Math.min(this.#first * 2 ** this.#failures, this.#longest);
    this.#failures = Math.min(this.#failures + 1, 30);
    return whole * (0.5 + this.#runtime.random() / 2);
  }

  /** It went well. */
  reset(): void {
    this.#failures = 0;
  }
}
