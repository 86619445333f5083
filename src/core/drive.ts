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
  attempt.connectedAt = attempt.call.chain.runtime.now();
  const layers = attempt.call.chain.attemptLayers;
  if (layers.length === 0) return;
  try {
    for (const layer of layers) layer.connected?.(attempt);
  } catch (error) {
    failCall(attempt.call, thrown(error, attempt));
  }
}

/** Status and headers are known. */
export function head(
  attempt: Attempt,
  status: number,
  statusText: string,
  rawHeaders: readonly RawHeader[],
): void {
  const { call } = attempt;
  const { chain } = call;
  attempt.headAt = chain.runtime.now();
  attempt.status = status;
  attempt.statusText = statusText;
  attempt.rawHeaders = rawHeaders;
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

/** A piece of the body. False asks the transport to pause. */
export function data(attempt: Attempt, chunk: Buffer): boolean {
  if (attempt.phase === 'accepted') return attempt.call.receiver.onData(chunk);
  attempt.drained += chunk.length;
  if (attempt.drained > DRAIN_LIMIT) cancel(attempt, SUPERSEDED);
  return true;
}

/** The body has ended well. */
export function end(attempt: Attempt, trailers: readonly RawHeader[]): void {
  if (attempt.phase === 'over') return;
  const accepted = attempt.phase === 'accepted';
  finish(attempt);
  if (accepted) {
    endCall(attempt.call);
    attempt.call.receiver.onEnd(trailers);
  }
}

/** The exchange failed, in whatever phase. */
export function fail(attempt: Attempt, reason: Failure): void {
  const { call } = attempt;
  const { phase } = attempt;
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
  if (call.chain.judges.length > 0) {
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
      const answer = layers[index]?.start?.(call);
      call.entered = index + 1;
      if (answer === undefined) continue;
      if (answer instanceof Promise) {
        void resumeCall(call, answer, index + 1);
      } else {
        refuseCall(call, answer);
      }
      return;
    }
  } catch (error) {
    failCall(call, thrown(error));
    return;
  }
  startAttempt(call);
}

async function resumeCall(
  call: Call,
  waiting: Promise<undefined | Refusal>,
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

function startAttempt(call: Call): void {
  const { chain } = call;
  const attempt = new Attempt(call, call.attempts.length + 1, chain.runtime.now());
  call.attempts.push(attempt);
  call.undecided += 1;
  try {
    const endpoint = chain.upstream.pick(call);
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
  enterAttempt(attempt, 0);
}

function enterAttempt(attempt: Attempt, from: number): void {
  const layers = attempt.call.chain.attemptLayers;
  try {
    for (let index = from; index < layers.length; index++) {
      const answer = layers[index]?.start?.(attempt);
      if (answer === undefined) {
        attempt.entered = index + 1;
        continue;
      }
      if (answer instanceof Promise) void resumeAttempt(attempt, answer, index);
      else refuseAttempt(attempt, answer);
      return;
    }
    send(attempt);
  } catch (error) {
    fail(attempt, thrown(error, attempt));
  }
}

async function resumeAttempt(
  attempt: Attempt,
  waiting: Promise<undefined | Refusal>,
  index: number,
): Promise<void> {
  let answer: undefined | Refusal;
  try {
    answer = await waiting;
  } catch (error) {
    answer = thrown(error, attempt);
  }
  if (answer === undefined) {
    // A start that was passed is owed its end, even when the call has ended meanwhile.
    attempt.entered = index + 1;
    if (attempt.phase === 'over') attempt.call.chain.attemptLayers[index]?.end?.(attempt);
    else enterAttempt(attempt, index + 1);
  } else if (attempt.phase !== 'over') {
    refuseAttempt(attempt, answer);
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
  call.receiver.onHead(attempt);
}

/** Reads the rest of an unwanted answer, so that its connection stays; `data` and `DRAIN_LIMIT` bound it. */
function drop(attempt: Attempt): void {
  attempt.phase = 'dropped';
  attempt.resume();
}

function plan(call: Call, after: number): void {
  if (call.rounds !== undefined) {
    call.rounds.offer(after);
    return;
  }
  call.rounds = new Rounds(call);
  call.rounds.offer(after);
  call.rounds.play(startInContext).catch((error: unknown) => failCall(call, thrown(error)));
}

/** Whatever starts from a timer or another event runs in the async context of its call. */
function startInContext(call: Call): void {
  if (call.inContext === undefined) startAttempt(call);
  else call.inContext(() => startAttempt(call));
}

function woken(call: Call): void {
  if (call.over) return;
  try {
    const verdict = judge(call, { type: 'woken' });
    if (verdict?.kind === 'another' && canRepeat(call)) startInContext(call);
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

const SUPERSEDED = failure('superseded', undefined, undefined, true);

/** From here on nothing starts for the call, and what was undecided is cancelled, for the reason given. */
function decide(call: Call, loss: Failure): void {
  call.over = true;
  call.rounds?.stop();
  if (call.alarms !== undefined) {
    for (const alarm of call.alarms) call.chain.runtime.clearTimer(alarm);
  }
  if (call.undecided > 0) {
    for (const other of call.attempts) {
      if (other.phase === 'starting' || other.phase === 'sent') cancel(other, loss);
    }
    call.undecided = 0;
  }
}

function replyLocally(call: Call, reply: LocalReply): void {
  if (call.over) return;
  decide(call, SUPERSEDED);
  call.localReply = reply;
  endCall(call);
  call.receiver.onHead(reply);
  call.receiver.onData(Buffer.from(reply.body));
  call.receiver.onEnd([]);
}

function failCall(call: Call, reason: Failure): void {
  if (call.ended) return;
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
function cancel(attempt: Attempt, loss: Failure): void {
  attempt.failure ??= loss;
  attempt.exchange?.cancel(loss.cause);
  finish(attempt);
}

/** The attempt is over: the layers it has entered are told in reverse order, and the endpoint is free of it. */
function finish(attempt: Attempt): void {
  const { chain } = attempt.call;
  attempt.phase = 'over';
  attempt.endedAt = chain.runtime.now();
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

function endCall(call: Call): void {
  const { chain } = call;
  call.ended = true;
  call.endedAt = chain.runtime.now();
  if (call.attempts.length > 1) {
    for (const attempt of call.attempts) {
      if (attempt.phase === 'dropped') cancel(attempt, SUPERSEDED);
    }
  }
  for (let index = call.entered - 1; index >= 0; index--) {
    try {
      chain.callLayers[index]?.end?.(call);
    } catch (error) {
      warn(error);
    }
  }
  chain.upstream.callEnded(call);
}

function thrown(error: unknown, attempt?: Attempt): Failure {
  return failure('invalid', undefined, error, attempt?.phase !== 'starting');
}

function wasSent(call: Call): boolean {
  return call.attempts.some((attempt) => attempt.failure?.sent ?? attempt.connectedAt > 0);
}

function warn(error: unknown): void {
  process.emitWarning(`the end of an attempt or a call could not be told: ${String(error)}`, {
    type: 'OutriggerWarning',
    code: 'OUTRIGGER_END_THREW',
  });
}
