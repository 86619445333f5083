/**
 * Many alarms behind one timer of the runtime. A call mostly ends before any of its times comes, so setting an alarm
 * and taking it back must cost next to nothing; a timer of Node's own costs ten times as much.
 */
import type { Runtime, Timer } from './runtime.js';

export interface Alarm {
  /** By the runtime's clock. */
  readonly at: number;
  /** Called with `subject`: one function for all calls is cheaper than one of each call's own. */
  readonly ring: (subject: never) => void;
  readonly subject: unknown;
  /** Of two for the same time, the one that was set first rings first. */
  readonly order: number;
  /** Its place in the list; -1 when it has rung or was taken back. */
  place: number;
  /** Another one of the same call. */
  next: Alarm | undefined;
}

/** A clock that adds up fractions may show a little less than the time that was waited for. */
const ROUNDING = 1e-6;

export class Alarms {
  readonly #runtime: Runtime;
  /** Those that are set come first; the places behind them stay, since a list that shrinks has to grow again. */
  readonly #list: (Alarm | undefined)[] = [];
  #size = 0;
  #count = 0;
  #timer: Timer = undefined;
  /** What the timer is set for: the first alarm, or one before it that has been taken back. */
  #armedFor = Number.POSITIVE_INFINITY;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  set<T>(at: number, ring: (subject: T) => void, subject: T): Alarm {
    const alarm = { at, ring, subject, order: this.#count++, place: this.#size, next: undefined };
    this.#list[this.#size++] = alarm;
    if (at < this.#armedFor) this.#arm(at);
    return alarm;
  }

  /** An alarm that has rung is no mistake. */
  clear(alarm: Alarm): void {
    const { place } = alarm;
    if (place === -1) return;
    alarm.place = -1;
    this.#size -= 1;
    const last = this.#list[this.#size] as Alarm;
    this.#list[this.#size] = undefined;
    if (last !== alarm) {
      this.#list[place] = last;
      last.place = place;
    }
    // Without an alarm nothing may hold the process.
    if (this.#size === 0) this.#disarm();
  }

  #arm(at: number): void {
    if (this.#timer !== undefined) this.#runtime.clearTimer(this.#timer);
    this.#armedFor = at;
    this.#timer = this.#runtime.setTimer(this.#wake, at - this.#runtime.now());
  }

  #disarm(): void {
    if (this.#timer !== undefined) this.#runtime.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#armedFor = Number.POSITIVE_INFINITY;
  }

  /** A busy process is late: what has arrived meanwhile is looked at before anything is found to be missing. */
  readonly #wake = (): void => {
    this.#timer = undefined;
    this.#runtime.defer(this.#ringDue);
  };

  readonly #ringDue = (): void => {
    const due = this.#due(this.#runtime.now() + ROUNDING);
    // Whoever sets an alarm meanwhile finds it armed already.
    this.#armedFor = Number.NEGATIVE_INFINITY;
    try {
      for (const alarm of due) {
        // One that rang before it may have taken it back.
        if (alarm.place === -1) continue;
        this.clear(alarm);
        alarm.ring(alarm.subject as never);
      }
    } finally {
      this.#disarm();
      let first = Number.POSITIVE_INFINITY;
      for (let place = 0; place < this.#size; place++) {
        first = Math.min(first, (this.#list[place] as Alarm).at);
      }
      if (first < Number.POSITIVE_INFINITY) this.#arm(first);
    }
  };

  /** The alarms whose time has come, in the order in which they ring. */
  #due(now: number): Alarm[] {
    const due: Alarm[] = [];
    for (let place = 0; place < this.#size; place++) {
      const alarm = this.#list[place] as Alarm;
      if (alarm.at <= now) due.push(alarm);
    }
    return due.sort((one, other) => one.at - other.at || one.order - other.order);
  }
}
