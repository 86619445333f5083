/**
 * The driver: the one place that starts attempts, asks for verdicts, settles the call and cancels losers.
 * Layers decide, the transport reports (`connected`, `head`, `data`, `end`, `fail`), the receiver is told once.
 */
import { Attempt } from './attempt.js';
import type { Call } from './call.js';
import { failure, type Failure } from './failure.js';
import type { CallEvent, Refusal, Verdict } from './layer.js';
import { LocalReply, type RawHeader } from './reply.js';
import { Rounds } from './rounds.js';
import {
  cancel,
  decide,
  endCall,
  failCall,
  finish,
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
  if (call.chain.judges.length > 0) call.onWoken = () => woken(call);
  enterCall(call, 0);
}

/** The caller gives up, with its reason: at any moment, even after the end. */
export function abort(call: Call, reason: unknown): void {
  failCall(call, failure('aborted', 'DC', reason, wasSent(call)));
}

/** The time of the call is over. */
export function timeOut(call: Call): void {
  failCall(call, failure('timeout', 'UT', undefined, wasSent(call)));
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
  if (attempt.phase === 'accepted') return attempt.call.receiver.onData(chunk);
  if (attempt.phase !== 'dropped') return true;
  attempt.drained += chunk.length;
  if (attempt.drained > DRAIN_LIMIT) cancel(attempt, SUPERSEDED);
  return true;
}

/** The body has ended well. */
export function end(attempt: Attempt, trailers: readonly RawHeader[]): void {
  const { inContext } = attempt.call;
  if (inContext === undefined) takeEnd(attempt, trailers);
  else inContext(() => takeEnd(attempt, trailers));
}

/** The exchange failed, in whatever phase. */
export function fail(attempt: Attempt, reason: Failure): void {
  const { inContext } = attempt.call;
  if (inContext === undefined) takeFailure(attempt, reason);
  else inContext(() => takeFailure(attempt, reason));
}

function takeConnection(attempt: Attempt): void {
  attempt.connectedAt = attempt.call.chain.runtime.now();
  const layers = attempt.call.chain.attemptLayers;
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
  attempt.headAt = chain.runtime.now();
  let verdict: Verdict | undefined;
  if (chain.attemptLayers.length > 0 || chain.judges.length > 0) {
    try {
      for (const layer of chain.attemptLayers) layer.head?.(attempt);
      verdict = chain.judges.length > 0 ? judge(call, { type: 'head', attempt }) : undefined;
    } catch (error) {
      failCall(call, thrown(error, attempt));
      return;
    }
    // A hook may have ended the call.
    if (attempt.phase !== 'sent') return;
  }
  attempt.verdict = verdict;
  call.undecided -= 1;
  if (verdict?.kind === 'another' && canRepeat(call)) {
    drop(attempt);
    plan(call, verdict.after);
  } else if (verdict?.kind === 'wait' && isExpecting(call)) {
    drop(attempt);
  } else {
    accept(attempt);
  }
}

function takeEnd(attempt: Attempt, trailers: readonly RawHeader[]): void {
  if (attempt.phase === 'over') return;
  const { call } = attempt;
  const accepted = attempt.phase === 'accepted';
  finish(attempt);
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
      verdict = judge(call, { type: 'failed', attempt, failure: reason });
    } catch (error) {
      failCall(call, thrown(error, attempt));
      return;
    }
  }
  attempt.verdict = verdict;
  if (verdict?.kind === 'another' && canRepeat(call)) plan(call, verdict.after);
  else if (!isExpecting(call)) failCall(call, reason);
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
  // Nothing has been waited for: the clock need not be read again.
  startAttempt(call, from === 0 ? call.startedAt : call.chain.runtime.now());
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
  if (answer === undefined) enterCall(call, next);
  else refuseCall(call, answer);
}

function refuseCall(call: Call, refusal: Refusal): void {
  if (refusal instanceof LocalReply) replyLocally(call, refusal);
  else failCall(call, refusal);
}

function startAttempt(call: Call, now = call.chain.runtime.now()): void {
  const { chain } = call;
  const attempt = new Attempt(call, call.attempts.length + 1, now);
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
  attempt.phase = 'dropped';
  attempt.call.hasDropped = true;
  attempt.resume();
}

function plan(call: Call, after: number): void {
  if (call.rounds !== undefined) {
    call.rounds.offer(after);
    return;
  }
  call.rounds = new Rounds(call);
  call.rounds.offer(after);
  call.rounds
    .play((of) => startAttempt(of))
    .catch((error: unknown) => failCall(call, thrown(error)));
}

function woken(call: Call): void {
  if (call.over) return;
  try {
    const verdict = judge(call, { type: 'woken' });
    if (verdict?.kind === 'another' && canRepeat(call)) startAttempt(call);
  } catch (error) {
    failCall(call, thrown(error));
  }
}

function judge(call: Call, event: CallEvent): Verdict | undefined {
  for (const layer of call.chain.judges) {
    const verdict = layer.judge?.(call, event);
    if (verdict !== undefined) return verdict;
  }
  return undefined;
}

function canRepeat(call: Call): boolean {
  return !call.over && (!call.bodySpent || call.replayable);
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
