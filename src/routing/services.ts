/** Which cluster serves an origin: those that were configured, and one for each further origin that is called. */
import { AsyncResource } from 'node:async_hooks';
import { isDeepStrictEqual } from 'node:util';
import { balancerFactory } from '../balancing/policies.js';
import { AwaitedList } from '../cluster/awaited-list.js';
import { Cluster } from '../cluster/cluster.js';
import { Counters } from '../cluster/counters.js';
import { ClusterEvents } from '../cluster/events.js';
import { HealthChecks } from '../cluster/health-checks.js';
import { Limits } from '../cluster/limits.js';
import type { SlotLimits } from '../cluster/retry-slots.js';
import { NotReadyError } from '../core/errors.js';
import { chainsFor } from '../layers/chain.js';
import { localityPolicy, type LocalityPolicy } from '../locality/locality-policy.js';
import type { NormalizedClientOptions, NormalizedService } from '../options/normalized.js';
import { isOwnOrigin } from '../options/read-endpoints.js';
import { serviceOf } from '../options/read-services.js';
import { defaultBudget } from '../options/retry-policy.js';
import { ClusterTransport } from '../transport/cluster-transport.js';
import { proberFor } from '../transport/probe.js';
import { Releases } from '../transport/releases.js';
import { Membership } from './membership.js';
import { untilReady } from './ready.js';
import { otherOriginError } from './other-origin.js';

interface Served {
  readonly cluster: Cluster;
  readonly transport: ClusterTransport;
  policy: NormalizedService;
  /** There while a discovery brings its endpoints. */
  membership: Membership | undefined;
}

export class Services {
  #options: NormalizedClientOptions;
  readonly #byOrigin = new Map<string, Served>();
  readonly #releases: Releases;
  readonly #idle: () => void;
  /** What goes on by itself in a cluster belongs to none of the calls that may have made it. */
  readonly #outside = new AsyncResource('OutriggerClient');
  /** What happens in the clusters, for those who listen. */
  readonly events = new ClusterEvents();
  #closed: { readonly reason: unknown } | undefined = undefined;
  /** Told when the client is closed. */
  readonly #onClose = new Set<() => void>();

  /** `idle` is called whenever the last call of a cluster has ended. */
  constructor(options: NormalizedClientOptions, idle: () => void) {
    this.#options = options;
    this.#idle = idle;
    this.#releases = new Releases(options.runtime);
    for (const service of options.services.values()) this.#add(service);
  }

  /** The cluster of exactly this origin, if it has one already. */
  known(origin: string): Cluster | undefined {
    return this.#byOrigin.get(origin)?.cluster;
  }

