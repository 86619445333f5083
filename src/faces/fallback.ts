/** `fallback`: the user's answer in place of a call that has failed for good, after retries, hedges and redirects. */
import type { Call, Chain } from '../core/call.js';
import { CallError } from '../core/errors.js';
import type { OwnCode } from '../core/own-code.js';
import type { NormalizedPolicy } from '../options/normalized.js';
import type { Fallback } from '../options/options.js';

/** How a call ended for which there may be a fallback. */
export interface Failed {
  /** The error it is rejected with, or the answer whose status says that it has failed. */
  readonly outcome: unknown;
  /** One per hop; that of the first decides. */
  readonly calls: readonly Call[];
  /** What the caller asked for. */
  readonly request: () => Request;
  /** The user's function runs in it. */
  readonly own: OwnCode;
}

/** Core knows nothing of fallbacks, but hands on the policy of the service as it was given. */
export function fallbackOf({ policy }: Chain): Fallback | undefined {
  return (policy as Partial<NormalizedPolicy>).fallback;
}

/** Statuses that count as failures. */
export function isFailure(status: number): boolean {
  return status >= 500;
}

/** The answer of the fallback, or the outcome as it is where there is none, or it has none. */
export async function fallBack(
  explained: WeakMap<Response, readonly Call[]>,
  { outcome, calls, request: makeRequest, own }: Failed,
): Promise<Response> {
  const first = calls[0];
  const fallback = first && fallbackOf(first.chain);
  if (first === undefined || fallback === undefined || !mayFallBack(outcome)) return stand(outcome);
  const request = makeRequest();
  request.signal.throwIfAborted();
  let answer: unknown;
  try {
    answer = await untilAborted(
      own.run(() => fallback(outcome, request)),
      request.signal,
    );
    if (answer !== undefined && !(answer instanceof Response)) {
      throw new TypeError(
        `fallback gave ${answer === null ? 'null' : typeof answer}, expected a Response or undefined`,
      );
    }
  } catch (error) {
    release(outcome);
    // The reason of the caller's signal is the caller's own.
    throw request.signal.aborted ? error : causedBy(error, outcome);
  }
  if (answer === undefined || answer === outcome) return stand(outcome);
  release(outcome, answer);
  first.chain.upstream.fellBack();
  (calls.at(-1) as Call).fellBack = true;
  explained.set(answer, calls);
  return answer;
}

function mayFallBack(outcome: unknown): boolean {
  return outcome instanceof Response ? isFailure(outcome.status) : outcome instanceof CallError;
}

function stand(outcome: unknown): Response {
  if (outcome instanceof Response) return outcome;
  throw outcome;
}

/** A fallback may take its time, which the caller's signal cuts short. What it still gives then is not wanted. */
async function untilAborted(
  answering: ReturnType<Fallback>,
  signal: AbortSignal,
): Promise<Response | undefined> {
  if (!(answering instanceof Promise)) return answering;
  return new Promise((resolve, reject) => {
    const aborted = (): void => {
      reject(signal.reason as Error);
      answering.then(release, ignore);
    };
    signal.addEventListener('abort', aborted, { once: true });
    answering.finally(() => signal.removeEventListener('abort', aborted)).then(resolve, reject);
  });
}

/** Nobody will read the answer; unless what comes in its place has taken its body over. */
function release(outcome: unknown, answer?: Response): void {
  if (!(outcome instanceof Response) || outcome.bodyUsed) return;
  const { body } = outcome;
  if (body === null || body.locked || body === answer?.body) return;
  body.cancel(new Error('the fallback has answered')).catch(ignore);
}

function causedBy(error: unknown, outcome: unknown): unknown {
  if (error instanceof Error && error !== outcome && error.cause === undefined) {
    Reflect.defineProperty(error, 'cause', { value: outcome, writable: true, configurable: true });
  }
  return error;
}

const ignore = (): void => {};
