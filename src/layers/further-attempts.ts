/** What stands against a further attempt, whoever wants it: a retry, or a hedge. */
import type { Counters } from '../cluster/counters.js';
import type { Attempt } from '../core/attempt.js';
import type { Call } from '../core/call.js';
import type { AnotherAttempt, Verdict } from '../core/layer.js';
import type { Reluctance } from '../core/policy.js';
import type { RawHeader } from '../core/reply.js';
import { exponentialBackoff, requestedBackoff } from './backoff.js';

/** A further attempt after an answer, a failure, or a try whose time was up. */
export interface Wanted {
  readonly call: Call;
  /** Why, as `explain` tells it. */
  readonly reason: string;
  /** The answer that is to be repeated, if there is one. */
  readonly answer?: readonly RawHeader[];
  /** Without a wait. */
  readonly atOnce?: boolean;
}

/** The verdict that makes one of the call's retries, or what stands against it. */
export function takeRetry(wanted: Wanted, counters: Counters): AnotherAttempt | Reluctance {
  const { call, reason } = wanted;
  if (call.retriesLeft === 0) {
    call.retryFlag = 'URX';
    counters.upstream_rq_retry_limit_exceeded += 1;
    return 'attempts';
  }
  const wait = waitBefore(wanted);
  if (wait === 'too-long') return 'retry-after-too-long';
  const { runtime } = call.chain;
  if (runtime.now() + wait.after >= call.answerBy) return 'deadline';
  // As in Envoy: one that finds no slot is used up.
  call.retriesLeft -= 1;
  if (!call.takeSlot()) {
    call.retryFlag = 'UO';
    counters.upstream_rq_retry_overflow += 1;
    return overflowOf(call);
  }
  call.retriesMade += 1;
  counters.upstream_rq_retry += 1;
  if (wait.kind === 'exponential') {
    call.backoffs += 1;
    counters.upstream_rq_retry_backoff_exponential += 1;
  } else if (wait.kind === 'rate-limited') {
    counters.upstream_rq_retry_backoff_ratelimited += 1;
  }
  return { kind: 'another', after: wait.after, reason, slot: true };
}

/** The limit that has no place left. */
export function overflowOf(call: Call): 'budget' | 'max-retries' {
  return call.policy.retry?.budget === undefined && call.policy.retry !== undefined
    ? 'max-retries'
    : 'budget';
}

/** A further attempt that was wanted is not made: the call goes on with what it has. */
export function without(
  attempt: Attempt,
  reason: Reluctance,
  counters: Counters,
): Exclude<Verdict, AnotherAttempt> {
  counters.retryNotMade(reason);
  return { kind: attempt.call.expectsMore(attempt) ? 'wait' : 'give-up', reason };
}

interface Wait {
  readonly kind: 'none' | 'exponential' | 'rate-limited';
  readonly after: number;
}

function waitBefore({ call, answer, atOnce }: Wanted): Wait | 'too-long' {
  const { runtime } = call.chain;
  const policy = call.policy.retry;
  if (policy === undefined || atOnce === true) return { kind: 'none', after: 0 };
  if (answer !== undefined && policy.rateLimitedBackoff !== undefined) {
    const after = requestedBackoff(policy.rateLimitedBackoff, answer, runtime);
    if (after === 'too-long') return after;
    if (after !== undefined) return { kind: 'rate-limited', after };
  }
  // Another kind of wait leaves the sequence where it is.
  const after = exponentialBackoff(policy.backoff, call.backoffs + 1, runtime);
  return { kind: 'exponential', after };
}
