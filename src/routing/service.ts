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
import type { Relay } from '../transport/relay.js';
import { attemptAll } from './attempt-all.js';
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
  readonly #leaving = new Set<Subset>();
  #options: NormalizedClientOptions;
  /** There while a discovery brings the endpoints. */
  #membership: Membership | undefined = undefined;
  /** The list in force, whoever has brought it: until a new discovery has answered, the one before. */
  #list: readonly EndpointAddress[] | undefined;
  #isStarted = false;
  /** Why it takes no calls any more. */
  #closed: { readonly reason: unknown } | undefined = undefined;

  constructor(
    policy: NormalizedService,
    options: NormalizedClientOptions,
    surroundings: Surroundings,
  ) {
    this.#options = options;
    this.#surroundings = surroundings;
    this.#whole = new ManagedCluster(policy, options, surroundings);
    this.#list = ownList(policy);
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
    this.#whole.update(next, options);
    this.#list = ownList(next) ?? this.#list;
    this.#setSubsets(next);
    if (this.#list !== undefined) this.#answerLeaving(this.#list);
    if (!goesOn) this.#follow(next);
  }

  /** Whose connections take the attempts from now on; undefined: our own. */
  relayThrough(relay: Relay | undefined): void {
    for (const managed of this.#managed()) managed.relayThrough(relay);
  }

  /** No further call is taken. */
  close(reason: unknown): void {
    this.#isStarted = false;
    this.#closed ??= { reason };
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
    for (const [name, subset] of this.#subsets) {
      if (subsets.has(name)) continue;
      this.#subsets.delete(name);
      this.#leaving.add(subset);
      subset.managed.retire(() => void this.#leaving.delete(subset));
    }
    const clusters = [...this.#subsets].map(([name, { managed }]): [string, Cluster] => [
      name,
      managed.cluster,
    ]);
    this.cluster.router = routerFor(routes, this.cluster, new Map(clusters));
  }

  #setSubset(name: string, policy: NormalizedSubset): void {
    const { labels, discovery } = policy;
    // What is the user's own stands in the policy.
    const list = discovery === undefined ? undefined : this.#list;
    const before = this.#subsets.get(name);
    if (before !== undefined) {
      before.managed.update(policy, this.#options);
      if (isDeepStrictEqual(labels, before.labels)) return;
      before.labels = labels;
      if (list !== undefined) this.#setList(before, list);
      return;
    }
    const managed = new ManagedCluster(policy, this.#options, this.#surroundings);
    const { cluster } = managed;
    const subset = { managed, labels };
    this.#subsets.set(name, subset);
    cluster.onConnectFailure = () => this.cluster.onConnectFailure?.();
    if (cluster.awaited !== undefined) cluster.awaited.reason = this.cluster.awaited?.reason;
    if (list !== undefined) this.#setList(subset, list);
    if (this.#isStarted) managed.start();
    if (this.#closed !== undefined) cluster.close(this.#closed.reason);
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
        for (const { cluster } of this.#managed()) {
          if (cluster.awaited !== undefined) cluster.awaited.reason = reason;
        }
      },
    });
    this.#membership.start();
  }

  /** A load balancer of the user's may throw: then the others have the list all the same. */
  #setLists(list: readonly EndpointAddress[]): void {
    this.#list = list;
    attemptAll([
      () => this.#whole.setEndpoints(list, this.#options),
      ...[...this.#subsets.values()].map((subset) => () => this.#setList(subset, list)),
      () => this.#answerLeaving(list),
    ]);
  }

  /** Their calls may still wait for a first list. */
  #answerLeaving(list: readonly EndpointAddress[]): void {
    for (const subset of this.#leaving) {
      if (subset.managed.cluster.awaited !== undefined) this.#setList(subset, list);
    }
  }

  #setList({ managed, labels }: Subset, list: readonly EndpointAddress[]): void {
    managed.setEndpoints(withLabels(list, labels), this.#options);
  }

  *#managed(): IterableIterator<ManagedCluster> {
    yield this.#whole;
    for (const { managed } of this.#subsets.values()) yield managed;
    for (const { managed } of this.#leaving) yield managed;
  }
}

/** That of the user's. */
function ownList({
  endpoints,
  discovery,
}: NormalizedService): readonly EndpointAddress[] | undefined {
  return discovery === undefined ? endpoints : undefined;
}
