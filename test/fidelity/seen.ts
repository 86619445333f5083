/** Puts what can be seen of a fetch into plain data, so that two of them can be compared. */
import { inspect, types } from 'node:util';

/** What can be seen of an answer without touching its body. */
export function outside(response: Response): unknown {
  const { status, statusText, ok, redirected, type, url, bodyUsed, headers } = response;
  // Ours keeps the connection of a HEAD ('head-keeps-connection'), to which servers answer what they will.
  const pairs = [...headers].filter(([name]) => !['connection', 'keep-alive'].includes(name));
  return {
    ...{ status, statusText, ok, redirected, type, url, bodyUsed },
    headers: pairs,
    cookies: headers.getSetCookie(),
    isNullBody: response.body === null,
    isResponse: response instanceof Response,
    tag: Object.prototype.toString.call(response),
    constructorName: response.constructor.name,
    keys: Object.keys(response),
    json: JSON.stringify(response),
  };
}

/** The same, and the body as bytes. */
export async function whole(response: Response): Promise<unknown> {
  return { ...(outside(response) as object), body: await bytesOf(response) };
}

export async function bytesOf(response: Response): Promise<string> {
  return Buffer.from(await response.arrayBuffer()).toString('latin1');
}

/** What became of it: a value, or an error in all that a caller may look at. */
export async function outcome(run: () => unknown): Promise<unknown> {
  try {
    return { value: await run() };
  } catch (error) {
    return { error: thrown(error) };
  }
}

/** An error as callers tell it from others. Its class may be one of ours, below the platform's. */
export function thrown(error: unknown): unknown {
  if (!types.isNativeError(error) && !(error instanceof DOMException)) return inspect(error);
  const { name, message, cause } = error;
  const { code } = error as { code?: unknown };
  const kind = [DOMException, SyntaxError, RangeError, TypeError, Error].find(
    (one) => error instanceof one,
  );
  return {
    kind: kind?.name,
    name,
    message,
    // A DOMException's is a number, the cause's a word.
    ...(typeof code === 'number' && { code }),
    ...(cause !== undefined && { cause: causeOf(cause) }),
  };
}

function causeOf(cause: unknown): unknown {
  if (!types.isNativeError(cause) && !(cause instanceof DOMException)) return inspect(cause);
  const { name, message } = cause;
  const { code } = cause as { code?: unknown };
  // OpenSSL begins with the number of the thread.
  return { name, message: message.replace(/^[\dA-F]{16}:/, ''), code };
}

/** What became of calling fetch with just these arguments: whether it threw at once, what it rejected with, the answer. */
export async function called(fetch: typeof globalThis.fetch, ...args: unknown[]): Promise<unknown> {
  let answer: Promise<Response>;
  try {
    answer = Reflect.apply(fetch, undefined, args) as Promise<Response>;
  } catch (error) {
    return { thrownAtOnce: thrown(error) };
  }
  return outcome(async () => whole(await answer));
}
