/**
 * Refuses the calls of a service at once while too many of them fail, and lets a few through on trial from time to time:
 * closed, open, half-open. It has no timer: whatever time brings about happens when the next call comes.
 */
import type { Call } from '../core/call.js';
import type { Runtime } from '../core/runtime.js';
import { hasFailed } from './call-verdict.js';
import { CallWindow } from './call-window.js';
import type { CircuitState, ClusterEvents } from './events.js';

/** Its figures; times in milliseconds. */
export interface BreakerPolicy {
  /** How far back calls count. */
  readonly window: number;
  /** It does not open on fewer calls than these within the window. */
  readonly minimumCalls: number;
  /** It opens when so many of the calls in the window have failed, 1 to 100. */
  readonly failurePercent: number;
  /** A call without a head for longer than this has failed; 0: time does not count. */
  readonly slowCallDuration: number;
  /** How long it stays open, before jitter. */
  readonly openTime: number;
  /** What that grows to, twofold each time the trial fails; not below `openTime`. */
  readonly maxOpenTime: number;
  /** It stays open longer than that by up to so much, 0 to 100. */
  readonly openTimeJitterPercent: number;
  /** So many calls are let through on trial. */
  readonly halfOpenCalls: number;
}

/** What it needs of its cluster. */
export interface BreakerHost {
  readonly name: string;
  readonly runtime: Runtime;
  readonly events: ClusterEvents;
}

/** What it needs of a call. */
export type BreakerCall = Pick<
  Call,
  'answer' | 'failure' | 'readyAt' | 'endedAt' | 'circuitPeriod'
>;

export class CircuitBreaker {
  readonly #host: BreakerHost;
  #policy: BreakerPolicy | undefined = undefined;
  #state: CircuitState = 'closed';
  /** Goes up with each change of state: a call has a say in the period alone that let it through. */
  #period = 1;
  /** The calls that have ended while closed. */
  #window = new CallWindow(1);
  #openUntil = 0;
  /** Trials that have failed since it was closed. */
  #reopened = 0;
  /** Calls on trial that have a place, the oldest first. */
  readonly #trials = new Set<BreakerCall>();
  /** Calls on trial that have ended with a verdict, and those of them that have failed. */
  #judged = 0;
  #failed = 0;
  /** How often it has opened, and how many calls it has refused. */
  #openings = 0;
  #rejections = 0;

  constructor(host: BreakerHost) {
    this.#host = host;
  }

  /** Undefined while it is off. */
  get policy(): BreakerPolicy | undefined {
    return this.#policy;
  }

  /** Open also when its time is over, until the next call comes. */
  get state(): CircuitState {
    return this.#state;
  }

