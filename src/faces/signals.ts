/** Callers' abort signals: one listener per signal, however many calls share it. */
import { CallList } from '../core/call-list.js';
import type { Call } from '../core/call.js';
import { abort } from '../core/drive.js';

interface Watch {
  readonly calls: CallList;
  readonly listener: () => void;
}

export class Signals {
  readonly #watches = new WeakMap<AbortSignal, Watch>();

  /** Aborts the call when the signal says so. The signal must not be aborted yet. */
  watch(signal: AbortSignal, call: Call): void {
    const known = this.#watches.get(signal);
    if (known !== undefined) {
      known.calls.add(call);
      return;
    }
    const calls = new CallList('signalSlot');
    calls.add(call);
    const listener = (): void => {
      this.#watches.delete(signal);
      for (const watched of calls.toArray()) abort(watched, signal.reason);
    };
    this.#watches.set(signal, { calls, listener });
    signal.addEventListener('abort', listener, { once: true });
  }

  unwatch(signal: AbortSignal, call: Call): void {
    const watch = this.#watches.get(signal);
    if (watch === undefined) return;
    watch.calls.delete(call);
    if (watch.calls.size > 0) return;
    this.#watches.delete(signal);
    signal.removeEventListener('abort', watch.listener);
  }
}
