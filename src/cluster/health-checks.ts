/** Asks endpoints on its own, from time to time, whether they are well: Envoy's active health checks. */
import type { Runtime } from '../core/runtime.js';
import type { Endpoint } from './endpoint.js';
import type { ClusterEvents } from './events.js';
import type { Finding, HealthCheckPolicy, Prober } from './health-check-policy.js';
import { checkedAs, HealthChecker, type CheckedAs, type CheckerHost } from './health-checker.js';

/** What they need of their cluster. */
export interface HealthCheckHost {
  readonly name: string;
  readonly runtime: Runtime;
  readonly events: ClusterEvents;
  readonly counters: { readonly upstream_cx_total: number };
  /** All endpoints, whatever their health. */
  readonly endpoints: readonly Endpoint[];
  /** Makes a change of an endpoint's health hold for the next pick. */
  healthChanged(): void;
  /** Told of each check that leaves its endpoint healthy: that ends an ejection. */
  readonly outliers: { healthCheckPassed(endpoint: Endpoint): void };
}

/** The checks of one cluster. They begin when they are given a policy. */
export class HealthChecks {
  readonly #cluster: HealthCheckHost;
  #policy: HealthCheckPolicy | undefined = undefined;
  readonly #checkers = new Map<Endpoint, HealthChecker>();
  readonly #checkerHost: CheckerHost;
  #isStopped = false;
  #attempts = 0;
  #successes = 0;
  #failures = 0;
  #networkFailures = 0;

  constructor(cluster: HealthCheckHost, probe: Prober) {
    this.#cluster = cluster;
    this.#checkerHost = {
      runtime: cluster.runtime,
      probe,
      // No checker is there without a policy.
      policy: () => this.#policy as HealthCheckPolicy,
      isUsed: () => cluster.counters.upstream_cx_total > 0,
      started: () => {
        this.#attempts += 1;
      },
      found: (endpoint, finding, before) => this.#found(endpoint, finding, before),
    };
  }

  /** Undefined while they are off. */
  get policy(): HealthCheckPolicy | undefined {
    return this.#policy;
  }

  /** Holds at once: every endpoint is checked anew. Undefined switches off and forgets what was found. */
  setPolicy(policy: HealthCheckPolicy | undefined): void {
    if (this.#isStopped) return;
    this.#policy = policy;
    for (const checker of this.#checkers.values()) checker.stop();
    if (policy === undefined) this.#forgetAll();
    else if (this.#checkers.size > 0) this.#startAll();
    else this.#add(this.#cluster.endpoints, false);
  }

  /** The list of the cluster is another one. */
  endpointsChanged(): void {
    if (this.#policy === undefined || this.#isStopped) return;
    const present = new Set(this.#cluster.endpoints);
    for (const [endpoint, checker] of this.#checkers) {
      if (present.has(endpoint)) continue;
      checker.stop();
      this.#checkers.delete(endpoint);
    }
    const isUsable = [...this.#checkers.keys()].some(
      ({ healthy, degraded, priority }) => (healthy || degraded) && priority !== undefined,
    );
    this.#add(
      [...present].filter((endpoint) => !this.#checkers.has(endpoint)),
      isUsable,
    );
  }

  /** Ends every wait and every check; nothing begins anew. */
  stop(): void {
    this.#isStopped = true;
    for (const checker of this.#checkers.values()) checker.stop();
  }

  /** Envoy's counters and gauges, without the prefix. */
  stats(): Record<string, number> {
    const passing = [...this.#checkers.values()].filter(({ passes }) => passes);
    return {
      'health_check.attempt': this.#attempts,
      'health_check.success': this.#successes,
      'health_check.failure': this.#failures,
      'health_check.network_failure': this.#networkFailures,
      'health_check.healthy': passing.length,
      'health_check.degraded': passing.filter(({ endpoint }) => endpoint.degradedCheck).length,
    };
  }

  /**
   * As in Envoy a new endpoint waits for its first good check, but only where others can take its share: a client that
   * has just begun would refuse everything otherwise.
   */
  #add(endpoints: readonly Endpoint[], mustPassFirst: boolean): void {
    const added = endpoints.map((endpoint) => {
      endpoint.failedCheck = mustPassFirst;
      const checker = new HealthChecker(endpoint, this.#checkerHost);
      this.#checkers.set(endpoint, checker);
      return checker;
    });
    if (mustPassFirst && added.length > 0) this.#cluster.healthChanged();
    for (const checker of added) checker.start();
  }

  #startAll(): void {
    for (const checker of this.#checkers.values()) checker.start();
  }

  #forgetAll(): void {
    const checked = [...this.#checkers.keys()];
    this.#checkers.clear();
    for (const endpoint of checked) {
      const before = checkedAs(endpoint);
      endpoint.lastCheck = undefined;
      endpoint.failedCheck = false;
      endpoint.degradedCheck = false;
      if (before !== 'healthy') this.#changed(endpoint, 'switched-off', before);
    }
  }

  #found(endpoint: Endpoint, { kind, reason }: Finding, before: CheckedAs): void {
    endpoint.lastCheck = reason;
    if (kind === 'passed') this.#successes += 1;
    else this.#failures += 1;
    if (kind === 'network-failure') this.#networkFailures += 1;
    if (checkedAs(endpoint) !== before) this.#changed(endpoint, reason, before);
    if (kind === 'passed' && !endpoint.failedCheck)
      this.#cluster.outliers.healthCheckPassed(endpoint);
  }

  #changed(endpoint: Endpoint, reason: string, before: CheckedAs): void {
    const { events, name, runtime } = this.#cluster;
    const { degradedCheck } = endpoint;
    const healthy = !endpoint.failedCheck;
    if (before === 'failed') endpoint.warmsFrom = runtime.now();
    this.#cluster.healthChanged();
    if (!healthy) endpoint.sender.drain();
    if (events.health.used) {
      const degraded = healthy && degradedCheck;
      events.health.tell({ service: name, endpoint: endpoint.url, healthy, degraded, reason });
    }
  }
}
