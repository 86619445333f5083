/** A real cluster under its usual layers, on virtual time: each attempt follows a script in place of a connection. */
import { expect } from 'vitest';
import { balancerFactory, type LoadBalancerPolicy } from '../../src/balancing/policies.js';
import type { BreakerPolicy } from '../../src/cluster/circuit-breaker.js';
import { Cluster } from '../../src/cluster/cluster.js';
import { Counters } from '../../src/cluster/counters.js';
import { ClusterEvents } from '../../src/cluster/events.js';
import type { OutlierPolicy } from '../../src/cluster/outlier-policy.js';
import { Limits } from '../../src/cluster/limits.js';
import { defaultConnectionPool } from '../../src/options/read-connection-pool.js';
import type { Sender } from '../../src/cluster/endpoint.js';
import type { Attempt } from '../../src/core/attempt.js';
import { Call } from '../../src/core/call.js';
import { explainCall, type Explanation } from '../../src/core/explanation.js';
import type { AttemptLayer, CallLayer } from '../../src/core/layer.js';
import type { HedgePolicy, Policy, RateLimitHoldPolicy } from '../../src/core/policy.js';
import { chainsFor } from '../../src/layers/chain.js';
import { virtualRuntime, type VirtualRuntime } from '../../src/testing/virtual-runtime.js';
import { NO_POLICY, Recorder, ScriptedExchange, type Script } from '../core/scripted-upstream.js';

/** What an attempt meets: always the same; by its number in the call, the last one repeated; or asked each time. */
export type Scripts = Script | readonly Script[] | ((attempt: Attempt) => Script);

export interface VirtualClusterOptions {
  /** Default: 3. */
  readonly endpoints?: number;
  /** Default: no timeout, no retry, no hedge. */
  readonly policy?: Partial<Policy>;
  /** Default: round robin. */
  readonly loadBalancer?: LoadBalancerPolicy;
  /** Default: off. */
  readonly circuitBreaker?: BreakerPolicy;
  /** Default: off. */
  readonly outlierDetection?: OutlierPolicy;
  /** Default: off. */
  readonly rateLimitHold?: RateLimitHoldPolicy;
  readonly seed?: number;
  /** In place of the seed's chance. */
  readonly chance?: () => number;
  readonly callLayers?: readonly CallLayer[];
  readonly attemptLayers?: readonly AttemptLayer[];
}

export interface VirtualRequest {
  readonly method?: string;
  readonly headers?: readonly string[];
  readonly body?: Call['body'];
  /** In place of the cluster's, as with options of one call. */
  readonly policy?: Partial<Policy>;
}

/** A call that was set going, and what its caller heard. */
export class VirtualCall {
  constructor(
    readonly call: Call,
    readonly recorder: Recorder,
  ) {}

  get events(): readonly string[] {
    return this.recorder.events;
  }

  get explanation(): Explanation {
    return explainCall(this.call);
  }

  /** When each attempt was started, in milliseconds since the start of the call. */
  get starts(): number[] {
    return this.call.attempts.map(({ startedAt }) => startedAt - this.call.startedAt);
  }

  /** The verdict on each attempt, `another: reset`, `give-up: attempts`; empty where there was none. */
  get verdicts(): string[] {
    return this.explanation.attempts.map(({ verdict }) =>
      verdict === undefined ? '' : `${verdict.kind}: ${verdict.reason}`,
    );
  }

  /** The endpoint of each attempt, by its place in the list. */
  get endpoints(): number[] {
    return this.call.attempts.map(({ endpoint }) => Number(endpoint?.url.slice(-1)));
  }
}

export class VirtualCluster {
  readonly runtime: VirtualRuntime;
  readonly cluster: Cluster;
  /** Attempts that reached the wire, in order. */
  readonly exchanges: ScriptedExchange[] = [];

  constructor(
    public scripts: Scripts,
    options: VirtualClusterOptions = {},
  ) {
    const { endpoints = 3, seed = 1, chance } = options;
    const runtime = virtualRuntime({ seed });
    this.runtime =
      chance === undefined
        ? runtime
        : (Object.create(runtime, { random: { value: chance } }) as VirtualRuntime);
    const loadBalancer = options.loadBalancer ?? { policy: 'round-robin' };
    const { circuitBreaker, outlierDetection, rateLimitHold } = options;
    const policy = {
      ...NO_POLICY,
      ...options.policy,
      loadBalancer,
      circuitBreaker,
      outlierDetection,
      rateLimitHold,
      envoyHeaders: true,
    };
    const counters = new Counters();
    this.cluster = new Cluster({
      name: 'shop',
      service: new URL('http://shop'),
      runtime: this.runtime,
      balancer: balancerFactory(loadBalancer),
      endpoints: Array.from({ length: endpoints }, (_, index) => ({
        url: `http://127.0.0.1:${index}`,
        weight: 1,
        locality: '',
        priority: 0,
        labels: {},
      })),
      counters,
      limits: new Limits(defaultConnectionPool(), counters),
      events: new ClusterEvents(),
      connect: () => this.#sender(),
      idle: () => {},
    });
    this.cluster.breaker.setPolicy(circuitBreaker);
    this.cluster.setOutlierDetection(outlierDetection);
    this.cluster.chains = chainsFor(
      this.cluster,
      {
        runtime: this.runtime,
        callLayers: options.callLayers ?? [],
        attemptLayers: options.attemptLayers ?? [],
        around: undefined,
      },
      policy,
    );
    this.cluster.slots.setLimits(
      policy.retry ?? {
        budget: { percent: 20, minRetryConcurrency: 3, interval: 0 },
        maxRetries: Number.POSITIVE_INFINITY,
      },
    );
  }

