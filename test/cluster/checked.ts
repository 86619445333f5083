/** Endpoints under active health checks in virtual time; a script stands in place of what they would be asked over. */
import type {
  HealthCheckPolicy,
  ProbeResult,
  Prober,
} from '../../src/cluster/health-check-policy.js';
import { HealthChecks } from '../../src/cluster/health-checks.js';
import { Endpoint, type Sender } from '../../src/cluster/endpoint.js';
import { ClusterEvents, type HealthEvent } from '../../src/cluster/events.js';
import { virtualRuntime, type VirtualRuntime } from '../../src/testing/virtual-runtime.js';

/** What a check meets: a status, a 200 that says degraded, a mere failure, or nothing at all. */
export type Step = number | 'degraded' | 'refused' | 'hangs';

export const POLICY: HealthCheckPolicy = {
  probe: {
    kind: 'http',
    method: 'GET',
    path: '/healthz',
    host: undefined,
    headers: new Map(),
    expectedStatuses: [{ from: 200, to: 200 }],
    retriableStatuses: [{ from: 429, to: 429 }],
  },
  timeout: 1000,
  interval: 10_000,
  intervalJitter: 0,
  intervalJitterPercent: 0,
  initialJitter: 0,
  unhealthyThreshold: 3,
  healthyThreshold: 2,
  noTrafficInterval: 60_000,
  noTrafficHealthyInterval: 70_000,
  unhealthyInterval: 5000,
  unhealthyEdgeInterval: 3000,
  healthyEdgeInterval: 2000,
};

export interface CheckedOptions {
  readonly policy?: Partial<HealthCheckPolicy>;
  readonly endpoints?: number;
  readonly seed?: number;
  /** What each check of an endpoint meets, by its number from 0; the last step is repeated. */
  readonly script?: readonly Step[];
  /** In place of it, for some of the endpoints by their number. */
  readonly scripts?: Readonly<Record<number, readonly Step[]>>;
  /** Milliseconds that an answer takes. */
  readonly latency?: number;
  /** False: no call has ever been made. */
  readonly used?: boolean;
}

export class Checked {
  readonly name = 'shop';
  readonly runtime: VirtualRuntime;
  readonly events = new ClusterEvents();
  readonly counters = { upstream_cx_total: 1 };
  endpoints: readonly Endpoint[];
  readonly checks: HealthChecks;
  /** When each endpoint was asked. */
  readonly asked = new Map<string, number[]>();
  readonly told: HealthEvent[] = [];
  /** Checks that were given up. */
  cancelled = 0;
  /** Whose connections were drained, in order. */
  readonly drained: string[] = [];
  refreshed = 0;
  /** Whose good check outlier detection heard of, in order. */
  readonly passed: string[] = [];
  readonly outliers = {
    healthCheckPassed: ({ url }: Endpoint) => void this.passed.push(url),
  };
  readonly #script: readonly Step[];
  readonly #scripts = new Map<string, readonly Step[]>();
  readonly #latency: number;

  constructor(options: CheckedOptions = {}) {
    const { endpoints = 1, seed = 1, script = [200], latency = 5, used = true } = options;
    this.runtime = virtualRuntime({ seed });
    this.#script = script;
    for (const [index, own] of Object.entries(options.scripts ?? {})) {
      this.#scripts.set(urlOf(Number(index)), own);
    }
    this.#latency = latency;
    this.counters.upstream_cx_total = used ? 1 : 0;
    this.endpoints = Array.from({ length: endpoints }, (_, index) => this.endpoint(index));
    this.events.health.add((event) => this.told.push(event));
    this.checks = new HealthChecks(this, this.#probe);
    this.checks.setPolicy({ ...POLICY, ...options.policy });
  }

  endpoint(index: number): Endpoint {
    const url = urlOf(index);
    const endpoint = new Endpoint(
      { url, weight: 1, locality: '', priority: 0, labels: {} },
      this.runtime.now(),
    );
    endpoint.sender = { drain: () => void this.drained.push(url) } as unknown as Sender;
    return endpoint;
  }

  setEndpoints(endpoints: readonly Endpoint[]): void {
    this.endpoints = endpoints;
    this.checks.endpointsChanged();
  }

  healthChanged(): void {
    this.refreshed += 1;
  }

  /** When the first endpoint was asked. */
  get times(): readonly number[] {
    return this.asked.get(urlOf(0)) ?? [];
  }

  get health(): boolean[] {
    return this.endpoints.map(({ healthy }) => healthy);
  }

  get states(): string[] {
    return this.endpoints.map(({ healthy, degraded }) => {
      if (healthy) return 'healthy';
      return degraded ? 'degraded' : 'out';
    });
  }

  readonly #probe: Prober = (url, _probe, done) => {
    const times = this.asked.get(url) ?? [];
    this.asked.set(url, times);
    const script = this.#scripts.get(url) ?? this.#script;
    const step = script[Math.min(times.length, script.length - 1)] as Step;
    times.push(this.runtime.now());
    const timer =
      step === 'hangs'
        ? undefined
        : this.runtime.setTimer(() => done(resultOf(step)), this.#latency, true);
    return () => {
      this.cancelled += 1;
      this.runtime.clearTimer(timer);
    };
  };
}

function urlOf(index: number): string {
  return `http://10.0.0.${index}`;
}

function resultOf(step: Exclude<Step, 'hangs'>): ProbeResult {
  if (step === 'refused') return { kind: 'failed', reason: 'connection refused' };
  if (step === 'degraded') return { kind: 'answered', status: 200, isDegraded: true };
  return { kind: 'answered', status: step, isDegraded: false };
}