  /** The cluster of a canonical origin. Throws an OptionsError when other origins are refused. */
  of(origin: string): Cluster {
    const known = this.#byOrigin.get(origin);
    if (known !== undefined) return known.cluster;
    if (this.#options.otherOrigins === 'refuse') {
      throw otherOriginError(origin, [...this.#options.services.keys()]);
    }
    const service = unconfigured(origin, this.#options);
    return this.#outside.runInAsyncScope(() => this.#add(service));
  }

  *[Symbol.iterator](): IterableIterator<Cluster> {
    for (const { cluster } of this.#byOrigin.values()) yield cluster;
  }

  /** New policy from the next call on; what is known of endpoints that stay is kept. */
  update(options: NormalizedClientOptions): void {
    this.#outside.runInAsyncScope(() => this.#update(options));
  }

  #update(options: NormalizedClientOptions): void {
    this.#options = options;
    for (const [origin, served] of this.#byOrigin) {
      const next = options.services.get(origin) ?? unconfigured(origin, options);
      apply(served, next, options);
      if (next.discovery !== served.membership?.discovery) this.#follow(served);
    }
    for (const [origin, service] of options.services) {
      if (!this.#byOrigin.has(origin)) this.#add(service);
    }
  }

  /** Resolves when every configured service has its endpoints; the time is in milliseconds. Rejects with a NotReadyError. */
  async ready(timeout?: number): Promise<void> {
    const configured = [...this.#options.services.keys()].flatMap(
      (origin) => this.known(origin) ?? [],
    );
    if (this.#closed !== undefined) {
      throw new NotReadyError(configured[0]?.name ?? '', 'the client has been closed');
    }
    await untilReady(configured, this.#options.runtime, timeout, (listener) => {
      this.#onClose.add(listener);
      return () => void this.#onClose.delete(listener);
    });
  }

  /** No further call is taken, by clusters yet to be made either. */
  close(reason: unknown): void {
    this.#closed ??= { reason };
    for (const { cluster } of this.#byOrigin.values()) cluster.close(reason);
    for (const listener of this.#onClose) listener();
  }

  /** Fails what is in flight and closes every connection; resolves when their sockets have closed. */
  async destroy(reason: unknown): Promise<void> {
    this.close(reason);
    // Not sooner: what is in flight may need other endpoints, or its first.
    for (const { cluster, membership } of this.#byOrigin.values()) {
      membership?.stop();
      cluster.destroy(reason);
    }
    await Promise.all([...this.#byOrigin.values()].map(({ transport }) => transport.closed()));
  }

  #add(given: NormalizedService): Cluster {
    // Two origins may differ in their scheme alone: `http://h:9` and `https://h:9`.
    const isTaken = [...this.#byOrigin.values()].some(({ policy }) => policy.name === given.name);
    const policy = isTaken ? { ...given, name: given.origin } : given;
    const service = new URL(policy.origin);
    const counters = new Counters();
    const limits = new Limits(policy.connectionPool, counters);
    const { runtime } = this.#options;
    const transport = new ClusterTransport({
      name: policy.name,
      service,
      tls: policy.tls,
      runtime,
      counters,
      limits,
      events: this.events,
      releases: this.#releases,
    });
    const cluster = new Cluster({
      name: policy.name,
      service,
      counters,
      limits,
      runtime,
      events: this.events,
      balancer: balancerFactory(policy.loadBalancer),
      endpoints: policy.endpoints,
      connect: (endpoint) => transport.connect(endpoint),
      idle: this.#idle,
    });
    cluster.breaker.setPolicy(policy.circuitBreaker);
    cluster.setOutlierDetection(policy.outlierDetection);
    cluster.setLocality(localityOf(policy));
    if (policy.discovery !== undefined) {
      cluster.discovery = policy.discovery.name;
      cluster.awaited = new AwaitedList(policy.discovery.name, policy.discoveryTimeout);
    }
    cluster.chains = chainsFor(cluster, this.#options, policy);
    cluster.slots.setLimits(slotLimits(policy));
    if (this.#closed !== undefined) cluster.close(this.#closed.reason);
    const served: Served = { cluster, transport, policy, membership: undefined };
    this.#byOrigin.set(policy.origin, served);
    setHealthCheck(served, policy);
    if (policy.discovery !== undefined) this.#follow(served);
    return cluster;
  }

  /** The endpoints come from the discovery of its policy from now on, if it has one. */
  #follow(served: Served): void {
    const { cluster, policy } = served;
    served.membership?.stop();
    served.membership = undefined;
    if (policy.discovery === undefined || this.#closed !== undefined) return;
    served.membership = new Membership(policy.discovery, cluster, () => {
      if (cluster.awaited !== undefined) this.#listed(served);
    });
    served.membership.start();
  }

  /** The first list is there: calls go without waiting from now on. */
  #listed({ cluster, policy }: Served): void {
    const { awaited } = cluster;
    cluster.awaited = undefined;
    cluster.chains = chainsFor(cluster, this.#options, policy);
    awaited?.answered();
  }
}

/** An origin that the options do not name: itself its one endpoint, under the client's policy. */
function unconfigured(
  origin: string,
  { defaultPolicy }: NormalizedClientOptions,
): NormalizedService {
  const nothing = {
    name: undefined,
    endpoints: undefined,
    loadBalancer: undefined,
    timeout: undefined,
    tls: undefined,
  };
  return serviceOf(origin, nothing, defaultPolicy);
}

/** Where retries are off, hedges have the default budget. */
function slotLimits({ retry }: NormalizedService): SlotLimits {
  return retry ?? { budget: defaultBudget(), maxRetries: Number.POSITIVE_INFINITY };
}

function apply(served: Served, next: NormalizedService, options: NormalizedClientOptions): void {
  const { cluster, transport, policy } = served;
  if (!isDeepStrictEqual(next.connectionPool, policy.connectionPool)) {
    transport.setLimits(next.connectionPool, cluster.endpoints);
  }
  if (!isDeepStrictEqual(next.tls, policy.tls)) transport.setTls(next.tls, cluster.endpoints);
  applyEndpoints(served, next);
  if (!isDeepStrictEqual(next.loadBalancer, policy.loadBalancer)) {
    cluster.setBalancer(balancerFactory(next.loadBalancer));
  }
  cluster.breaker.setPolicy(next.circuitBreaker);
  cluster.setOutlierDetection(next.outlierDetection);
  if (!isDeepStrictEqual(localityOf(next), localityOf(policy)))
    cluster.setLocality(localityOf(next));
  cluster.chains = chainsFor(cluster, options, next);
  cluster.slots.setLimits(slotLimits(next));
  served.policy = next;
  // Last, since it may check at once.
  if (!isDeepStrictEqual(next.healthCheck, policy.healthCheck)) setHealthCheck(served, next);
}

/** The list of the user's; where a discovery takes its place, the endpoints stay until that has brought its first. */
function applyEndpoints({ cluster, policy }: Served, next: NormalizedService): void {
  const { awaited } = cluster;
  cluster.discovery = next.discovery?.name;
  if (next.discovery !== undefined) {
    if (awaited === undefined) return;
    awaited.timeout = next.discoveryTimeout;
    if (next.discovery === policy.discovery) return;
    awaited.discovery = next.discovery.name;
    awaited.reason = undefined;
    return;
  }
  const isSame =
    policy.discovery === undefined && isDeepStrictEqual(next.endpoints, policy.endpoints);
  if (!isSame) cluster.setEndpoints(next.endpoints);
  cluster.awaited = undefined;
  awaited?.answered();
}

/** An origin that is its own endpoint is nowhere: no locality can leave it out. */
function localityOf(service: NormalizedService): LocalityPolicy | undefined {
  const { origin, endpoints, locality, outlierDetection, healthCheck } = service;
  if (isOwnOrigin(origin, endpoints)) return undefined;
  return localityPolicy(locality, outlierDetection !== undefined || healthCheck !== undefined);
}

function setHealthCheck(served: Served, { healthCheck }: NormalizedService): void {
  const { cluster } = served;
  if (healthCheck !== undefined) {
    const { service } = cluster;
    cluster.healthChecks ??= new HealthChecks(
      cluster,
      proberFor({
        service,
        tls: () => served.policy.tls,
        http2: () => served.policy.connectionPool.http2,
      }),
    );
  }
  cluster.healthChecks?.setPolicy(healthCheck);
}
