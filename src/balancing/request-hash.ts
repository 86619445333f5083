/** The hash of a call: of a header, a cookie, a query parameter or what the user's function says, as Envoy combines them. */
import type { Call } from '../core/call.js';
import type { Hash64 } from '../core/hash64.js';
import type { KeyedRequest } from '../core/policy.js';
import { headersOf } from '../core/raw-headers.js';
import { headerValues, isNamed, queryValue, valueBehind } from '../core/request-fields.js';
import { xxHash64 } from './xxhash64.js';

/** One part of what calls are hashed on. Once there is a hash after a `terminal` one, those behind it are not asked. */
export type HashSource =
  | {
      readonly kind: 'header' | 'cookie' | 'query';
      /** That of a header is in lower case. */
      readonly name: string;
      readonly terminal: boolean;
    }
  | {
      readonly kind: 'function';
      readonly read: (request: KeyedRequest) => string | undefined;
      readonly terminal: boolean;
    };

/**
 * The hash of the call, made when it is first asked for; null when there is nothing to make it of.
 * @throws what the user's function throws, and TypeError when that gives no text
 */
export function hashOf(call: Call, sources: readonly HashSource[]): Hash64 | null {
  if (call.hash === undefined) call.hash = combined(call, sources);
  return call.hash;
}

/** Envoy's hash policies (`source/common/http/hash_policy.cc`). */
function combined(call: Call, sources: readonly HashSource[]): Hash64 | null {
  let all: Hash64 | undefined;
  for (const source of sources) {
    const hash = ofSource(call, source);
    if (hash !== undefined) {
      all =
        all === undefined
          ? hash
          : {
              high: ((all.high << 1) | (all.low >>> 31)) ^ hash.high,
              low: ((all.low << 1) | (all.high >>> 31)) ^ hash.low,
            };
    }
    if (source.terminal && all !== undefined) break;
  }
  return all ?? null;
}

function ofSource(call: Call, source: HashSource): Hash64 | undefined {
  if (source.kind === 'function') {
    const value = given(source.read, call);
    return value === undefined ? undefined : xxHash64(value);
  }
  const value = valueOf(call, source.kind, source.name);
  // HTTP's bytes are Latin-1, and Envoy sees bytes.
  return value === undefined ? undefined : xxHash64(value, 0, 'latin1');
}

function valueOf(
  { headers, path }: Call,
  kind: 'header' | 'cookie' | 'query',
  name: string,
): string | undefined {
  // Those of one name are put together in an order that is not the request's.
  if (kind === 'header') return headerValues(headers, name)?.sort().join('');
  return kind === 'cookie' ? cookieValue(headers, name) : queryValue(path, name);
}

/** The first of that name; one that is empty counts as none, as in Envoy. */
function cookieValue(headers: readonly string[], name: string): string | undefined {
  for (let index = 0; index + 1 < headers.length; index += 2) {
    if (!isNamed(headers[index] as string, 'cookie')) continue;
    const line = headers[index + 1] as string;
    for (let start = 0; start < line.length;) {
      const semicolon = line.indexOf(';', start);
      const end = semicolon === -1 ? line.length : semicolon;
      while (line[start] === ' ') start++;
      const value = valueBehind(line, name, start, end);
      if (value !== undefined) return unquoted(value) || undefined;
      start = end + 1;
    }
  }
  return undefined;
}

function unquoted(value: string): string {
  return value.length > 1 && value.startsWith('"') && value.endsWith('"')
    ? value.slice(1, -1)
    : value;
}

function given(
  read: (request: KeyedRequest) => unknown,
  { method, path, headers }: Call,
): string | undefined {
  const value = read({ method, path, headers: headersOf(headers) });
  if (value === undefined || typeof value === 'string') return value;
  throw new TypeError(
    `loadBalancer.hashOn gave ${value === null ? 'null' : typeof value}, expected text, or undefined for none`,
  );
}
