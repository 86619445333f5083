/** One try of a call at one endpoint: what happened, when, and the handle that ends it. */
import type { Alarm } from './alarms.js';
import type { OpenedBody } from './body.js';
import type { Call } from './call.js';
import type { Failure } from './failure.js';
import type { AnotherAttempt, Verdict } from './layer.js';
import type { RawHeader } from './reply.js';

/** What the driver and the layers need to know of an endpoint. */
export interface AttemptEndpoint {
  /** `http://10.0.0.7:8080`, or `unix:/run/app.sock`. */
  readonly url: string;
  /** `region/zone/subzone`; empty when unknown. */
  readonly locality: string;
  /** Attempts at it now, this one included. */
  readonly active: number;
}

/** The attempt on the wire, as the driver handles it. */
export interface Exchange {
  /** Ends it at once, in whatever phase; it reports nothing afterwards. */
  cancel(reason: unknown): void;
  pause(): void;
  resume(): void;
}

/**
 * Where an attempt stands; it only ever moves forward: not yet on the wire, sent and without a head,
 * with a head whose body is accepted, with a head that was dropped, over.
 */
export type Phase = 'starting' | 'sent' | 'accepted' | 'dropped' | 'over';

/** Also the `Reply` of a call, once its head has been accepted. */
export class Attempt {
  readonly call: Call;
  /** 1 for the first of the call. */
  readonly number: number;
  /** Chosen by the balancer; undefined when there was none to choose. */
  endpoint: AttemptEndpoint | undefined = undefined;
  /** Attempts at the endpoint when it was chosen, this one not counted: what the balancer saw. */
  activeWhenPicked = 0;
  /** Request headers, names and values in turn. Shared with the call: replace the array, do not change it. */
  headers: readonly string[];

  status = 0;
  statusText = '';
  rawHeaders: readonly RawHeader[] = [];
  failure: Failure | undefined = undefined;
  /** What was decided when its head or its failure came, if a layer decided anything. */
  verdict: Verdict | undefined = undefined;
  /** The verdict that asked for it; undefined for the first of the call. */
  readonly because: AnotherAttempt | undefined;
  /** Its connection had served another exchange before. */
  reused = false;
  /** Its time was up before its head, and it was let go on. */
  overdue = false;

  /** Times by the runtime's clock; -1 where it has not happened. */
  readonly startedAt: number;
  connectedAt = -1;
  headAt = -1;
  endedAt = -1;

  /** @internal */
  phase: Phase = 'starting';
  /** @internal Attempt layers whose `start` has been passed. */
  entered = 0;
  /** @internal */
  exchange: Exchange | undefined = undefined;
  /** @internal The body of the call, where it has to be opened for each attempt. */
  body: OpenedBody | undefined = undefined;
  /** @internal Bytes read on after the head was dropped. */
  drained = 0;
  /** @internal When its time is up. */
  tryEnds: Alarm | undefined = undefined;
  /** @internal It counts against the limit of further attempts until it has been decided on. */
  holdsSlot = false;
  /** @internal When something came of it last, for idle timeouts. */
  progressAt = -1;
  /** @internal The reader of its body has asked for a pause. */
  paused = false;

  /** @internal */
  constructor(call: Call, number: number, now: number, because?: AnotherAttempt) {
    this.call = call;
    this.number = number;
    this.because = because;
    this.holdsSlot = because?.slot === true;
    this.headers = call.headers;
    this.startedAt = now;
  }

  /** @internal */
  pause(): void {
    this.paused = true;
    this.exchange?.pause();
  }

  /** @internal */
  resume(): void {
    if (this.paused && this.call.noticesProgress) this.progressAt = this.call.chain.runtime.now();
    this.paused = false;
    this.exchange?.resume();
  }
}
