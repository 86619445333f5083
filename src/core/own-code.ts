/** Code that is part of a client (its middleware, the fetch it is given) and may call the global fetch, which may be the client. */
import { AsyncLocalStorage } from 'node:async_hooks';

export class OwnCode {
  #storage: AsyncLocalStorage<true> | undefined = undefined;

  /** From now on it is known what is called from within: that has its price. */
  watch(): void {
    this.#storage ??= new AsyncLocalStorage();
  }

  /** Whether whoever asks was called from within, however many promises ago. */
  get isRunning(): boolean {
    return this.#storage?.getStore() === true;
  }

  run<T>(run: () => T): T {
    return this.#storage === undefined ? run() : this.#storage.run(true, run);
  }
}
