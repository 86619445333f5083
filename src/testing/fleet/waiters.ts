/** Those who wait for something about the fleet to become true. */

interface Waiter {
  /** Settles the promise if it can by now; true when it did. */
  settled(): boolean;
  reject(error: Error): void;
}

export class Waiters {
  readonly #waiting = new Set<Waiter>();
  #closed: Error | undefined;

  /** Resolves with the first value that `read` gives; rejects when the fleet is closed before. */
  until<T>(read: () => T | undefined): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const settled = (): boolean => {
        const value = read();
        if (value === undefined) return false;
        resolve(value);
        return true;
      };
      if (settled()) return;
      if (this.#closed === undefined) this.#waiting.add({ settled, reject });
      else reject(this.#closed);
    });
  }

  /** Something has changed: looks who has waited for it, first come, first served. */
  changed(): void {
    for (const waiter of this.#waiting) {
      if (waiter.settled()) this.#waiting.delete(waiter);
    }
  }

  /** Nothing will change any more. */
  close(error: Error): void {
    this.changed();
    this.#closed = error;
    for (const waiter of this.#waiting) waiter.reject(error);
    this.#waiting.clear();
  }
}
