/** The times of a call: to the head of its answer, between signs of life, and as a whole, its body included. */
import type { Call } from '../core/call.js';
import { timeOut } from '../core/drive.js';
import { timedOut, type TimeLimit } from '../core/failure.js';
import type { CallLayer } from '../core/layer.js';

/** Whichever time comes first ends the call. Until then they hold the process, as the pending call does. */
export const deadline: CallLayer = {
  name: 'deadline',
  start(call) {
    const { response, idle, total, inherited } = call.policy.timeout;
    if (total === 0 && inherited === true) return timedOut('timeout', totalLimit(call), false);
    if (total > 0) call.at(call.startedAt + total, endTotal, call);
    if (response > 0) call.at(call.startedAt + response, endResponse, call);
    if (idle > 0) {
      call.noticesProgress = true;
      watchIdle(call, idle, call.startedAt + idle);
    }
    return undefined;
  },
};

function totalLimit({ policy }: Call): TimeLimit {
  const { total, inherited } = policy.timeout;
  return { option: inherited === true ? 'deadline' : 'timeout', milliseconds: total };
}

function endTotal(call: Call): void {
  timeOut(call, totalLimit(call));
}

function endResponse(call: Call): void {
  if (call.answer !== undefined) return;
  timeOut(call, { option: 'timeout.response', milliseconds: call.policy.timeout.response });
}

/** Looks again when the time since the last sign of life would be over, so that a sign costs no timer. */
function watchIdle(call: Call, idle: number, at: number): void {
  const look = (): void => {
    call.forgetRung();
    const next = lastProgress(call) + idle;
    if (next > at) watchIdle(call, idle, next);
    else timeOut(call, { option: 'timeout.idle', milliseconds: idle });
  };
  call.at(at, look, undefined);
}

/** While the reader holds the body back, or the call waits before an attempt, nobody is late. */
function lastProgress(call: Call): number {
  const isOwnWait = call.answer === undefined && call.undecided === 0;
  if (isOwnWait || call.answer?.paused === true) return call.chain.runtime.now();
  let last = call.startedAt;
  for (const { startedAt, progressAt } of call.attempts)
    last = Math.max(last, startedAt, progressAt);
  return last;
}
