/**
 * A request as an undici Client has it in its queue, for what the fast path of fetch sends. Undici's own constructor
 * looks at every header of every request; these have been looked at when they were taken from the caller.
 *
 * It is undici's `Request` in all but its making: where a version of undici makes another thing of the same request,
 * which is found out by comparison when this is loaded, undici makes them all.
 */
import { isDeepStrictEqual } from 'node:util';
import diagnostics from 'undici/lib/core/diagnostics.js';
import UndiciRequest from 'undici/lib/core/request.js';
import type { Attempt } from '../core/attempt.js';
import type { WireExchange } from './exchange.js';

/** A list of headers, as it is written. */
interface HeaderList {
  readonly host: string;
  /** All but the host, names and values in turn. */
  readonly lines: readonly string[];
  readonly contentType: string | null;
}

/** Those that fetch knows in capitals. */
const METHODS: ReadonlySet<string> = new Set([
  'GET',
  'POST',
  'PUT',
  'DELETE',
  'HEAD',
  'OPTIONS',
  'PATCH',
]);
/** As undici's own. */
const UNSENDABLE_PATH = /^[^/]|[^\u0021-\u00ff]|^$/;

/** Where undici keeps the handler of a request. */
let kHandler: symbol;

class WireRequest {
  headersTimeout = undefined;
  bodyTimeout = undefined;
  method: string;
  typeOfService = undefined;
  abort = null;
  body: Uint8Array | null;
  completed = false;
  aborted = false;
  upgrade = null;
  path: string;
  origin: string;
  protocol: string;
  idempotent: boolean;
  blocking = false;
  reset: boolean | null;
  host: string;
  contentLength = null;
  contentType: string | null;
  headers: readonly string[];
  expectContinue = false;
  servername: string;

  constructor(
    origin: string,
    servername: string,
    method: string,
    path: string,
    body: string | Uint8Array | null,
    { host, lines, contentType }: HeaderList,
    handler: object,
  ) {
    this.method = method;
    this.body = bytesOf(body);
    this.path = path;
    this.origin = origin;
    this.protocol = origin.startsWith('https:') ? 'https:' : 'http:';
    this.idempotent = method === 'GET' || method === 'HEAD';
    this.reset = method === 'HEAD' ? false : null;
    this.host = host;
    this.contentType = contentType;
    this.headers = lines;
    this.servername = servername;
    (this as Record<symbol, unknown>)[kHandler] = handler;
  }
}

/** Undefined where undici has to make it. */
export function wireRequest(
  attempt: Attempt,
  exchange: WireExchange,
  origin: string,
  servername: string,
): object | undefined {
  const { call, headers } = attempt;
  const { body, path, method, wire } = call;
  if (wire !== undefined || !METHODS.has(method)) return undefined;
  const isWhole = body === null || typeof body === 'string' || body instanceof Uint8Array;
  if (!isWhole || attempt.body !== undefined || UNSENDABLE_PATH.test(path)) return undefined;
  // Those who listen may change the headers.
  if (diagnostics.channels.create.hasSubscribers || !isAlike()) return undefined;
  let list = lists.get(headers);
  if (list === undefined) {
    // Only a list that nobody can change is worth looking at once for all.
    if (!Object.isFrozen(headers)) return undefined;
    list = look(headers);
    lists.set(headers, list);
  }
  if (list === null) return undefined;
  return new WireRequest(origin, servername, method, path, body, list, exchange);
}

/** What undici refuses about an attempt, whether there is a connection for it or not. */
export function refusalOf({ call: { method, path }, headers }: Attempt): unknown {
  // Those who listen would hear of a request that is never made.
  if (lists.get(headers) != null || diagnostics.channels.create.hasSubscribers) return undefined;
  try {
    theirs({ method, path, body: null, headers });
    return undefined;
  } catch (error) {
    return error;
  }
}

/** What the lists of headers have been found to be; null where there is something about them. */
const lists = new WeakMap<readonly string[], HeaderList | null>();

/** Undici looks at them, as it does for each request of its own. */
function look(headers: readonly string[]): HeaderList | null {
  try {
    const {
      host,
      headers: others,
      contentType,
      contentLength,
      reset,
    } = theirs({ method: 'GET', path: '/', body: null, headers });
    if (host === null || contentLength !== null || reset !== null) return null;
    return { host, contentType, lines: inOne(others) };
  } catch {
    // It says so to whoever sends them.
    return null;
  }
}

/** As one header, whose value holds the lines of the others: written at once. */
function inOne([name, value, ...others]: readonly string[]): readonly string[] {
  if (name === undefined || value === undefined) return [];
  const lines = [value];
  for (let index = 0; index < others.length; index += 2) {
    lines.push(`${others[index]}: ${others[index + 1]}`);
  }
  return [name, lines.join('\r\n')];
}

function bytesOf(body: string | Uint8Array | null): Uint8Array | null {
  if (body === null || body.length === 0) return null;
  return typeof body === 'string' ? Buffer.from(body) : body;
}

let alike: boolean | undefined;

function isAlike(): boolean {
  return (alike ??= compare());
}

/** Whether undici makes the same of the same. */
function compare(): boolean {
  const samples: Sample[] = [
    { method: 'GET', path: '/', body: null, headers: ['host', NAME] },
    { method: 'HEAD', path: '/a?b', body: null, headers: ['host', NAME, 'accept', '*/*'] },
    { method: 'POST', path: '/', body: 'text', headers: ['host', NAME, 'content-type', 'a/b'] },
    { method: 'PUT', path: '/', body: new Uint8Array(1), headers: ['host', NAME] },
    { method: 'DELETE', path: '/', body: '', headers: ['host', NAME] },
  ];
  return samples.every((sample) => {
    const request = theirs(sample);
    const symbols = Object.getOwnPropertySymbols(request);
    if (symbols.length !== 1) return false;
    kHandler = symbols[0] as symbol;
    const { method, path, body, headers } = sample;
    const contentType = headers[2] === 'content-type' ? (headers[3] as string) : null;
    const list = { host: NAME, lines: headers.slice(2), contentType };
    const ours = new WireRequest(ORIGIN, NAME, method, path, body, list, HANDLER);
    return isDeepStrictEqual(fieldsOf(request), fieldsOf(ours));
  });
}

interface Sample {
  readonly method: string;
  readonly path: string;
  readonly body: string | Uint8Array | null;
  readonly headers: readonly string[];
}

const ORIGIN = 'https://127.0.0.1';
const NAME = 'example.com';
const HANDLER = { onConnect() {}, onHeaders() {}, onData() {}, onComplete() {}, onError() {} };

/** What undici makes of it. @throws as undici does */
function theirs(sample: Sample): UndiciRequest {
  const reset = sample.method === 'HEAD' ? false : undefined;
  const options = { ...sample, blocking: false, reset, servername: NAME };
  return new UndiciRequest(ORIGIN, options, HANDLER);
}

function fieldsOf(request: object): ReadonlyMap<string | symbol, unknown> {
  const fields = request as Record<string | symbol, unknown>;
  return new Map(Reflect.ownKeys(request).map((key) => [key, fields[key]]));
}

// With undici's methods, which tell the handler and those who listen.
Object.setPrototypeOf(WireRequest.prototype, UndiciRequest.prototype);
