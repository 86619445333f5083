/** The layers of a cluster, outermost first: made once and kept. */
import type { Cluster } from '../cluster/cluster.js';
import type { Chain, Chains, Overrides } from '../core/call.js';
import type { AttemptLayer, CallLayer } from '../core/layer.js';
import type { Runtime } from '../core/runtime.js';
import { deadline } from './deadline.js';
import { observeAttempts, observeCalls } from './observe.js';

/** What of the client's options makes the chain. */
export interface ChainOptions {
  readonly runtime: Runtime;
  readonly callLayers: readonly CallLayer[];
  readonly attemptLayers: readonly AttemptLayer[];
  readonly around: Chain['around'];
}

/** What of a service's policy makes it. */
export interface ChainPolicy {
  /** Milliseconds for a whole call; 0 is none. */
  readonly timeout: number;
  /** A function is the user's own. */
  readonly loadBalancer: unknown;
}

/** A layer that is off is in no chain but those of calls that ask for it. */
export function chainsFor(cluster: Cluster, options: ChainOptions, policy: ChainPolicy): Chains {
  const usual = chainFor(cluster, options, policy, policy.timeout > 0);
  let timed = policy.timeout > 0 ? usual : undefined;
  return {
    usual,
    for: ({ timeout = 0 }: Overrides) =>
      timeout > 0 ? (timed ??= chainFor(cluster, options, policy, true)) : usual,
  };
}

function chainFor(
  cluster: Cluster,
  options: ChainOptions,
  policy: ChainPolicy,
  hasDeadline: boolean,
): Chain {
  const { counters } = cluster;
  const callLayers = [
    observeCalls(counters),
    ...(hasDeadline ? [deadline] : []),
    ...options.callLayers,
  ];
  return {
    runtime: options.runtime,
    upstream: cluster,
    callLayers,
    attemptLayers: [observeAttempts(counters), ...options.attemptLayers],
    judges: callLayers.filter((layer) => layer.judge !== undefined),
    around: options.around,
    keepsContext:
      options.callLayers.length > 0 ||
      options.attemptLayers.length > 0 ||
      options.around !== undefined ||
      typeof policy.loadBalancer === 'function',
    timeout: policy.timeout,
  };
}

/** The chain in words, in the order a request travels. */
export function describeChain(cluster: Cluster): string {
  const { callLayers, attemptLayers, around, timeout } = cluster.chains.usual;
  const names = (layers: readonly { readonly name: string }[]): string =>
    layers
      .map((layer) => (layer === deadline ? `deadline (${timeout} ms)` : layer.name))
      .join(' → ');
  const count = cluster.endpoints.length;
  return [
    `${cluster.name} (${cluster.service.origin})`,
    `  call:     ${names(callLayers)}`,
    `  balancer: ${cluster.policy} over ${count} ${count === 1 ? 'endpoint' : 'endpoints'}`,
    `  attempt:  ${names(attemptLayers)}${around === undefined ? '' : ' → around'}`,
    `  exchange: HTTP/1.1`,
  ].join('\n');
}
