/** What a call says about its service, as the circuit breaker counts it. */
import type { Call } from '../core/call.js';
import type { FailureKind } from '../core/failure.js';

/** Endings that are the service's doing, or that of the way there. */
const FAILURES: ReadonlySet<FailureKind> = new Set([
  'connect-failure',
  'reset',
  'protocol-error',
  'refused-stream',
  'body-cut',
  'timeout',
  'try-timeout',
  'no-healthy-endpoint',
]);

/**
 * True for a failure, false for a success, undefined when it says nothing. It is that of a call that has ended, or has
 * its answer. A time without a head above `slowCallDuration` is a failure, if that is not 0, also when it was the
 * caller who ended it.
 */
export function hasFailed(
  { answer, failure, readyAt, endedAt }: Pick<Call, 'answer' | 'failure' | 'readyAt' | 'endedAt'>,
  slowCallDuration: number,
): boolean | undefined {
  if (failure !== undefined && FAILURES.has(failure.kind)) return true;
  const isAborted = failure?.kind === 'aborted';
  // A caller who does not want the rest has had his answer.
  if (answer === undefined && !isAborted) return undefined;
  if (slowCallDuration > 0 && (answer?.headAt ?? endedAt) - readyAt > slowCallDuration) return true;
  return answer && answer.status >= 500;
}
