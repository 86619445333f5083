/** The times of one attempt: from its connection to its head, and between signs of life. */
import type { Attempt } from '../core/attempt.js';
import { overdue } from '../core/drive.js';
import type { AttemptLayer } from '../core/layer.js';
import { tryLimit } from '../core/policy.js';

/**
 * As Envoy's `per_try_timeout` and `per_try_idle_timeout`: every attempt has them, the first and the last too. The
 * timeout begins when the attempt has its connection and ends with its head; one that is not below the call's whole
 * timeout is ignored.
 */
export const tryTimeout: AttemptLayer = {
  name: 'try timeout',
  connected(attempt) {
    const { call, connectedAt } = attempt;
    const limit = tryLimit(call.policy);
    if (limit > 0) {
      attempt.tryEnds = call.at(connectedAt + limit, endTry, attempt);
    }
    const idle = call.policy.retry?.perTryIdleTimeout ?? 0;
    if (idle > 0) {
      call.noticesProgress = true;
      watchIdle(attempt, idle, connectedAt + idle);
    }
  },
  head(attempt) {
    takeBack(attempt);
  },
  end(attempt) {
    takeBack(attempt);
  },
};

function endTry(attempt: Attempt): void {
  overdue(attempt, { option: 'retry.perTryTimeout', milliseconds: tryLimit(attempt.call.policy) });
}

function takeBack({ call, tryEnds }: Attempt): void {
  if (tryEnds !== undefined) call.chain.alarms.clear(tryEnds);
}

function watchIdle(attempt: Attempt, idle: number, at: number): void {
  const { call } = attempt;
  const look = (): void => {
    call.forgetRung();
    if (attempt.phase === 'over') return;
    const next = lastProgress(attempt) + idle;
    if (next > at) watchIdle(attempt, idle, next);
    else overdue(attempt, { option: 'retry.perTryIdleTimeout', milliseconds: idle });
  };
  call.at(at, look, undefined);
}

/** While the reader holds the body back, the endpoint is not late; and once it was let go on, not before its head. */
function lastProgress(attempt: Attempt): number {
  const isLetGo = attempt.overdue && attempt.phase === 'sent';
  return attempt.paused || isLetGo ? attempt.call.chain.runtime.now() : attempt.progressAt;
}
