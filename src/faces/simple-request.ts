/** Reads the usual forms of fetch's arguments without making a Request of them. Everything else takes the full path. */

import { bytesOf, type BodyFunction } from './body-init.js';
import { encodeFormData } from './form-data.js';
import { FreshBody } from './fresh-body.js';
import { isMember, readInit } from './read-init.js';
import type { ResilientRequestInit } from './request-init.js';
import { speltHeaders } from './spelt-headers.js';

/** What the fast path sends. */
export interface SimpleRequest {
  readonly method: string;
  /** Names and values in turn, the host first. */
  readonly headers: string[];
  readonly body: string | Uint8Array | Blob | FreshBody | null;
  readonly signal: AbortSignal | undefined;
  /** How many of the headers are the caller's, with the host and the type of the body. */
  readonly ownHeaders: number;
}

/** PATCH is the one that fetch does not write in capitals by itself. */
const METHODS: ReadonlyMap<string, string> = new Map([
  ['PATCH', 'PATCH'],
  ...['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS'].flatMap((name): [string, string][] => [
    [name, name],
    [name.toLowerCase(), name],
  ]),
]);

/** Headers that fetch treats in a way of its own. */
const SPECIAL: ReadonlySet<string> = new Set([
  // The platform loses it.
  '__proto__',
  'connection',
  'content-length',
  'expect',
  'host',
  // With any of these fetch asks caches not to interfere, or for bytes that are not compressed.
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'keep-alive',
  'range',
  'sec-fetch-mode',
  'transfer-encoding',
  'upgrade',
]);

