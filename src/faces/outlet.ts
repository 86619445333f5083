/** Undici's handlers, both generations of them, behind one shape. */
import type { RawHeader } from '../core/reply.js';
import { headerText } from '../core/raw-headers.js';

/** What a handler may do to its request. */
export interface Valve {
  abort(reason: unknown): void;
  pause(): void;
  resume(): void;
}

/** A handler as the dispatcher face calls it. `head` and `data` answer false to ask for a pause. */
export interface Outlet {
  start(valve: Valve): void;
  head(status: number, rawHeaders: readonly RawHeader[], statusText: string): boolean;
  data(chunk: Buffer): boolean;
  end(trailers: readonly RawHeader[]): void;
  error(error: unknown): void;
}

/** The generation of undici 6, which the fetch of Node 20 to 24 still hands over. */
interface OldHandler {
  onConnect?(abort: (reason?: unknown) => void, context: object): void;
  onResponseStarted?(): void;
  onHeaders?(
    status: number,
    rawHeaders: readonly Buffer[],
    resume: () => void,
    statusText: string,
  ): boolean | undefined;
  onData?(chunk: Buffer): boolean | undefined;
  onComplete?(trailers: readonly Buffer[]): void;
  onError?(error: unknown): void;
}

/** The generation of undici 7 and 8. */
interface NewHandler {
  onRequestStart?(controller: Controller, context: object): void;
  onResponseStart?(
    controller: Controller,
    status: number,
    headers: Record<string, string | string[]>,
    statusText: string,
  ): void;
  onResponseData?(controller: Controller, chunk: Buffer): void;
  onResponseEnd?(controller: Controller, trailers: Record<string, string | string[]>): void;
  onResponseError?(controller: Controller, error: unknown): void;
}

/** Told apart as undici does: the new generation has `onRequestStart`. */
export function outletOf(handler: object): Outlet {
  return 'onRequestStart' in handler
    ? new NewOutlet(handler as NewHandler)
    : new OldOutlet(handler);
}

class OldOutlet implements Outlet {
  #resume: () => void = () => {};

  constructor(private readonly handler: OldHandler) {}

  start(valve: Valve): void {
    this.#resume = () => valve.resume();
    this.handler.onConnect?.((reason) => valve.abort(reason), {});
  }

  head(status: number, rawHeaders: readonly RawHeader[], statusText: string): boolean {
    this.handler.onResponseStarted?.();
    const headers = rawHeaders.map(toBuffer);
    return this.handler.onHeaders?.(status, headers, this.#resume, statusText) !== false;
  }

  data(chunk: Buffer): boolean {
    return this.handler.onData?.(chunk) !== false;
  }

  end(trailers: readonly RawHeader[]): void {
    this.handler.onComplete?.(trailers.map(toBuffer));
  }

  error(error: unknown): void {
    this.handler.onError?.(error);
  }
}

class NewOutlet implements Outlet {
  #controller!: Controller;

  constructor(private readonly handler: NewHandler) {}

  start(valve: Valve): void {
    this.#controller = new Controller(valve);
    this.handler.onRequestStart?.(this.#controller, {});
  }

  head(status: number, rawHeaders: readonly RawHeader[], statusText: string): boolean {
    this.#controller.rawHeaders = rawHeaders.map(toBuffer);
    this.handler.onResponseStart?.(this.#controller, status, toRecord(rawHeaders), statusText);
    return !this.#controller.paused;
  }

  data(chunk: Buffer): boolean {
    this.handler.onResponseData?.(this.#controller, chunk);
    return !this.#controller.paused;
  }

  end(trailers: readonly RawHeader[]): void {
    this.#controller.rawTrailers = trailers.map(toBuffer);
    this.handler.onResponseEnd?.(this.#controller, toRecord(trailers));
  }

  error(error: unknown): void {
    this.handler.onResponseError?.(this.#controller, error);
  }
}

/** Undici's `DispatchController`. */
class Controller {
  rawHeaders: readonly Buffer[] | null = null;
  rawTrailers: readonly Buffer[] | null = null;
  aborted = false;
  paused = false;
  reason: unknown = null;

  constructor(private readonly valve: Valve) {}

  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    this.valve.abort(reason);
  }

  pause(): void {
    this.paused = true;
    this.valve.pause();
  }

  resume(): void {
    this.paused = false;
    this.valve.resume();
  }
}

function toBuffer(raw: RawHeader): Buffer {
  return Buffer.isBuffer(raw) ? raw : Buffer.from(headerText(raw), 'latin1');
}

function toRecord(raw: readonly RawHeader[]): Record<string, string | string[]> {
  const record: Record<string, string | string[]> = {};
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = headerText(raw[index] ?? '').toLowerCase();
    const value = headerText(raw[index + 1] ?? '');
    const known = record[name];
    if (known === undefined) record[name] = value;
    else if (Array.isArray(known)) known.push(value);
    else record[name] = [known, value];
  }
  return record;
}
