/** The platform's own fetch over the client's dispatcher: for inputs and answers that the fast path leaves alone. */
import type { Call, Overrides } from '../core/call.js';
import { isOutriggerError } from '../core/errors.js';
import { dispatchCall, type DispatchHost, type DispatchOptions } from './dispatcher.js';
import type { FetchReply } from './fetch-reply.js';
import { outletOf } from './outlet.js';
import { replay, type HandlerReceiver } from './handler-receiver.js';

/** The platform's, whatever an application puts in its place later. Reading it loads nothing. */
const platformFetch = globalThis.fetch;

/** Every member that fetch reads of its second argument. */
const MEMBERS = [
  'method',
  'headers',
  'body',
  'referrer',
  'referrerPolicy',
  'mode',
  'credentials',
  'cache',
  'redirect',
  'integrity',
  'keepalive',
  'signal',
  'window',
  'duplex',
  'priority',
] as const;

/** Which calls stand behind an answer: one per hop. */
export type Hops = WeakMap<Response, readonly Call[]>;

/**
 * With `first`, the first hop is not sent: its answer is in hand already, and the platform goes on from there
 * (following a redirect, decoding a body).
 */
export async function fetchOnPlatform(
  host: DispatchHost,
  explained: Hops,
  input: string | URL | Request,
  init: RequestInit | undefined,
  overrides: Overrides | undefined,
  first?: FetchReply,
): Promise<Response> {
  const hops: Call[] = first === undefined ? [] : [first.call];
  let inHand = first;
  /** Gives up the hop that the platform has turned away from: it never reads what it does not want. */
  let leave: (() => void) | undefined =
    first && (() => first.cancel(new Error('no longer wanted')));
  let receiver: HandlerReceiver | undefined;
  const dispatcher = {
    dispatch(options: DispatchOptions, handler: object): boolean {
      if (inHand !== undefined) {
        leave = replay(inHand, outletOf(handler));
        inHand = undefined;
        return true;
      }
      leave?.();
      const own = hops[0] === undefined ? overrides : { timeout: timeLeft(hops[0]) };
      const current = dispatchCall(host, options, handler, own, (call) => hops.push(call));
      receiver = current;
      leave = () => current.leave();
      return true;
    },
  };
  const copy: Record<string, unknown> = { dispatcher };
  for (const member of MEMBERS) {
    const value = (init as Record<string, unknown> | undefined)?.[member];
    if (value !== undefined) copy[member] = value;
  }
  try {
    const response = await platformFetch(input, copy);
    explained.set(response, hops);
    return response;
  } catch (error) {
    leave?.();
    const cause = error instanceof Error ? error.cause : undefined;
    // Our own errors, and the one that destroy() was given, are not wrapped in another.
    throw cause !== undefined && (isOutriggerError(cause) || cause === receiver?.error)
      ? cause
      : error;
  }
}

/** One deadline for all hops: what the first call has left of its timeout; 0 when it has none. */
function timeLeft({ timeout, startedAt, chain }: Call): number {
  return timeout === 0 ? 0 : Math.max(startedAt + timeout - chain.runtime.now(), 1);
}
