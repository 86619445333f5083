/** A cluster without sockets: each attempt follows a script on the virtual clock. */
import type { Attempt, AttemptEndpoint, Exchange } from '../../src/core/attempt.js';
import { RetrySlots } from '../../src/cluster/retry-slots.js';
import { Alarms } from '../../src/core/alarms.js';
import { Call, type Chain, type Upstream } from '../../src/core/call.js';
import * as drive from '../../src/core/drive.js';
import { failure, type Failure, type FailureKind } from '../../src/core/failure.js';
import type { AttemptLayer, CallLayer } from '../../src/core/layer.js';
import type { Policy, RetryPolicy } from '../../src/core/policy.js';
import type { Receiver, Reply } from '../../src/core/reply.js';
import type { Runtime, Timer } from '../../src/core/runtime.js';

/** What an attempt meets, each part so many milliseconds after the one before. */
export interface Script {
  /** Before the connection is there; or the failure to get one. */
  readonly connect: number;
  readonly refused?: boolean;
  /** The connection has served before. */
  readonly reused?: boolean;
  /** From the connection to the head; Infinity for one that never comes. */
  readonly head: number;
  readonly status: number;
  /** In place of the head. */
  readonly fails?: FailureKind;
  /** From the head to each of the chunks, and to the end. */
  readonly chunks: readonly number[];
  /** Of the head, names and values in turn. */
  readonly headers?: readonly string[];
  /** The end is a cut. */
  readonly cut?: boolean;
}

export class ScriptedUpstream implements Upstream {
  readonly name = 'scripted';
  readonly service = new URL('http://scripted');
  readonly policy = 'scripted';
  readonly endpointHealth = {
    endpoints: 0,
    ejected: 0,
    failedCheck: 0,
    hintedOut: 0,
    withoutShare: 0,
  };
  readonly endpoint = { url: 'http://127.0.0.1:1', locality: '', active: 0 };
  readonly slots: RetrySlots;
  started_: Attempt[] = [];
  ended_: Attempt[] = [];
  callsEnded = 0;
  /** Attempts that reached the wire, and how often each was cancelled. */
  readonly exchanges: ScriptedExchange[] = [];

  constructor(
    readonly runtime: Runtime,
    readonly scripts: readonly (Script | 'no-endpoint')[],
  ) {
    this.slots = new RetrySlots(runtime, () => this.started_.length - this.ended_.length);
  }

  #picked = 0;

  pick(): AttemptEndpoint | undefined {
    return this.#scriptOf(this.#picked++) === 'no-endpoint' ? undefined : this.endpoint;
  }

  start(call: Call): void {
    drive.start(call);
  }

  fellBack(): void {}

  wasTooLarge(): void {}

  dropped(): void {}

  started(attempt: Attempt): void {
    this.endpoint.active += 1;
    this.started_.push(attempt);
  }

  send(attempt: Attempt): void {
    const script = this.#scriptOf(attempt.number - 1) as Script;
    const exchange = new ScriptedExchange(this.runtime, attempt, script);
    attempt.exchange = exchange;
    this.exchanges.push(exchange);
    exchange.play();
  }

  ended(attempt: Attempt): void {
    this.endpoint.active -= 1;
    this.ended_.push(attempt);
  }

  callEnded(): void {
    this.callsEnded += 1;
  }

  #scriptOf(index: number): Script | 'no-endpoint' {
    return this.scripts[index % this.scripts.length] ?? 'no-endpoint';
  }
}

export class ScriptedExchange implements Exchange {
  cancelled = 0;
  finished = false;
  #timer: Timer;

  constructor(
    private readonly runtime: Runtime,
    private readonly attempt: Attempt,
    private readonly script: Script,
  ) {}

