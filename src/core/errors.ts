/** The errors that leave the client, and how a failure becomes one. */
import type { Call } from './call.js';
import { attemptRecords, describeCause, type AttemptRecord } from './explanation.js';
import type { Failure, PoolLimit, TimeLimit } from './failure.js';

const BRAND = Symbol.for('outrigger.error');

/** What every error of Outrigger carries. */
export interface OutriggerError extends Error {
  /** `ERR_OUTRIGGER_…` */
  readonly code: string;
  /** The cluster's name; undefined for wrong options, as are the others. */
  readonly service?: string;
  /** Envoy's response flag, where there is one. */
  readonly flag?: string | undefined;
  /** The attempts that were made, as `client.explain` gives them. */
  readonly attempts?: readonly AttemptRecord[];
}

/** True for every error of Outrigger, also for one made by another loaded copy of the package. */
export function isOutriggerError(error: unknown): error is OutriggerError {
  return typeof error === 'object' && error !== null && BRAND in error;
}

/** What the errors of a call have in common. They are `TypeError`s, as fetch's network errors are. */
export abstract class CallError extends TypeError implements OutriggerError {
  abstract readonly code: string;
  /** The cluster's name. */
  readonly service: string;
  /** Envoy's response flag, where there is one. */
  readonly flag: string | undefined;
  /** The attempts that were made, as `client.explain` gives them. */
  readonly attempts: readonly AttemptRecord[];
  /** @internal */
  readonly [BRAND] = true;

  /** @internal */
  constructor(message: string, call: Call, failure: Failure) {
    super(message, failure.cause === undefined ? undefined : { cause: failure.cause });
    this.service = call.service;
    this.flag = failure.flag;
    this.attempts = attemptRecords(call);
  }
}

/** A time of the call, or of its last try, was over, before its head or in its body. */
export class TimeoutError extends CallError {
  override readonly name = 'TimeoutError';
  readonly code = 'ERR_OUTRIGGER_TIMEOUT';
  /** The time that was over, in milliseconds. */
  readonly timeout: number;
  /** Whose time it was: the option that set it; `deadline` for one that the call was made under. */
  readonly limit: TimeLimit['option'];

  /** @internal */
  constructor(call: Call, failure: Failure) {
    const { option, milliseconds } = failure.limit ?? { option: 'timeout', milliseconds: 0 };
    super(`${call.service}: ${timeoutWords(call, option, milliseconds)}`, call, failure);
    this.timeout = milliseconds;
    this.limit = option;
  }
}

function timeoutWords(call: Call, option: TimeLimit['option'], milliseconds: number): string {
  // What is left of a deadline has many digits.
  const time = `${Math.round(milliseconds * 1000) / 1000} ms`;
  const missing = call.answer === undefined ? 'no answer' : 'the body was not complete';
  switch (option) {
    case 'deadline':
      return milliseconds === 0
        ? 'nothing was left of the deadline that the call was made under, so no attempt was made'
        : `${missing} within the ${time} that were left of its deadline${spentOn(call)}`;
    case 'timeout.idle':
      return `nothing came for ${time} (${option})`;
    case 'retry.perTryIdleTimeout':
      return `nothing came for ${time} (${option})${lastOf(call)}`;
    case 'retry.perTryTimeout':
      return `no answer within ${time} (${option})${lastOf(call)}`;
    case 'timeout.response':
      return `no answer within ${time} (${option})${spentOn(call)}`;
    default:
      return `${missing} within ${time}${spentOn(call)}`;
  }
}

/** What the time of the call was spent on, which shows where it left none for the retries. */
function spentOn(call: Call): string {
  const { answer, policy } = call;
  const { retry } = policy;
  const made = call.attempts.length;
  const { missing } = call.chain.upstream;
  if (made === 0 && missing !== undefined) return `, before the first attempt: ${missing}`;
  if (answer !== undefined || retry === undefined) return '';
  if (made === 0) return ', before the first attempt';
  const each = retry.perTryTimeout > 0 ? ` of up to ${retry.perTryTimeout} ms each` : '';
  return `, in ${made} of ${Math.max(made, retry.attempts + 1)} possible attempts${each}`;
}

