/**
 * The driver: the one place that starts attempts, asks for verdicts, settles the call and cancels losers.
 * Layers decide, the transport reports (`connected`, `sent`, `head`, `data`, `end`, `fail`), the receiver is told once.
 */
import { Attempt } from './attempt.js';
import type { Call } from './call.js';
import { failure, timedOut, type Failure, type TimeLimit } from './failure.js';
import type { AnotherAttempt, CallEvent, Refusal, Verdict } from './layer.js';
import { LocalReply, type RawHeader } from './reply.js';
import { Rounds } from './rounds.js';
import {
  cancel,
  decide,
  endCall,
  failCall,
  finish,
  giveSlot,
  isOver,
  replyLocally,
  SUPERSEDED,
  thrown,
  warn,
} from './settle.js';

/** A dropped answer is read on up to this many bytes, so that its connection can be used again. */
const DRAIN_LIMIT = 64 * 1024;

/** Sets the call going. Its receiver hears of everything that follows. */
export function start(call: Call): void {
  if (call.chain.judges.length > 0) call.onWoken = woken;
  enterCall(call, 0);
}

/** The caller gives up, with its reason: at any moment, even after the end. */
export function abort(call: Call, reason: unknown): void {
  failCall(call, failure('aborted', 'DC', reason, wasSent(call)));
}

/** A time of the call is over. */
export function timeOut(call: Call, limit: TimeLimit): void {
  failCall(call, timedOut('timeout', limit, wasSent(call)));
}

/** A time of the attempt is over. */
export function overdue(attempt: Attempt, limit: TimeLimit): void {
  if (attempt.phase === 'accepted') timeOut(attempt.call, limit);
  else if (attempt.phase === 'dropped') cancel(attempt, SUPERSEDED);
  else if (attempt.phase === 'sent') takeOverdue(attempt, limit);
}

/** The client is going away under the call. */
export function close(call: Call, reason: unknown): void {
  failCall(call, failure('closed', undefined, reason, wasSent(call)));
}

/** The attempt has its connection, and its request is about to be written. */
export function connected(attempt: Attempt): void {
  const { inContext } = attempt.call;
  if (inContext === undefined) takeConnection(attempt);
  else inContext(() => takeConnection(attempt));
}

/** A piece of the request's body has been written. */
export function sent(attempt: Attempt): void {
  const { call } = attempt;
  if (call.noticesProgress) attempt.progressAt = call.chain.runtime.now();
}

/** Status and headers are known. */
export function head(
  attempt: Attempt,
  status: number,
  statusText: string,
  rawHeaders: readonly RawHeader[],
): void {
  attempt.status = status;
  attempt.statusText = statusText;
  attempt.rawHeaders = rawHeaders;
  const { inContext } = attempt.call;
  if (inContext === undefined) takeHead(attempt);
  else inContext(() => takeHead(attempt));
}

/** A piece of the body. False asks the transport to pause. */
export function data(attempt: Attempt, chunk: Buffer): boolean {
  const { call } = attempt;
  if (call.noticesProgress) attempt.progressAt = call.chain.runtime.now();
  if (attempt.phase === 'accepted') {
    attempt.paused = !call.receiver.onData(chunk);
    return !attempt.paused;
  }
  if (attempt.phase !== 'dropped') return true;
  attempt.drained += chunk.length;
  if (attempt.drained > DRAIN_LIMIT) cancel(attempt, SUPERSEDED);
  return true;
}

/** The body has ended well; it may have come together with the head, which spares a look at the clock. */
export function end(attempt: Attempt, trailers: readonly RawHeader[], withHead = false): void {
  const { inContext } = attempt.call;
  const at = withHead ? attempt.headAt : undefined;
  if (inContext === undefined) takeEnd(attempt, trailers, at);
  else inContext(() => takeEnd(attempt, trailers, at));
}

