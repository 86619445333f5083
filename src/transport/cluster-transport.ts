/** The connections of a cluster: one pool per endpoint, under the same TLS settings, limits and counters. */
import type { Counters } from '../cluster/counters.js';
import type { Endpoint, Sender } from '../cluster/endpoint.js';
import type { ClusterEvents } from '../cluster/events.js';
import type { Limits, PoolPolicy } from '../cluster/limits.js';
import type { TlsOptions } from '../options/options.js';
import type { Runtime } from '../core/runtime.js';
import { Connection, type Connector } from './connection.js';
import { connectorFor, targetOf, type SocketObserver } from './connector.js';
import { EndpointPool } from './endpoint-pool.js';
import { Http2Connection, type Learned } from './http2-connection.js';
import { Secured } from './secure-socket.js';
import type { ConnectionPool, PooledConnection, PoolShare } from './pooled-connection.js';
import type { Relay } from './relay.js';
import { RelayedConnection } from './relayed-connection.js';
import type { Releases } from './releases.js';

/** What the transport of a cluster is made of. */
export interface TransportParts {
  /** The cluster's name. */
  readonly name: string;
  readonly service: URL;
  readonly tls: TlsOptions;
  readonly runtime: Runtime;
  readonly counters: Counters;
  readonly limits: Limits;
  readonly events: ClusterEvents;
  readonly releases: Releases;
  /** Undefined: connections of our own. */
  readonly relay: Relay | undefined;
}

export class ClusterTransport implements SocketObserver {
  readonly #parts: TransportParts;
  readonly #share: PoolShare;
  /** One for all endpoints: to read a list of authorities takes its time. */
  #secured: Secured;
  #relay: Relay | undefined;
  /** Sockets that have not closed. */
  #sockets = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(parts: TransportParts) {
    this.#parts = parts;
    this.#share = parts;
    this.#secured = new Secured(parts.service, parts.tls);
    this.#relay = parts.relay;
  }

  connect({ url }: Endpoint): Sender {
    const { service, limits, events, name } = this.#parts;
    const target = targetOf(url, service);
    const learned: Learned = { streams: Number.POSITIVE_INFINITY };
    let made: { readonly connector: Connector; readonly secured: Secured } | undefined;
    const make = (pool: ConnectionPool): PooledConnection => {
      const relay = this.#relay;
      if (relay?.takes(url) === true) return new RelayedConnection(relay, pool);
      const secured = this.#secured;
      if (made?.secured !== secured) {
        made = { connector: connectorFor(target, secured, this.#parts, this), secured };
      }
      const { connector } = made;
      const { origin, isSecure } = target;
      return limits.policy.http2 && isSecure
        ? new Http2Connection(origin, service.hostname, connector, pool, learned)
        : new Connection(origin, service.hostname, connector, pool);
    };
    return new EndpointPool(make, this.#share, ({ option, value }) => {
      const { overflow } = events;
      const limit = `connectionPool.${option}` as const;
      if (overflow.used) overflow.tell({ service: name, endpoint: url, limit, value });
    });
  }

  /** Holds for connections made from now on; idle ones go, busy ones after their exchange. */
  setTls(tls: TlsOptions, endpoints: readonly Endpoint[]): void {
    this.#secured = new Secured(this.#parts.service, tls);
    for (const { sender } of endpoints) sender.renew();
  }

  /** Holds for attempts from now on; those on their way go on as they are. */
  setRelay(relay: Relay | undefined, endpoints: readonly Endpoint[]): void {
    this.#relay = relay;
    for (const { sender } of endpoints) sender.renew();
  }

  setLimits(policy: PoolPolicy, endpoints: readonly Endpoint[]): void {
    const { limits } = this.#parts;
    const changesKind = policy.http2 !== limits.policy.http2;
    limits.setPolicy(policy);
    for (const { sender } of endpoints) {
      if (changesKind) sender.renew();
      sender.limitsChanged();
    }
  }

  /** Resolves when no connection is open or being opened. */
  async closed(): Promise<void> {
    if (this.#sockets === 0) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  socketOpening(): void {
    this.#sockets += 1;
  }

  connectTimedOut(): void {
    this.#parts.counters.upstream_cx_connect_timeout += 1;
  }

  socketClosed(): void {
    this.#sockets -= 1;
    if (this.#sockets > 0) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
