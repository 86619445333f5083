/** Why an attempt or a call failed: a value inside, made into an exception only at the face. */

/**
 * Envoy's response flags, as far as they can occur: UF could not connect, UC cut off before the head,
 * UPE cut off after the head or not HTTP, UT the call's timeout, UH no endpoint to send to, DC the caller gave up.
 */
export type ResponseFlag = 'UF' | 'UC' | 'UPE' | 'UT' | 'UH' | 'DC';

/** What happened, in one word. A closed set: layers decide by it. */
export type FailureKind =
  /** The connection could not be made, or was lost before anything was sent on it. */
  | 'connect-failure'
  /** The connection ended after the request went out and before a head came back. */
  | 'reset'
  /** What came back was not HTTP. */
  | 'protocol-error'
  /** The answer broke off in its body. */
  | 'body-cut'
  /** The call's timeout was over, before the head or in the body. */
  | 'timeout'
  /** There was no endpoint to send to. */
  | 'no-healthy-endpoint'
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
}

export function failure(
  kind: FailureKind,
  flag: ResponseFlag | undefined,
  cause: unknown,
  sent: boolean,
): Failure {
  return { kind, flag, cause, sent };
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
  if (kind === 'timeout') return 504;
  return kind === 'protocol-error' ? 502 : 503;
}
