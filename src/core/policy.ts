/** What a call is held to, after validation: times in milliseconds, nothing left to default or parse. */
import type { FailureKind } from './failure.js';

/** The policy of a service, or of one call. A part that is undefined is switched off. */
export interface Policy {
  readonly timeout: TimeoutPolicy;
  readonly retry: RetryPolicy | undefined;
  readonly hedge: HedgePolicy | undefined;
  /** Bytes that an answer may have at most, decoded too; 0 and undefined: any number. */
  readonly maxResponseBytes?: number | undefined;
}

/** 0 is none. */
export interface TimeoutPolicy {
  /** From the start of the call to the head of its answer, every attempt and every wait included. */
  readonly response: number;
  /** Without any progress: a connection, a head, a piece of a body. */
  readonly idle: number;
  /** The whole call, its body included. */
  readonly total: number;
  /** `total` is what was left of a deadline that the call was made under; false: no deadline is to be looked for. */
  readonly inherited?: boolean;
}

/** Envoy's words for what is retried (`x-envoy-retry-on` and `x-envoy-retry-grpc-on`). */
export const retryWords = [
  '5xx',
  'gateway-error',
  'reset',
  'reset-before-request',
  'connect-failure',
  'refused-stream',
  'retriable-4xx',
  'retriable-status-codes',
  'retriable-headers',
  'envoy-ratelimited',
  'cancelled',
  'deadline-exceeded',
  'internal',
  'resource-exhausted',
  'unavailable',
] as const;

export type RetryWord = (typeof retryWords)[number];

/** How one attempt went, as a condition of the user's sees it. */
export interface AttemptOutcome {
  /** The method of the call. */
  readonly method: string;
  /** Path and query of the call. */
  readonly path: string;
  /** 1 for the first attempt of the call. */
  readonly attempt: number;
  /** The status of the answer; undefined when there was none. */
  readonly status: number | undefined;
  /** The headers of the answer; empty when there was none. */
  readonly headers: Headers;
  /** What went wrong in place of an answer. */
  readonly failure: FailureKind | undefined;
  /** What lies beneath the failure: the transport's error. */
  readonly cause: unknown;
}

export type OutcomeRule = (outcome: AttemptOutcome) => boolean;

/** A header of an answer that asks for a retry. */
export interface HeaderMatch {
  /** In lower case. */
  readonly name: string;
  /** True: whatever its value. */
  readonly value: true | string | RegExp;
}

/** A header that tells when to come back. */
export interface ResetHeader {
  /** In lower case. */
  readonly name: string;
  readonly format: 'seconds' | 'unix-timestamp';
}

/** Answers that hold their endpoint for the time they state. */
export interface RateLimitHoldPolicy {
  readonly statusCodes: ReadonlySet<number>;
  readonly resetHeaders: readonly ResetHeader[];
  /** Milliseconds; a longer time is shortened to it. */
  readonly maxTime: number;
}

/** Why a retry is made: one of Envoy's words, or one of ours. */
export type RetryReason =
  | RetryWord
  /** The connection had idled, and turned out to have been closed by the server. */
  | 'reset-on-reuse'
  /** A function in `retryOn`. */
  | 'rule'
  /** `notProcessed` says that the request never reached the service. */
  | 'not-processed';

/** Why a further attempt that was wanted is not made. A closed set. */
export type Reluctance =
  /** Every retry of the call has been made (Envoy's `upstream_rq_retry_limit_exceeded`, flag URX). */
  | 'attempts'
  /** The retry budget has no place left (`upstream_rq_retry_overflow`, flag UO). */
  | 'budget'
  /** `retry.maxRetries` further attempts are under way (`upstream_rq_retry_overflow`, flag UO). */
  | 'max-retries'
  /** The method is not idempotent, and the endpoint may have processed the request. */
  | 'method'
  /** The body was a stream that has been read and not kept. */
  | 'body-not-replayable'
  /** The wait would last beyond the call's timeout. */
  | 'deadline'
  /** The answer asks for a longer wait than `retry.rateLimitedBackoff.maxInterval`. */
  | 'retry-after-too-long'
  /** Another attempt was already started beside it when its time was up. */
  | 'already-hedged';

/** What `retry.idempotencyKey` and the functions of `loadBalancer.hashOn` are told of a call. */
export interface KeyedRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Headers;
}

export interface RetryPolicy {
  /** Attempts beyond the first. */
  readonly attempts: number;
  readonly words: ReadonlySet<RetryWord>;
  readonly statusCodes: ReadonlySet<number>;
  readonly headers: readonly HeaderMatch[];
  readonly rules: readonly OutcomeRule[];
  /** From the connection of an attempt to its head; 0 is none. */
  readonly perTryTimeout: number;
  /** Within one attempt, without any progress; 0 is none. */
  readonly perTryIdleTimeout: number;
  readonly backoff: { readonly baseInterval: number; readonly maxInterval: number };
  readonly rateLimitedBackoff:
    { readonly resetHeaders: readonly ResetHeader[]; readonly maxInterval: number } | undefined;
  /** Methods, in capitals, that may be repeated although they are not idempotent. */
  readonly methods: ReadonlySet<string>;
  readonly retryUnsafeMethods: boolean;
  readonly idempotencyKey: boolean | ((request: KeyedRequest) => string);
  /** An answer that means the request never reached the service. */
  readonly notProcessed: OutcomeRule | undefined;
  /** Bytes of a streamed body that are kept for a further attempt. */
  readonly maxBufferedBytes: number;
  /** A further attempt goes to an endpoint that the call has not tried, if there is one. */
  readonly ignorePreviousHosts: boolean;
  /** A further attempt leaves out the priorities that the call has tried, if there are others. */
  readonly retryRemoteLocalities: boolean;
  readonly budget: BudgetPolicy | undefined;
  /** Further attempts at any one time, without a budget; Infinity is no limit. */
  readonly maxRetries: number;
}

export interface BudgetPolicy {
  /** Of the calls that are active or waiting, 0 to 100. */
  readonly percent: number;
  /** So many further attempts are always allowed at any one time. */
  readonly minRetryConcurrency: number;
  /** Calls and further attempts of the last so many milliseconds count too; 0: only those of now. */
  readonly interval: number;
}

export interface HedgePolicy {
  /** A try whose time is up goes on, beside another one. */
  readonly onPerTryTimeout: boolean;
  /** Milliseconds without a head after which another attempt starts beside; or the percentile of recent ones, 0 to 100. */
  readonly delay: number | { readonly percentile: number } | undefined;
  /** Attempts that `delay` may add to one call. */
  readonly maxHedges: number;
  /** Methods, in capitals, that may be sent twice at once beside the safe ones. */
  readonly methods: ReadonlySet<string>;
}

/** The per-try timeout that holds, in milliseconds; 0 is none. As in Envoy, one that is not below the whole is ignored. */
export function tryLimit({ timeout: { total }, retry }: Pick<Policy, 'timeout' | 'retry'>): number {
  const limit = retry?.perTryTimeout ?? 0;
  return total > 0 && limit >= total ? 0 : limit;
}

/** Methods that ask for nothing to be changed (RFC 9110, 9.2.1). */
export const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** Methods that do the same when they are done twice (RFC 9110, 9.2.2). */
export const IDEMPOTENT_METHODS: ReadonlySet<string> = new Set([...SAFE_METHODS, 'PUT', 'DELETE']);
