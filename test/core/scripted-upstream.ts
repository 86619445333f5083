/** A cluster without sockets: each attempt follows a script on the virtual clock. */
import type { Attempt, AttemptEndpoint, Exchange } from '../../src/core/attempt.js';
import { Call, type Chain, type Upstream } from '../../src/core/call.js';
import * as drive from '../../src/core/drive.js';
import { failure, type Failure, type FailureKind } from '../../src/core/failure.js';
import type { AttemptLayer, CallLayer } from '../../src/core/layer.js';
import type { Receiver, Reply } from '../../src/core/reply.js';
import type { Runtime, Timer } from '../../src/core/runtime.js';

/** What an attempt meets, each part so many milliseconds after the one before. */
export interface Script {
  /** Before the connection is there; or the failure to get one. */
  readonly connect: number;
  readonly refused?: boolean;
  /** From the connection to the head. */
  readonly head: number;
  readonly status: number;
  /** In place of the head. */
  readonly fails?: FailureKind;
  /** From the head to each of the chunks, and to the end. */
  readonly chunks: readonly number[];
  /** The end is a cut. */
  readonly cut?: boolean;
}

export class ScriptedUpstream implements Upstream {
  readonly name = 'scripted';
  readonly service = new URL('http://scripted');
  readonly policy = 'scripted';
  readonly endpoint = { url: 'http://127.0.0.1:1', locality: '', active: 0 };
  started_: Attempt[] = [];
  ended_: Attempt[] = [];
  callsEnded = 0;
  /** Attempts that reached the wire, and how often each was cancelled. */
  readonly exchanges: ScriptedExchange[] = [];

  constructor(
    readonly runtime: Runtime,
    readonly scripts: readonly (Script | 'no-endpoint')[],
  ) {}

  #picked = 0;

  pick(): AttemptEndpoint | undefined {
    return this.#scriptOf(this.#picked++) === 'no-endpoint' ? undefined : this.endpoint;
  }

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
    const { connect, refused, head, fails, status, chunks, cut } = this.script;
    const { attempt } = this;
    const parts: [number, () => void][] = [];
    if (refused === true) {
      parts.push([connect, () => this.#fail(failure('connect-failure', 'UF', undefined, false))]);
    } else {
      parts.push([connect, () => drive.connected(attempt)]);
      if (fails === undefined) {
        parts.push([head, () => drive.head(attempt, status, '', [])]);
        for (const pause of chunks) {
          parts.push([pause, () => void drive.data(attempt, Buffer.alloc(100))]);
        }
        parts.push([0, () => (cut === true ? this.#fail(CUT) : this.#end())]);
      } else {
        parts.push([head, () => this.#fail(failure(fails, 'UC', undefined, true))]);
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
): Chain {
  return {
    runtime: upstream.runtime,
    upstream,
    callLayers,
    attemptLayers,
    judges: callLayers.filter((layer) => layer.judge !== undefined),
    around,
    keepsContext: callLayers.length + attemptLayers.length > 0 || around !== undefined,
    timeout: 0,
  };
}

export function callOn(chain: Chain, receiver: Receiver, body: Call['body'] = null): Call {
  return new Call(chain, receiver, 'GET', '/', [], body, undefined, undefined);
}

/** An attempt that is answered at once. */
export const ANSWERED: Script = { connect: 1, head: 1, status: 200, chunks: [1] };
