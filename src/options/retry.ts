/** The `retry` option: when a further attempt is made, how long it waits, and what all calls may spend on it. */
import type { AttemptOutcome, KeyedRequest, ResetHeader, RetryWord } from '../core/policy.js';

/** One of Envoy's words, a status code as a number or as text, or a function that looks at the attempt. */
export type RetryCondition =
  RetryWord | number | `${number}` | ((outcome: AttemptOutcome) => boolean);

/** The wait before a retry: Envoy's fully jittered exponential back-off. */
export interface BackoffOptions {
  /**
   * The wait before the first retry is a random whole number of milliseconds below this; the bound doubles with each
   * retry (`backoff_strategy.cc`). Milliseconds, or text such as `'25ms'`; above 0.
   * @default '25ms'
   */
  readonly baseInterval?: number | string | undefined;
  /**
   * The bound grows no further than this. Milliseconds, or text; not below `baseInterval`.
   * @default ten times `baseInterval`
   */
  readonly maxInterval?: number | string | undefined;
}

/** The wait that an answer asks for, in place of the back-off: Envoy's `rate_limited_retry_back_off`. */
export interface RateLimitedBackoffOptions {
  /**
   * The headers that tell when to come back; the first that can be used counts. `'seconds'` is a number of seconds, or
   * a date as `Retry-After` may have it; `'unix-timestamp'` is seconds since 1970.
   * @default [{ name: 'retry-after', format: 'seconds' }, { name: 'x-ratelimit-reset', format: 'unix-timestamp' }]
   */
  readonly resetHeaders?: readonly ResetHeader[] | undefined;
  /**
   * An answer that asks for more is not retried. Milliseconds, or text such as `'300s'`; above 0.
   * @default '300s'
   */
  readonly maxInterval?: number | string | undefined;
}

/** Envoy's retry budget: how many further attempts all calls of the service may have under way at any one time. */
export interface BudgetOptions {
  /**
   * In percent of the calls that are active or waiting: 0, or from 1 to 100.
   * @default 20
   */
  readonly percent?: number | undefined;
  /**
   * So many are always allowed, however few calls there are. A whole number from 0.
   * @default 3
   */
  readonly minRetryConcurrency?: number | undefined;
  /**
   * Calls of the last so many milliseconds (or text such as `'10s'`) count too; 0: only those of now.
   * @default 0
   */
  readonly interval?: number | string | false | undefined;
}

/** Retries. What is left out has the default below; a call whose method is not idempotent is retried with care. */
export interface RetryOptions {
  /**
   * Attempts beyond the first. A whole number from 0, which is none, to 100.
   * @default 2
   */
  readonly attempts?: number | undefined;
  /**
   * What is retried: a list of Envoy's words, status codes and functions, any of which is enough; or one text as Istio
   * writes it, `'5xx,connect-failure,503'`. It replaces the default as a whole.
   * @default ['connect-failure', 'refused-stream', 'reset', 503]
   */
  readonly retryOn?: readonly RetryCondition[] | string | undefined;
  /**
   * Status codes from 200 to 599 that are retried beside those in `retryOn`. They imply `'retriable-status-codes'`.
   * @default []
   */
  readonly retriableStatusCodes?: readonly number[] | undefined;
  /**
   * Headers by which an answer asks for a retry: true for any value, text for exactly this one, or a regular expression
   * that finds something in it. They imply `'retriable-headers'`. False takes away what the client says.
   * @default {}
   */
  readonly retriableHeaders?: Readonly<Record<string, boolean | string | RegExp>> | undefined;
  /**
   * Time for one attempt from its connection to its head. Milliseconds, or text such as `'300ms'`; 0 and false are
   * none. Ignored where it is not below `timeout.total`, as in Envoy.
   * @default 0 (none)
   */
  readonly perTryTimeout?: number | string | false | undefined;
  /**
   * The longest time without any progress within one attempt. Milliseconds, or text; 0 and false are none.
   * @default 0 (none)
   */
  readonly perTryIdleTimeout?: number | string | false | undefined;
  /** The wait before a retry. */
  readonly backoff?: BackoffOptions | undefined;
  /** The wait that an answer asks for; false heeds no such header. */
  readonly rateLimitedBackoff?: false | RateLimitedBackoffOptions | undefined;
  /** What all calls of the service may spend on retries and hedges; false is no budget. */
  readonly budget?: false | BudgetOptions | undefined;
  /**
   * Further attempts at any one time, all calls together: Envoy's `max_retries`. A whole number from 0. Only together
   * with `budget: false`.
   * @default no limit
   */
  readonly maxRetries?: number | undefined;
  /**
   * Methods that may be repeated although they are not idempotent, such as `['POST']`.
   * @default []
   */
  readonly methods?: readonly string[] | undefined;
  /**
   * Every method is retried as GET is, which is what Istio does: a POST may then be carried out twice.
   * @default false
   */
  readonly retryUnsafeMethods?: boolean | undefined;
  /**
   * One `Idempotency-Key` for each call whose method is not idempotent, the same on all its attempts, so that it may be
   * repeated; the service
   * must honour it. True makes keys by chance, a function gives them.
   * @default false
   */
  readonly idempotencyKey?: boolean | ((request: KeyedRequest) => string) | undefined;
  /**
   * Says of an answer that the request never reached the service, so that any method may be repeated. False takes away
   * what the client says.
   * @default none
   */
  readonly notProcessed?: false | ((outcome: AttemptOutcome) => boolean) | undefined;
  /**
   * Bytes of a streamed body that are kept for a further attempt; a longer one is sent once. A whole number from 0 to
   * 2147483648.
   * @default 1048576
   */
  readonly maxBufferedBytes?: number | undefined;
  /**
   * A further attempt goes to an endpoint that the call has not tried, if there is one: Istio's
   * `retryIgnorePreviousHosts`.
   * @default true
   */
  readonly ignorePreviousHosts?: boolean | undefined;
  /**
   * After every second attempt, further ones leave out the priorities of endpoints that the call has tried, if another one has
   * healthy endpoints: Istio's `retryRemoteLocalities`, Envoy's `previous_priorities` with an update frequency of 2. Without priorities, or localities that come first, it
   * changes nothing.
   * @default false
   */
  readonly retryRemoteLocalities?: boolean | undefined;
}
