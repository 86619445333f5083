/** What a server of the fleet does with the requests it receives. */
import type { ReceivedRequest } from './request-record.js';

/**
 * What a server does with its requests, one step each: always the same step; a sequence whose last step
 * repeats; or a function that is asked when the head of a request has arrived. The function gets the number
 * of the request since the plan was set (from 0), the request, and the server's own source of chance, which
 * follows from the fleet's seed. While a promise of it is pending, the body of the request is read.
 */
export type Plan = Step | readonly Step[] | PlanFunction;

export type PlanFunction = (
  index: number,
  request: ReceivedRequest,
  random: () => number,
) => Step | Promise<Step>;

/**
 * What a server does with one request, once it has received it with its body:
 *
 * - a number: answers with that status, from 200 to 999, and the server's name as its body;
 * - `'echo'`: answers 200 with the request as it arrived, as JSON: `server`, `method`, `path`, `httpVersion`,
 *   `headers` (pairs, in their order and spelling), `body` (text);
 * - `'reset'`: a TCP reset (RST) in place of an answer; not to be had on `unix:` sockets;
 * - `'close'`: an orderly close (FIN) in place of an answer;
 * - `'silence'`: no answer, ever; the connection stays open;
 * - `'garbage'`: bytes that are not HTTP, then a close;
 * - an object: an answer in detail, bytes of your own, a wait before a step, or a step that does not wait for
 *   the body of the request.
 */
export type Step = number | 'echo' | 'garbage' | Ending | Answer | RawBytes | LaterStep | EarlyStep;

/** How an exchange breaks off: a TCP reset (RST), an orderly close (FIN), or nothing more on an open connection. */
export type Ending = 'reset' | 'close' | 'silence';

/** Real milliseconds, or a promise that resolves when the wait is over. */
export type Wait = number | Promise<unknown>;

/** Text is sent as UTF-8. */
export type Bytes = string | Uint8Array;

/** Header fields as an object, or as pairs where the order or a repetition matters. */
export type HeaderFields =
  | Readonly<Record<string, string | readonly string[]>>
  | readonly (readonly [name: string, value: string])[];

/**
 * The body of an answer: bytes; `size` bytes of filling, made while they are sent; pieces with a pause (in
 * real milliseconds, default 0) between them; or a function that gives the pieces, called once per answer.
 * What the client does not read is not sent: the sending waits for it.
 */
export type AnswerBody =
  | Bytes
  | { readonly size: number }
  | { readonly pieces: readonly Bytes[]; readonly pause?: number }
  | (() => Iterable<Bytes> | AsyncIterable<Bytes>);

/** An answer in detail. A field that is left out is absent from the answer, unless a default is named. */
export interface Answer {
  /** From 200 to 999. Default: 200. */
  readonly status?: number;
  /** Default: the usual words for the status. */
  readonly statusText?: string;
  /**
   * `connection: close` closes after the answer, as announced. A `content-length` or `transfer-encoding` of
   * your own is sent as it stands, right or wrong.
   */
  readonly headers?: HeaderFields;
  /** Heads that come before: 103 and the like. The status is from 102 to 199. */
  readonly information?: readonly { readonly status: number; readonly headers?: HeaderFields }[];
  /** Before the head. Default: 0. */
  readonly delay?: Wait;
  /** Between the head and the body. Default: 0. */
  readonly bodyDelay?: Wait;
  /** Default: empty. */
  readonly body?: AnswerBody;
  /** Default: `'content-length'` where the length is known at the start, otherwise `'chunked'`. */
  readonly framing?: 'content-length' | 'chunked' | 'until-close';
  /** Breaks the answer off after `at` bytes of its body; 0 is right after the head. */
  readonly cut?: { readonly at: number; readonly by: Ending };
  /** Ends the connection after the whole answer, without having announced it. */
  readonly after?: 'reset' | 'close';
}

/** Bytes of your own in place of an answer. */
export interface RawBytes {
  readonly raw: Bytes;
  /** What follows. Default: `'close'`. */
  readonly end?: Ending;
}

/** A step after a wait. */
export interface LaterStep {
  readonly wait: Wait;
  readonly step: Step;
}

/**
 * A step that is carried out when the head of the request has arrived; the body is not read meanwhile. A server
 * that does not read does not see the client go either: its connection counts as open until it ends.
 */
export interface EarlyStep {
  readonly early: Step;
}

/** A step that waits for the test. */
export interface Hold {
  /** To be put into a plan; each request that comes to it waits there. */
  readonly step: LaterStep;
  /** Resolves when `release` is called; may stand wherever a `Wait` may. */
  readonly released: Promise<void>;
  /** Lets go of all requests that wait, and of all that come later. */
  release(): void;
}

/** Holds a step back until the test releases it, so that nothing needs to sleep. Default: an answer of 200. */
export function hold(step: Step = 200): Hold {
  let release: () => void = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { step: { wait: released, step }, released, release: () => release() };
}

/** Is the step carried out without the body of the request? */
export function isEarly(step: Step): boolean {
  if (typeof step !== 'object') return false;
  return 'early' in step || ('wait' in step && isEarly(step.step));
}
