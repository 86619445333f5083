/** Policies that are right in each of their options and cannot do what they say: told, not refused. */
import {
  tryLimit,
  type HedgePolicy,
  type Policy,
  type RetryPolicy,
  type TimeoutPolicy,
} from '../core/policy.js';
import type { LoadBalancerPolicy } from '../balancing/policies.js';
import type { BreakerPolicy } from '../cluster/circuit-breaker.js';
import type { EndpointAddress } from '../cluster/endpoint.js';
import type { HealthCheckPolicy } from '../cluster/health-check-policy.js';
import type { PoolPolicy } from '../cluster/limits.js';
import type { OutlierPolicy } from '../cluster/outlier-policy.js';
import type { LocalitySettings } from '../locality/locality-policy.js';
import { defaults } from './defaults.js';
import { healthCheckWarnings, type HealthCheckWarningCode } from './health-check-warnings.js';
import { localityWarnings, type LocalityWarningCode } from './locality-warnings.js';
import { outlierWarnings, type OutlierWarningCode } from './outlier-warnings.js';
import type { ProxyPolicy } from './proxy.js';
import { defaultIdleTimeout } from './read-connection-pool.js';
import { defaultBaseInterval } from './read-retry.js';
import { isOwnOrigin } from './read-endpoints.js';
import { usesTls } from './read-services.js';
import type { RouteWarningCode } from './route-warnings.js';
import { transportWarnings, type TransportWarningCode } from './transport-warnings.js';
import type { Transport } from './transport.js';

export type WarningCode =
  /** The tries and the waits between them take longer than the call may. */
  | 'OUTRIGGER_RETRIES_DO_NOT_FIT'
  /** The time of a try is not below that of the call. */
  | 'OUTRIGGER_PER_TRY_TIMEOUT_IGNORED'
  /** What hedging waits for never happens. */
  | 'OUTRIGGER_HEDGE_CANNOT_HAPPEN'
  /** A condition for retries can never hold, or there is none. */
  | 'OUTRIGGER_RETRY_CONDITION_EMPTY'
  /** A timeout can never run out, since another one does before. */
  | 'OUTRIGGER_TIMEOUT_ORDER'
  /** The limits leave no retry to anybody. */
  | 'OUTRIGGER_RETRIES_CANNOT_HAPPEN'
  /** HTTP/2 is asked for where it cannot be spoken, or something of it where it is not. */
  | 'OUTRIGGER_HTTP2_HAS_NO_EFFECT'
  /** New endpoints get their whole share from the start. */
  | 'OUTRIGGER_WARMUP_WITHOUT_EFFECT'
  /** A sticky policy has fewer places than there are endpoints. */
  | 'OUTRIGGER_ENDPOINTS_WITHOUT_CALLS'
  | HealthCheckWarningCode
  | LocalityWarningCode
  | OutlierWarningCode
  | RouteWarningCode
  | TransportWarningCode;

export interface PolicyWarning {
  readonly code: WarningCode;
  /** By its path in the options of a service. */
  readonly option: string;
  /** It begins with the path of the option. */
  readonly message: string;
}

/** The policy of a service, or that of origins which are not configured: each of them has one endpoint. */
export interface WarnedPolicy extends Policy {
  readonly circuitBreaker?: BreakerPolicy | undefined;
  readonly connectionPool?: PoolPolicy;
  readonly outlierDetection?: OutlierPolicy | undefined;
  readonly healthCheck?: HealthCheckPolicy | undefined;
  readonly loadBalancer?: LoadBalancerPolicy;
  readonly locality?: LocalitySettings | undefined;
  readonly origin?: string;
  readonly endpoints?: readonly EndpointAddress[];
  readonly proxy?: ProxyPolicy | undefined;
  /** The client's `fetch` or `dispatcher`. */
  readonly transport?: Transport['kind'] | undefined;
}

