/** Functions of the user's that are told when something happens; nothing is built for them where there are none. */

export class Hook<Event> {
  readonly #name: string;
  readonly #listeners = new Set<Listener<Event>>();

  /** As the user knows it: `onEjection`. */
  constructor(name: string) {
    this.#name = name;
  }

  /** True while somebody listens: look before an event is made. */
  get used(): boolean {
    return this.#listeners.size > 0;
  }

  /**
   * Disposing of what it gives back takes the listener away. A function added twice is told twice.
   * @throws TypeError when it is no function
   */
  add(call: (event: Event) => unknown): Disposable {
    if (typeof call !== 'function') {
      throw new TypeError(`${this.#name} takes a function (event) => void, found ${typeof call}`);
    }
    const listener = { call, hasThrown: false };
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** What a listener throws disturbs nobody else, and is shown as a warning, once. */
  tell(event: Event): void {
    for (const listener of [...this.#listeners]) {
      try {
        const told = listener.call(event);
        if (told instanceof Promise) told.catch((error: unknown) => this.#warn(listener, error));
      } catch (error) {
        this.#warn(listener, error);
      }
    }
  }

  #warn(listener: Listener<Event>, error: unknown): void {
    if (listener.hasThrown) return;
    listener.hasThrown = true;
    const sentence = `a listener of ${this.#name} has thrown, which is said once: ${String(error)}`;
    process.emitWarning(sentence, { type: 'OutriggerWarning', code: 'OUTRIGGER_LISTENER_THREW' });
  }
}

interface Listener<Event> {
  readonly call: (event: Event) => unknown;
  hasThrown: boolean;
}
