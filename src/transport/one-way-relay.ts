/** A relay that may lead back into the client, where that is installed: what it sends goes on, and does not come in again. */
import type { Prober } from '../cluster/health-check-policy.js';
import type { Attempt } from '../core/attempt.js';
import type { OwnCode } from '../core/own-code.js';
import type { Relay, RelayedExchange, RelaySlot } from './relay.js';

export class OneWayRelay implements Relay {
  readonly words: string;
  readonly #relay: Relay;
  readonly #own: OwnCode;

  constructor(relay: Relay, own: OwnCode) {
    this.words = relay.words;
    this.#relay = relay;
    this.#own = own;
  }

  exchange(attempt: Attempt, slot: RelaySlot): RelayedExchange {
    return new OneWayExchange(this.#relay.exchange(attempt, slot), this.#own);
  }

  proberFor(service: URL): Prober {
    const prober = this.#relay.proberFor(service);
    return (...question) => this.#own.run(() => prober(...question));
  }

  takes(url: string): boolean {
    return this.#relay.takes(url);
  }

  close(isAtOnce: boolean): Promise<void> {
    return this.#relay.close(isAtOnce);
  }
}

class OneWayExchange implements RelayedExchange {
  constructor(
    private readonly exchange: RelayedExchange,
    private readonly own: OwnCode,
  ) {}

  begin(): void {
    this.own.run(() => this.exchange.begin());
  }

  cut(error: Error): void {
    this.exchange.cut(error);
  }

  cancel(reason: unknown): void {
    this.exchange.cancel(reason);
  }

  pause(): void {
    this.exchange.pause();
  }

  resume(): void {
    this.exchange.resume();
  }
}