/** Every contradiction of a policy whose options stand at this path; empty for the client's own. */
export function policyWarnings(policy: WarnedPolicy, path: string): PolicyWarning[] {
  const found: PolicyWarning[] = [];
  const say: Say = (code, option, sentence) => {
    const place = path === '' ? option : `${path}.${option}`;
    found.push({ code, option, message: `${place}: ${sentence}` });
  };
  const { timeout, retry, hedge } = policy;
  checkTimeouts(timeout, say);
  if (retry !== undefined) {
    checkTryTimeouts(retry, timeout, say);
    checkConditions(retry, hedge, say);
    checkLimits(retry, say);
  }
  if (hedge !== undefined) checkHedge(hedge, policy, say);
  if (policy.loadBalancer !== undefined) {
    checkWarmup(policy.loadBalancer, say);
    checkPlaces(policy.loadBalancer, policy.endpoints?.length ?? 1, say);
  }
  if (policy.locality !== undefined) checkLocality(policy.locality, policy, say);
  if (policy.connectionPool !== undefined) {
    if (policy.transport === undefined) checkPool(policy.connectionPool, say);
    checkCarrier(policy.connectionPool, policy, say);
    checkHttp2(policy.connectionPool, policy, say);
  }
  if (policy.circuitBreaker !== undefined) checkBreaker(policy.circuitBreaker, timeout, say);
  if (policy.outlierDetection !== undefined) {
    const endpoints = policy.endpoints?.length ?? 1;
    for (const { code, option, sentence } of outlierWarnings(policy.outlierDetection, endpoints)) {
      // Without a detector it may be there for the panic threshold, which holds for health checks, too.
      const isForPanic = policy.healthCheck !== undefined && option === 'outlierDetection';
      if (isForPanic && policy.outlierDetection.minHealthPercent > 0) continue;
      say(code, option, sentence);
    }
  }
  if (policy.healthCheck !== undefined) {
    for (const { code, option, sentence } of healthCheckWarnings(policy.healthCheck)) {
      say(code, option, sentence);
    }
  }
  return found;
}

function checkLocality(locality: LocalitySettings, policy: WarnedPolicy, say: Say): void {
  const noticesFailure = policy.outlierDetection !== undefined || policy.healthCheck !== undefined;
  const { origin = '', endpoints = [], loadBalancer } = policy;
  if (isOwnOrigin(origin, endpoints)) return;
  const warned = { locality, noticesFailure, endpoints, loadBalancer };
  for (const { option, sentence } of localityWarnings(warned)) {
    say('OUTRIGGER_LOCALITY_HAS_NO_EFFECT', option, sentence);
  }
}

type Say = (code: WarningCode, option: string, sentence: string) => void;

function checkTimeouts(timeout: TimeoutPolicy, say: Say): void {
  for (const part of ['response', 'idle'] as const) {
    if (timeout.total > 0 && timeout[part] >= timeout.total) {
      say(
        'OUTRIGGER_TIMEOUT_ORDER',
        `timeout.${part}`,
        `${timeout[part]} ms can never run out, since timeout.total ends the call after ${timeout.total} ms`,
      );
    }
  }
}

function checkTryTimeouts(retry: RetryPolicy, timeout: TimeoutPolicy, say: Say): void {
  const { attempts, perTryTimeout, perTryIdleTimeout } = retry;
  if (timeout.total > 0 && perTryIdleTimeout >= timeout.total) {
    say(
      'OUTRIGGER_TIMEOUT_ORDER',
      'retry.perTryIdleTimeout',
      `${perTryIdleTimeout} ms can never run out, since timeout.total ends the call after ${timeout.total} ms`,
    );
  }
  if (perTryTimeout > 0 && tryLimit({ retry, timeout }) === 0) {
    say(
      'OUTRIGGER_PER_TRY_TIMEOUT_IGNORED',
      'retry.perTryTimeout',
      `${perTryTimeout} ms is ignored, as in Envoy, since it is not below the ${timeout.total} ms of timeout.total`,
    );
    return;
  }
  const limit = firstLimit(timeout);
  const waits = longestWaits(retry);
  const needed = perTryTimeout * (attempts + 1) + waits;
  if (limit === undefined || needed <= limit.milliseconds) return;
  if (perTryTimeout === 0) {
    // A short timeout does not make the usual back-off a mistake.
    if (retry.backoff.baseInterval <= defaultBaseInterval()) return;
    say(
      'OUTRIGGER_RETRIES_DO_NOT_FIT',
      'retry.backoff',
      `up to ${waits} ms of back-off before ${attempts} retries, but ${limit.option} ends the call after ${limit.milliseconds} ms`,
    );
    return;
  }
  const tries = attempts === 0 ? '1 try' : `${attempts + 1} tries`;
  say(
    'OUTRIGGER_RETRIES_DO_NOT_FIT',
    'retry.perTryTimeout',
    `${tries} of ${perTryTimeout} ms and up to ${waits} ms of back-off take up to ${needed} ms, but ${limit.option} ends the call after ${limit.milliseconds} ms`,
  );
}

