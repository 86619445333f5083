/** Whose connections take the attempts: the options `fetch` and `dispatcher`, of which there is one at most. */
import type { Place, Reader } from './place.js';
import { functionOf } from './readers.js';
import type { ForeignDispatcher, ForeignFetch, Transport } from './transport.js';

export const readForeignFetch = functionOf<ForeignFetch>(
  'a function (url, init) => Promise<Response>',
);

const DISPATCHER = "an undici Dispatcher, or another object with its function 'dispatch'";

export const readForeignDispatcher: Reader<ForeignDispatcher> = (value, at) => {
  if (typeof value !== 'object' || value === null) return at.refuse(value, DISPATCHER);
  try {
    const { dispatch } = value as Partial<ForeignDispatcher>;
    if (typeof dispatch === 'function') return value as ForeignDispatcher;
  } catch {
    return at.refuseFound('an object that throws when it is read', DISPATCHER);
  }
  return at.refuse(value, DISPATCHER);
};

/** Those that have been read. */
export function transportOf(
  given: {
    readonly fetch?: ForeignFetch | undefined;
    readonly dispatcher?: ForeignDispatcher | undefined;
  },
  at: Place,
): Transport | undefined {
  const { fetch, dispatcher } = given;
  if (fetch !== undefined && dispatcher !== undefined) {
    at.key('fetch').say("it beside 'dispatcher'", 'one of them', "of no use beside 'dispatcher'");
  }
  if (fetch !== undefined) return { kind: 'fetch', fetch };
  return dispatcher === undefined ? undefined : { kind: 'dispatcher', dispatcher };
}
