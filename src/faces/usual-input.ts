/** A `Request` that says no more than a URL, a method and a signal do: those take the fast path. */
import type { ResilientRequestInit } from './request-init.js';

/** What it says. */
export interface UsualInput {
  readonly url: string;
  readonly init: ResilientRequestInit;
}

/** What the others are where nobody has said anything. */
const USUAL: Readonly<Record<string, unknown>> = {
  body: null,
  cache: 'default',
  credentials: 'same-origin',
  integrity: '',
  keepalive: false,
  mode: 'cors',
  redirect: 'follow',
  referrer: 'about:client',
  referrerPolicy: '',
};

type Read = (this: Request) => unknown;

/**
 * The platform's own getters: it looks at what it has noted of a request, not at what a class of the user's that extends
 * it tells.
 */
interface Getters {
  readonly url: Read;
  readonly method: Read;
  readonly headers: Read;
  readonly signal: Read;
  readonly usual: readonly (readonly [read: Read, value: unknown])[];
}

let getters: Getters | undefined;

/** Undefined where the platform is to read it. */
export function usualInput(
  request: Request,
  init: ResilientRequestInit | null | undefined,
): UsualInput | undefined {
  if (init != null && !saysNothing(init)) return undefined;
  getters ??= readGetters();
  if (getters === undefined) return undefined;
  const { url, method, headers, signal, usual } = getters;
  try {
    for (const [read, value] of usual) if (read.call(request) !== value) return undefined;
    // How their names are spelt, the platform alone knows: it sends them so.
    if (!isEmpty(headers.call(request) as Headers)) return undefined;
    return {
      url: url.call(request) as string,
      init: {
        method: method.call(request) as string,
        signal: signal.call(request) as AbortSignal,
      },
    };
  } catch {
    // None of the platform's, though it is taken for one.
    return undefined;
  }
}

function isEmpty(headers: Headers): boolean {
  return headers.keys().next().done === true;
}

/** But for the options of ours. */
function saysNothing(init: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(init);
  if (prototype !== Object.prototype && prototype !== null) return false;
  return Reflect.ownKeys(init).every((name) => name === 'resilience');
}

/** Not before there is a `Request`: to touch the class loads it. Undefined where what stands there is none of the platform's. */
function readGetters(): Getters | undefined {
  const found = new Map<string, Read>();
  for (const name of ['url', 'method', 'headers', 'signal', ...Object.keys(USUAL)]) {
    const read = getterOf(name);
    if (read === undefined) return undefined;
    found.set(name, read);
  }
  const getter = (name: string): Read => found.get(name) as Read;
  return {
    url: getter('url'),
    method: getter('method'),
    headers: getter('headers'),
    signal: getter('signal'),
    usual: Object.entries(USUAL).map(([name, value]) => [getter(name), value]),
  };
}

/** The one at the root: frameworks put a class that extends the platform's in its place. */
function getterOf(name: string): Read | undefined {
  let read: Read | undefined;
  let prototype = Request.prototype as object | null;
  while (prototype !== null) {
    const own = Object.getOwnPropertyDescriptor(prototype, name) as { get?: Read } | undefined;
    read = own?.get ?? read;
    prototype = Object.getPrototypeOf(prototype) as object | null;
  }
  return read;
}