function checkConditions(retry: RetryPolicy, hedge: HedgePolicy | undefined, say: Say): void {
  const { attempts, words, statusCodes, headers, rules, notProcessed } = retry;
  const code = 'OUTRIGGER_RETRY_CONDITION_EMPTY';
  if (words.has('retriable-status-codes') && statusCodes.size === 0) {
    say(
      code,
      'retry.retryOn',
      "'retriable-status-codes' stands for none, since retry.retriableStatusCodes has 0 of them",
    );
  }
  if (words.has('retriable-headers') && headers.length === 0) {
    say(
      code,
      'retry.retryOn',
      "'retriable-headers' stands for none, since retry.retriableHeaders has 0 of them",
    );
  }
  const isEmpty = words.size === 0 && rules.length === 0 && notProcessed === undefined;
  if (isEmpty && attempts > 0 && hedge?.onPerTryTimeout !== true) {
    say(code, 'retry.retryOn', `with 0 conditions, none of the ${attempts} retries is ever made`);
  }
}

function checkLimits({ attempts, budget, maxRetries }: RetryPolicy, say: Say): void {
  if (attempts === 0) return;
  const code = 'OUTRIGGER_RETRIES_CANNOT_HAPPEN';
  const none = `leave none of the ${attempts} retries to any call`;
  if (budget?.percent === 0 && budget.minRetryConcurrency === 0) {
    say(code, 'retry.budget', `percent 0 and minRetryConcurrency 0 ${none}`);
  }
  if (budget === undefined && maxRetries === 0) {
    say(code, 'retry.maxRetries', `0 at any one time ${none}`);
  }
}

function checkHedge(
  { onPerTryTimeout, delay }: HedgePolicy,
  { retry, timeout }: Policy,
  say: Say,
): void {
  const limit = firstLimit(timeout);
  const why = onPerTryTimeout ? whyNoTryTimeout(retry, limit) : undefined;
  if (why !== undefined) {
    say(
      'OUTRIGGER_HEDGE_CANNOT_HAPPEN',
      'hedge.onPerTryTimeout',
      `no try is ever hedged, since ${why}`,
    );
  }
  if (typeof delay === 'number' && limit !== undefined && delay >= limit.milliseconds) {
    say(
      'OUTRIGGER_HEDGE_CANNOT_HAPPEN',
      'hedge.delay',
      `${delay} ms are never over in time, since ${limit.option} ends the call after ${limit.milliseconds} ms`,
    );
  }
}

function checkWarmup(loadBalancer: LoadBalancerPolicy, say: Say): void {
  if (typeof loadBalancer === 'function' || !('warmup' in loadBalancer)) return;
  if (loadBalancer.warmup?.minimumPercent !== 100) return;
  say(
    'OUTRIGGER_WARMUP_WITHOUT_EFFECT',
    'loadBalancer.warmup.minimumPercent',
    'with 100 percent new endpoints get their whole share from the start',
  );
}

function checkPlaces(loadBalancer: LoadBalancerPolicy, endpoints: number, say: Say): void {
  if (typeof loadBalancer === 'function') return;
  const places =
    loadBalancer.policy === 'maglev'
      ? { option: 'tableSize', count: loadBalancer.tableSize }
      : loadBalancer.policy === 'ring-hash'
        ? { option: 'maximumRingSize', count: loadBalancer.maximumRingSize }
        : undefined;
  if (places === undefined || places.count >= endpoints) return;
  say(
    'OUTRIGGER_ENDPOINTS_WITHOUT_CALLS',
    `loadBalancer.${places.option}`,
    `${places.count} ${places.count === 1 ? 'place is' : 'places are'} too few for ${endpoints} endpoints: some of them get no calls`,
  );
}

