/** What `client.install()` puts in place of a global dispatcher: the client's, or for what is none of its business the one before. */
import type { Dispatcher } from 'undici';
import DispatcherBase from 'undici/lib/dispatcher/dispatcher.js';
import { dispatchCall, type DispatchHost, type DispatchOptions } from './dispatcher.js';

/** By its name, so that the one of another loaded copy of the package is known too. */
const INSTALLED = Symbol.for('outrigger.installedDispatcher');

/** What it needs of the client. */
export interface InstalledHost extends DispatchHost {
  /** Whether the client serves an origin; false for what is none. */
  serves(origin: string | URL | undefined): boolean;
  isInstalled(): boolean;
  /** Whether it is in force here and now: neither uninstalled, nor called from within the user's own part of the client. */
  isInForce(): boolean;
}

export class InstalledDispatcher extends DispatcherBase {
  readonly #host: InstalledHost;
  /** What stood there. */
  readonly before: Dispatcher;

  constructor(host: InstalledHost, before: Dispatcher) {
    super();
    this.#host = host;
    this.before = before;
  }

  /** False from the moment on that the client was uninstalled, here or beneath others. */
  get isInstalled(): boolean {
    return this.#host.isInstalled();
  }

  override dispatch(options: DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    if (!this.#host.isInForce() || !this.isOurs(options)) return this.passOn(options, handler);
    dispatchCall(this.#host, options, handler);
    return true;
  }

  /** A handler comes to the slot that its copy of undici reads, so what stood there understands it. */
  passOn(options: DispatchOptions, handler: object): boolean {
    return this.before.dispatch(options as Dispatcher.DispatchOptions, handler);
  }

  isOurs(options: DispatchOptions): boolean {
    return !needsTheConnection(options) && this.#host.serves(options.origin);
  }

  /** Through what undici makes of this by `compose()`, too. */
  get [INSTALLED](): this {
    return this;
  }

  /** What a WebSocket or an EventSource asks the global dispatcher for. */
  get webSocketOptions(): unknown {
    return (this.before as { webSocketOptions?: unknown }).webSocketOptions;
  }

  get eventSourceOptions(): unknown {
    return (this.before as { eventSourceOptions?: unknown }).eventSourceOptions;
  }

  /** As an application means it that closes what it sends through: both. */
  override close(callback: () => void): void;
  override close(): Promise<void>;
  override close(callback?: () => void): void | Promise<void> {
    const closing = Promise.all([this.#host.close(), this.before.close()]).then(nothing);
    if (callback === undefined) return closing;
    closing.then(callback, callback);
  }

  override destroy(error: Error | null, callback: () => void): void;
  override destroy(callback: () => void): void;
  override destroy(error: Error | null): Promise<void>;
  override destroy(): Promise<void>;
  override destroy(first?: Error | null | (() => void), second?: () => void): void | Promise<void> {
    const callback = typeof first === 'function' ? first : second;
    const error = typeof first === 'function' ? null : (first ?? null);
    const destroying = Promise.all([
      this.#host.destroy(error ?? undefined),
      this.before.destroy(error),
    ]).then(nothing);
    if (callback === undefined) return destroying;
    destroying.then(callback, callback);
  }
}

/** The one that stands here, or that others have been composed around. */
export function installedIn(dispatcher: Dispatcher | undefined): InstalledDispatcher | undefined {
  return (dispatcher as { [INSTALLED]?: InstalledDispatcher } | undefined)?.[INSTALLED];
}

/** What is not one request and its answer, or asks the server first whether it may send: these go as they always went. */
function needsTheConnection({
  upgrade,
  method,
  expectContinue,
  headers,
}: DispatchOptions): boolean {
  return Boolean(upgrade) || method === 'CONNECT' || expectContinue === true || hasExpect(headers);
}

function hasExpect(headers: DispatchOptions['headers']): boolean {
  if (headers === undefined || headers === null) return false;
  if (Array.isArray(headers))
    return headers.some((text, index) => index % 2 === 0 && isExpect(text));
  // Headers or a Map; anything else that is iterated may be read once only, and not by us.
  if (Symbol.iterator in headers) {
    const { has } = headers as { has?: unknown };
    return typeof has === 'function' && Boolean(has.call(headers, 'expect'));
  }
  for (const name in headers) if (isExpect(name)) return true;
  return false;
}

function isExpect(name: unknown): boolean {
  return typeof name === 'string' && name.length === 6 && name.toLowerCase() === 'expect';
}

const nothing = (): void => {};
