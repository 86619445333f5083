/** A cluster with its connections, made of the policy of a service or a subset, and held to it when that changes. */
import { isDeepStrictEqual } from 'node:util';
import { balancerFactory } from '../balancing/policies.js';
import { AwaitedList } from '../cluster/awaited-list.js';
import { Cluster } from '../cluster/cluster.js';
import { Counters } from '../cluster/counters.js';
import type { EndpointAddress } from '../cluster/endpoint.js';
import type { ClusterEvents } from '../cluster/events.js';
import { HealthChecks } from '../cluster/health-checks.js';
import { Limits } from '../cluster/limits.js';
import type { SlotLimits } from '../cluster/retry-slots.js';
import { chainsFor } from '../layers/chain.js';
import { localityPolicy, type LocalityPolicy } from '../locality/locality-policy.js';
import type { NormalizedClientOptions, NormalizedCluster } from '../options/normalized.js';
import { isOwnOrigin } from '../options/read-endpoints.js';
import { defaultBudget } from '../options/retry-policy.js';
import { ClusterTransport } from '../transport/cluster-transport.js';
import { proberFor } from '../transport/probe.js';
import type { Releases } from '../transport/releases.js';

/** What all clusters of a client share. */
export interface Surroundings {
  readonly events: ClusterEvents;
  readonly releases: Releases;
  /** The last call of a cluster has ended. */
  readonly idle: () => void;
}

export class ManagedCluster {
  readonly cluster: Cluster;
  readonly #transport: ClusterTransport;
  #policy: NormalizedCluster;
  /** Told when its last call has ended; there once it takes no new ones. */
  #whenIdle: (() => void) | undefined = undefined;

  constructor(
    policy: NormalizedCluster,
    options: NormalizedClientOptions,
    { events, releases, idle }: Surroundings,
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
    });
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
    // Before the endpoints: those that the user's last one has refused may be right for the next.
    if (!isDeepStrictEqual(next.loadBalancer, before.loadBalancer)) {
      cluster.setBalancer(balancerFactory(next.loadBalancer));
    }
    this.#updateEndpoints(next);
    this.#hold(next, options);
    this.#policy = next;
    // Last, since it may check at once.
    if (!isDeepStrictEqual(next.healthCheck, before.healthCheck)) this.#setHealthCheck();
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
  closed(): Promise<void> {
    return this.#transport.closed();
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
      cluster.healthChecks ??= new HealthChecks(
        cluster,
        proberFor({
          service,
          tls: () => this.#policy.tls,
          http2: () => this.#policy.connectionPool.http2,
        }),
      );
    }
    cluster.healthChecks?.setPolicy(healthCheck);
  }
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