function checkBreaker({ slowCallDuration }: BreakerPolicy, timeout: TimeoutPolicy, say: Say): void {
  const limit = firstLimit(timeout);
  if (limit === undefined || slowCallDuration < limit.milliseconds) return;
  say(
    'OUTRIGGER_TIMEOUT_ORDER',
    'circuitBreaker.slowCallDuration',
    `no call is ever slower than ${slowCallDuration} ms, since ${limit.option} ends it after ${limit.milliseconds} ms`,
  );
}

function checkPool({ idleTimeout, maxConnectionDuration }: PoolPolicy, say: Say): void {
  if (maxConnectionDuration === 0 || idleTimeout < maxConnectionDuration) return;
  // The usual time was asked for by nobody.
  if (idleTimeout === defaultIdleTimeout()) return;
  say(
    'OUTRIGGER_TIMEOUT_ORDER',
    'connectionPool.idleTimeout',
    `${idleTimeout} ms can never run out, since connectionPool.maxConnectionDuration closes a connection after ${maxConnectionDuration} ms`,
  );
}

function checkCarrier(pool: PoolPolicy, { proxy, transport }: WarnedPolicy, say: Say): void {
  const carrier = transport ?? (proxy === undefined ? undefined : 'proxy');
  if (carrier === undefined) return;
  for (const { option, sentence } of transportWarnings(pool, carrier)) {
    say('OUTRIGGER_POOL_OPTION_HAS_NO_EFFECT', option, sentence);
  }
}

function checkHttp2(
  { http2, maxConcurrentStreams }: PoolPolicy,
  { origin, endpoints = [], proxy, transport }: WarnedPolicy,
  say: Say,
): void {
  const code = 'OUTRIGGER_HTTP2_HAS_NO_EFFECT';
  // It is refused there.
  if (transport !== undefined) return;
  // The usual number was asked for by nobody.
  if (!http2 && maxConcurrentStreams !== defaults['connectionPool.maxConcurrentStreams']) {
    say(code, 'connectionPool.maxConcurrentStreams', 'has no effect without http2: true');
  }
  const isPlain = origin !== undefined && endpoints.length > 0 && !usesTls({ origin, endpoints });
  if (http2 && isPlain) {
    say(code, 'connectionPool.http2', 'has no effect, since no endpoint is https');
  }
  if (http2 && proxy !== undefined) {
    say(code, 'connectionPool.http2', 'has no effect on what goes through the proxy');
  }
}

function whyNoTryTimeout(
  retry: RetryPolicy | undefined,
  limit: Limit | undefined,
): string | undefined {
  if (retry === undefined) return 'such a hedge is a retry, and retry is off';
  const { attempts, perTryTimeout } = retry;
  if (attempts === 0) return 'such a hedge is a retry, and retry.attempts is 0';
  if (perTryTimeout === 0) return 'retry.perTryTimeout is 0, which is none';
  return limit !== undefined && perTryTimeout >= limit.milliseconds
    ? `retry.perTryTimeout is ${perTryTimeout} ms, and ${limit.option} ends the call after ${limit.milliseconds} ms`
    : undefined;
}

interface Limit {
  readonly option: string;
  readonly milliseconds: number;
}

/** What ends the wait for a head; undefined when nothing does. */
function firstLimit({ response, total }: TimeoutPolicy): Limit | undefined {
  if (response > 0 && (total === 0 || response < total)) {
    return { option: 'timeout.response', milliseconds: response };
  }
  return total > 0 ? { option: 'timeout.total', milliseconds: total } : undefined;
}

/** The bounds of Envoy's back-off before each retry, added up (`backoff_strategy.cc`). */
function longestWaits({ attempts, backoff }: RetryPolicy): number {
  const { baseInterval, maxInterval } = backoff;
  let sum = 0;
  let interval = baseInterval;
  for (let retry = 1; retry <= attempts; retry += 1) {
    sum += interval;
    interval = interval < Math.floor(maxInterval / 2) ? interval * 2 : maxInterval;
  }
  return Math.round(sum * 1000) / 1000;
}
