/** The platform's own fetch over the client's dispatcher: for inputs and answers that the fast path leaves alone. */
import type { Call, Overrides } from '../core/call.js';
import { isOutriggerError } from '../core/errors.js';
import { beforeNextHop, type HopAnswer } from './before-next-hop.js';
import { dispatchCall, type DispatchHost, type DispatchOptions } from './dispatcher.js';
import { fallBack, isFailure } from './fallback.js';
import type { FetchReply } from './fetch-reply.js';
import type { ResilientRequestInit } from './request-init.js';
import { givenBody, givenStream, type GivenBody } from './given-body.js';
import { outletOf } from './outlet.js';
import { bounded } from './bounded-response.js';
import { withOwnErrors } from './own-errors.js';
import { failHandler, replay, replayHead, type HandlerReceiver } from './handler-receiver.js';

/** The platform's, whatever an application puts in its place later. Reading it loads nothing. */
export const platformFetch = globalThis.fetch;

/** Which calls stand behind an answer: one per hop. */
export type Hops = WeakMap<Response, readonly Call[]>;

/**
 * With `first`, the first hop is not sent: its answer is in hand already, with those of any hops before it, and the
 * platform goes on from there (following a redirect, decoding a body).
 */
export async function fetchOnPlatform(
  host: DispatchHost,
  explained: Hops,
  input: string | URL | Request,
  init: ResilientRequestInit | undefined,
  overrides: Overrides | undefined,
  first?: FetchReply,
  given: GivenBody | undefined = givenBody(init?.body) ?? (init && givenStream(init)),
): Promise<Response> {
  const inHand = first === undefined ? [] : [...first.before, first];
  const hops = inHand.map(({ call }) => call);
  for (const reply of inHand) reply.hops = hops;
  /** The hop that the platform turns away from when it makes another: it never reads what it does not want. */
  let last: HopAnswer | undefined = first;
  let receiver: HandlerReceiver | undefined;
  const dispatcher = {
    dispatch(options: DispatchOptions, handler: object): boolean {
      const reply = inHand.shift();
      if (reply !== undefined) {
        if (reply === first) replay(reply, outletOf(handler));
        else replayHead(reply, outletOf(handler));
        return true;
      }
      if (last === undefined) send(options, handler);
      else beforeNextHop(last, (broken) => sendOrFail(options, handler, broken));
      return true;
    },
  };
  function send(options: DispatchOptions, handler: object): void {
    last = undefined;
    // What stands in for a body of unknown length means nothing to others.
    const isWhole = options.body == null || given?.lengthUnknown !== true;
    if (hops.length > 0 && isWhole && host.passOn?.(options, handler) === true) return;
    const own = hops[0] === undefined ? overrides : afterHop(hops[0]);
    const sent =
      given === undefined || options.body == null ? options : withBody(options, given, length);
    receiver = dispatchCall(host, sent, handler, own, (call) => hops.push(call));
    last = receiver;
  }
  /** In a turn of its own nobody would catch what it throws. */
  function sendOrFail(options: DispatchOptions, handler: object, broken: Error | undefined): void {
    try {
      if (broken === undefined) send(options, handler);
      else failHandler(handler, broken);
    } catch (error) {
      failHandler(handler, error);
    }
  }
  const copy = copyInit(init, given);
  if (
    input instanceof Request &&
    input.referrer !== 'about:client' &&
    Object.keys(copy).length === 0
  )
    keepReferrer(copy, input);
  const length = given?.lengthUnknown === true ? ownLength(input, copy) : null;
  let outcome: unknown;
  try {
    const answer = await platformFetch(input, Object.assign(copy, { dispatcher }));
    const response = bounded(withOwnErrors(answer), hops.at(-1));
    explained.set(response, hops);
    // Where the first hop was made elsewhere, so is what comes after the last.
    if (first !== undefined || !isFailure(response.status)) return response;
    outcome = response;
  } catch (error) {
    last?.leave();
    if (hops.length === 0) given?.drop?.();
    const cause = error instanceof Error ? error.cause : undefined;
    // Our own errors, and the one that destroy() was given, are not wrapped in another; what a stream failed with is.
    const isOurs =
      isOutriggerError(cause) ||
      (cause === receiver?.error &&
        (given?.drop === undefined || cause !== receiver?.call?.bodyError));
    outcome = cause !== undefined && isOurs ? cause : error;
    if (first !== undefined) throw outcome;
  }
  return fallBack(explained, {
    outcome,
    calls: hops,
    request: () => requestAgain(input, copyInit(init, given), given),
    own: host.own,
  });
}

/** The request, with its body where that is still to be had. */
function requestAgain(
  input: string | URL | Request,
  init: RequestInit,
  given: GivenBody | undefined,
): Request {
  const { body: _, ...rest } = init;
  const body = given === undefined || given.lengthUnknown ? undefined : given.platform;
  const isThere =
    typeof body === 'string' || body instanceof Blob || body instanceof URLSearchParams;
  const own = isThere ? { ...rest, body } : rest;
  if (!(input instanceof Request)) return new Request(input, own);
  const { url, method, headers, signal } = input;
  return new Request(url, { method, headers, signal, ...own });
}

/** What fetch would read of the caller's object, with a body that the platform understands. */
export function copyInit(
  init: ResilientRequestInit | undefined,
  given: GivenBody | undefined,
): RequestInit {
  const copy = { ...init } as RequestInit;
  if (given !== undefined && copy.body != null) copy.body = given.platform;
  return copy;
}

/** The platform forgets it where a request comes with an init, as it does with our dispatcher; some do without one. */
function keepReferrer(init: RequestInit, { referrer, referrerPolicy }: Request): void {
  const from = 'http://from.invalid/';
  const copy = new Request(new Request(from, { referrer: from }));
  if (copy.referrer !== from) return;
  init.referrer = referrer;
  init.referrerPolicy = referrerPolicy;
}

/** The hop that the platform makes, with what its body was made of. */
function withBody(
  options: DispatchOptions,
  given: GivenBody,
  ownLength: string | null,
): DispatchOptions {
  const body = given.ofHop(options.body as AsyncIterable<unknown>) as DispatchOptions['body'];
  if (!given.lengthUnknown) return { ...options, body };
  // The platform has written the length of what stands in for the body.
  const headers = Object.entries(options.headers as Record<string, string>).filter(
    ([name]) => name.toLowerCase() !== 'content-length',
  );
  if (ownLength !== null) headers.push(['content-length', ownLength]);
  return { ...options, body, headers: Object.fromEntries(headers) };
}

function ownLength(input: string | URL | Request, init: RequestInit): string | null {
  const headers = init.headers ?? (input instanceof Request ? input.headers : undefined);
  try {
    return new Headers(headers).get('content-length');
  } catch {
    // The platform says what is wrong with them, when it comes to that.
    return null;
  }
}

/** The policy of the first hop for all of them, and one deadline: a further hop has what the first has left of it. */
export function afterHop({ policy, startedAt, chain }: Call): Overrides {
  const { response, idle, total, inherited } = policy.timeout;
  const elapsed = chain.runtime.now() - startedAt;
  const left = (time: number): number => (time === 0 ? 0 : Math.max(time - elapsed, 1));
  const timeout = {
    response: left(response),
    idle,
    total: left(total),
    // A deadline that it was made under has been looked at, and the hop is made in another's async context.
    inherited: inherited === true,
  };
  return { apply: () => ({ ...policy, timeout }) };
}
