/** The retries of a service, and of one call: what was given, over what holds otherwise. */
import type { HeaderMatch, OutcomeRule, RetryPolicy, RetryWord } from '../core/policy.js';
import { defaults } from './defaults.js';
import { LONGEST, parseDuration } from './duration.js';
import type { Reader } from './place.js';
import type { Condition } from './read-retry-on.js';
import { defaultBaseInterval, readRetryParts, type RetryParts } from './read-retry.js';

/** A policy that remembers what it was made of, so that the options of a call can be merged into it. */
interface MadePolicy extends RetryPolicy {
  readonly parts: RetryParts;
}

export const readRetryPolicy: Reader<false | RetryPolicy> = (value, at) => {
  const parts = readRetryParts(value, at);
  return parts && retryPolicyOf(parts);
};

/** The retries that hold when the user says nothing of them. */
export function defaultRetryPolicy(): RetryPolicy {
  return retryPolicyOf({});
}

/** The retries of a call that has options of its own; over a service without retries they begin with the defaults. */
export function retryOver(service: RetryPolicy | undefined, own: RetryParts): RetryPolicy {
  const base = service === undefined ? {} : partsOf(service);
  return retryPolicyOf({
    ...base,
    ...own,
    retriableHeaders: new Map([...(base.retriableHeaders ?? []), ...(own.retriableHeaders ?? [])]),
    backoff: backoffOver(base.backoff, own.backoff),
    rateLimitedBackoff: over(base.rateLimitedBackoff, own.rateLimitedBackoff),
  });
}

function over<T extends object>(base: T | false | undefined, own: T | false | undefined) {
  if (own === undefined) return base;
  return own === false ? own : { ...base, ...own };
}

type BackoffParts = RetryParts['backoff'];

/** What the call says holds, and the other figure gives way. */
function backoffOver(base: BackoffParts, own: BackoffParts): BackoffParts {
  const { baseInterval, maxInterval } = { ...base, ...own };
  if (own === undefined || maxInterval === undefined) return { baseInterval, maxInterval };
  return own.maxInterval === undefined
    ? { baseInterval, maxInterval: Math.max(maxInterval, baseInterval ?? 0) }
    : { baseInterval: Math.min(baseInterval ?? defaultBaseInterval(), maxInterval), maxInterval };
}

function retryPolicyOf(parts: RetryParts): MadePolicy {
  const conditions: readonly Condition[] = parts.retryOn ?? defaults['retry.retryOn'];
  const statusCodes = new Set([
    ...conditions.filter((condition) => typeof condition === 'number'),
    ...(parts.retriableStatusCodes ?? defaults['retry.retriableStatusCodes']),
  ]);
  const headers = headersOf(parts);
  const words = new Set<RetryWord>(conditions.filter((condition) => typeof condition === 'string'));
  if (statusCodes.size > 0) words.add('retriable-status-codes');
  if (headers.length > 0) words.add('retriable-headers');
  return {
    attempts: parts.attempts ?? defaults['retry.attempts'],
    words,
    statusCodes,
    headers,
    rules: conditions.filter(
      (condition): condition is OutcomeRule => typeof condition === 'function',
    ),
    perTryTimeout: parts.perTryTimeout ?? defaults['retry.perTryTimeout'],
    perTryIdleTimeout: parts.perTryIdleTimeout ?? defaults['retry.perTryIdleTimeout'],
    backoff: backoffOf(parts),
    rateLimitedBackoff: rateLimitedBackoffOf(parts),
    methods: new Set(parts.methods ?? defaults['retry.methods']),
    retryUnsafeMethods: parts.retryUnsafeMethods ?? defaults['retry.retryUnsafeMethods'],
    idempotencyKey: parts.idempotencyKey ?? defaults['retry.idempotencyKey'],
    notProcessed: parts.notProcessed === false ? undefined : parts.notProcessed,
    maxBufferedBytes: parts.maxBufferedBytes ?? defaults['retry.maxBufferedBytes'],
    ignorePreviousHosts: parts.ignorePreviousHosts ?? defaults['retry.ignorePreviousHosts'],
    retryRemoteLocalities: parts.retryRemoteLocalities ?? defaults['retry.retryRemoteLocalities'],
    budget: budgetOf(parts),
    maxRetries: parts.maxRetries ?? Infinity,
    parts,
  };
}

function headersOf({ retriableHeaders = new Map() }: RetryParts): HeaderMatch[] {
  return [...retriableHeaders].flatMap(([name, value]) =>
    value === false ? [] : [{ name, value }],
  );
}

/** A maximum that nobody gave follows the base. */
function backoffOf({ backoff }: RetryParts): RetryPolicy['backoff'] {
  const baseInterval = backoff?.baseInterval ?? defaultBaseInterval();
  return {
    baseInterval,
    maxInterval: backoff?.maxInterval ?? Math.min(10 * baseInterval, LONGEST),
  };
}

function rateLimitedBackoffOf({
  rateLimitedBackoff,
}: RetryParts): RetryPolicy['rateLimitedBackoff'] {
  if (rateLimitedBackoff === false) return undefined;
  const path = 'retry.rateLimitedBackoff.maxInterval';
  return {
    resetHeaders:
      rateLimitedBackoff?.resetHeaders ?? defaults['retry.rateLimitedBackoff.resetHeaders'],
    maxInterval: rateLimitedBackoff?.maxInterval ?? parseDuration(defaults[path], path),
  };
}

/** The budget that holds when the user says nothing of it. */
export function defaultBudget(): RetryPolicy['budget'] {
  return budgetOf({});
}

function budgetOf({ budget }: RetryParts): RetryPolicy['budget'] {
  if (budget === false) return undefined;
  return {
    percent: budget?.percent ?? defaults['retry.budget.percent'],
    minRetryConcurrency:
      budget?.minRetryConcurrency ?? defaults['retry.budget.minRetryConcurrency'],
    interval: budget?.interval ?? defaults['retry.budget.interval'],
  };
}

/** A policy that was not made here counts as given in every part. */
function partsOf(policy: RetryPolicy): RetryParts {
  if (isMade(policy)) return policy.parts;
  return {
    ...policy,
    retryOn: [...policy.words, ...policy.statusCodes, ...policy.rules],
    retriableHeaders: new Map(policy.headers.map(({ name, value }) => [name, value])),
    rateLimitedBackoff: policy.rateLimitedBackoff ?? false,
    methods: [...policy.methods],
    notProcessed: policy.notProcessed ?? false,
    budget: policy.budget ?? false,
  };
}

function isMade(policy: RetryPolicy): policy is MadePolicy {
  return 'parts' in policy;
}
