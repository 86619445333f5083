/** The chain of a cluster in words, in the order a request travels. */
import type { BreakerPolicy } from '../cluster/circuit-breaker.js';
import type { Cluster } from '../cluster/cluster.js';
import { UNLIMITED, type PoolPolicy } from '../cluster/limits.js';
import type { OutlierPolicy } from '../cluster/outlier-policy.js';
import {
  tryLimit,
  type HedgePolicy,
  type Policy,
  type RateLimitHoldPolicy,
  type RetryPolicy,
  type TimeoutPolicy,
} from '../core/policy.js';
import type { Way } from '../cluster/way.js';
import type { ChainPolicy } from './chain.js';
import { localityFigures } from './describe-locality.js';

export function describeChain(cluster: Cluster): string {
  const { callLayers, attemptLayers, around, policy } = cluster.chains.usual;
  const names = (layers: readonly { readonly name: string }[]): string =>
    layers.map(({ name }) => name + figures(name, policy, cluster)).join(' → ');
  const count = cluster.endpoints.length;
  return [
    `${cluster.name} (${cluster.service.origin})`,
    `  call:     ${names(callLayers)}`,
    `  balancer: ${cluster.policy} over ${count} ${count === 1 ? 'endpoint' : 'endpoints'}${origin(cluster)}${warmupFigures(policy)}${stickyFigures(policy)}`,
    ...localityLines(cluster),
    `  attempt:  ${names(attemptLayers)}${around === undefined ? '' : ' → around'}`,
    `  pool:     ${poolFigures(cluster.limits.policy)}`,
    `  exchange: ${cluster.relay ?? (cluster.limits.policy.http2 ? 'HTTP/2 where offered, else HTTP/1.1' : 'HTTP/1.1')}`,
    ...healthLines(cluster),
    ...routeLines(cluster),
  ].join('\n');
}

/** Of each route what it takes and where that goes; and the layers, where they are not those of the service. */
function routeLines({ router }: Cluster): string[] {
  return (router?.routes ?? []).flatMap(({ name, takes, ways }) => {
    const [first] = ways;
    const own = first !== undefined && first.way.policy !== first.way.cluster.chains.usual.policy;
    const places = ways.map(({ way: { cluster }, percent }) =>
      ways.length === 1 ? cluster.name : `${Math.round(percent * 100) / 100} % ${cluster.name}`,
    );
    return [
      `  route:    ${name}: ${takes} → ${places.join(', ')}`,
      ...(own ? [`            call:    ${layersOf(first.way, 'callLayers')}`] : []),
      ...(own ? [`            attempt: ${layersOf(first.way, 'attemptLayers')}`] : []),
    ];
  });
}

function layersOf({ cluster, chain, policy }: Way, which: 'callLayers' | 'attemptLayers'): string {
  return chain[which]
    .map(({ name }) => name + figures(name, { ...chain.policy, ...policy }, cluster))
    .join(' → ');
}

function origin({ discovery, missing }: Cluster): string {
  if (discovery === undefined) return '';
  return missing === undefined ? ` from ${discovery}` : `: ${missing}`;
}

function warmupFigures({ loadBalancer }: Partial<ChainPolicy>): string {
  const { warmup } = (loadBalancer ?? {}) as { readonly warmup?: { readonly duration: number } };
  return warmup === undefined ? '' : `, warm after ${warmup.duration} ms`;
}

/** What is hashed, in the order of the options; the sizes of tables are gauges. */
function stickyFigures({ loadBalancer }: Partial<ChainPolicy>): string {
  const { hashOn, hashBalanceFactor = 0 } = (loadBalancer ?? {}) as Hashed;
  if (hashOn === undefined) return '';
  const sources = hashOn.map(
    ({ kind, name, terminal }) =>
      (name === undefined ? `a ${kind}` : `${kind} ${name}`) + (terminal ? ' (terminal)' : ''),
  );
  const bound = hashBalanceFactor > 0 && `at most ${hashBalanceFactor} % of the mean load`;
  return `, by ${listed([sources.join(', '), bound], '; ')}`;
}

interface Hashed {
  readonly hashOn?: readonly {
    readonly kind: string;
    readonly name?: string;
    readonly terminal: boolean;
  }[];
  readonly hashBalanceFactor?: number;
}

function poolFigures(policy: PoolPolicy): string {
  const { maxConnections, maxPendingRequests, maxRequests } = policy;
  const { maxRequestsPerConnection, maxConnectionDuration, idleTimeout, connectTimeout } = policy;
  return listed([
    `connections ${limit(maxConnections)}`,
    `waiting ${limit(maxPendingRequests)}`,
    `requests ${limit(maxRequests)}`,
    maxRequestsPerConnection > 0 && `${maxRequestsPerConnection} per connection`,
    `connect ${connectTimeout} ms`,
    idleTimeout > 0 && `idle ${idleTimeout} ms`,
    maxConnectionDuration > 0 && `age ${maxConnectionDuration} ms`,
  ]);
}

