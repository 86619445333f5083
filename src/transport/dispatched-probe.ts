/** Health checks through a dispatcher of somebody else's. */
import type { Dispatcher } from 'undici';
import type { HttpProbePolicy, Prober, ProbeResult } from '../cluster/health-check-policy.js';
import { headerValue } from '../core/raw-headers.js';
import { BothHandlers, type DispatchListener } from './both-handlers.js';
import { originOf, type Dispatching } from './dispatched-exchange.js';
import { DEGRADED_HEADER } from './http2-probe.js';
import { MOST_OF_A_BODY, probeHeaders, wordsFor } from './probe.js';

/** What a mere connection would say of a way that others make. */
export const NO_CONNECTION_OF_OURS: ProbeResult = {
  kind: 'failed',
  reason: 'a TCP check needs a connection of its own',
};

export function askDispatcher(dispatcher: Dispatching, service: URL): Prober {
  return (url, probe, done) => {
    let isOver = false;
    const settle = (result: ProbeResult): void => {
      if (isOver) return;
      isOver = true;
      done(result);
    };
    if (probe.kind === 'tcp') {
      process.nextTick(settle, NO_CONNECTION_OF_OURS);
      return () => (isOver = true);
    }
    const question = new Question(settle, () => isOver);
    // It may answer before it returns.
    process.nextTick(() => {
      if (!isOver) question.ask(dispatcher, url, service, probe);
    });
    return () => {
      isOver = true;
      question.abort();
    };
  };
}

class Question implements DispatchListener {
  readonly #settle: (result: ProbeResult) => void;
  readonly #isOver: () => boolean;
  readonly #handlers = new BothHandlers(this);
  #status = 0;
  #isDegraded = false;
  #length = 0;

  constructor(settle: (result: ProbeResult) => void, isOver: () => boolean) {
    this.#settle = settle;
    this.#isOver = isOver;
  }

  ask(dispatcher: Dispatching, url: string, service: URL, probe: HttpProbePolicy): void {
    const { method, path, host = service.host } = probe;
    try {
      dispatcher.dispatch(
        {
          origin: originOf(url),
          path,
          method,
          headers: { host, ...probeHeaders(probe) },
          body: null,
        },
        this.#handlers as unknown as Dispatcher.DispatchHandler,
      );
    } catch (error) {
      this.failed(error);
    }
  }

  abort(): void {
    this.#handlers.abort(new Error('the check is over'));
  }

  started(): boolean {
    return !this.#isOver();
  }

  bodySent(): void {}

  head(
    status: number,
    _statusText: string,
    rawHeaders: Parameters<DispatchListener['head']>[2],
  ): true {
    this.#status = status;
    this.#isDegraded = headerValue(rawHeaders, DEGRADED_HEADER) !== undefined;
    return true;
  }

  data(chunk: Buffer): true {
    this.#length += chunk.length;
    if (this.#length > MOST_OF_A_BODY) {
      this.end();
      this.abort();
    }
    return true;
  }

  end(): void {
    this.#settle({ kind: 'answered', status: this.#status, isDegraded: this.#isDegraded });
  }

  failed(error: unknown): void {
    this.#settle({ kind: 'failed', reason: wordsFor(error) });
  }
}
