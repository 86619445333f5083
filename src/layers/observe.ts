/** Counts what Envoy counts: attempts on their way, and how calls ended. */
import type { Counters } from '../cluster/counters.js';
import type { Attempt } from '../core/attempt.js';
import type { Call } from '../core/call.js';
import { localStatus } from '../core/failure.js';
import type { AttemptLayer, CallLayer } from '../core/layer.js';

export function observeCalls(counters: Counters): CallLayer {
  return {
    name: 'observe',
    end(call: Call) {
      // An answer that broke off in its body has been counted by its status, as in Envoy.
      const status =
        call.answer?.status ??
        call.localReply?.status ??
        (call.failure && localStatus(call.failure.kind));
      if (status !== undefined) counters.completed(status);
      // As in Envoy: once for each attempt that the timeout has ended.
      if (call.failure?.kind === 'timeout') {
        for (const attempt of call.attempts) {
          if (attempt.failure?.kind === 'timeout') counters.upstream_rq_timeout += 1;
        }
      }
    },
  };
}

export function observeAttempts(counters: Counters): AttemptLayer {
  return {
    name: 'observe',
    connected() {
      counters.upstream_rq_total += 1;
      counters.upstream_rq_active += 1;
    },
    end(attempt: Attempt) {
      if (attempt.connectedAt !== -1) counters.upstream_rq_active -= 1;
      if (attempt.failure?.kind === 'try-timeout') {
        const isIdle = attempt.failure.limit?.option === 'retry.perTryIdleTimeout';
        if (isIdle) counters.upstream_rq_per_try_idle_timeout += 1;
        else counters.upstream_rq_per_try_timeout += 1;
      }
    },
  };
}
