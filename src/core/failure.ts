/** Why an attempt or a call failed: a value inside, made into an exception only at the face. */

/**
 * Envoy's response flags, as far as they can occur: UF could not connect, UC cut off before the head,
 * UPE cut off after the head or not HTTP, UT a timeout, UR refused by the endpoint, UH no endpoint to send to,
 * DC the caller gave up, URX no retry left, UO a limit refused the attempt or a retry, or an open circuit the call.
 */
export type ResponseFlag = 'UF' | 'UC' | 'UPE' | 'UT' | 'UR' | 'UH' | 'DC' | 'URX' | 'UO';

/** What happened, in one word. A closed set: layers decide by it. */
export type FailureKind =
  /** The connection could not be made, or was lost before anything was sent on it. */
  | 'connect-failure'
  /** The connection ended after the request went out and before a head came back. */
  | 'reset'
  /** What came back was not HTTP. */
  | 'protocol-error'
  /** The endpoint refused the request without looking at it (HTTP/2 alone can say so). */
  | 'refused-stream'
  /** The answer broke off in its body. */
  | 'body-cut'
  /** The answer is larger than `maxResponseBytes`. */
  | 'response-too-large'
  /** A time of the call was over, before the head or in the body. */
  | 'timeout'
  /** The time of one attempt was over before its head. */
  | 'try-timeout'
  /** There was no endpoint to send to. */
  | 'no-healthy-endpoint'
  /** A limit of the connection pool was reached. */
  | 'overflow'
  /** The circuit breaker of the service is open. */
  | 'circuit-open'
  /** The client had been closed, or was destroyed under the call. */
  | 'closed'
  /** The caller's signal, or the reader of the body, gave up. */
  | 'aborted'
  /** Another attempt of the same call was accepted, or the call ended. */
  | 'superseded'
  /** A layer refused the call or the attempt. */
  | 'refused'
  /** The request cannot be written as it stands: a wrong header, a body of another length. */
  | 'unsendable'
  /** User code (a layer, a body) threw. */
  | 'invalid';

export interface Failure {
  readonly kind: FailureKind;
  /** Envoy's flag for it, or none. */
  readonly flag: ResponseFlag | undefined;
  /** What lies beneath: the transport's error, the signal's reason, the error user code threw. */
  readonly cause: unknown;
  /** False when the endpoint surely has not seen the request. */
  readonly sent: boolean;
  /** Which time was over. */
  readonly limit?: TimeLimit;
  /** Which limit was reached. */
  readonly overflow?: PoolLimit;
  /** Milliseconds until the circuit breaker lets calls through on trial. */
  readonly retryAfterMs?: number;
  /** Of an answer that is too large: the bytes that it may have, and those that its head speaks of. */
  readonly size?: { readonly limit: number; readonly announced: number | undefined };
}

/** A limit of a connection pool, by the option of `connectionPool` that sets it. */
export interface PoolLimit {
  readonly option: 'maxPendingRequests' | 'maxRequests';
  readonly value: number;
}

/** A time that was set, by the option that set it, in milliseconds. `deadline` is one that came with the call's context. */
export interface TimeLimit {
  readonly option:
    | 'timeout'
    | 'timeout.response'
    | 'timeout.idle'
    | 'deadline'
    | 'retry.perTryTimeout'
    | 'retry.perTryIdleTimeout';
  readonly milliseconds: number;
}

export function failure(
  kind: FailureKind,
  flag: ResponseFlag | undefined,
  cause: unknown,
  sent: boolean,
): Failure {
  return { kind, flag, cause, sent };
}

/** A time of the call, or of its last try, was over. */
export function timedOut(
  kind: 'timeout' | 'try-timeout',
  limit: TimeLimit,
  sent: boolean,
): Failure {
  return { kind, flag: 'UT', cause: undefined, sent, limit };
}

/** Refused by a circuit breaker that lets calls through again in so many milliseconds. */
export function circuitOpen(retryAfterMs: number): Failure {
  return { kind: 'circuit-open', flag: 'UO', cause: undefined, sent: false, retryAfterMs };
}

/** More bytes than `maxResponseBytes` have come, or are announced. */
export function responseTooLarge(limit: number, announced?: number): Failure {
  const size = { limit, announced };
  return { kind: 'response-too-large', flag: 'UPE', cause: undefined, sent: true, size };
}

/** Endings that nobody is answered for. */
const UNANSWERED: ReadonlySet<FailureKind> = new Set([
  'aborted',
  'superseded',
  'closed',
  'unsendable',
  'invalid',
]);

/** The status that Envoy answers with, and counts, when a call ends like this; undefined where it answers nothing. */
export function localStatus(kind: FailureKind): number | undefined {
  if (UNANSWERED.has(kind)) return undefined;
  if (kind === 'timeout' || kind === 'try-timeout') return 504;
  return kind === 'protocol-error' || kind === 'response-too-large' ? 502 : 503;
}