function lastOf({ answer, attempts: { length: made } }: Call): string {
  return answer !== undefined || made === 1 ? '' : `, in the last of ${made} attempts`;
}

/** The cluster has no endpoint to send to, or none that is healthy. */
export class NoHealthyEndpointError extends CallError {
  override readonly name = 'NoHealthyEndpointError';
  readonly code = 'ERR_OUTRIGGER_NO_HEALTHY_ENDPOINT';

  /** @internal */
  constructor(call: Call, failure: Failure) {
    super(`no healthy upstream: ${call.service} ${whyNone(call)}`, call, failure);
  }
}

function whyNone({ chain: { upstream } }: Call): string {
  const { endpoints, ejected, failedCheck, hintedOut, withoutShare } = upstream.endpointHealth;
  if (upstream.missing !== undefined) return `has no endpoint, since ${upstream.missing}`;
  if (endpoints === 0) return 'has no endpoint';
  const reasons = [
    ...(ejected > 0 ? [`${ejected} ejected by outlier detection`] : []),
    ...(failedCheck > 0 ? [`${failedCheck} failed the health check`] : []),
    ...(hintedOut > 0 ? [`${hintedOut} unhealthy or draining by the list`] : []),
  ];
  const unmeant =
    withoutShare > 0 ? [`${withoutShare} without a share in locality.distribute`] : [];
  const count = `has ${endpoints === 1 ? '1 endpoint' : `${endpoints} endpoints`}`;
  if (reasons.length === 0) {
    return `${count}, ${unmeant[0] ?? 'and its load balancer chose none'}`;
  }
  return `${count}, of which none is healthy: ${[...reasons, ...unmeant].join(', ')}`;
}

/** A limit of the connection pool was reached: the request was never sent. */
export class OverflowError extends CallError {
  override readonly name = 'OverflowError';
  readonly code = 'ERR_OUTRIGGER_OVERFLOW';
  /** The option that sets the limit. */
  readonly limit: `connectionPool.${PoolLimit['option']}`;
  /** What it is set to. */
  readonly value: number;

  /** @internal */
  constructor(call: Call, failure: Failure) {
    const { option, value } = failure.overflow ?? { option: 'maxRequests', value: 0 };
    const what =
      option === 'maxRequests' ? 'requests under way' : 'attempts that wait for a connection';
    super(
      `${call.service}: overflow, the limit of ${value} is reached on ${what} (connectionPool.${option})`,
      call,
      failure,
    );
    this.limit = `connectionPool.${option}`;
    this.value = value;
  }
}

/**
 * Could not connect, or was cut off. Name and message are those of fetch's own network errors, because retry
 * libraries match exactly these; what happened is in `cause`, `flag` and `attempts`.
 */
export class ConnectionError extends CallError {
  override readonly name = 'TypeError';
  readonly code = 'ERR_OUTRIGGER_CONNECTION';

  /** @internal */
  constructor(call: Call, failure: Failure) {
    super(failure.kind === 'body-cut' ? 'terminated' : 'fetch failed', call, failure);
  }
}

/** The answer is larger than `maxResponseBytes`: it was cut off. */
export class ResponseTooLargeError extends CallError {
  override readonly name = 'ResponseTooLargeError';
  readonly code = 'ERR_OUTRIGGER_RESPONSE_TOO_LARGE';
  /** What `maxResponseBytes` is set to. */
  readonly limit: number;

  /** @internal */
  constructor(call: Call, failure: Failure) {
    const { limit, announced } = failure.size ?? { limit: 0, announced: undefined };
    const size = announced === undefined ? 'is' : `announces ${announced} bytes, which is`;
    super(
      `${call.service}: the answer ${size} more than ${limit} bytes (maxResponseBytes)`,
      call,
      failure,
    );
    this.limit = limit;
  }
}

/** The circuit breaker of the service is open: the call was refused before any attempt. */
export class CircuitOpenError extends CallError {
  override readonly name = 'CircuitOpenError';
  readonly code = 'ERR_OUTRIGGER_CIRCUIT_OPEN';
  /**
   * Milliseconds, a whole number from 1, until calls are let through on trial; while calls are on trial, until
   * further ones are at the latest.
   */
  readonly retryAfterMs: number;

