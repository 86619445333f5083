/** The connections of a cluster: one pool per endpoint, under the same TLS settings and counters. */
import type { Counters } from '../cluster/counters.js';
import type { Endpoint, Sender } from '../cluster/endpoint.js';
import type { TlsOptions } from '../options/options.js';
import type { Runtime } from '../core/runtime.js';
import type { Connector } from './connection.js';
import { connectorFor, targetOf, type ConnectionObserver } from './connector.js';
import { EndpointPool } from './endpoint-pool.js';
import type { Releases } from './releases.js';

export class ClusterTransport implements ConnectionObserver {
  readonly #service: URL;
  readonly #counters: Counters;
  readonly #releases: Releases;
  readonly #runtime: Runtime;
  #tls: TlsOptions;
  readonly #waiting: (() => void)[] = [];

  constructor(
    service: URL,
    tls: TlsOptions,
    runtime: Runtime,
    counters: Counters,
    releases: Releases,
  ) {
    this.#service = service;
    this.#runtime = runtime;
    this.#tls = tls;
    this.#counters = counters;
    this.#releases = releases;
  }

  connect(endpoint: Endpoint): Sender {
    const target = targetOf(endpoint.url, this.#service);
    const connector = (): Connector =>
      connectorFor(target, this.#service, this.#tls, this.#runtime, this);
    return new EndpointPool(target.origin, this.#service.hostname, connector, this.#releases);
  }

  /** Holds for connections made from now on; idle ones go, busy ones after their exchange. */
  setTls(tls: TlsOptions, endpoints: readonly Endpoint[]): void {
    this.#tls = tls;
    for (const { sender } of endpoints) sender.drain();
  }

  /** Resolves when no connection is open or being opened. */
  async closed(): Promise<void> {
    if (this.#counters.upstream_cx_active === 0) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  connectionOpening(): void {
    this.#counters.upstream_cx_total += 1;
    this.#counters.upstream_cx_http1_total += 1;
    this.#counters.upstream_cx_active += 1;
  }

  connectionFailed(error: Error & { code?: string }): void {
    this.#counters.upstream_cx_connect_fail += 1;
    if (error.code === 'UND_ERR_CONNECT_TIMEOUT') this.#counters.upstream_cx_connect_timeout += 1;
  }

  connectionClosed(): void {
    this.#counters.upstream_cx_active -= 1;
    this.#counters.upstream_cx_destroy += 1;
    if (this.#counters.upstream_cx_active > 0) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
