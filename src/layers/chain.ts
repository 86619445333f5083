/** The layers of a cluster, outermost first: made once for each set of them that is wanted, and kept. */
import type { BreakerPolicy } from '../cluster/circuit-breaker.js';
import type { Cluster } from '../cluster/cluster.js';
import { HeadTimes } from '../cluster/head-times.js';
import type { OutlierPolicy } from '../cluster/outlier-policy.js';
import type { Chain, Chains } from '../core/call.js';
import type { AttemptLayer, CallLayer } from '../core/layer.js';
import type { Policy, RateLimitHoldPolicy } from '../core/policy.js';
import type { Runtime } from '../core/runtime.js';
import { circuitBreaker } from './circuit-breaker.js';
import { deadline } from './deadline.js';
import { discovery } from './discovery.js';
import { envoyHeaders } from './envoy-headers.js';
import { headTimes } from './head-times.js';
import { hedge } from './hedge.js';
import { outlierDetection } from './outlier-detection.js';
import { observeAttempts, observeCalls } from './observe.js';
import { rateLimitHold } from './rate-limit-hold.js';
import { retry } from './retry.js';
import { tryTimeout } from './try-timeout.js';

/** What of the client's options makes the chain. */
export interface ChainOptions {
  readonly runtime: Runtime;
  readonly callLayers: readonly CallLayer[];
  readonly attemptLayers: readonly AttemptLayer[];
  readonly around: Chain['around'];
}

/** What of a service's policy makes it. */
export interface ChainPolicy extends Policy {
  /** A function is the user's own. */
  readonly loadBalancer: unknown;
  readonly circuitBreaker?: BreakerPolicy | undefined;
  readonly outlierDetection?: OutlierPolicy | undefined;
  readonly rateLimitHold?: RateLimitHoldPolicy | undefined;
  readonly envoyHeaders: boolean;
}

/** The layers that are on. */
interface Parts {
  readonly deadline: boolean;
  readonly hedge: boolean;
  readonly headTimes: boolean;
  readonly retry: boolean;
  readonly tryTimeout: boolean;
}

/** A layer that is off is in no chain but those of calls that ask for it. */
export function chainsFor(cluster: Cluster, options: ChainOptions, policy: ChainPolicy): Chains {
  const chains = new Map<string, Chain>();
  const chainOf = (call: Policy): Chain => {
    const parts = partsOf(call);
    const key = Object.values(parts).join();
    let chain = chains.get(key);
    if (chain === undefined) {
      chain = chainFor(cluster, options, policy, parts);
      chains.set(key, chain);
    }
    return chain;
  };
  return { usual: chainOf(policy), for: chainOf };
}

function partsOf({ timeout, retry: again, hedge: hedging }: Policy): Parts {
  return {
    deadline:
      timeout.total > 0 || timeout.response > 0 || timeout.idle > 0 || timeout.inherited === true,
    hedge: hedging !== undefined,
    headTimes: typeof hedging?.delay === 'object',
    retry: again !== undefined,
    tryTimeout: again !== undefined && (again.perTryTimeout > 0 || again.perTryIdleTimeout > 0),
  };
}

function chainFor(
  cluster: Cluster,
  options: ChainOptions,
  policy: ChainPolicy,
  parts: Parts,
): Chain {
  const { counters } = cluster;
  if (parts.headTimes) cluster.headTimes ??= new HeadTimes(options.runtime);
  const callLayers = [
    observeCalls(counters),
    ...(parts.deadline ? [deadline] : []),
    ...options.callLayers,
    ...(cluster.awaited === undefined ? [] : [discovery(cluster.awaited)]),
    ...(policy.circuitBreaker === undefined ? [] : [circuitBreaker(cluster.breaker)]),
    ...(parts.hedge ? [hedge(cluster)] : []),
    ...(parts.retry ? [retry(counters, policy.retry)] : []),
  ];
  const attemptLayers = [
    observeAttempts(counters),
    ...(policy.envoyHeaders ? [envoyHeaders()] : []),
    ...(parts.headTimes ? [headTimes(cluster)] : []),
    ...options.attemptLayers,
    ...(policy.outlierDetection === undefined ? [] : [outlierDetection(cluster.outliers)]),
    ...(policy.rateLimitHold === undefined ? [] : [rateLimitHold(cluster, policy.rateLimitHold)]),
    ...(parts.tryTimeout ? [tryTimeout] : []),
  ];
  return {
    runtime: options.runtime,
    alarms: cluster.alarms,
    upstream: cluster,
    callLayers,
    attemptLayers,
    connectedLayers: attemptLayers.filter((layer) => layer.connected !== undefined),
    headLayers: attemptLayers.filter((layer) => layer.head !== undefined),
    judges: callLayers.filter((layer) => layer.judge !== undefined),
    around: options.around,
    keepsContext:
      options.callLayers.length > 0 ||
      options.attemptLayers.length > 0 ||
      options.around !== undefined ||
      typeof policy.loadBalancer === 'function',
    policy,
  };
}