  play(): void {
    const { connect, refused, reused, head, fails, status, chunks, cut } = this.script;
    const { attempt } = this;
    attempt.reused = reused === true;
    const parts: [number, () => void][] = [];
    if (refused === true) {
      parts.push([connect, () => this.#fail(failure('connect-failure', 'UF', undefined, false))]);
    } else {
      parts.push([connect, () => drive.connected(attempt)]);
      if (fails === undefined) {
        parts.push([head, () => drive.head(attempt, status, '', this.script.headers ?? [])]);
        for (const pause of chunks) {
          parts.push([pause, () => void drive.data(attempt, Buffer.alloc(100))]);
        }
        parts.push([0, () => (cut === true ? this.#fail(CUT) : this.#end())]);
      } else {
        const unseen = fails === 'refused-stream';
        parts.push([
          head,
          () => this.#fail(failure(fails, unseen ? 'UR' : 'UC', undefined, !unseen)),
        ]);
      }
    }
    this.#next(parts);
  }

  cancel(): void {
    this.cancelled += 1;
    this.runtime.clearTimer(this.#timer);
  }

  pause(): void {}
  resume(): void {}

  #next(parts: [number, () => void][]): void {
    const [part, ...rest] = parts;
    if (part === undefined) return;
    this.#timer = this.runtime.setTimer(() => {
      part[1]();
      if (this.cancelled === 0) this.#next(rest);
    }, part[0]);
  }

  #fail(reason: Failure): void {
    this.finished = true;
    drive.fail(this.attempt, reason);
  }

  #end(): void {
    this.finished = true;
    drive.end(this.attempt, []);
  }
}

const CUT = failure('body-cut', 'UPE', undefined, true);

/** Writes down everything it is told. */
export class Recorder implements Receiver {
  readonly events: string[] = [];
  reply: Reply | undefined;
  failure: Failure | undefined;

  onHead(reply: Reply): void {
    this.reply = reply;
    this.events.push(`head ${reply.status}`);
  }

  onData(): boolean {
    this.events.push('data');
    return true;
  }

  onEnd(): void {
    this.events.push('end');
  }

  onFail(reason: Failure): void {
    this.failure = reason;
    this.events.push(`fail ${reason.kind}`);
  }
}

export function chainOver(
  upstream: ScriptedUpstream,
  callLayers: readonly CallLayer[] = [],
  attemptLayers: readonly AttemptLayer[] = [],
  around?: Chain['around'],
  policy: Policy = NO_POLICY,
): Chain {
  return {
    runtime: upstream.runtime,
    alarms: new Alarms(upstream.runtime),
    upstream,
    callLayers,
    attemptLayers,
    connectedLayers: attemptLayers.filter((layer) => layer.connected !== undefined),
    headLayers: attemptLayers.filter((layer) => layer.head !== undefined),
    judges: callLayers.filter((layer) => layer.judge !== undefined),
    around,
    keepsContext: callLayers.length + attemptLayers.length > 0 || around !== undefined,
    policy,
  };
}

export function callOn(
  chain: Chain,
  receiver: Receiver,
  body: Call['body'] = null,
  method = 'GET',
  headers: readonly string[] = [],
): Call {
  return new Call(chain, receiver, method, '/', headers, body, undefined, chain.policy);
}

/** No timeout, no retry, no hedge. */
export const NO_POLICY: Policy = {
  timeout: { response: 0, idle: 0, total: 0 },
  retry: undefined,
  hedge: undefined,
};

/** Envoy's figures, and what is given in their place. */
export function retryPolicy(own: Partial<RetryPolicy> = {}): RetryPolicy {
  return {
    attempts: 2,
    words: new Set(['connect-failure', 'refused-stream', 'reset']),
    statusCodes: new Set([503]),
    headers: [],
    rules: [],
    perTryTimeout: 0,
    perTryIdleTimeout: 0,
    backoff: { baseInterval: 25, maxInterval: 250 },
    rateLimitedBackoff: {
      resetHeaders: [
        { name: 'retry-after', format: 'seconds' },
        { name: 'x-ratelimit-reset', format: 'unix-timestamp' },
      ],
      maxInterval: 300_000,
    },
    methods: new Set(),
    retryUnsafeMethods: false,
    idempotencyKey: false,
    notProcessed: undefined,
    maxBufferedBytes: 1_048_576,
    ignorePreviousHosts: true,
    retryRemoteLocalities: false,
    budget: { percent: 20, minRetryConcurrency: 3, interval: 0 },
    maxRetries: Number.POSITIVE_INFINITY,
    ...own,
  };
}

/** An attempt that is answered at once. */
export const ANSWERED: Script = { connect: 1, head: 1, status: 200, chunks: [1] };
