/** The header list of a request over HTTP/2, held to the rules that undici holds requests over HTTP/1.1 to. */
import type { OutgoingHttpHeaders } from 'node:http2';
import { InvalidArgumentError, RequestContentLengthMismatchError } from 'undici/lib/core/errors.js';
import type { Attempt } from '../core/attempt.js';
import type { OpenedBody } from '../core/body.js';

export type Content = OpenedBody['content'];

/** What belongs to one connection, which HTTP/2 does not know (RFC 9113, 8.2.2). */
const OF_CONNECTIONS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** Without a body these say that there is none, as in undici. */
const WITH_BODIES: ReadonlySet<string> = new Set([
  'POST',
  'PUT',
  'PATCH',
  'QUERY',
  'PROPFIND',
  'PROPPATCH',
]);

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const NOT_IN_VALUES = /[^\t\x20-\x7e\x80-\xff]/;
const NOT_IN_PATHS = /[^\x21-\xff]/;

/** Header fields by their names in lower case. */
type Fields = Record<string, string | string[]>;

/** @throws InvalidArgumentError, RequestContentLengthMismatchError */
export function requestHeaders(
  { call, headers }: Attempt,
  content: Content | null,
  origin: string,
): OutgoingHttpHeaders {
  const { method, path } = call;
  if (!TOKEN.test(method)) throw new InvalidArgumentError('invalid request method');
  if (NOT_IN_PATHS.test(path)) throw new InvalidArgumentError('invalid request path');
  const { host, ...fields } = fieldsOf(headers);
  if (Array.isArray(host)) throw new InvalidArgumentError('duplicate host header');
  if (content instanceof Blob && content.type !== '') fields['content-type'] ??= content.type;
  setLength(fields, content, method);
  return {
    ...fields,
    ':method': method,
    ':path': path,
    ':scheme': 'https',
    ':authority': host ?? new URL(origin).host,
  };
}

/** How many bytes the header list promises; undefined when it promises none. */
export function promisedLength(headers: OutgoingHttpHeaders): number | undefined {
  const length = headers['content-length'];
  return length === undefined ? undefined : Number(length);
}

function fieldsOf(headers: readonly string[]): Fields {
  const fields = Object.create(null) as Fields;
  for (let index = 0; index < headers.length; index += 2) {
    const name = (headers[index] as string).toLowerCase();
    // A value with a blank at its ends is malformed here (RFC 9113, 8.2.1).
    const value = (headers[index + 1] as string).trim();
    if (!TOKEN.test(name)) throw new InvalidArgumentError('invalid header key');
    if (NOT_IN_VALUES.test(value)) throw new InvalidArgumentError(`invalid ${name} header`);
    if (OF_CONNECTIONS.has(name) || (name === 'te' && value !== 'trailers')) continue;
    const known = fields[name];
    if (known === undefined) fields[name] = value;
    else fields[name] = Array.isArray(known) ? [...known, value] : [known, value];
  }
  return fields;
}

function setLength(fields: Fields, content: Content | null, method: string): void {
  const given = fields['content-length'];
  if (given !== undefined && !/^\d+$/.test(String(given))) {
    throw new InvalidArgumentError('invalid content-length header');
  }
  const length = lengthOf(content);
  if (length === undefined) return;
  if (length === 0 && !WITH_BODIES.has(method)) {
    delete fields['content-length'];
    return;
  }
  if (given !== undefined && Number(given) !== length && content !== null) {
    throw new RequestContentLengthMismatchError();
  }
  fields['content-length'] = String(length);
}

/** In bytes; undefined when only its end will tell. */
function lengthOf(content: Content | null): number | undefined {
  if (content === null) return 0;
  if (typeof content === 'string') return Buffer.byteLength(content);
  if (content instanceof Uint8Array) return content.byteLength;
  return content instanceof Blob ? content.size : undefined;
}
