/** How often something happened within the last so many milliseconds, in tenths of that time. */
import type { Runtime } from '../core/runtime.js';

const PARTS = 10;

export class RollingCount {
  readonly #runtime: Runtime;
  readonly #part: number;
  readonly #counts = new Array<number>(PARTS).fill(0);
  /** The number of the part that is being filled. */
  #current = 0;
  #total = 0;

  constructor(runtime: Runtime, interval: number) {
    this.#runtime = runtime;
    this.#part = interval / PARTS;
    this.#current = this.#now();
  }

  add(): void {
    this.#forget();
    this.#total += 1;
    const slot = this.#current % PARTS;
    this.#counts[slot] = (this.#counts[slot] ?? 0) + 1;
  }

  total(): number {
    this.#forget();
    return this.#total;
  }

  #now(): number {
    return Math.floor(this.#runtime.now() / this.#part);
  }

  #forget(): void {
    const now = this.#now();
    const passed = Math.min(now - this.#current, PARTS);
    for (let part = 1; part <= passed; part++) {
      const slot = (now - passed + part) % PARTS;
      this.#total -= this.#counts[slot] ?? 0;
      this.#counts[slot] = 0;
    }
    this.#current = now;
  }
}
