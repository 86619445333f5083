/** Further attempts beside one that is slow; the first good head wins. */
import type { Cluster } from '../cluster/cluster.js';
import type { Attempt } from '../core/attempt.js';
import type { Call } from '../core/call.js';
import type { TimeLimit } from '../core/failure.js';
import type { CallLayer, Verdict } from '../core/layer.js';
import { SAFE_METHODS, type HedgePolicy, type Reluctance } from '../core/policy.js';
import { overflowOf, takeRetry, without } from './further-attempts.js';

/** In milliseconds: a hedge that could not be made is wanted again after its delay, and not sooner than this. */
const ASK_AGAIN = 10;
/** In milliseconds: pauses of either process that are shorter come all the time, and make a percentile of nothing else. */
const LEAST_USUAL = 5;
/** The clock may show a little less than the time that was waited for. */
const ROUNDING = 1e-6;

/**
 * Two kinds. `onPerTryTimeout` is Envoy's `hedge_on_per_try_timeout`: a try whose time is up goes on, and one of the
 * call's retries starts beside it after the usual back-off. `delay` adds attempts of its own, once the call has
 * waited that long. Both take a place of the retry budget.
 */
export function hedge(cluster: Cluster): CallLayer {
  const { counters } = cluster;

  function judgeOverdue(attempt: Attempt, limit: TimeLimit): Verdict | undefined {
    const { call } = attempt;
    // One that makes no progress is cancelled, in Envoy too.
    if (limit.option !== 'retry.perTryTimeout') return undefined;
    if (call.policy.hedge?.onPerTryTimeout !== true) return undefined;
    const against = againstHedge(call);
    const verdict = against ?? takeRetry({ call, reason: 'hedge-on-per-try-timeout' }, counters);
    if (typeof verdict !== 'string') return verdict;
    // Whatever stands against another attempt: the slow one goes on.
    return { kind: 'wait', reason: without(attempt, verdict, counters).reason };
  }

  function judgeWoken(call: Call): Verdict | undefined {
    const { hedgeDelay } = call;
    const now = call.chain.runtime.now();
    if (hedgeDelay === undefined || call.hedgesLeft === 0) return undefined;
    // Some other layer's time.
    if (now < call.nextHedgeAt - ROUNDING) return undefined;
    // Nothing runs that another attempt could stand beside: the next one is given its time, too.
    const isMade = call.undecided > 0 && takeHedge(call);
    call.nextHedgeAt = now + (isMade ? hedgeDelay : Math.max(hedgeDelay, ASK_AGAIN));
    if (call.hedgesLeft > 0) call.wakeAt(call.nextHedgeAt);
    if (!isMade) return undefined;
    return { kind: 'another', after: 0, reason: 'hedge-delay', slot: true, hedgeDelay };
  }

  /** True when a hedge can be made: it has its slot then. One that cannot is counted once, however long it is wanted. */
  function takeHedge(call: Call): boolean {
    const against = againstHedge(call) ?? (call.takeSlot() ? undefined : overflowOf(call));
    if (against === undefined) {
      call.hedgesLeft -= 1;
      counters.upstream_rq_hedge += 1;
    } else if (call.hedgeNotMade === undefined) {
      counters.retryNotMade(against);
    }
    call.hedgeNotMade = against;
    return against === undefined;
  }

  function delayOf(delay: NonNullable<HedgePolicy['delay']>, now: number): number | undefined {
    if (typeof delay === 'number') return delay;
    const usual = cluster.headTimes?.percentile(delay.percentile, now);
    return usual === undefined ? undefined : Math.max(usual, LEAST_USUAL);
  }

  return {
    name: 'hedge',
    start(call) {
      const policy = call.policy.hedge;
      if (policy?.delay === undefined || !mayHedge(call)) return undefined;
      const delay = delayOf(policy.delay, call.readyAt);
      if (delay === undefined) return undefined;
      call.hedgeDelay = delay;
      call.nextHedgeAt = call.readyAt + delay;
      call.wakeAt(call.nextHedgeAt);
      return undefined;
    },
    judge(call, event) {
      if (event.type === 'overdue') return judgeOverdue(event.attempt, event.limit);
      return event.type === 'woken' ? judgeWoken(call) : undefined;
    },
  };
}

export function mayHedge({ method, policy }: Call): boolean {
  return SAFE_METHODS.has(method) || policy.hedge?.methods.has(method.toUpperCase()) === true;
}

function againstHedge(call: Call): Reluctance | undefined {
  if (!mayHedge(call)) return 'method';
  return call.canSendTwice() ? undefined : 'body-not-replayable';
}
