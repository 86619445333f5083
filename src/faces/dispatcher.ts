/** `client.dispatcher`: an undici Dispatcher whose requests are calls. */
import { stringify } from 'node:querystring';
import type { Dispatcher } from 'undici';
import DispatcherBase from 'undici/lib/dispatcher/dispatcher.js';
import type { Cluster } from '../cluster/cluster.js';
import { BodySource, type RequestBody } from '../core/body.js';
import type { Call, Overrides } from '../core/call.js';
import type { OwnCode } from '../core/own-code.js';
import type { RequestOverrides } from '../options/options.js';
import { readBody, type BodyFunction, type BodyValue } from './body-init.js';
import { FreshBody } from './fresh-body.js';
import { HandlerReceiver } from './handler-receiver.js';
import { newCall } from './new-call.js';
import { outletOf } from './outlet.js';
import { PLATFORM } from './platform.js';

/** What the dispatcher face needs of the client. */
export interface DispatchHost {
  readonly respondLocally: boolean;
  /** The cluster of an origin; throws when there is none to be had. */
  clusterOf(origin: string | URL | undefined): Cluster;
  /** The options of a call; throws when they are wrong. */
  readOverrides(overrides: unknown): Overrides;
  /** What of the user's is part of the client runs in it. */
  readonly own: OwnCode;
  close(): Promise<void>;
  destroy(error?: unknown): Promise<void>;
  /** Sends a redirected request, if its origin is none of the client's, where it would have gone without the client. */
  passOn?(options: DispatchOptions, handler: object): boolean;
}

/** A body as undici takes it, as fetch takes it, or a function that makes one for each attempt. */
export type DispatchBody = Dispatcher.DispatchOptions['body'] | BodyValue | BodyFunction;

export type DispatchOptions = Omit<Dispatcher.DispatchOptions, 'body'> & {
  readonly body?: DispatchBody | undefined;
  readonly servername?: string;
  readonly expectContinue?: boolean;
  /** Options of this call, in place of those of its service. */
  readonly resilience?: RequestOverrides;
};

/** Makes a call of a dispatched request. The handler hears of everything, a refusal included. */
export function dispatchCall(
  host: DispatchHost,
  options: DispatchOptions,
  handler: object,
  overrides?: Overrides,
  onCall?: (call: Call) => void,
): HandlerReceiver {
  const receiver = new HandlerReceiver(outletOf(handler), host.respondLocally);
  if (!receiver.begin()) return receiver;
  let cluster: Cluster;
  let call: Call;
  try {
    refuseUpgrades(options);
    cluster = host.clusterOf(options.origin);
    const own =
      options.resilience === undefined ? overrides : host.readOverrides(options.resilience);
    call = newCall(
      cluster,
      receiver,
      own,
      options.method,
      options.query ? withQuery(options.path, options.query) : options.path,
      flatHeaders(options.headers, cluster.authority),
      bodyOf(options.body),
      options,
    );
  } catch (error) {
    receiver.refuse(error);
    return receiver;
  }
  receiver.call = call;
  // The caller may write on into it while the request waits or is repeated.
  if (call.body instanceof Uint8Array && call.mayGoOn) call.body = Buffer.from(call.body);
  onCall?.(call);
  call.chain.upstream.start(call);
  return receiver;
}

export class ResilientDispatcher extends DispatcherBase {
  readonly #host: DispatchHost;

  constructor(host: DispatchHost) {
    super();
    this.#host = host;
  }

  override dispatch(options: DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    dispatchCall(this.#host, options, handler);
    return true;
  }

  override close(callback: () => void): void;
  override close(): Promise<void>;
  override close(callback?: () => void): void | Promise<void> {
    const closing = this.#host.close();
    if (callback === undefined) return closing;
    void closing.then(callback);
  }

  override destroy(error: Error | null, callback: () => void): void;
  override destroy(callback: () => void): void;
  override destroy(error: Error | null): Promise<void>;
  override destroy(): Promise<void>;
  override destroy(first?: Error | null | (() => void), second?: () => void): void | Promise<void> {
    const callback = typeof first === 'function' ? first : second;
    const error = typeof first === 'function' ? undefined : (first ?? undefined);
    const destroyed = this.#host.destroy(error);
    if (callback === undefined) return destroyed;
    void destroyed.then(callback);
  }
}

function refuseUpgrades({ upgrade, method }: DispatchOptions): void {
  if (upgrade || method === 'CONNECT') {
    throw new TypeError(
      `${upgrade ? 'upgrade' : 'CONNECT'} does not pass through a resilient client`,
    );
  }
}

function withQuery(path: string, query: Record<string, unknown>): string {
  if (/[?#]/.test(path)) {
    throw new TypeError(`query cannot be added to a path that has one: ${path}`);
  }
  const text = stringify(query as Parameters<typeof stringify>[0]);
  return text === '' ? path : `${path}?${text}`;
}

/** What undici knows nothing of is left for it to refuse. */
function bodyOf(body: unknown): RequestBody | null {
  if (body === undefined || body === null) return null;
  if (body instanceof BodySource) return body;
  if (typeof body === 'function') {
    return new FreshBody(body as BodyFunction, { textHasType: false });
  }
  if (body instanceof URLSearchParams) {
    const copy = new URLSearchParams(body);
    return new FreshBody(() => copy, { textHasType: false });
  }
  return readBody(body)?.body ?? (body as RequestBody);
}

/** The fetch of Node 20 and 22 doubles a length that was given: "5, 5". */
const DOUBLES_LENGTH = PLATFORM < 7;

type HeaderValue = string | number | null | undefined | readonly string[];

/** Headers in any of undici's forms as names and values in turn, the host first. */
function flatHeaders(headers: DispatchOptions['headers'], authority: string): string[] {
  let host = authority;
  const flat: string[] = [];
  const add = (name: string, value: HeaderValue): void => {
    if (value === undefined) return;
    if (Array.isArray(value)) {
      for (const one of value as readonly string[]) add(name, one);
      return;
    }
    const text = value === null ? '' : String(value);
    const lower = name.toLowerCase();
    if (lower === 'host') host = text;
    else if (lower !== 'content-length' || !DOUBLES_LENGTH) flat.push(name, text);
    else if (!flat.some((known) => known.toLowerCase() === lower)) {
      const parts = new Set(text.split(',').map((part) => part.trim()));
      if (parts.size === 1) flat.push(name, [...parts].join());
    }
  };
  if (Array.isArray(headers)) {
    if (headers.length % 2 !== 0) throw new TypeError('headers array must be even');
    for (let index = 0; index < headers.length; index += 2) {
      add(String(headers[index]), headers[index + 1]);
    }
  } else if (headers != null && Symbol.iterator in headers) {
    for (const [name, value] of headers as Iterable<[string, HeaderValue]>) add(name, value);
  } else if (headers != null) {
    for (const [name, value] of Object.entries(headers)) add(name, value);
  }
  return ['host', host, ...flat];
}
