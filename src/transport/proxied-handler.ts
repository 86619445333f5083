/** What comes of a request through a proxy, before its handler: refusals of the proxy's are told as such. */
import type { BothHandlers } from './both-handlers.js';
import { proxyError, refusedBy } from './proxy-error.js';

type Controller = Parameters<BothHandlers['onRequestStart']>[0];
type HeaderRecord = Parameters<BothHandlers['onResponseStart']>[2];

export class ProxiedHandler {
  readonly #handler: BothHandlers;
  readonly #proxy: URL;
  readonly #isForwarded: boolean;
  #hasBegun = false;
  #isRefused = false;

  /** One that is forwarded has its answer from the proxy itself; a tunnel has been refused before. */
  constructor(handler: BothHandlers, proxy: URL, isForwarded: boolean) {
    this.#handler = handler;
    this.#proxy = proxy;
    this.#isForwarded = isForwarded;
  }

  onRequestStart(controller: Controller): void {
    this.#hasBegun = true;
    this.#handler.onRequestStart(controller);
  }

  onResponseStart(
    controller: Controller,
    status: number,
    headers: HeaderRecord,
    statusText?: string,
  ): void {
    if (this.#isForwarded && status === 407) {
      this.#isRefused = true;
      const error = refusedBy(this.#proxy, status);
      this.#handler.onResponseError(controller, error);
      controller.abort(error);
      return;
    }
    this.#handler.onResponseStart(controller, status, headers, statusText);
  }

  onResponseData(controller: Controller, chunk: Uint8Array): void {
    if (!this.#isRefused) this.#handler.onResponseData(controller, chunk);
  }

  onResponseEnd(controller: Controller, trailers: HeaderRecord | null): void {
    if (!this.#isRefused) this.#handler.onResponseEnd(controller, trailers);
  }

  onResponseError(controller: Controller | undefined, error: unknown): void {
    if (this.#isRefused) return;
    this.#handler.onResponseError(
      controller,
      this.#hasBegun ? error : proxyError(this.#proxy, error),
    );
  }
}