/** The exchange failed, in whatever phase. */
export function fail(attempt: Attempt, reason: Failure): void {
  const { inContext } = attempt.call;
  if (inContext === undefined) takeFailure(attempt, reason);
  else inContext(() => takeFailure(attempt, reason));
}

function takeConnection(attempt: Attempt): void {
  attempt.connectedAt = attempt.progressAt = attempt.call.chain.runtime.now();
  const layers = attempt.call.chain.connectedLayers;
  if (layers.length === 0) return;
  try {
    for (const layer of layers) layer.connected?.(attempt);
  } catch (error) {
    failCall(attempt.call, thrown(error, attempt));
  }
}

function takeHead(attempt: Attempt): void {
  const { call } = attempt;
  const { chain } = call;
  attempt.headAt = attempt.progressAt = chain.runtime.now();
  giveSlot(attempt);
  let verdict: Verdict | undefined;
  if (chain.headLayers.length > 0 || chain.judges.length > 0) {
    try {
      for (const layer of chain.headLayers) layer.head?.(attempt);
      verdict = chain.judges.length > 0 ? judge(call, eventOf('head', attempt)) : undefined;
    } catch (error) {
      failCall(call, thrown(error, attempt));
      return;
    }
    // A hook may have ended the call.
    if (attempt.phase !== 'sent') return;
  }
  attempt.verdict = verdict ?? attempt.verdict;
  call.undecided -= 1;
  if (verdict?.kind === 'another' && canRepeat(call, verdict)) {
    drop(attempt);
    plan(call, verdict);
  } else if (verdict?.kind === 'wait' && isExpecting(call)) {
    drop(attempt);
  } else {
    accept(attempt);
  }
}

function takeEnd(attempt: Attempt, trailers: readonly RawHeader[], at: number | undefined): void {
  if (attempt.phase === 'over') return;
  const { call } = attempt;
  const accepted = attempt.phase === 'accepted';
  finish(attempt, at);
  // A layer that was told of the end may have aborted the call.
  if (!accepted || call.ended) return;
  endCall(call, attempt.endedAt);
  call.receiver.onEnd(trailers);
}

function takeFailure(attempt: Attempt, reason: Failure): void {
  const { call, phase } = attempt;
  if (phase === 'over') return;
  attempt.failure = reason;
  finish(attempt);
  if (phase === 'dropped') return;
  if (phase === 'accepted') {
    failCall(call, reason);
    return;
  }
  call.undecided -= 1;
  let verdict: Verdict | undefined;
  if (call.chain.judges.length > 0 && !call.over) {
    try {
      verdict = judge(call, eventOf('failed', attempt, reason));
    } catch (error) {
      failCall(call, thrown(error, attempt));
      return;
    }
  }
  attempt.verdict = verdict ?? attempt.verdict;
  if (verdict?.kind === 'another' && canRepeat(call, verdict)) plan(call, verdict);
  else if (!isExpecting(call)) failCall(call, reason);
}

/** Without a layer that keeps the slow try it is cancelled, and has failed like any other. */
function takeOverdue(attempt: Attempt, limit: TimeLimit): void {
  const { call } = attempt;
  let verdict: Verdict | undefined;
  try {
    for (const layer of call.chain.attemptLayers) layer.overdue?.(attempt);
    verdict = judge(call, eventOf('overdue', attempt, undefined, limit));
  } catch (error) {
    failCall(call, thrown(error, attempt));
    return;
  }
  // A hook may have ended the call.
  if (attempt.phase !== 'sent') return;
  if (verdict?.kind === 'wait' || verdict?.kind === 'another') {
    attempt.overdue = true;
    attempt.verdict = verdict;
    if (verdict.kind === 'another' && canRepeat(call, verdict)) plan(call, verdict);
    return;
  }
  const reason = timedOut('try-timeout', limit, true);
  attempt.exchange?.cancel(reason.cause);
  takeFailure(attempt, reason);
}

