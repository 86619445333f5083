/** A dispatcher of somebody else's as the way to the endpoints: a mock, a proxy's agent, one that the application has installed. */
import type { Prober } from '../cluster/health-check-policy.js';
import type { Attempt } from '../core/attempt.js';
import { askDispatcher } from './dispatched-probe.js';
import { DispatchedExchange, type Dispatching } from './dispatched-exchange.js';
import type { Relay, RelaySlot } from './relay.js';

export class DispatcherRelay implements Relay {
  readonly words: string;
  readonly #dispatcher: Dispatching;

  constructor(dispatcher: Dispatching, words = 'through a given dispatcher') {
    this.#dispatcher = dispatcher;
    this.words = words;
  }

  exchange(attempt: Attempt, slot: RelaySlot): DispatchedExchange {
    return new DispatchedExchange(this.#dispatcher, attempt, slot);
  }

  proberFor(service: URL): Prober {
    return askDispatcher(this.#dispatcher, service);
  }

  /** What is installed in the process does not reach into the file system. */
  takes(url: string): boolean {
    return !url.startsWith('unix:');
  }

  /** It is not ours. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}
