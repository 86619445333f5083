/** The layers of a cluster, outermost first: made once and kept. */
import type { Cluster } from '../cluster/cluster.js';
import type { Chain } from '../core/call.js';
import type { AttemptLayer, CallLayer } from '../core/layer.js';
import type { Runtime } from '../core/runtime.js';
import { observeAttempts, observeCalls } from './observe.js';

/** What of the client's options makes the chain. */
export interface ChainOptions {
  readonly runtime: Runtime;
  readonly callLayers: readonly CallLayer[];
  readonly attemptLayers: readonly AttemptLayer[];
  readonly around: Chain['around'];
}

export function chainFor(cluster: Cluster, options: ChainOptions): Chain {
  const callLayers = [observeCalls(cluster.counters), ...options.callLayers];
  return {
    runtime: options.runtime,
    upstream: cluster,
    callLayers,
    attemptLayers: [observeAttempts(cluster.counters), ...options.attemptLayers],
    judges: callLayers.filter((layer) => layer.judge !== undefined),
    around: options.around,
  };
}

/** The chain in words, in the order a request travels. */
export function describeChain(cluster: Cluster): string {
  const { callLayers, attemptLayers, around } = cluster.chain;
  const names = (layers: readonly { readonly name: string }[]): string =>
    layers.map(({ name }) => name).join(' → ');
  const count = cluster.endpoints.length;
  return [
    `${cluster.name} (${cluster.service.origin})`,
    `  call:     ${names(callLayers)}`,
    `  balancer: ${cluster.policy} over ${count} ${count === 1 ? 'endpoint' : 'endpoints'}`,
    `  attempt:  ${names(attemptLayers)}${around === undefined ? '' : ' → around'}`,
    `  exchange: HTTP/1.1`,
  ].join('\n');
}
