/**
 * How attempts and calls come to their end, for the driver: each exactly once, also when what is told of an end
 * (a layer, a balancer) ends the call itself.
 */
import type { Attempt } from './attempt.js';
import { BodySource } from './body.js';
import type { Call } from './call.js';
import { failure, type Failure } from './failure.js';
import type { LocalReply } from './reply.js';

/** Another attempt was accepted, or the call ended without this one. */
export const SUPERSEDED = failure('superseded', undefined, undefined, true);

/** From here on nothing starts for the call, and what was undecided is cancelled, for the reason given. */
export function decide(call: Call, loss: Failure): void {
  call.over = true;
  call.rounds?.stop();
  if (call.undecided > 0) {
    for (const other of call.attempts) {
      if (other.phase === 'starting' || other.phase === 'sent') cancel(other, loss);
    }
    call.undecided = 0;
  }
  if (call.body instanceof BodySource) call.body.stopKeeping();
}

/** Answers the call without an endpoint. */
export function replyLocally(call: Call, reply: LocalReply): void {
  if (call.over) return;
  call.localReply = reply;
  decide(call, SUPERSEDED);
  if (call.ended) return;
  endCall(call);
  call.receiver.onHead(reply);
  call.receiver.onData(Buffer.from(reply.body));
  call.receiver.onEnd([]);
}

/** Ends the call with a failure, whatever it is doing; a call that has ended is left alone. */
export function failCall(call: Call, reason: Failure): void {
  if (call.ended || call.failing) return;
  call.failing = true;
  call.failure = reason;
  decide(call, reason);
  const { answer } = call;
  if (answer?.phase === 'accepted') {
    answer.failure ??= reason;
    answer.exchange?.cancel(reason.cause);
    finish(answer);
  }
  endCall(call);
  call.receiver.onFail(reason);
}

/** Ends an attempt that nobody needs any more. */
export function cancel(attempt: Attempt, loss: Failure): void {
  if (isOver(attempt)) return;
  attempt.failure ??= loss;
  attempt.exchange?.cancel(loss.cause);
  finish(attempt);
}

/** Answers that were dropped are read no further: they would hold a place that somebody else needs. */
function cutDropped(call: Call): void {
  for (const attempt of call.attempts) {
    if (attempt.phase === 'dropped') cancel(attempt, SUPERSEDED);
  }
}

/** The attempt is over: the layers it has entered are told in reverse order, and the endpoint is free of it. */
export function finish(attempt: Attempt, at?: number): void {
  const { chain } = attempt.call;
  attempt.phase = 'over';
  attempt.endedAt = at ?? chain.runtime.now();
  giveSlot(attempt);
  attempt.body?.end();
  for (let index = attempt.entered - 1; index >= 0; index--) {
    try {
      chain.attemptLayers[index]?.end?.(attempt);
    } catch (error) {
      warn(error);
    }
  }
  if (attempt.endpoint === undefined) return;
  try {
    chain.upstream.ended(attempt);
  } catch (error) {
    warn(error);
  }
}

/** The call is over: its layers are told in reverse order, and what it dropped is cut off. */
export function endCall(call: Call, now = call.chain.runtime.now()): void {
  const { chain } = call;
  call.ended = true;
  call.endedAt = now;
  for (let { alarms } = call; alarms !== undefined; alarms = alarms.next) {
    chain.alarms.clear(alarms);
  }
  if (call.body instanceof BodySource) call.body.close();
  if (call.hasDropped) cutDropped(call);
  for (let index = call.entered - 1; index >= 0; index--) {
    try {
      chain.callLayers[index]?.end?.(call);
    } catch (error) {
      warn(error);
    }
  }
  chain.upstream.callEnded(call);
}

/** The attempt has been decided on: its place is free for another. */
export function giveSlot(attempt: Attempt): void {
  if (!attempt.holdsSlot) return;
  attempt.holdsSlot = false;
  attempt.call.chain.upstream.slots.give();
}

/** A function, because what is called in between changes it. */
export function isOver(attempt: Attempt): boolean {
  return attempt.phase === 'over';
}

/** What code of the user's threw, as a failure. */
export function thrown(error: unknown, attempt?: Attempt): Failure {
  return failure('invalid', undefined, error, attempt?.phase !== 'starting');
}

/** For errors that have nobody left to go to. */
export function warn(error: unknown): void {
  process.emitWarning(`the end of an attempt or a call could not be told: ${String(error)}`, {
    type: 'OutriggerWarning',
    code: 'OUTRIGGER_END_THREW',
  });
}