function limit(most: number): string {
  return most === UNLIMITED ? 'unlimited' : String(most);
}

function localityLines({ locality }: Cluster): string[] {
  return locality === undefined ? [] : [`  locality: ${localityFigures(locality)}`];
}

/** The active health checks, which stand beside the chain. */
function healthLines({ healthChecks }: Cluster): string[] {
  const policy = healthChecks?.policy;
  if (policy === undefined) return [];
  const { probe, interval, timeout, unhealthyThreshold, healthyThreshold } = policy;
  const asked = probe.kind === 'tcp' ? 'TCP' : `${probe.method} ${probe.path}`;
  const thresholds = `unhealthy after ${unhealthyThreshold}, healthy after ${healthyThreshold}`;
  return [`  health:   ${asked} every ${interval} ms (timeout ${timeout} ms; ${thresholds})`];
}

/** What a layer of ours is set to. */
function figures(
  name: string,
  { timeout, retry, hedge, rateLimitHold }: Policy & Partial<ChainPolicy>,
  { breaker, outliers }: Cluster,
): string {
  if (name === 'deadline') return ` (${deadlineFigures(timeout)})`;
  if (name === 'circuit breaker' && breaker.policy !== undefined)
    return ` (${breakerFigures(breaker.policy)})`;
  if (name === 'outlier detection' && outliers.policy !== undefined)
    return ` (${outlierFigures(outliers.policy)})`;
  if (name === 'rate-limit hold' && rateLimitHold !== undefined)
    return ` (${holdFigures(rateLimitHold)})`;
  if (name === 'hedge' && hedge !== undefined) return ` (${hedgeFigures(hedge)})`;
  if (name === 'retry' && retry !== undefined) return ` (${retryFigures(retry)})`;
  if (name === 'try timeout' && retry !== undefined) return ` (${tryFigures({ retry, timeout })})`;
  return '';
}

function holdFigures({ statusCodes, maxTime }: RateLimitHoldPolicy): string {
  return `on ${[...statusCodes].join(', ')}; at most ${maxTime} ms`;
}

function deadlineFigures({ response, idle, total }: TimeoutPolicy): string {
  return listed([
    total > 0 && `${total} ms`,
    response > 0 && `response ${response} ms`,
    idle > 0 && `idle ${idle} ms`,
  ]);
}

function breakerFigures(policy: BreakerPolicy): string {
  const { window, minimumCalls, failurePercent, slowCallDuration } = policy;
  const { openTime, maxOpenTime, openTimeJitterPercent, halfOpenCalls } = policy;
  const longest = maxOpenTime > openTime && `up to ${maxOpenTime} ms`;
  const jitter = openTimeJitterPercent > 0 && `jitter ${openTimeJitterPercent} %`;
  const failed = `${failurePercent} % of at least ${minimumCalls} calls in ${window} ms`;
  return listed(
    [
      listed([failed, slowCallDuration > 0 && `slow above ${slowCallDuration} ms`]),
      listed([`open ${openTime} ms`, longest, jitter]),
      `${halfOpenCalls} on trial`,
    ],
    '; ',
  );
}

function outlierFigures(policy: OutlierPolicy): string {
  const { baseEjectionTime, maxEjectionTime, maxEjectionPercent, alwaysEjectOne } = policy;
  const inARow = (errors: number, percent: number, what: string): string | false =>
    errors > 0 && percent > 0 && `${errors} ${what} in a row`;
  const split = policy.splitExternalLocalOriginErrors;
  const local = split ? policy.consecutiveLocalOriginFailures : 0;
  const isMeasured = policy.enforcingFailurePercentage > 0;
  return listed(
    [
      listed([
        inARow(policy.consecutive5xxErrors, policy.enforcingConsecutive5xx, '5xx'),
        inARow(
          policy.consecutiveGatewayErrors,
          policy.enforcingConsecutiveGatewayFailure,
          'gateway errors',
        ),
        inARow(local, policy.enforcingConsecutiveLocalOriginFailure, 'local failures'),
        policy.enforcingSuccessRate > 0 && 'success rate',
        isMeasured && `${policy.failurePercentageThreshold} % failures`,
      ]),
      `ejects for ${baseEjectionTime} to ${maxEjectionTime} ms`,
      listed([`at most ${maxEjectionPercent} %`, alwaysEjectOne && 'one always'], ' or '),
      `every ${policy.interval} ms`,
      policy.minHealthPercent > 0 && `panic below ${policy.minHealthPercent} %`,
    ],
    '; ',
  );
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