  /** @internal */
  constructor(call: Call, failure: Failure) {
    const { retryAfterMs = 0 } = failure;
    super(
      `the circuit of ${call.service} lets no call through, retry after ${retryAfterMs} ms`,
      call,
      failure,
    );
    this.retryAfterMs = retryAfterMs;
  }
}

/** The client was closed before the call, or destroyed under it. */
export class ClosedError extends CallError {
  override readonly name = 'ClosedError';
  readonly code = 'ERR_OUTRIGGER_CLOSED';

  /** @internal */
  constructor(call: Call, failure: Failure) {
    super(`the client has been closed (${call.service})`, call, failure);
  }
}

/** A layer refused the call or the attempt. */
export class RefusedError extends CallError {
  override readonly name = 'RefusedError';
  readonly code = 'ERR_OUTRIGGER_REFUSED';

  /** @internal */
  constructor(call: Call, failure: Failure) {
    super(`refused: ${describeCause(failure.cause)}`, call, failure);
  }
}

/** `client.ready()` waited in vain for the first list of endpoints of a service. */
export class NotReadyError extends Error implements OutriggerError {
  override readonly name = 'NotReadyError';
  readonly code = 'ERR_OUTRIGGER_NOT_READY';
  /** The cluster's name; of several, the first. */
  readonly service: string;
  /** @internal */
  readonly [BRAND] = true;

  /** @internal */
  constructor(service: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.service = service;
  }
}

/** `client.install()` could not put the client in place of the process's fetch and dispatcher, and has changed nothing. */
export class InstallError extends Error implements OutriggerError {
  override readonly name = 'InstallError';
  readonly code = 'ERR_OUTRIGGER_INSTALL';
  /** @internal */
  readonly [BRAND] = true;

  /** @internal */
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
  }
}

/** One thing that is wrong with the options. */
export interface OptionsProblem {
  /** `retry.attempts`, `endpoints[1].url`. */
  readonly path: string;
  /** What stands there. */
  readonly found: string;
  /** What would be right. */
  readonly expected: string;
  /** Both, in one sentence, with the nearest known key for a misspelt one. */
  readonly message: string;
}

/** Problems that a message names; `problems` has them all. */
const MOST_NAMED = 20;

/** Wrong options: all problems at once. */
export class OptionsError extends TypeError implements OutriggerError {
  override readonly name = 'OptionsError';
  readonly code = 'ERR_OUTRIGGER_OPTIONS';
  readonly problems: readonly OptionsProblem[];
  /** @internal */
  readonly [BRAND] = true;

  constructor(problems: readonly OptionsProblem[]) {
    const lines = problems.slice(0, MOST_NAMED).map((problem) => problem.message);
    if (problems.length > MOST_NAMED) lines.push(`and ${problems.length - MOST_NAMED} more`);
    super(lines.join('\n'));
    this.problems = problems;
  }
}

/** The exception for a failed call: the caller's own reason, the user's own error, or one of the classes above. */
export function toError(call: Call, failure: Failure): unknown {
  switch (failure.kind) {
    case 'aborted':
    case 'invalid':
      return failure.cause;
    case 'timeout':
    case 'try-timeout':
      return new TimeoutError(call, failure);
    case 'no-healthy-endpoint':
      return withoutStack(() => new NoHealthyEndpointError(call, failure));
    case 'overflow':
      return withoutStack(() => new OverflowError(call, failure));
    case 'circuit-open':
      return withoutStack(() => new CircuitOpenError(call, failure));
    case 'response-too-large':
      return new ResponseTooLargeError(call, failure);
    case 'closed':
      return isOutriggerError(failure.cause) || failure.cause === undefined
        ? new ClosedError(call, failure)
        : failure.cause;
    case 'refused':
      return new RefusedError(call, failure);
    default:
      return new ConnectionError(call, failure);
  }
}

/**
 * Refusals come by the thousand just when there is no time for them. Their stack would show calls of ours alone, and
 * costs ten times as much as all the rest.
 */
function withoutStack(make: () => CallError): CallError {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return make();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}
