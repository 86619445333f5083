/** The chain of a cluster in words, in the order a request travels. */
import type { Cluster } from '../cluster/cluster.js';
import {
  tryLimit,
  type HedgePolicy,
  type Policy,
  type RetryPolicy,
  type TimeoutPolicy,
} from '../core/policy.js';

export function describeChain(cluster: Cluster): string {
  const { callLayers, attemptLayers, around, policy } = cluster.chains.usual;
  const names = (layers: readonly { readonly name: string }[]): string =>
    layers.map(({ name }) => name + figures(name, policy)).join(' → ');
  const count = cluster.endpoints.length;
  return [
    `${cluster.name} (${cluster.service.origin})`,
    `  call:     ${names(callLayers)}`,
    `  balancer: ${cluster.policy} over ${count} ${count === 1 ? 'endpoint' : 'endpoints'}`,
    `  attempt:  ${names(attemptLayers)}${around === undefined ? '' : ' → around'}`,
    `  exchange: HTTP/1.1`,
  ].join('\n');
}

/** What a layer of ours is set to. */
function figures(name: string, { timeout, retry, hedge }: Policy): string {
  if (name === 'deadline') return ` (${deadlineFigures(timeout)})`;
  if (name === 'hedge' && hedge !== undefined) return ` (${hedgeFigures(hedge)})`;
  if (name === 'retry' && retry !== undefined) return ` (${retryFigures(retry)})`;
  if (name === 'try timeout' && retry !== undefined) return ` (${tryFigures({ retry, timeout })})`;
  return '';
}

function deadlineFigures({ response, idle, total }: TimeoutPolicy): string {
  return listed([
    total > 0 && `${total} ms`,
    response > 0 && `response ${response} ms`,
    idle > 0 && `idle ${idle} ms`,
  ]);
}

function hedgeFigures({ onPerTryTimeout, delay, maxHedges }: HedgePolicy): string {
  const after = typeof delay === 'object' ? `p${delay.percentile}` : `${delay ?? 0} ms`;
  return listed([
    onPerTryTimeout && 'on per-try timeout',
    delay !== undefined && `after ${after}, at most ${maxHedges}`,
  ]);
}

function retryFigures({
  attempts,
  words,
  statusCodes,
  rules,
  budget,
  maxRetries,
}: RetryPolicy): string {
  const rule = rules.length > 0 && `${rules.length} of your own`;
  const on = [...words].filter(
    (word) => word !== 'retriable-status-codes' || statusCodes.size === 0,
  );
  const limit =
    budget === undefined
      ? maxRetries < Number.POSITIVE_INFINITY && `at most ${maxRetries} at once`
      : `budget ${budget.percent} %, at least ${budget.minRetryConcurrency}`;
  const conditions = listed([...on, ...[...statusCodes].map(String), rule]);
  return listed([conditions === '' ? `${attempts}` : `${attempts} on ${conditions}`, limit], '; ');
}

function tryFigures(policy: { retry: RetryPolicy; timeout: TimeoutPolicy }): string {
  const limit = tryLimit(policy);
  const { perTryIdleTimeout } = policy.retry;
  return listed([
    limit > 0 && `${limit} ms`,
    perTryIdleTimeout > 0 && `idle ${perTryIdleTimeout} ms`,
  ]);
}

function listed(parts: readonly (string | false)[], separator = ', '): string {
  return parts.filter((part) => part !== false).join(separator);
}
