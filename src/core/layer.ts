/** Layers: small named objects of lifecycle hooks. They decide; `drive.ts` acts. */
import type { Attempt } from './attempt.js';
import type { Call } from './call.js';
import type { Failure, TimeLimit } from './failure.js';
import type { LocalReply } from './reply.js';

/** What a layer may be asked about. */
export type CallEvent =
  /** Status and headers of an attempt are known, and nobody has accepted an answer yet. */
  | { readonly type: 'head'; readonly attempt: Attempt }
  /** An attempt has failed before its head, or a layer refused it. */
  | { readonly type: 'failed'; readonly attempt: Attempt; readonly failure: Failure }
  /**
   * The time of an attempt is up, and it has no head. It is cancelled and fails with `try-timeout`, unless the
   * verdict is to wait for it, or to start another beside it.
   */
  | { readonly type: 'overdue'; readonly attempt: Attempt; readonly limit: TimeLimit }
  /** A time that was asked for with `call.wakeAt` has come. */
  | { readonly type: 'woken' };

/** What a call layer says when something happened; always with its reason. */
export type Verdict =
  /** Take this head as the answer of the call. */
  | { readonly kind: 'accept'; readonly reason: string }
  /** Go on waiting for attempts that run or are planned; with none left it means giving up. */
  | { readonly kind: 'wait'; readonly reason: string }
  /** Start a further attempt; a head it is said of is dropped. */
  | AnotherAttempt
  /** This was the last: a head is passed on as it is, a failure ends the call. */
  | { readonly kind: 'give-up'; readonly reason: string };

export interface AnotherAttempt {
  readonly kind: 'another';
  /** Milliseconds to wait before. */
  readonly after: number;
  readonly reason: string;
  /** It holds a slot that `call.takeSlot()` gave, until it has been decided on. */
  readonly slot?: boolean;
  /** The hedge delay that was over, in milliseconds. */
  readonly hedgeDelay?: number;
}

/** A refusal says why, or answers in place of an endpoint. */
export type Refusal = Failure | LocalReply;

/** A pattern that acts once per call. */
export interface CallLayer {
  /** As `describe()` prints it. */
  readonly name: string;
  /** Nothing: go on. A promise: wait for it. A refusal: the call ends here with it. */
  start?(call: Call): undefined | Refusal | PromiseLike<undefined | Refusal>;
  /** Undefined abstains. The outermost layer that does not abstain wins. Never asked after a head was accepted. */
  judge?(call: Call, event: CallEvent): Verdict | undefined;
  /** Exactly once per call that was started. */
  end?(call: Call): void;
}

/** A pattern that acts once per attempt. */
export interface AttemptLayer {
  /** As `describe()` prints it. */
  readonly name: string;
  /** Nothing: go on. A promise: wait for it. A refusal: the attempt fails with it. May change `attempt.headers`. */
  start?(attempt: Attempt): undefined | Refusal | PromiseLike<undefined | Refusal>;
  /** The attempt has its connection. */
  connected?(attempt: Attempt): void;
  /** Status and headers are known. */
  head?(attempt: Attempt): void;
  /** Its time is up and it has no head; whether it goes on is not decided yet. */
  overdue?(attempt: Attempt): void;
  /** Exactly once for every `start` that did not refuse, whatever happened, in reverse order. */
  end?(attempt: Attempt): void;
}
