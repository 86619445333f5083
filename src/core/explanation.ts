/** What a call can tell about itself afterwards. Built only when somebody asks. */
import type { Attempt } from './attempt.js';
import type { Call } from './call.js';
import type { Failure } from './failure.js';
import type { Reluctance, RetryReason } from './policy.js';

/** One attempt of a call. Times are milliseconds since the start of the call, rounded to microseconds. */
export interface AttemptRecord {
  /** 1 for the first of the call. */
  readonly number: number;
  /** The address it went to; undefined when there was no endpoint to choose. */
  readonly endpoint: string | undefined;
  /** The endpoint's locality; empty when unknown. */
  readonly locality: string;
  /** Why it was made; undefined for the first of the call. */
  readonly because: AttemptCause | undefined;
  /** Why this endpoint: the policy that chose it, and the attempts in flight that it saw there. */
  readonly picked: { readonly policy: string; readonly active: number } | undefined;
  /** When it started, got its connection, its head, and was over; undefined where that has not happened. */
  readonly startedAt: number;
  readonly connectedAt: number | undefined;
  readonly headAt: number | undefined;
  readonly endedAt: number | undefined;
  /** `running`, `answered` (its head was accepted), `dropped` (its head was not) or the kind of failure. */
  readonly outcome: string;
  /** Envoy's response flag, where the attempt failed and there is one. */
  readonly flag: string | undefined;
  /** The status of its head, if it got one. */
  readonly status: number | undefined;
  /** The transport's error in words, if it failed; for an overflow the limit that was reached. */
  readonly error: string | undefined;
  /** True when its connection had served another request before. */
  readonly reused: boolean;
  /**
   * What was decided then and why, if a layer decided anything: `another`, or that none was made (`give-up`, or
   * `wait` while others were under way) with the reason why not.
   */
  readonly verdict:
    { readonly kind: string; readonly reason: Word<Reluctance | RetryReason> } | undefined;
}

/** One of these, and with layers of your own whatever they say. */
export type Word<Known extends string> = Known | (string & Record<never, never>);

/** Why a further attempt was made. */
export interface AttemptCause {
  /** Why: the condition that held, the kind of hedge, or the own word of a layer of yours. */
  readonly reason: Word<RetryReason | 'hedge-delay' | 'hedge-on-per-try-timeout'>;
  /** Milliseconds that were waited before. */
  readonly after: number;
  /** The hedge delay that was over, in milliseconds: with a percentile, what that came to. */
  readonly hedgeDelay: number | undefined;
}

/** The story of one call, as `client.explain(response)` gives it. */
export interface Explanation {
  /** The cluster's name: `shop`, or `shop|v2` for its subset v2. */
  readonly service: string;
  /** The name of the route it took; undefined when none fitted, or there is none. */
  readonly route: string | undefined;
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** Milliseconds from the start of the call to the end of its body; undefined while it runs. */
  readonly duration: number | undefined;
  /** True when the client made the answer itself. */
  readonly localReply: boolean;
  /** True when the answer is that of the user's `fallback`. */
  readonly fallback: boolean;
  /** Envoy's response flags, joined by commas; undefined when there is none: `URX`, `UF,URX`. */
  readonly flags: string | undefined;
  /** How many retries the call could still have made. */
  readonly retriesLeft: number;
  /** The delay after which a hedge was due, if one was, and why none was made then. */
  readonly hedge: { readonly delay: number; readonly notMade: string | undefined } | undefined;
  readonly attempts: readonly AttemptRecord[];
  /** The hops before this one, when redirects were followed. */
  readonly redirects: readonly Explanation[];
}

export function explainCall(call: Call, redirects: readonly Call[] = []): Explanation {
  return {
    service: call.service,
    route: call.route,
    method: call.method,
    path: call.path,
    duration: call.ended ? round(call.endedAt - call.startedAt) : undefined,
    localReply: call.localReply !== undefined,
    fallback: call.fellBack,
    flags: responseFlags(call, call.failure),
    retriesLeft: call.retriesLeft,
    hedge:
      call.hedgeDelay === undefined
        ? undefined
        : { delay: round(call.hedgeDelay), notMade: call.hedgeNotMade },
    attempts: attemptRecords(call),
    redirects: redirects.map((hop) => explainCall(hop)),
  };
}

/** Envoy's flags for how a call ended, joined by commas. */
export function responseFlags(call: Call, failure: Failure | undefined): string | undefined {
  const flags = [failure?.flag, call.retryFlag].filter((flag) => flag !== undefined);
  return flags.length === 0 ? undefined : flags.join();
}

export function attemptRecords(call: Call): AttemptRecord[] {
  return call.attempts.map(attemptRecord);
}

function attemptRecord(attempt: Attempt): AttemptRecord {
  const { call, endpoint, because, failure, verdict } = attempt;
  const since = (time: number): number | undefined =>
    time === -1 ? undefined : round(time - call.startedAt);
  return {
    number: attempt.number,
    endpoint: endpoint?.url,
    locality: endpoint?.locality ?? '',
    because: because && {
      reason: because.reason,
      after: round(because.after),
      hedgeDelay: because.hedgeDelay === undefined ? undefined : round(because.hedgeDelay),
    },
    picked: endpoint && {
      policy: call.chain.upstream.policy,
      active: attempt.activeWhenPicked,
    },
    startedAt: round(attempt.startedAt - call.startedAt),
    connectedAt: since(attempt.connectedAt),
    headAt: since(attempt.headAt),
    endedAt: since(attempt.endedAt),
    outcome: outcome(attempt),
    flag: failure?.flag,
    status: attempt.status === 0 ? undefined : attempt.status,
    error: failure && errorOf(failure),
    reused: attempt.reused,
    verdict: verdict && { kind: verdict.kind, reason: verdict.reason },
  };
}

/** What lies beneath the failure, in words. */
function errorOf({ cause, overflow }: Failure): string | undefined {
  if (overflow !== undefined) return `connectionPool.${overflow.option} (${overflow.value})`;
  return cause === undefined ? undefined : describeCause(cause);
}

function outcome(attempt: Attempt): string {
  if (attempt.failure !== undefined) return attempt.failure.kind;
  if (attempt === attempt.call.answer) return 'answered';
  return attempt.phase === 'over' || attempt.phase === 'dropped' ? 'dropped' : 'running';
}

/** The words of an error, with its code when the words do not hold it. */
export function describeCause(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  // Both families refused: the aggregate has no words of its own.
  const inner = cause instanceof AggregateError ? (cause.errors as unknown[]) : [];
  const words = inner.length > 0 ? inner.map(describeCause).join(', ') : cause.message;
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
  return code === undefined || words.includes(code) ? words : `${code}: ${words}`;
}

function round(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}
