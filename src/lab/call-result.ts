/** How one call of a run came out. */
import { isOutriggerError } from '../index.js';

/** Makes one call, reads its body, and answers its status; rejects when there was no answer. */
export type Caller = () => Promise<number>;

export interface CallResult {
  /** Real milliseconds from its start to the end of its body, or to its failure. */
  readonly latency: number;
  /** The status, or why there was none: `200`, `503`, `TimeoutError`, `ECONNRESET`. */
  readonly outcome: string;
  /** Answered, and with a status below 400. */
  readonly ok: boolean;
  /** What the error said, when there was no answer. */
  readonly message?: string;
  /** Envoy's response flag, when the client failed the call by itself: `UO`, `UH`, `UT`. */
  readonly flag?: string;
}

/** Makes the call and looks at the clock before and after. */
export async function timeCall(call: Caller, now: () => number): Promise<CallResult> {
  const started = now();
  try {
    const status = await call();
    return { latency: now() - started, outcome: String(status), ok: status < 400 };
  } catch (error) {
    const latency = now() - started;
    const message = error instanceof Error ? error.message : String(error);
    const flag = isOutriggerError(error) ? error.flag : undefined;
    return { latency, outcome: outcomeOf(error), ok: false, message, ...(flag && { flag }) };
  }
}

/** The word for a call without an answer: the transport's code, or the client's name for it; or what else was thrown. */
function outcomeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause;
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') {
    return cause.code;
  }
  if (!isOutriggerError(error)) return String(error);
  // A connection error has the name that fetch gives it, which says less than its code.
  return error.name === 'TypeError' ? error.code : error.name;
}