function enterCall(call: Call, from: number): void {
  const layers = call.chain.callLayers;
  try {
    for (let index = from; index < layers.length; index++) {
      call.entered = index + 1;
      const answer = layers[index]?.start?.(call);
      // The layer may have aborted the call.
      if (call.over) return;
      if (answer === undefined) continue;
      if (isPending(answer)) void resumeCall(call, answer, index + 1);
      else refuseCall(call, answer);
      return;
    }
  } catch (error) {
    failCall(call, thrown(error));
    return;
  }
  startAttempt(call, call.readyAt);
}

async function resumeCall(
  call: Call,
  waiting: PromiseLike<undefined | Refusal>,
  next: number,
): Promise<void> {
  let answer: undefined | Refusal;
  try {
    answer = await waiting;
  } catch (error) {
    answer = thrown(error);
  }
  if (call.over) return;
  call.readyAt = call.chain.runtime.now();
  if (answer === undefined) enterCall(call, next);
  else refuseCall(call, answer);
}

function refuseCall(call: Call, refusal: Refusal): void {
  if (refusal instanceof LocalReply) replyLocally(call, refusal);
  else failCall(call, refusal);
}

function startAttempt(call: Call, now = call.chain.runtime.now(), because?: AnotherAttempt): void {
  const { chain } = call;
  const attempt = new Attempt(call, call.attempts.length + 1, now, because);
  call.attempts.push(attempt);
  call.undecided += 1;
  try {
    const endpoint = chain.upstream.pick(call);
    if (isOver(attempt)) return;
    if (endpoint === undefined) {
      fail(attempt, failure('no-healthy-endpoint', 'UH', undefined, false));
      return;
    }
    attempt.endpoint = endpoint;
    attempt.activeWhenPicked = endpoint.active;
    chain.upstream.started(attempt);
  } catch (error) {
    fail(attempt, thrown(error, attempt));
    return;
  }
  if (!isOver(attempt)) enterAttempt(attempt, 0);
}

function enterAttempt(attempt: Attempt, from: number): void {
  const layers = attempt.call.chain.attemptLayers;
  try {
    for (let index = from; index < layers.length; index++) {
      const answer = layers[index]?.start?.(attempt);
      if (answer !== undefined) {
        if (isPending(answer)) void resumeAttempt(attempt, answer, index);
        else if (!isOver(attempt)) refuseAttempt(attempt, answer);
        return;
      }
      if (isOver(attempt)) {
        endLate(attempt, index);
        return;
      }
      attempt.entered = index + 1;
    }
    send(attempt);
  } catch (error) {
    // With the request on its way, the attempt is not the only thing that has to end.
    if (attempt.phase === 'starting') fail(attempt, thrown(error, attempt));
    else failCall(attempt.call, thrown(error, attempt));
  }
}

async function resumeAttempt(
  attempt: Attempt,
  waiting: PromiseLike<undefined | Refusal>,
  index: number,
): Promise<void> {
  let answer: undefined | Refusal;
  try {
    answer = await waiting;
  } catch (error) {
    answer = thrown(error, attempt);
  }
  if (isOver(attempt)) {
    if (answer === undefined) endLate(attempt, index);
  } else if (answer === undefined) {
    attempt.entered = index + 1;
    enterAttempt(attempt, index + 1);
  } else {
    refuseAttempt(attempt, answer);
  }
}

/** A start that was passed is owed its end, even when the attempt was over by then. */
function endLate(attempt: Attempt, index: number): void {
  try {
    attempt.call.chain.attemptLayers[index]?.end?.(attempt);
  } catch (error) {
    warn(error);
  }
}

function refuseAttempt(attempt: Attempt, refusal: Refusal): void {
  if (refusal instanceof LocalReply) {
    attempt.failure = failure('refused', undefined, undefined, false);
    finish(attempt);
    attempt.call.undecided -= 1;
    replyLocally(attempt.call, refusal);
  } else {
    fail(attempt, refusal);
  }
}

