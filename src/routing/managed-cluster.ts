/** A cluster with its connections, made of the policy of a service or a subset, and held to it when that changes. */
import { isDeepStrictEqual } from 'node:util';
import { balancerFactory } from '../balancing/policies.js';
import { AwaitedList } from '../cluster/awaited-list.js';
import { Cluster } from '../cluster/cluster.js';
import { Counters } from '../cluster/counters.js';
import type { EndpointAddress } from '../cluster/endpoint.js';
import type { ClusterEvents } from '../cluster/events.js';
import type { Prober } from '../cluster/health-check-policy.js';
import { HealthChecks } from '../cluster/health-checks.js';
import { Limits } from '../cluster/limits.js';
import type { SlotLimits } from '../cluster/retry-slots.js';
import { chainsFor } from '../layers/chain.js';
import { localityPolicy, type LocalityPolicy } from '../locality/locality-policy.js';
import type { NormalizedClientOptions, NormalizedCluster } from '../options/normalized.js';
import { isOwnOrigin } from '../options/read-endpoints.js';
import { usesTls } from '../options/read-services.js';
import { defaultBudget } from '../options/retry-policy.js';
import { ClusterTransport } from '../transport/cluster-transport.js';
import { proberFor } from '../transport/probe.js';
import { ProxyRelay } from '../transport/proxy-relay.js';
import type { Relay } from '../transport/relay.js';
import type { Releases } from '../transport/releases.js';

/** What all clusters of a client share. */
export interface Surroundings {
  readonly events: ClusterEvents;
  readonly releases: Releases;
  /** Whose connections take the attempts, where they are not our own; the clusters of now are told when it changes. */
  relay: Relay | undefined;
  /** The last call of a cluster has ended. */
  readonly idle: () => void;
}

export class ManagedCluster {
  readonly cluster: Cluster;
  readonly #transport: ClusterTransport;
  #policy: NormalizedCluster;
  /** That of the whole client, and the proxy of this service. */
  #given: Relay | undefined;
  #proxy: ProxyRelay | undefined = undefined;
  /** Told when its last call has ended; there once it takes no new ones. */
  #whenIdle: (() => void) | undefined = undefined;

