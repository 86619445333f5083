/** What `client.install()` puts in place of the global fetch. */
import type { ResilientFetch } from './fetch.js';

type Fetch = typeof globalThis.fetch;

/** What it asks, for each call. */
export interface Fetches {
  readonly ours: ResilientFetch;
  /** What stood there. */
  readonly before: Fetch;
  isInForce(): boolean;
  /** Whether the client serves an origin, as it is written. */
  serves(origin: string): boolean;
}

/**
 * Goes to the client with what that serves, and to the fetch that was there with everything else: other origins, other
 * schemes, what is no URL, and calls that name a dispatcher of their own.
 */
export function installedFetch(fetches: Fetches): Fetch {
  function fetch(...given: Parameters<Fetch>): Promise<Response> {
    const [input, init] = given;
    if (!fetches.isInForce() || hasDispatcher(init)) return fetches.before(...given);
    const text = textOf(input);
    if (text === undefined) return fetches.before(...given);
    // What is turned into text is so once.
    const isOther =
      typeof input === 'object' && !(input instanceof URL || input instanceof Request);
    if (isOther) given[0] = text;
    return isServed(text, fetches) ? fetches.ours(given[0], init) : fetches.before(...given);
  }
  // The platform's has a default for the second.
  return Object.defineProperty(fetch, 'length', { value: 1, configurable: true });
}

function hasDispatcher(init: unknown): boolean {
  return (init as { dispatcher?: object | null } | null | undefined)?.dispatcher != null;
}

function isServed(text: string, fetches: Fetches): boolean {
  const isPlain = text.startsWith('http://') || text.startsWith('https://');
  if (isPlain) {
    const slash = text.indexOf('/', 8);
    if (fetches.serves(slash === -1 ? text : text.slice(0, slash))) return true;
  }
  // It may be the same origin in another spelling.
  if (!URL.canParse(text)) return false;
  const { protocol, origin } = new URL(text);
  return (protocol === 'http:' || protocol === 'https:') && fetches.serves(origin);
}

function textOf(input: unknown): string | undefined {
  if (typeof input === 'string') return input;
  if (input instanceof URL) return input.href;
  if (input instanceof Request) return input.url;
  try {
    return String(input);
  } catch {
    return undefined;
  }
}