  /** Sets a call going. */
  start(request: VirtualRequest = {}): VirtualCall {
    const { method = 'GET', headers = [], body = null } = request;
    const { chains } = this.cluster;
    const policy = { ...chains.usual.policy, ...request.policy };
    const chain = request.policy === undefined ? chains.usual : chains.for(policy);
    const recorder = new Recorder();
    const call = new Call(chain, recorder, method, '/', headers, body, undefined, policy);
    this.cluster.start(call);
    return new VirtualCall(call, recorder);
  }

  /** Sets a call going and lets time pass until it is over and nothing is left of it. */
  async finish(request: VirtualRequest = {}): Promise<VirtualCall> {
    const call = this.start(request);
    await this.runtime.runUntilIdle();
    return call;
  }

  /** The counters that are not 0. */
  get counted(): Record<string, number> {
    const read = Object.entries(this.cluster.counters.read());
    return Object.fromEntries(read.filter(([, value]) => value !== 0));
  }

  /** One counter, 0 where it has not been counted. */
  count(counter: string): number {
    return this.counted[counter] ?? 0;
  }

  /** How often each attempt on the wire was cancelled. */
  get cancels(): number[] {
    return this.exchanges.map(({ cancelled }) => cancelled);
  }

  expectNothingLeft(): void {
    const { cluster, runtime } = this;
    expect(cluster.activeCalls).toBe(0);
    expect(cluster.slots.active).toBe(0);
    expect(cluster.counters.upstream_rq_active).toBe(0);
    expect(cluster.endpoints.map(({ active }) => active)).toEqual(cluster.endpoints.map(() => 0));
    // Each exchange has ended of itself, or was cancelled, and once.
    for (const { finished, cancelled } of this.exchanges) {
      expect(Number(finished) + cancelled).toBe(1);
    }
    expect(runtime.pendingTimers).toBe(0);
  }

  #sender(): Sender {
    return {
      send: (attempt) => {
        const exchange = new ScriptedExchange(this.runtime, attempt, this.#scriptOf(attempt));
        attempt.exchange = exchange;
        this.exchanges.push(exchange);
        exchange.play();
      },
      size: { open: 0, idle: 0 },
      isConnected: false,
      waiting: 0,
      limitsChanged() {},
      drain() {},
      renew() {},
      leave() {},
      destroy() {},
    };
  }

  #scriptOf(attempt: Attempt): Script {
    const { scripts } = this;
    if (typeof scripts === 'function') return scripts(attempt);
    if (!isList(scripts)) return scripts;
    return scripts[Math.min(attempt.number, scripts.length) - 1] as Script;
  }
}

function isList(scripts: Script | readonly Script[]): scripts is readonly Script[] {
  return Array.isArray(scripts);
}

/** A hedge policy with nothing switched on but what is given. */
export function hedgePolicy(own: Partial<HedgePolicy> = {}): HedgePolicy {
  return { onPerTryTimeout: false, delay: undefined, maxHedges: 1, methods: new Set(), ...own };
}

/** Answered after so many milliseconds from its connection, which takes one. */
export function answers(status: number, after = 0, own: Partial<Script> = {}): Script {
  return { connect: 1, head: after, status, chunks: [], ...own };
}

/** Fails in place of a head. */
export function fails(kind: NonNullable<Script['fails']>, after = 0): Script {
  return { ...answers(0, after), fails: kind };
}

export const REFUSED: Script = { ...answers(0), refused: true };
/** Connected, and never answered. */
export const SILENT: Script = answers(200, Number.POSITIVE_INFINITY);

/** The defaults without jitter, and what is given in their place. */
export function breakerPolicy(own: Partial<BreakerPolicy> = {}): BreakerPolicy {
  return {
    window: 10_000,
    minimumCalls: 20,
    failurePercent: 50,
    slowCallDuration: 0,
    openTime: 5000,
    maxOpenTime: own.openTime ?? 5000,
    openTimeJitterPercent: 0,
    halfOpenCalls: 10,
    ...own,
  };
}

/** The defaults, and what is given in their place. */
export function holdPolicy(own: Partial<RateLimitHoldPolicy> = {}): RateLimitHoldPolicy {
  return {
    statusCodes: new Set([429, 503]),
    resetHeaders: [
      { name: 'retry-after', format: 'seconds' },
      { name: 'x-ratelimit-reset', format: 'unix-timestamp' },
    ],
    maxTime: 60_000,
    ...own,
  };
}

/** Envoy's figures, with one endpoint always allowed to go, and what is given in their place. */
export function outlierPolicy(own: Partial<OutlierPolicy> = {}): OutlierPolicy {
  return {
    consecutive5xxErrors: 5,
    enforcingConsecutive5xx: 100,
    consecutiveGatewayErrors: 5,
    enforcingConsecutiveGatewayFailure: 0,
    splitExternalLocalOriginErrors: false,
    consecutiveLocalOriginFailures: 5,
    enforcingConsecutiveLocalOriginFailure: 100,
    interval: 10_000,
    baseEjectionTime: 30_000,
    maxEjectionTime: 300_000,
    maxEjectionTimeJitter: 0,
    maxEjectionPercent: 10,
    alwaysEjectOne: true,
    minHealthPercent: 0,
    successRateMinimumHosts: 5,
    successRateRequestVolume: 100,
    successRateStdevFactor: 1900,
    enforcingSuccessRate: 100,
    enforcingLocalOriginSuccessRate: 100,
    failurePercentageThreshold: 85,
    failurePercentageMinimumHosts: 5,
    failurePercentageRequestVolume: 50,
    enforcingFailurePercentage: 0,
    enforcingFailurePercentageLocalOrigin: 0,
    successfulActiveHealthCheckUnejectHost: true,
    ...own,
  };
}