  /** Other figures leave the state as it is; undefined switches it off. A new window starts counting anew. */
  setPolicy(policy: BreakerPolicy | undefined): void {
    const before = this.#policy;
    this.#policy = policy;
    if (policy === undefined) {
      if (this.#state === 'closed') this.#period += 1;
      else this.#change('closed');
      return;
    }
    if (policy.window !== before?.window) this.#window = new CallWindow(policy.window);
    if (this.#state === 'half-open') this.#judgeTrials(policy, this.#host.runtime.now());
  }

  /** 0 lets the call through; otherwise it is refused, and may come back after so many whole milliseconds. */
  admit(call: BreakerCall): number {
    const policy = this.#policy;
    if (policy === undefined) return 0;
    if (this.#state === 'closed') {
      call.circuitPeriod = this.#period;
      return 0;
    }
    const now = call.readyAt;
    if (this.#state === 'open') {
      if (now < this.#openUntil) return this.#refuse(this.#openUntil - now);
      this.#change('half-open');
      // A listener may have done anything.
      return this.admit(call);
    }
    if (this.#isFull(policy)) {
      const period = this.#period;
      this.#judgeAnswered(policy, now);
      if (this.#period !== period) return this.admit(call);
      const wait = this.#freePlaces(policy, now);
      if (wait > 0) return this.#refuse(wait);
    }
    this.#trials.add(call);
    call.circuitPeriod = this.#period;
    return 0;
  }

  #isFull({ halfOpenCalls }: BreakerPolicy): boolean {
    return this.#trials.size + this.#judged >= halfOpenCalls;
  }

  /** A call has ended, whether it was let through or not. */
  ended(call: BreakerCall): void {
    const policy = this.#policy;
    if (policy === undefined || call.circuitPeriod !== this.#period) return;
    const failed = hasFailed(call, policy.slowCallDuration);
    if (this.#state === 'half-open') {
      this.#trials.delete(call);
      if (failed !== undefined) this.#addVerdict(failed, policy, call.endedAt);
    } else if (failed !== undefined) {
      this.#window.add(failed, call.endedAt);
      const { calls, failures } = this.#window;
      if (calls >= policy.minimumCalls && 100 * failures >= policy.failurePercent * calls) {
        this.#open(policy, call.endedAt);
      }
    }
  }

  /** Gauges and counters of our own, since Envoy has no such thing; none before it was first switched on. */
  stats(): Record<string, number> {
    if (this.#policy === undefined && this.#openings === 0) return {};
    return {
      'circuit_breaker.open': this.#state === 'open' ? 1 : 0,
      'circuit_breaker.half_open': this.#state === 'half-open' ? 1 : 0,
      'circuit_breaker.opened_total': this.#openings,
      'circuit_breaker.rejected_total': this.#rejections,
    };
  }

  #refuse(wait: number): number {
    this.#rejections += 1;
    return Math.ceil(wait);
  }

  /** Somebody asks for a place: calls on trial that have their heads, and whose bodies last, are judged by those. */
  #judgeAnswered(policy: BreakerPolicy, now: number): void {
    for (const call of [...this.#trials]) {
      // A verdict may have brought the trial to its end.
      if (call.answer === undefined || !this.#trials.delete(call)) continue;
      call.circuitPeriod = 0;
      this.#addVerdict(hasFailed(call, policy.slowCallDuration) === true, policy, now);
    }
  }

  /** Those under way for longer than the open time lose their places; 0, or how long until the first of them does. */
  #freePlaces(policy: BreakerPolicy, now: number): number {
    for (const { readyAt } of [...this.#trials]) {
      const wait = readyAt + policy.openTime - now;
      if (wait > 0) return this.#isFull(policy) ? wait : 0;
      this.#trials.delete(first(this.#trials) as BreakerCall);
    }
    return 0;
  }

  #addVerdict(failed: boolean, policy: BreakerPolicy, now: number): void {
    this.#judged += 1;
    if (failed) this.#failed += 1;
    this.#judgeTrials(policy, now);
  }

  /** Decides as soon as the calls on trial that are still to come could not change it. */
  #judgeTrials(policy: BreakerPolicy, now: number): void {
    const { halfOpenCalls, failurePercent } = policy;
    const all = Math.max(halfOpenCalls, this.#judged);
    const enough = failurePercent * all;
    const mostFailures = this.#failed + all - this.#judged;
    if (100 * this.#failed >= enough) {
      this.#reopened += 1;
      this.#open(policy, now);
    } else if (100 * mostFailures < enough) {
      this.#change('closed');
    }
  }

  /** Jitter only lengthens the time, so that nobody comes back early, and many clients do not come back together. */
  #open({ openTime, maxOpenTime, openTimeJitterPercent }: BreakerPolicy, now: number): void {
    const grown = Math.min(openTime * 2 ** this.#reopened, maxOpenTime);
    const time = grown * (1 + (this.#host.runtime.random() * openTimeJitterPercent) / 100);
    this.#openUntil = now + time;
    this.#openings += 1;
    this.#change('open', Math.ceil(time));
  }

  /** Told last: a listener finds everything as it is from now on, and may change it. */
  #change(to: CircuitState, retryAfterMs = 0): void {
    const from = this.#state;
    this.#state = to;
    this.#period += 1;
    this.#trials.clear();
    this.#judged = 0;
    this.#failed = 0;
    if (to === 'closed') {
      this.#reopened = 0;
      this.#window.clear();
    }
    const { name, events } = this.#host;
    if (events.circuit.used) events.circuit.tell({ service: name, from, to, retryAfterMs });
  }
}

function first<T>(of: ReadonlySet<T>): T | undefined {
  for (const one of of) return one;
  return undefined;
}
