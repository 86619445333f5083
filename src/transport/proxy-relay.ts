/** A proxy as the way to the endpoints of a service. */
import type { Counters } from '../cluster/counters.js';
import type { Prober } from '../cluster/health-check-policy.js';
import type { Limits } from '../cluster/limits.js';
import type { Attempt } from '../core/attempt.js';
import type { Runtime } from '../core/runtime.js';
import type { TlsOptions } from '../options/options.js';
import type { ProxyPolicy } from '../options/proxy.js';
import { DispatchedExchange } from './dispatched-exchange.js';
import { askDispatcher } from './dispatched-probe.js';
import { ProxiedDispatcher } from './proxied-dispatcher.js';
import { proxyFor } from './proxy-for.js';
import type { Relay, RelaySlot } from './relay.js';
import { Secured } from './secure-socket.js';

export interface ProxyParts {
  readonly service: URL;
  readonly tls: TlsOptions;
  readonly runtime: Runtime;
  readonly counters: Counters;
  readonly limits: Limits;
}

export class ProxyRelay implements Relay {
  readonly words: string;
  readonly #policy: ProxyPolicy;
  readonly #parts: ProxyParts;
  readonly #dispatcher: ProxiedDispatcher;

  constructor(policy: ProxyPolicy, parts: ProxyParts) {
    const { service, tls, limits } = parts;
    const { connectTimeout, idleTimeout } = limits.policy;
    this.#policy = policy;
    this.#parts = parts;
    const shown = [policy.http, policy.https].flatMap((url) =>
      url === undefined ? [] : [new URL(url).origin],
    );
    this.words = `HTTP/1.1 through the proxy ${[...new Set(shown)].join(' or ')}`;
    this.#dispatcher = new ProxiedDispatcher({
      policy,
      authority: service.host,
      requestTls: () => new Secured(service, tls).connectOptions,
      connectTimeout,
      idleTimeout,
    });
  }

  takes(url: string): boolean {
    return proxyFor(this.#policy, url) !== undefined;
  }

  exchange(attempt: Attempt, slot: RelaySlot): DispatchedExchange {
    const { runtime, counters, limits } = this.#parts;
    return new DispatchedExchange(this.#dispatcher, attempt, slot, {
      runtime,
      milliseconds: limits.policy.connectTimeout,
      timedOut: () => {
        counters.upstream_cx_connect_timeout += 1;
      },
    });
  }

  proberFor(service: URL): Prober {
    return askDispatcher(this.#dispatcher, service);
  }

  close(isAtOnce: boolean): Promise<void> {
    return this.#dispatcher.close(isAtOnce);
  }
}
