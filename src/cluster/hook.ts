/** Functions of the user's that are told when something happens; nothing is built for them where there are none. */

export class Hook<Event> {
  readonly #listeners = new Set<(event: Event) => void>();

  /** True while somebody listens: look before an event is made. */
  get used(): boolean {
    return this.#listeners.size > 0;
  }

  /** Disposing of what it gives back takes the listener away. A function added twice is told twice. */
  add(listener: (event: Event) => void): Disposable {
    const own = (event: Event): void => listener(event);
    this.#listeners.add(own);
    return { [Symbol.dispose]: () => void this.#listeners.delete(own) };
  }

  /** What a listener throws disturbs nobody else, and is shown as a warning. */
  tell(event: Event): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(event);
      } catch (error) {
        process.emitWarning(`a listener has thrown: ${String(error)}`, {
          type: 'OutriggerWarning',
          code: 'OUTRIGGER_LISTENER_THREW',
        });
      }
    }
  }
}
