/** Further attempts after an answer or a failure that is worth one. */
import type { Counters } from '../cluster/counters.js';
import type { Attempt } from '../core/attempt.js';
import type { Call } from '../core/call.js';
import type { Failure } from '../core/failure.js';
import type { CallLayer, Verdict } from '../core/layer.js';
import {
  IDEMPOTENT_METHODS,
  type Reluctance,
  type RetryPolicy,
  type RetryReason,
} from '../core/policy.js';
import { takeRetry, without, type Wanted } from './further-attempts.js';
import { mayHedge } from './hedge.js';
import { giveKey, hasKey } from './idempotency-key.js';
import { isUpstream, RetryConditions } from './retry-conditions.js';

/** `usual` is the policy of calls that bring none of their own. */
export function retry(counters: Counters, usual: RetryPolicy | undefined): CallLayer {
  const conditions = usual && new RetryConditions(usual);
  /** Of calls with options of their own. */
  const others = new WeakMap<RetryPolicy, RetryConditions>();

  function conditionsOf(policy: RetryPolicy): RetryConditions {
    if (policy === usual && conditions !== undefined) return conditions;
    const known = others.get(policy);
    if (known !== undefined) return known;
    const made = new RetryConditions(policy);
    others.set(policy, made);
    return made;
  }

  /** Nothing more is wanted. In Envoy that makes the retries that were made a success, whatever came of them. */
  function countSuccess(attempt: Attempt): void {
    const { call } = attempt;
    if (call.retriesMade === 0 || isHedged(attempt)) return;
    const isLast = attempt.status !== 0 || !call.expectsMore(attempt);
    if (isLast) counters.upstream_rq_retry_success += 1;
  }

  function again(attempt: Attempt, wanted: Wanted, wasProcessed: boolean): Verdict {
    const { call } = attempt;
    const against = wasProcessed && !mayRepeat(call) ? 'method' : againstAnother(attempt);
    const verdict = against ?? takeRetry(wanted, counters);
    return typeof verdict === 'string' ? without(attempt, verdict, counters) : verdict;
  }

  function judgeHead(attempt: Attempt, policy: RetryPolicy): Verdict | undefined {
    const { call, rawHeaders: answer } = attempt;
    const reason = conditionsOf(policy).ofHead(attempt);
    if (reason === undefined) {
      countSuccess(attempt);
      return undefined;
    }
    const verdict = again(attempt, { call, reason, answer }, reason !== 'not-processed');
    if (verdict.kind === 'another') counters.retried(attempt.status);
    return verdict;
  }

  function judgeFailure(
    attempt: Attempt,
    failure: Failure,
    policy: RetryPolicy,
  ): Verdict | undefined {
    const { call } = attempt;
    const reason = conditionsOf(policy).ofFailure(attempt, failure);
    if (reason === undefined) {
      if (isUpstream(failure)) countSuccess(attempt);
      return undefined;
    }
    const atOnce = distrust(call, reason);
    return again(attempt, { call, reason, atOnce }, failure.sent);
  }

  return {
    name: 'retry',
    start(call) {
      const policy = call.policy.retry;
      if (policy === undefined) return undefined;
      if (policy.idempotencyKey !== false) giveKey(call, policy.idempotencyKey);
      if (call.body !== null && !isWorthKeeping(call, policy)) call.stopKeeping();
      return undefined;
    },
    judge(call, event) {
      const policy = call.policy.retry;
      if (policy === undefined) return undefined;
      if (event.type === 'head') return judgeHead(event.attempt, policy);
      if (event.type === 'failed') return judgeFailure(event.attempt, event.failure, policy);
      return undefined;
    },
  };
}

/** Whether the call may be repeated although an endpoint may have done what it asks. */
export function mayRepeat(call: Call): boolean {
  const policy = call.policy.retry;
  return (
    IDEMPOTENT_METHODS.has(call.method) ||
    policy?.retryUnsafeMethods === true ||
    policy?.methods.has(call.method.toUpperCase()) === true ||
    hasKey(call)
  );
}

/** Whether anything may ask for the body again once some of it has been sent. */
function isWorthKeeping(call: Call, { notProcessed }: RetryPolicy): boolean {
  return mayRepeat(call) || mayHedge(call) || notProcessed !== undefined;
}

function againstAnother(attempt: Attempt): Reluctance | undefined {
  if (isHedged(attempt)) return 'already-hedged';
  return attempt.call.canResend() ? undefined : 'body-not-replayable';
}

/** Where one idle connection was closed others may be: the retry goes at once, over a new one. */
function distrust(call: Call, reason: RetryReason): boolean {
  if (reason !== 'reset-on-reuse') return false;
  call.distrustsIdle = true;
  return true;
}

/** Its time was up, and another attempt was started beside it; not when that could not be had. */
function isHedged({ overdue, verdict }: Attempt): boolean {
  return overdue && verdict?.kind === 'another';
}
