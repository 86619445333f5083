/** One logical request, from the caller's `fetch` until its body has ended or it has failed. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Alarm, Alarms } from './alarms.js';
import type { Attempt, AttemptEndpoint } from './attempt.js';
import { BodySource, type RequestBody } from './body.js';
import type { Failure } from './failure.js';
import type { Hash64 } from './hash64.js';
import type { AttemptLayer, CallLayer } from './layer.js';
import type { LocalReply, Receiver } from './reply.js';
import type { Policy } from './policy.js';
import type { Runtime } from './runtime.js';
import type { Rounds } from './rounds.js';

/** What a call goes through: made once per cluster and route, and kept. */
export interface Chain {
  readonly runtime: Runtime;
  /** The times of all calls of the cluster. */
  readonly alarms: Alarms;
  readonly upstream: Upstream;
  readonly callLayers: readonly CallLayer[];
  readonly attemptLayers: readonly AttemptLayer[];
  /** Those of them that want to know of a connection, and of a head. */
  readonly connectedLayers: readonly AttemptLayer[];
  readonly headLayers: readonly AttemptLayer[];
  /** Code of the user's runs in it, which can tell in whose async context. */
  readonly keepsContext: boolean;
  /** Those of `callLayers` that judge; nothing is asked, or built to be asked, when there are none. */
  readonly judges: readonly CallLayer[];
  /** Makes a context active around the sending of an attempt, for tracing. */
  readonly around: ((attempt: Attempt, dispatch: () => void) => void) | undefined;
  /** What its calls are held to, unless they bring options of their own. */
  readonly policy: Policy;
}

/** The chains of a cluster: the usual one, and those that calls with options of their own need. */
export interface Chains {
  readonly usual: Chain;
  for(policy: Policy): Chain;
}

/** Options of one call, in place of those of its service. */
export interface Overrides {
  /** The policy of the call, of which the service has this one. */
  apply(policy: Policy): Policy;
}

/** The cluster, as the driver sees it: it chooses, counts and sends. */
export interface Upstream {
  /** The cluster's name, as counters and errors carry it. */
  readonly name: string;
  /** The origin that is called. */
  readonly service: URL;
  /** The name of the load-balancing policy. */
  readonly policy: string;
  /** The limit of further attempts, which all calls share. */
  readonly slots: Slots;
  /** Asked for when there was no endpoint to send to, to say why. */
  readonly endpointHealth: EndpointHealth;
  /** What its first list of endpoints waits for, in words; undefined once that is there. */
  readonly missing?: string | undefined;
  /** Takes a call, and sets it going. */
  start(call: Call): void;
  /** Undefined when there is no endpoint to send to. */
  pick(call: Call): AttemptEndpoint | undefined;
  /** An attempt begins at its endpoint. */
  started(attempt: Attempt): void;
  /** Puts the attempt on the wire; whatever happens there is reported to the driver. */
  send(attempt: Attempt): void;
  /** The rest of an answer that nobody wants is read on, so that its connection stays. */
  dropped(attempt: Attempt): void;
  /** The attempt is over, its body included. Called exactly once for each `started`. */
  ended(attempt: Attempt): void;
  /** The user's fallback has answered in place of one of its calls. */
  fellBack(): void;
  /** An answer was larger than it may be. */
  wasTooLarge(): void;
  /** The call has ended, with `call.answer` or `call.failure`. Exactly once for each call driven. */
  callEnded(call: Call): void;
}

/** How many endpoints there are, and how many of them are left out for what reason; one may have both. */
export interface EndpointHealth {
  readonly endpoints: number;
  readonly ejected: number;
  readonly failedCheck: number;
  /** Their list says that they are unhealthy or draining. */
  readonly hintedOut: number;
  /** By `locality.distribute`. */
  readonly withoutShare: number;
}

