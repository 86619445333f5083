/** A fetch of the user's as the way to the endpoints. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Prober, ProbeResult } from '../cluster/health-check-policy.js';
import type { Attempt } from '../core/attempt.js';
import { headerValue } from '../core/raw-headers.js';
import type { ForeignFetch } from '../options/transport.js';
import { NO_CONNECTION_OF_OURS } from './dispatched-probe.js';
import { fetchedAnswer } from './fetched-answer.js';
import { FetchedExchange } from './fetched-exchange.js';
import { urlOf, type FetchedRequest } from './fetched-request.js';
import { DEGRADED_HEADER } from './http2-probe.js';
import { MOST_OF_A_BODY, probeHeaders, wordsFor } from './probe.js';
import type { Relay, RelaySlot } from './relay.js';
import { beneath } from './relayed-failure.js';

/** A request that the function is busy with, and the one that it came of. */
interface Busy {
  readonly what: string;
  readonly before: Busy | undefined;
  /** It has settled; what it has begun may call again. */
  isOver: boolean;
}

export class FetchRelay implements Relay {
  readonly words = 'through the given fetch';
  readonly #fetch: ForeignFetch;
  /** A function that calls the global fetch calls this client, where that is installed in its place. */
  readonly #busy = new AsyncLocalStorage<Busy>();

  constructor(fetch: ForeignFetch) {
    this.#fetch = fetch;
  }

  exchange(attempt: Attempt, slot: RelaySlot): FetchedExchange {
    return new FetchedExchange((request) => this.#send(request), attempt, slot);
  }

  proberFor(): Prober {
    return (url, probe, done) => {
      const controller = new AbortController();
      const { signal } = controller;
      const settle = (result: ProbeResult): void => {
        if (signal.aborted) return;
        controller.abort();
        done(result);
      };
      if (probe.kind === 'tcp') {
        process.nextTick(settle, NO_CONNECTION_OF_OURS);
        return () => controller.abort();
      }
      const { method, path } = probe;
      const headers = new Headers(probeHeaders(probe));
      const init = { method, headers, body: null, signal, redirect: 'manual' } as const;
      this.#ask({ url, path, init }).then(settle, (error: unknown) => {
        settle({ kind: 'failed', reason: wordsFor(beneath(error) ?? 'nothing was said') });
      });
      return () => controller.abort();
    };
  }

  takes(): boolean {
    return true;
  }

  /** It is not ours. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  /** An answer that goes on for long is taken for what its head says. */
  async #ask({
    url,
    path,
    init,
  }: Pick<FetchedRequest, 'init'> & { url: string; path: string }): Promise<ProbeResult> {
    const { status, rawHeaders, body } = fetchedAnswer(
      await this.#send({ url: urlOf(url, path), init }),
    );
    const isDegraded = headerValue(rawHeaders, DEGRADED_HEADER) !== undefined;
    for (let length = 0; body !== undefined && length <= MOST_OF_A_BODY;) {
      const { done, piece } = await body.read();
      if (done) break;
      length += piece.length;
    }
    return { kind: 'answered', status, isDegraded };
  }

  async #send({ url, init }: FetchedRequest): Promise<unknown> {
    const what = `${init.method} ${url}`;
    let before = this.#busy.getStore();
    while (before?.isOver === true) before = before.before;
    for (let busy = before; busy !== undefined; busy = busy.before) {
      if (busy.what === what && !busy.isOver) throw new CircleError(what);
    }
    const own: Busy = { what, before, isOver: false };
    try {
      return await this.#busy.run(own, () => this.#fetch(url, init));
    } finally {
      own.isOver = true;
    }
  }
}

/** It would go on for ever. */
class CircleError extends TypeError {
  readonly code = 'ERR_OUTRIGGER_CIRCLE';

  constructor(what: string) {
    super(
      `the option 'fetch' led back into this client (${what}): give it the fetch that was there before this client's`,
    );
  }
}