function send(attempt: Attempt): void {
  const { around, upstream } = attempt.call.chain;
  if (around === undefined) {
    attempt.phase = 'sent';
    upstream.send(attempt);
    return;
  }
  around(attempt, () => {
    if (attempt.phase !== 'starting') return;
    attempt.phase = 'sent';
    upstream.send(attempt);
  });
  if (attempt.phase === 'starting') {
    throw new Error('around(attempt, dispatch) returned without calling dispatch()');
  }
}

function accept(attempt: Attempt): void {
  const { call } = attempt;
  attempt.phase = 'accepted';
  call.answer = attempt;
  decide(call, SUPERSEDED);
  if (!call.ended) call.receiver.onHead(attempt);
}

/** Reads the rest of an unwanted answer, so that its connection stays; `data` and `DRAIN_LIMIT` bound it. */
function drop(attempt: Attempt): void {
  // Answered early: its connection is lost anyway, and the body is for the next attempt to read.
  const isEarly = attempt.body?.finished === false;
  // One that waits for a connection may be waiting for this one.
  if (isEarly || attempt.call.attempts.some(isWaiting)) {
    cancel(attempt, SUPERSEDED);
    return;
  }
  attempt.phase = 'dropped';
  attempt.call.hasDropped = true;
  attempt.call.chain.upstream.dropped(attempt);
  attempt.resume();
}

function isWaiting({ phase, connectedAt }: Attempt): boolean {
  return phase === 'sent' && connectedAt === -1;
}

function plan(call: Call, verdict: AnotherAttempt): void {
  if (call.rounds !== undefined) {
    call.rounds.offer(verdict);
    return;
  }
  call.rounds = new Rounds(call);
  call.rounds.offer(verdict);
  call.rounds
    .play((of, because) => startAttempt(of, undefined, because))
    .catch((error: unknown) => failCall(call, thrown(error)));
}

function woken(call: Call): void {
  call.forgetRung();
  if (call.over) return;
  try {
    const verdict = judge(call, eventOf('woken'));
    if (verdict?.kind !== 'another' || !canRepeat(call, verdict)) return;
    if (verdict.after > 0) plan(call, verdict);
    else startAttempt(call, undefined, verdict);
  } catch (error) {
    failCall(call, thrown(error));
  }
}

/** All of one shape: layers that have seen the rare ones are as fast as before with the one that comes each time. */
function eventOf(
  type: CallEvent['type'],
  attempt?: Attempt,
  reason?: Failure,
  limit?: TimeLimit,
): CallEvent {
  return { type, attempt, failure: reason, limit } as CallEvent;
}

function judge(call: Call, event: CallEvent): Verdict | undefined {
  for (const layer of call.chain.judges) {
    const verdict = layer.judge?.(call, event);
    if (verdict === undefined) continue;
    // A rule of the user's may have ended the call while it was asked.
    if (!call.over) return verdict;
    if (verdict.kind === 'another') giveBack(call, verdict);
    return undefined;
  }
  return undefined;
}

/** Whether a further attempt can be made; where it cannot, its place is free again. */
function canRepeat(call: Call, verdict: AnotherAttempt): boolean {
  if (!call.over && call.canResend()) return true;
  giveBack(call, verdict);
  return false;
}

function giveBack(call: Call, { slot }: AnotherAttempt): void {
  if (slot === true) call.chain.upstream.slots.give();
}

/** True while some attempt may still bring an answer. */
function isExpecting(call: Call): boolean {
  return call.undecided > 0 || call.rounds?.planned === true;
}

function isPending<T>(answer: T | PromiseLike<T>): answer is PromiseLike<T> {
  return typeof answer === 'object' && answer !== null && 'then' in answer;
}

function wasSent(call: Call): boolean {
  return call.attempts.some((attempt) => attempt.failure?.sent ?? attempt.connectedAt !== -1);
}
