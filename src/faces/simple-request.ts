/** Reads the usual forms of fetch's arguments without making a Request of them. Everything else takes the full path. */

import { bytesOf, type BodyFunction } from './body-init.js';
import { encodeFormData } from './form-data.js';
import { FreshBody } from './fresh-body.js';
import type { ResilientRequestInit } from './request-init.js';

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

/** What the platform's fetch adds where the caller has not said otherwise: names and values in turn. */
const ALWAYS_ADDED = [
  ...['accept', '*/*'],
  ...['accept-language', '*'],
  ...['sec-fetch-mode', 'cors'],
  ...['user-agent', 'node'],
];
const ADDED: readonly string[] = [...ALWAYS_ADDED, 'accept-encoding', 'gzip, deflate'];
const ADDED_IF_SECURE: readonly string[] = [
  ...ALWAYS_ADDED,
  'accept-encoding',
  'br, gzip, deflate',
];

const TOKEN = /^[\w!#$%&'*+\-.^`|~]+$/;
/** Visible text without a space at either end; what else a value may be is for the platform to judge. */
const VALUE = /^[!-~](?:[ -~]*[!-~])?$/;

/** Undefined when this is not one of the usual forms. */
export function simpleRequest(
  init: ResilientRequestInit | undefined,
  authority: string,
  secure: boolean,
): SimpleRequest | undefined {
  const headers = ['host', authority];
  let method = 'GET';
  let body: SimpleRequest['body'] = null;
  let type: string | undefined;
  let signal: AbortSignal | undefined;
  if (init !== undefined) {
    let given: unknown;
    for (const key in init) {
      const value = (init as Record<string, unknown>)[key];
      if (value === undefined) continue;
      switch (key) {
        case 'method': {
          const known = typeof value === 'string' ? METHODS.get(value) : undefined;
          if (known === undefined) return undefined;
          method = known;
          break;
        }
        case 'headers':
          given = value;
          break;
        case 'body':
          if (value === null) break;
          if (typeof value === 'string') {
            body = value;
            type = 'text/plain;charset=UTF-8';
          } else if (value instanceof URLSearchParams) {
            body = value.toString();
            type = 'application/x-www-form-urlencoded;charset=UTF-8';
          } else if (typeof value === 'function') {
            // Its type comes with each result.
            body = new FreshBody(value as BodyFunction, { textHasType: true });
          } else {
            const blob = value instanceof FormData ? encodeFormData(value) : value;
            if (blob instanceof Blob) {
              body = blob;
              type = blob.type || undefined;
              if (type !== undefined && !VALUE.test(type)) return undefined;
            } else {
              const bytes = bytesOf(value);
              if (bytes === undefined) return undefined;
              // The caller may write on into it while the request waits or is repeated.
              body = Uint8Array.prototype.slice.call(bytes);
            }
          }
          break;
        case 'signal':
          if (value === null) break;
          if (!(value instanceof AbortSignal)) return undefined;
          signal = value;
          break;
        case 'resilience':
          break;
        default:
          return undefined;
      }
    }
    if (given !== undefined && !addHeaders(headers, given)) return undefined;
    if (body !== null && (method === 'GET' || method === 'HEAD')) return undefined;
  }
  if (type !== undefined && !has(headers, 'content-type')) headers.push('content-type', type);
  const ownHeaders = headers.length;
  const added = secure ? ADDED_IF_SECURE : ADDED;
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

/** False when there is anything that the platform would change, join or refuse. */
function addHeaders(flat: string[], given: unknown): boolean {
  if (typeof given !== 'object' || given === null) return false;
  if (given instanceof Headers) {
    for (const [name, value] of given) if (!addHeader(flat, name, value)) return false;
    return true;
  }
  if (Array.isArray(given)) {
    for (const pair of given as unknown[]) {
      if (!Array.isArray(pair) || pair.length !== 2) return false;
      if (!addHeader(flat, pair[0], pair[1])) return false;
    }
    return true;
  }
  if (Symbol.iterator in given) return false;
  for (const name of Object.keys(given)) {
    if (!addHeader(flat, name, (given as Record<string, unknown>)[name])) return false;
  }
  return true;
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
