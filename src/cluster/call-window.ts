/** How many calls have ended within the last so many milliseconds, and how many of them had failed, in tenths of that time. */

const PARTS = 10;

/**
 * Told the time rather than asking for it: whoever adds a call knows when it ended. The last part is under way, so
 * what is counted covers between nine and ten tenths of the time.
 */
export class CallWindow {
  /** Calls in the window when one was added last, and those of them that had failed. */
  calls = 0;
  failures = 0;
  readonly #part: number;
  readonly #calls = new Array<number>(PARTS).fill(0);
  readonly #failures = new Array<number>(PARTS).fill(0);
  /** The number of the part that is being filled. */
  #current = 0;

  constructor(milliseconds: number) {
    this.#part = milliseconds / PARTS;
  }

  add(failed: boolean, now: number): void {
    const part = Math.floor(now / this.#part);
    if (part > this.#current) this.#moveTo(part);
    // What ended a moment before another, and is told after it, counts with it.
    const slot = this.#current % PARTS;
    this.calls += 1;
    this.#calls[slot] = (this.#calls[slot] as number) + 1;
    if (!failed) return;
    this.failures += 1;
    this.#failures[slot] = (this.#failures[slot] as number) + 1;
  }

  clear(): void {
    this.calls = this.failures = 0;
    this.#calls.fill(0);
    this.#failures.fill(0);
  }

  /** Forgets the parts that the new one leaves behind the window. */
  #moveTo(part: number): void {
    const passed = part - this.#current;
    this.#current = part;
    if (passed >= PARTS) {
      this.clear();
      return;
    }
    for (let step = 0; step < passed; step++) {
      const slot = (part - step) % PARTS;
      this.calls -= this.#calls[slot] as number;
      this.failures -= this.#failures[slot] as number;
      this.#calls[slot] = this.#failures[slot] = 0;
    }
  }
}