/** Places for attempts beyond the first of their call. */
export interface Slots {
  /** False when there is none left. */
  take(): boolean;
  give(): void;
}

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
  /** @internal When it started, or a layer that had made it wait let it go on. */
  readyAt: number;
  endedAt = 0;
  /** The attempt whose head was accepted. */
  answer: Attempt | undefined = undefined;
  /** Why the call failed, before or after an answer. */
  failure: Failure | undefined = undefined;

  /** What it is held to. */
  readonly policy: Policy;
  /** Retries that may still be made; hedges on a per-try timeout are such. */
  retriesLeft: number;
  /** Retries that were decided on. */
  retriesMade = 0;
  /** @internal Those of them that waited as long as the back-off says. */
  backoffs = 0;
  /** Hedges that its delay may still add. */
  hedgesLeft: number;
  /** Envoy's flag for a retry that was wanted and not made: none left (URX), or refused by a limit (UO). */
  retryFlag: 'URX' | 'UO' | undefined = undefined;
  /** The hedge delay of this call in milliseconds; undefined when it has none. */
  hedgeDelay: number | undefined = undefined;
  /** When the delay of the next hedge is over. */
  nextHedgeAt = Number.POSITIVE_INFINITY;
  /** Why a hedge whose delay was over was not made. */
  hedgeNotMade: string | undefined = undefined;
  /** The user's `fallback` has answered in its place. */
  fellBack = false;
  /** The answer the client made itself, when there was one. */
  localReply: LocalReply | undefined = undefined;

  /** @internal What a sticky policy has made of it; null: there is nothing to hash; undefined: nobody has asked. */
  hash: Hash64 | null | undefined = undefined;
  /** @internal The period of the circuit breaker that let it through; 0: none did. */
  circuitPeriod = 0;
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
  /** @internal Attempts that have neither been accepted, dropped nor failed. */
  undecided = 0;
  /** @internal Call layers whose `start` has been passed. */
  entered = 0;
  /** @internal What comes after a first failure. */
  rounds: Rounds | undefined = undefined;
  /** @internal The driver's, where layers judge. */
  onWoken: ((call: Call) => void) | undefined = undefined;
  /** @internal Its times, if it has any. */
  alarms: Alarm | undefined = undefined;
  /** @internal An idle timeout wants to know when something came last. */
  noticesProgress = false;
  /** @internal Connections that have idled were found closed: further attempts ask for new ones. */
  distrustsIdle = false;
  /** @internal Runs a function in the async context the call was made in, where somebody could tell. */
  readonly inContext: ((start: () => void) => void) | undefined;

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
    public headers: readonly string[],
    public body: RequestBody | null,
    /** @internal */
    readonly wire: WireOptions | undefined,
    policy: Policy,
    /** The name of the route it took; undefined when there was none. */
    readonly route?: string,
  ) {
    this.policy = policy;
    this.retriesLeft = policy.retry === undefined ? 0 : policy.retry.attempts;
    this.hedgesLeft = policy.hedge === undefined ? 0 : policy.hedge.maxHedges;
    this.startedAt = this.readyAt = chain.runtime.now();
    this.inContext = chain.keepsContext ? AsyncLocalStorage.snapshot() : undefined;
  }

  /** The cluster's name. */
  get service(): string {
    return this.chain.upstream.name;
  }

  /** The time by which a head must be there; Infinity when it may take for ever. */
  get answerBy(): number {
    const { response, total } = this.policy.timeout;
    const limit = response > 0 && (total === 0 || response < total) ? response : total;
    return limit === 0 ? Number.POSITIVE_INFINITY : this.startedAt + limit;
  }

  /** Asks for a `woken` event at that time of the runtime's clock, if the call is still undecided then. */
  wakeAt(time: number): void {
    if (!this.over && this.onWoken !== undefined) this.at(time, this.onWoken, this);
  }

  /** @internal Calls back with the subject at that time of the runtime's clock, unless the call has ended by then. */
  at<T>(time: number, ring: (subject: T) => void, subject: T): Alarm {
    const { alarms } = this.chain;
    const { inContext } = this;
    const alarm =
      inContext === undefined
        ? alarms.set(time, ring, subject)
        : alarms.set(time, inContext, () => ring(subject));
    if (this.ended) {
      alarms.clear(alarm);
    } else {
      alarm.next = this.alarms;
      this.alarms = alarm;
    }
    return alarm;
  }

  /** @internal Where alarms are set one after the other for as long as the call lasts, those that have rung are let go. */
  forgetRung(): void {
    while (this.alarms?.place === -1) this.alarms = this.alarms.next;
    for (let { alarms } = this; alarms !== undefined; alarms = alarms.next) {
      while (alarms.next?.place === -1) alarms.next = alarms.next.next;
    }
  }

  /**
   * Takes a place for one further attempt, where the retry budget or the limit of retries has one left; the verdict
   * that asks for the attempt says `slot: true`, and the driver gives the place back.
   */
  takeSlot(): boolean {
    return this.chain.upstream.slots.take();
  }

  /** True while an attempt other than this one is undecided, or is planned. */
  expectsMore(than: Attempt): boolean {
    const own = than.phase === 'sent' ? 1 : 0;
    return this.undecided > own || this.rounds?.planned === true;
  }

  /** True while some layer may ask for a further attempt. */
  get mayGoOn(): boolean {
    const { retry, hedge } = this.policy;
    const own = (retry === undefined ? 0 : 1) + (hedge === undefined ? 0 : 1);
    const { length } = this.chain.judges;
    return length > own || (length > 0 && this.retriesLeft + this.hedgesLeft > 0);
  }

  /** True when a further attempt could send the whole request now, those before it being over. */
  canResend(): boolean {
    return !(this.body instanceof BodySource) || this.body.replayable;
  }

  /** True when a further attempt could send the whole request now, while another one does. */
  canSendTwice(): boolean {
    return !(this.body instanceof BodySource) || this.body.complete;
  }

  /**
   * From here on nothing of a streamed body is kept for a further attempt: none can be made any more, or only one
   * before which nothing has been sent.
   */
  stopKeeping(): void {
    if (this.body instanceof BodySource) this.body.stopKeeping();
  }

  /** @internal What a body that is made while it is sent threw. */
  get bodyError(): unknown {
    return this.body instanceof BodySource ? this.body.error : undefined;
  }
}