const TOKEN = /^[\w!#$%&'*+\-.^`|~]+$/;
/** Visible text without a space at either end; what else a value may be is for the platform to judge. */
const VALUE = /^[!-~](?:[ -~]*[!-~])?$/;

/** Not one of the usual forms: what was read of it, for the platform to judge. */
export class Unusual {
  constructor(readonly init: ResilientRequestInit) {}
}

/** With `added` by the platform. Each member is read once, since it may be a getter. */
export function simpleRequest(
  init: ResilientRequestInit,
  authority: string,
  added: readonly string[],
): SimpleRequest | Unusual {
  // Members of a class are not enumerable.
  if (!isPlain(init)) return new Unusual(readInit(init));
  let method: unknown;
  let headers: unknown;
  let body: unknown;
  let signal: unknown;
  let others: Record<string, unknown> | undefined;
  for (const key in init) {
    switch (key) {
      case 'method':
        method = init.method;
        break;
      case 'headers':
        headers = init.headers;
        break;
      case 'body':
        body = init.body;
        break;
      case 'signal':
        signal = init.signal;
        break;
      case 'resilience':
        break;
      default:
        if (isMember(key)) {
          const value: unknown = (init as Record<string, unknown>)[key];
          if (value !== undefined) (others ??= {})[key] = value;
        }
    }
  }
  const simple =
    others === undefined ? simplified(method, headers, body, signal, authority, added) : undefined;
  return simple ?? new Unusual({ ...others, method, headers, body, signal } as RequestInit);
}

/** A GET of nothing but the URL. */
export function plainGet(authority: string, added: readonly string[]): SimpleRequest {
  return withAdded('GET', ['host', authority], null, undefined, undefined, added);
}

/** Undefined when this is not one of the usual forms. */
function simplified(
  givenMethod: unknown,
  givenHeaders: unknown,
  givenBody: unknown,
  signal: unknown,
  authority: string,
  added: readonly string[],
): SimpleRequest | undefined {
  const method = givenMethod === undefined ? 'GET' : METHODS.get(givenMethod as string);
  if (method === undefined) return undefined;
  const isWatched = signal !== undefined && signal !== null;
  if (isWatched && !(signal instanceof AbortSignal)) return undefined;
  const headers = ['host', authority];
  if (givenHeaders !== undefined && !addHeaders(headers, givenHeaders)) return undefined;
  let body: SimpleRequest['body'] = null;
  let type: string | undefined;
  if (givenBody !== undefined && givenBody !== null) {
    if (method === 'GET' || method === 'HEAD') return undefined;
    if (typeof givenBody === 'string') {
      body = givenBody;
      type = 'text/plain;charset=UTF-8';
    } else if (givenBody instanceof URLSearchParams) {
      body = givenBody.toString();
      type = 'application/x-www-form-urlencoded;charset=UTF-8';
    } else if (typeof givenBody === 'function') {
      // Its type comes with each result.
      body = new FreshBody(givenBody as BodyFunction, { textHasType: true });
    } else {
      const blob = givenBody instanceof FormData ? encodeFormData(givenBody) : givenBody;
      if (blob instanceof Blob) {
        body = blob;
        type = blob.type || undefined;
        if (type !== undefined && !VALUE.test(type)) return undefined;
      } else {
        const bytes = bytesOf(givenBody);
        // None at all may be those of memory that is detached.
        if (bytes === undefined || bytes.length === 0) return undefined;
        // The caller may write on into it while the request waits or is repeated.
        body = Uint8Array.prototype.slice.call(bytes);
      }
    }
  }
  return withAdded(method, headers, body, type, isWatched ? signal : undefined, added);
}

/** With what the platform's fetch adds. */
function withAdded(
  method: string,
  headers: string[],
  body: SimpleRequest['body'],
  type: string | undefined,
  signal: AbortSignal | undefined,
  added: readonly string[],
): SimpleRequest {
  if (type !== undefined && !has(headers, 'content-type')) headers.push('content-type', type);
  const ownHeaders = headers.length;
  if (ownHeaders === 2) {
    headers.push(...added);
  } else {
    for (let index = 0; index < added.length; index += 2) {
      const name = added[index] as string;
      if (!has(headers, name)) headers.push(name, added[index + 1] as string);
    }
  }
  return { method, headers, body, signal, ownHeaders };
}

function isPlain(init: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(init);
  return prototype === Object.prototype || prototype === null;
}

/** False when there is anything that the platform would change, join or refuse. */
function addHeaders(flat: string[], given: unknown): boolean {
  if (typeof given !== 'object' || given === null) return false;
  const pairs = given instanceof Headers ? pairsOf(given) : given;
  if (pairs === undefined) return false;
  if (Array.isArray(pairs)) {
    for (const pair of pairs as unknown[]) {
      if (!Array.isArray(pair) || pair.length !== 2) return false;
      if (pair[Symbol.iterator] !== Array.prototype[Symbol.iterator]) return false;
      if (!addHeader(flat, pair[0], pair[1])) return false;
    }
    return true;
  }
  if ((given as Partial<Iterable<unknown>>)[Symbol.iterator] !== undefined) return false;
  if (!isPlain(given)) return false;
  for (const name of Object.keys(given)) {
    if (!addHeader(flat, name, (given as Record<string, unknown>)[name])) return false;
  }
  return true;
}

/** A class over the platform's may say that it has others than it has: the platform then takes those. */
function pairsOf(headers: Headers): [string, string][] | undefined {
  return headers[Symbol.iterator] === Headers.prototype[Symbol.iterator]
    ? speltHeaders(headers)
    : [...headers];
}

function addHeader(flat: string[], name: unknown, value: unknown): boolean {
  if (typeof name !== 'string' || typeof value !== 'string') return false;
  if (!TOKEN.test(name) || !VALUE.test(value)) return false;
  const lower = name.toLowerCase();
  if (SPECIAL.has(lower) || has(flat, lower)) return false;
  flat.push(name, value);
  return true;
}

function has(flat: readonly string[], lower: string): boolean {
  for (let index = 2; index < flat.length; index += 2) {
    const name = flat[index] as string;
    if (name === lower || (name.length === lower.length && name.toLowerCase() === lower))
      return true;
  }
  return false;
}
