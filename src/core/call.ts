/** One logical request, from the caller's `fetch` until its body has ended or it has failed. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Attempt, AttemptEndpoint } from './attempt.js';
import type { Failure } from './failure.js';
import type { AttemptLayer, CallLayer } from './layer.js';
import type { LocalReply, Receiver } from './reply.js';
import type { Runtime, Timer } from './runtime.js';
import type { Rounds } from './rounds.js';

/** What a call goes through: made once per cluster and route, and kept. */
export interface Chain {
  readonly runtime: Runtime;
  readonly upstream: Upstream;
  readonly callLayers: readonly CallLayer[];
  readonly attemptLayers: readonly AttemptLayer[];
  /** Code of the user's runs in it, which can tell in whose async context. */
  readonly keepsContext: boolean;
  /** Those of `callLayers` that judge; nothing is asked, or built to be asked, when there are none. */
  readonly judges: readonly CallLayer[];
  /** Makes a context active around the sending of an attempt, for tracing. */
  readonly around: ((attempt: Attempt, dispatch: () => void) => void) | undefined;
  /** Milliseconds for a whole call; 0 is none. */
  readonly timeout: number;
}

/** The chains of a cluster: the usual one, and those that calls with options of their own need. */
export interface Chains {
  readonly usual: Chain;
  for(overrides: Overrides): Chain;
}

/** Options of one call, in place of those of its service. */
export interface Overrides {
  /** Milliseconds for the whole call; 0 is none. */
  readonly timeout?: number;
}

/** The cluster, as the driver sees it: it chooses, counts and sends. */
export interface Upstream {
  /** The cluster's name, as counters and errors carry it. */
  readonly name: string;
  /** The origin that is called. */
  readonly service: URL;
  /** The name of the load-balancing policy. */
  readonly policy: string;
  /** Undefined when there is no endpoint to send to. */
  pick(call: Call): AttemptEndpoint | undefined;
  /** An attempt begins at its endpoint. */
  started(attempt: Attempt): void;
  /** Puts the attempt on the wire; whatever happens there is reported to the driver. */
  send(attempt: Attempt): void;
  /** The attempt is over, its body included. Called exactly once for each `started`. */
  ended(attempt: Attempt): void;
  /** The call has ended, with `call.answer` or `call.failure`. Exactly once for each call driven. */
  callEnded(call: Call): void;
}

/** A body as the transport takes it. */
export type RequestBody = string | Uint8Array | AsyncIterable<Uint8Array> | NodeJS.ReadableStream;

/** The transport's own knobs, which only a caller that speaks undici's language can set. */
export interface WireOptions {
  readonly headersTimeout?: number | null;
  readonly bodyTimeout?: number | null;
  readonly reset?: boolean | null;
  readonly blocking?: boolean | null;
  readonly idempotent?: boolean | null;
  readonly expectContinue?: boolean;
}

export class Call {
  /** Every attempt that was started, in order. */
  readonly attempts: Attempt[] = [];
  readonly startedAt: number;
  endedAt = 0;
  /** The attempt whose head was accepted. */
  answer: Attempt | undefined = undefined;
  /** Why the call failed, before or after an answer. */
  failure: Failure | undefined = undefined;

  /** Milliseconds for the whole call, its body included; 0 is none. */
  readonly timeout: number;
  /** The answer the client made itself, when there was one. */
  localReply: LocalReply | undefined = undefined;

  /** @internal Places in lists; -1 in none. */
  clusterSlot = -1;
  /** @internal */
  signalSlot = -1;
  /** @internal Decided: nothing may start any more. */
  over = false;
  /** @internal It is being failed: what that sets off cannot fail it again. */
  failing = false;
  /** @internal Its layers have been told of its end. */
  ended = false;
  /** @internal Some attempt's answer was dropped, and may still be on its way. */
  hasDropped = false;
  /** @internal What a body that is made while it is sent threw. */
  bodyError: unknown = undefined;
  /** @internal Attempts that have neither been accepted, dropped nor failed. */
  undecided = 0;
  /** @internal Call layers whose `start` has been passed. */
  entered = 0;
  /** @internal What comes after a first failure. */
  rounds: Rounds | undefined = undefined;
  /** @internal Fires when the timeout is over. */
  deadline: Timer = undefined;
  /** @internal Set by the driver while the call is undecided. */
  onWoken: (() => void) | undefined = undefined;
  /** @internal */
  alarms: Timer[] | undefined = undefined;
  /** @internal Runs a function in the async context the call was made in, where somebody could tell. */
  readonly inContext: ((start: () => void) => void) | undefined;
  /** @internal A body that can be sent once has been handed to the wire. */
  bodySpent = false;

  /** @internal */
  constructor(
    /** @internal */
    readonly chain: Chain,
    /** @internal */
    readonly receiver: Receiver,
    readonly method: string,
    /** Path and query. */
    readonly path: string,
    /** Request headers, names and values in turn, `host` first. */
    readonly headers: readonly string[],
    readonly body: RequestBody | null,
    /** @internal */
    readonly wire: WireOptions | undefined,
    overrides: Overrides | undefined,
  ) {
    this.timeout = overrides?.timeout ?? chain.timeout;
    this.startedAt = chain.runtime.now();
    this.inContext = chain.keepsContext ? AsyncLocalStorage.snapshot() : undefined;
  }

  /** The cluster's name. */
  get service(): string {
    return this.chain.upstream.name;
  }

  /** Asks for a `woken` event at that time of the runtime's clock, if the call is still undecided then. */
  wakeAt(time: number): void {
    if (this.over) return;
    const { runtime } = this.chain;
    const alarm = runtime.setTimer(() => this.onWoken?.(), time - runtime.now());
    (this.alarms ??= []).push(alarm);
  }

  /** True when the body, if there is one, can be sent a further time. */
  get replayable(): boolean {
    return this.body === null || typeof this.body === 'string' || this.body instanceof Uint8Array;
  }
}
