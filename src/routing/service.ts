/** One service: the cluster of all its endpoints, those of its subsets, the discovery that feeds them, and the routes to them. */
import { isDeepStrictEqual } from 'node:util';
import type { Labels, EndpointAddress } from '../cluster/endpoint.js';
import type { Cluster } from '../cluster/cluster.js';
import type {
  NormalizedClientOptions,
  NormalizedService,
  NormalizedSubset,
} from '../options/normalized.js';
import { withLabels } from '../options/read-subsets.js';
import { ManagedCluster, type Surroundings } from './managed-cluster.js';
import { Membership } from './membership.js';
import { routerFor } from './router.js';

interface Subset {
  readonly managed: ManagedCluster;
  labels: Labels;
}

export class Service {
  readonly #surroundings: Surroundings;
  readonly #whole: ManagedCluster;
  readonly #subsets = new Map<string, Subset>();
  /** Of subsets that are none any more, until their last call has ended. */
  readonly #leaving = new Set<ManagedCluster>();
  #options: NormalizedClientOptions;
  /** There while a discovery brings the endpoints. */
  #membership: Membership | undefined = undefined;
  /** The latest list that it has brought. */
  #list: readonly EndpointAddress[] | undefined = undefined;
  #isStarted = false;

  constructor(
    policy: NormalizedService,
    options: NormalizedClientOptions,
    surroundings: Surroundings,
  ) {
    this.#options = options;
    this.#surroundings = surroundings;
    this.#whole = new ManagedCluster(policy, options, surroundings);
    this.#setSubsets(policy);
  }

  /** That of all its endpoints, which every call comes to first. */
  get cluster(): Cluster {
    return this.#whole.cluster;
  }

  /** Those that calls may come to. */
  *clusters(): IterableIterator<Cluster> {
    yield this.cluster;
    for (const { managed } of this.#subsets.values()) yield managed.cluster;
  }

  /** No call is in flight. */
  get isIdle(): boolean {
    return [...this.#managed()].every(({ cluster }) => cluster.activeCalls === 0);
  }

  /** Health checks and discovery begin. */
  start(policy: NormalizedService): void {
    this.#isStarted = true;
    for (const managed of this.#managed()) managed.start();
    this.#follow(policy);
  }

  /** New policy from the next call on; what is known of endpoints that stay is kept. */
  update(next: NormalizedService, options: NormalizedClientOptions): void {
    this.#options = options;
    const goesOn = next.discovery === this.#membership?.discovery;
    if (!goesOn) this.#list = undefined;
    this.#whole.update(next, options);
    this.#setSubsets(next);
    if (!goesOn) this.#follow(next);
  }

  /** No further call is taken. */
  close(reason: unknown): void {
    this.#isStarted = false;
    for (const { cluster } of this.#managed()) cluster.close(reason);
  }

  /** Fails what is in flight and closes every connection; resolves when their sockets have closed. */
  async destroy(reason: unknown): Promise<void> {
    // Not sooner: what is in flight may need other endpoints, or its first.
    this.#membership?.stop();
    const all = [...this.#managed()];
    for (const { cluster } of all) cluster.destroy(reason);
    await Promise.all(all.map((managed) => managed.closed()));
  }

  /** No new call comes here: calls back when all it has had is given back. */
  retire(gone: () => void): void {
    this.#membership?.stop();
    const left = new Set(this.#managed());
    for (const managed of left) {
      managed.retire(() => {
        left.delete(managed);
        if (left.size === 0) gone();
      });
    }
  }

  #setSubsets({ subsets, routes }: NormalizedService): void {
    for (const [name, policy] of subsets) this.#setSubset(name, policy);
    for (const [name, { managed }] of this.#subsets) {
      if (subsets.has(name)) continue;
      this.#subsets.delete(name);
      this.#leaving.add(managed);
      managed.retire(() => void this.#leaving.delete(managed));
    }
    const clusters = [...this.#subsets].map(([name, { managed }]): [string, Cluster] => [
      name,
      managed.cluster,
    ]);
    this.cluster.router = routerFor(routes, this.cluster, new Map(clusters));
  }

  #setSubset(name: string, policy: NormalizedSubset): void {
    const { labels } = policy;
    const before = this.#subsets.get(name);
    if (before !== undefined) {
      const isSame = isDeepStrictEqual(labels, before.labels);
      before.labels = labels;
      before.managed.update(policy, this.#options);
      if (!isSame && this.#list !== undefined) this.#setList(before, this.#list);
      return;
    }
    const subset = {
      managed: new ManagedCluster(policy, this.#options, this.#surroundings),
      labels,
    };
    this.#subsets.set(name, subset);
    const { awaited } = subset.managed.cluster;
    if (awaited !== undefined) awaited.reason = this.cluster.awaited?.reason;
    subset.managed.cluster.onConnectFailure = () => this.cluster.onConnectFailure?.();
    if (this.#list !== undefined) this.#setList(subset, this.#list);
    if (this.#isStarted) subset.managed.start();
  }

  /** The endpoints come from the discovery of its policy from now on, if it has one. */
  #follow({ discovery }: NormalizedService): void {
    this.#membership?.stop();
    this.#membership = undefined;
    if (discovery === undefined || !this.#isStarted) return;
    this.#membership = new Membership(discovery, this.cluster, {
      setEndpoints: (list) => this.#setLists(list),
      isConnected: () => [...this.clusters()].some(({ isConnected }) => isConnected),
      failed: (reason) => {
        for (const { awaited } of this.clusters())
          if (awaited !== undefined) awaited.reason = reason;
      },
    });
    this.#membership.start();
  }

  /** A load balancer of the user's may throw: then the next list is taken by all of them again. */
  #setLists(list: readonly EndpointAddress[]): void {
    this.#whole.setEndpoints(list, this.#options);
    for (const subset of this.#subsets.values()) this.#setList(subset, list);
    this.#list = list;
  }

  #setList({ managed, labels }: Subset, list: readonly EndpointAddress[]): void {
    managed.setEndpoints(withLabels(list, labels), this.#options);
  }

  *#managed(): IterableIterator<ManagedCluster> {
    yield this.#whole;
    for (const { managed } of this.#subsets.values()) yield managed;
    yield* this.#leaving;
  }
}
