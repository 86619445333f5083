/** A `Request` that says no more than a URL, a method, headers, a signal and bytes do: those take the fast path. */
import { platformClass } from './platform-class.js';
import type { ResilientRequestInit } from './request-init.js';
import { speltHeaders } from './spelt-headers.js';

/** What it says. */
export interface UsualInput {
  readonly url: string;
  /** All but the body. */
  readonly init: ResilientRequestInit;
  readonly hasBody: boolean;
}

/** What the others are where nobody has said anything. */
const USUAL: Readonly<Record<string, unknown>> = {
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
  readonly body: Read;
  readonly usual: readonly (readonly [read: Read, value: unknown])[];
}

const NONE: [string, string][] = [];

let getters: Getters | undefined;

/** Undefined where the platform is to read it. */
export function usualInput(
  request: Request,
  init: ResilientRequestInit | null | undefined,
): UsualInput | undefined {
  if (init != null && !saysNothing(init)) return undefined;
  getters ??= readGetters();
  if (getters === undefined) return undefined;
  const { url, method, headers, signal, body, usual } = getters;
  try {
    for (const [read, value] of usual) if (read.call(request) !== value) return undefined;
    const given = headers.call(request) as Headers;
    const spelt = isEmpty(given) ? NONE : speltHeaders(given);
    if (spelt === undefined) return undefined;
    const hasBody = body.call(request) !== null;
    if (hasBody && isForm(given)) return undefined;
    return {
      url: url.call(request) as string,
      init: {
        method: method.call(request) as string,
        headers: spelt,
        signal: signal.call(request) as AbortSignal,
      },
      hasBody,
    };
  } catch {
    // None of the platform's, though it is taken for one.
    return undefined;
  }
}

function isEmpty(headers: Headers): boolean {
  return headers.keys().next().done === true;
}

/** Node 24 and 26 throw where nobody can catch it when one is given up while a copy of it is read. */
function isForm(headers: Headers): boolean {
  return headers.get('content-type')?.startsWith('multipart/form-data') === true;
}

/** But for the options of ours. */
function saysNothing(init: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(init);
  if (prototype !== Object.prototype && prototype !== null) return false;
  return Reflect.ownKeys(init).every((name) => name === 'resilience');
}

/** Not before there is a `Request`: to touch the class loads it. Undefined where what stands there is none of the platform's. */
function readGetters(): Getters | undefined {
  const { prototype } = platformClass(Request);
  const found = new Map<string, Read>();
  for (const name of ['url', 'method', 'headers', 'signal', 'body', ...Object.keys(USUAL)]) {
    const read = (Object.getOwnPropertyDescriptor(prototype, name) as { get?: Read } | undefined)
      ?.get;
    if (read === undefined) return undefined;
    found.set(name, read);
  }
  const getter = (name: string): Read => found.get(name) as Read;
  return {
    url: getter('url'),
    method: getter('method'),
    headers: getter('headers'),
    signal: getter('signal'),
    body: getter('body'),
    usual: Object.entries(USUAL).map(([name, value]) => [getter(name), value]),
  };
}
