/** What becomes of an answer that sends elsewhere before its call goes on: where it breaks off at once, so does the call. */
import type { Call } from '../core/call.js';
import { ConnectionError, toError } from '../core/errors.js';
import { failure } from '../core/failure.js';
import { headerValue } from '../core/raw-headers.js';
import type { Reply } from '../core/reply.js';

/** The answer of a hop, on its way into a face. */
export interface HopAnswer {
  readonly call: Call | undefined;
  readonly head: Reply | undefined;
  /** Nothing more of it will come. */
  readonly isOver: boolean;
  /** What it has failed with. */
  readonly error: unknown;
  /** Called once when it is over. */
  whenOver: (() => void) | undefined;
  /** Gives up what has not come; its handler hears no more of it. */
  leave(): void;
}

/** Turns of the event loop in which what was sent together with a head has come, the end of the connection included. */
const TURNS = 4;

/**
 * The platform lets such an answer come in while it goes on. Here it has a few turns: beyond them it would hold a place
 * in the limits, for as long as its server likes.
 *
 * @param goOn is given the error of the whole call where the answer is broken off
 */
export function beforeNextHop(answer: HopAnswer, goOn: (broken?: Error) => void): void {
  const { call } = answer;
  if (answer.isOver || call === undefined) {
    const broken = brokenBy(answer, 0);
    answer.leave();
    goOn(broken);
    return;
  }
  const { runtime } = call.chain;
  let turns = 0;
  let isGone = false;
  answer.whenOver = () => {
    isGone = true;
    const broken = brokenBy(answer, turns);
    answer.leave();
    // Not within the driver's own turn of the call that has ended.
    void Promise.resolve().then(() => goOn(broken));
  };
  const turn = (): void => {
    if (isGone) return;
    turns += 1;
    if (turns < TURNS) {
      runtime.defer(turn);
      return;
    }
    answer.whenOver = undefined;
    answer.leave();
    goOn();
  };
  runtime.defer(turn);
}

/** In the platform's words. What else ends a call, such as its time, the next hop meets by itself. */
function brokenBy({ call, head, error }: HopAnswer, turns: number): Error | undefined {
  if (call === undefined || !(error instanceof ConnectionError)) return undefined;
  // The platform takes a reset for its end.
  if (head === undefined || !tellsItsEnd(head)) return undefined;
  const beneath: unknown = error.cause;
  const isParsers = beneath instanceof Error && beneath.name === 'HTTPParserError';
  // What was read together with the head the platform meets before it has a connection for the next hop.
  const isOfHead = turns === 0 || (turns === 1 && isParsers);
  const cause = isOfHead
    ? Object.assign(new DOMException('Request was cancelled.'), { cause: beneath })
    : beneath;
  return toError(call, failure('reset', 'UPE', cause, true)) as Error;
}

function tellsItsEnd({ rawHeaders }: Reply): boolean {
  return (
    headerValue(rawHeaders, 'content-length') !== undefined ||
    headerValue(rawHeaders, 'transfer-encoding') !== undefined
  );
}
