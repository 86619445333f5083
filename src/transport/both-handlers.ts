/** A handler that every dispatcher understands: of undici 6, which knows the old methods, to undici 8, which knows the new. */
import type { RawHeader } from '../core/reply.js';

/** Who hears of a dispatched request. */
export interface DispatchListener {
  /** It has its connection. False: it is not wanted any more. */
  started(): boolean;
  bodySent(): void;
  /** Of the answer itself; 1xx heads are left out. False asks for a pause. */
  head(status: number, statusText: string, rawHeaders: readonly RawHeader[]): boolean;
  data(chunk: Buffer): boolean;
  end(trailers: readonly RawHeader[]): void;
  failed(error: unknown): void;
}

interface Controller {
  readonly rawHeaders?: readonly Buffer[] | null;
  readonly rawTrailers?: readonly Buffer[] | null;
  abort(reason: Error): void;
  pause(): void;
  resume(): void;
}

type HeaderRecord = Record<string, string | readonly string[]>;

/** Undici takes an object with `onRequestStart` for the new generation; undici 6 looks for the old methods alone. */
export class BothHandlers {
  readonly #listener: DispatchListener;
  #abort: ((reason: Error) => void) | undefined = undefined;
  #controller: Controller | undefined = undefined;
  /** Of the old generation. */
  #goOn: (() => void) | undefined = undefined;
  #isPaused = false;

  constructor(listener: DispatchListener) {
    this.#listener = listener;
  }

  /** Only what has its connection can be aborted; the rest is when it comes to it. */
  abort(reason: Error): void {
    this.#abort?.(reason);
  }

  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#controller?.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#controller?.resume();
    this.#goOn?.();
  }

  onConnect(abort: (reason: Error) => void): void {
    this.#begin(abort);
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    this.#begin((reason) => controller.abort(reason));
  }

  #begin(abort: (reason: Error) => void): void {
    this.#abort = abort;
    if (!this.#listener.started()) abort(NOT_WANTED);
  }

  onBodySent(): void {
    this.#listener.bodySent();
  }

  onHeaders(
    status: number,
    rawHeaders: readonly Buffer[] | null,
    resume: () => void,
    statusText?: string,
  ): boolean {
    if (status < 200) return true;
    this.#goOn = resume;
    const goesOn = this.#listener.head(status, statusText ?? '', rawHeaders ?? []);
    if (!goesOn) this.pause();
    return !this.#isPaused;
  }

  onResponseStart(
    controller: Controller,
    status: number,
    headers: HeaderRecord,
    statusText?: string,
  ): void {
    if (status < 200) return;
    const raw = controller.rawHeaders ?? flattened(headers);
    if (!this.#listener.head(status, statusText ?? '', raw)) this.pause();
  }

  onData(chunk: Uint8Array): boolean {
    this.#data(chunk);
    return !this.#isPaused;
  }

  onResponseData(_controller: Controller, chunk: Uint8Array): void {
    this.#data(chunk);
  }

  #data(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk);
    if (!this.#listener.data(bytes)) this.pause();
  }

  onComplete(trailers: readonly Buffer[] | null): void {
    this.#listener.end(trailers ?? []);
  }

  onResponseEnd(controller: Controller, trailers: HeaderRecord | null): void {
    this.#listener.end(controller.rawTrailers ?? flattened(trailers ?? {}));
  }

  onError(error: unknown): void {
    this.#listener.failed(error);
  }

  onResponseError(_controller: Controller | undefined, error: unknown): void {
    this.#listener.failed(error);
  }

  // What is dispatched asks for none.
  onUpgrade(): void {}
  onRequestUpgrade(): void {}
}

const NOT_WANTED = new Error('no longer wanted');

function flattened(headers: HeaderRecord): RawHeader[] {
  return Object.entries(headers).flatMap(([name, value]) =>
    typeof value === 'string' ? [name, value] : value.flatMap((one) => [name, one]),
  );
}