  constructor(
    policy: NormalizedCluster,
    options: NormalizedClientOptions,
    { events, releases, relay, idle }: Surroundings,
  ) {
    const { name } = policy;
    const service = new URL(policy.origin);
    const counters = new Counters();
    const limits = new Limits(policy.connectionPool, counters);
    const { runtime } = options;
    this.#policy = policy;
    this.#transport = new ClusterTransport({
      name,
      service,
      tls: policy.tls,
      runtime,
      counters,
      limits,
      events,
      releases,
      relay: undefined,
    });
    this.#given = relay;
    this.cluster = new Cluster({
      name,
      service,
      counters,
      limits,
      runtime,
      events,
      balancer: balancerFactory(policy.loadBalancer),
      endpoints: policy.endpoints,
      connect: (endpoint) => this.#transport.connect(endpoint),
      idle: () => {
        this.#whenIdle?.();
        idle();
      },
    });
    const { cluster } = this;
    if (relay !== undefined) this.#setRelay();
    if (policy.proxy !== undefined) this.#setProxy(policy);
    if (policy.discovery !== undefined) {
      cluster.discovery = policy.discovery.name;
      cluster.awaited = new AwaitedList(policy.discovery.name, policy.discoveryTimeout);
    }
    this.#hold(policy, options);
  }

  /** Health checks begin. */
  start(): void {
    this.#setHealthCheck();
  }

  /** New policy from the next call on; what is known of endpoints that stay is kept. */
  update(next: NormalizedCluster, options: NormalizedClientOptions): void {
    const { cluster } = this;
    const before = this.#policy;
    if (!isDeepStrictEqual(next.connectionPool, before.connectionPool)) {
      this.#transport.setLimits(next.connectionPool, cluster.endpoints);
    }
    if (!isDeepStrictEqual(next.tls, before.tls)) {
      this.#transport.setTls(next.tls, cluster.endpoints);
    }
    const isSameWay =
      isDeepStrictEqual(next.proxy, before.proxy) &&
      isDeepStrictEqual(next.tls, before.tls) &&
      isDeepStrictEqual(next.connectionPool, before.connectionPool);
    if (!isSameWay) this.#setProxy(next);
    // Before the endpoints: those that the user's last one has refused may be right for the next.
    if (!isDeepStrictEqual(next.loadBalancer, before.loadBalancer)) {
      cluster.setBalancer(balancerFactory(next.loadBalancer));
    }
    this.#updateEndpoints(next);
    this.#hold(next, options);
    this.#policy = next;
    if (hasOwnTls(next) !== hasOwnTls(before)) this.#setRelay();
    // Last, since it may check at once.
    if (!isDeepStrictEqual(next.healthCheck, before.healthCheck)) this.#setHealthCheck();
  }

  /** Other connections take its attempts from now on; undefined: our own. */
  relayThrough(relay: Relay | undefined): void {
    this.#given = relay;
    this.#setRelay();
  }

  /** A list of its discovery. With the first one, calls go without waiting from now on. */
  setEndpoints(endpoints: readonly EndpointAddress[], options: NormalizedClientOptions): void {
    const { cluster } = this;
    cluster.setEndpoints(endpoints);
    const { awaited } = cluster;
    if (awaited === undefined) return;
    cluster.awaited = undefined;
    cluster.chains = chainsFor(cluster, options, this.#policy);
    awaited.answered();
  }

  /** No new call comes here: when the last one has ended everything is given back, and `gone` is called. */
  retire(gone: () => void): void {
    const { cluster } = this;
    cluster.healthChecks?.stop();
    const leave = (): void => {
      this.#whenIdle = undefined;
      cluster.destroy(undefined);
      void this.closed().then(gone);
    };
    if (cluster.activeCalls === 0) leave();
    else this.#whenIdle = leave;
  }

  /** Resolves when every socket has closed. */
  async closed(): Promise<void> {
    await Promise.all([this.#transport.closed(), this.#proxy?.close(true)]);
  }

  /** What is the same when the cluster is made and when its policy changes. */
  #hold(policy: NormalizedCluster, options: NormalizedClientOptions): void {
    const { cluster } = this;
    cluster.breaker.setPolicy(policy.circuitBreaker);
    cluster.setOutlierDetection(policy.outlierDetection);
    const locality = localityOf(policy);
    if (!isDeepStrictEqual(locality, cluster.locality)) cluster.setLocality(locality);
    cluster.chains = chainsFor(cluster, options, policy);
    cluster.slots.setLimits(slotLimits(policy));
  }

  /** What the service says of its connections stands, whatever is installed in the process. */
  #way(): Relay | undefined {
    return this.#proxy ?? (hasOwnTls(this.#policy) ? undefined : this.#given);
  }

  #setRelay(): void {
    const relay = this.#way();
    this.cluster.relay = relay?.words;
    this.#transport.setRelay(relay, this.cluster.endpoints);
  }

  /** One that is replaced lets what is on its way go on. */
  #setProxy({ proxy, tls }: NormalizedCluster): void {
    const { service, runtime, counters, limits } = this.cluster;
    const before = this.#proxy;
    if (before === undefined && proxy === undefined) return;
    this.#proxy = proxy && new ProxyRelay(proxy, { service, tls, runtime, counters, limits });
    this.#setRelay();
    void before?.close(false);
  }

  /** The list of the user's; where a discovery takes its place, the endpoints stay until that has brought its first. */
  #updateEndpoints(next: NormalizedCluster): void {
    const { cluster } = this;
    const before = this.#policy;
    const { awaited } = cluster;
    cluster.discovery = next.discovery?.name;
    if (next.discovery !== undefined) {
      if (awaited === undefined) return;
      awaited.timeout = next.discoveryTimeout;
      if (next.discovery === before.discovery) return;
      awaited.discovery = next.discovery.name;
      awaited.reason = undefined;
      return;
    }
    const isSame =
      before.discovery === undefined && isDeepStrictEqual(next.endpoints, before.endpoints);
    if (!isSame) cluster.setEndpoints(next.endpoints);
    cluster.awaited = undefined;
    awaited?.answered();
  }

  #setHealthCheck(): void {
    const { cluster } = this;
    const { healthCheck } = this.#policy;
    if (cluster.isClosed) return;
    if (healthCheck !== undefined) {
      const { service } = cluster;
      cluster.healthChecks ??= new HealthChecks(cluster, this.#prober(service));
    }
    cluster.healthChecks?.setPolicy(healthCheck);
  }

  /** Each check goes the way that calls go then. */
  #prober(service: URL): Prober {
    const own = proberFor({
      service,
      tls: () => this.#policy.tls,
      http2: () => this.#policy.connectionPool.http2,
    });
    return (url, probe, done) => {
      const relay = this.#way();
      const prober = relay?.takes(url) === true ? relay.proberFor(service) : own;
      return prober(url, probe, done);
    };
  }
}

function hasOwnTls(policy: NormalizedCluster): boolean {
  return Object.keys(policy.tls).length > 0 && usesTls(policy);
}

/** Where retries are off, hedges have the default budget. */
function slotLimits({ retry }: NormalizedCluster): SlotLimits {
  return retry ?? { budget: defaultBudget(), maxRetries: Number.POSITIVE_INFINITY };
}

/** An origin that is its own endpoint is nowhere: no locality can leave it out. */
function localityOf(policy: NormalizedCluster): LocalityPolicy | undefined {
  const { origin, endpoints, locality, outlierDetection, healthCheck } = policy;
  if (isOwnOrigin(origin, endpoints)) return undefined;
  return localityPolicy(locality, outlierDetection !== undefined || healthCheck !== undefined);
}
