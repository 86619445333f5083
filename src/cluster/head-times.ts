/** How long the heads of a cluster's answers have taken lately: what a hedge delay in percentiles goes by. */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import type { Runtime } from '../core/runtime.js';

/** Answers are remembered for ten seconds, in ten parts that are forgotten one by one. */
const PARTS = 10;
const PART = 1000;
/** Fewer answers than this say too little. */
const LEAST = 20;
/** So many of a part are enough: when there were more in the part before, only some are remembered, by chance. */
const ENOUGH = 1000;
/** In microseconds: a minute; a longer one counts as one. */
const LONGEST = 60_000_000;

const histogram = (): RecordableHistogram =>
  createHistogram({ lowest: 1, highest: LONGEST, figures: 2 });

export class HeadTimes {
  readonly #runtime: Runtime;
  /** The parts that have ended, each in the place of its number, modulo ten. */
  readonly #parts = Array.from({ length: PARTS }, histogram);
  /** All of them together. */
  readonly #past = histogram();
  /** The part that runs now. Always this one object: to the compiler every histogram is of a kind of its own. */
  readonly #present = histogram();
  readonly #all = histogram();
  /** The number of the part that runs now. */
  #current: number;
  /** Remembered answers in `#all`: it is put together anew when there are a tenth more. */
  #known = 0;
  /** Remembered answers in all parts. */
  #count = 0;
  /** One of so many answers is remembered. */
  #pace = 1;
  /** Answers until the next one that is. */
  #skip = 1;
  #inPart = 0;
  /** What `#all` says of percentiles that were asked for. */
  readonly #answers = new Map<number, number>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.#current = Math.floor(runtime.now() / PART);
  }

  /** An attempt was answered at that time, after so many milliseconds. */
  record(milliseconds: number, at: number): void {
    this.#turn(at);
    this.#inPart += 1;
    this.#skip -= 1;
    if (this.#skip > 0) return;
    // Not every so-manieth: endpoints that take turns would always be heard of, or never.
    this.#skip =
      this.#pace === 1 ? 1 : 1 + Math.floor(this.#runtime.random() * (2 * this.#pace - 1));
    const microseconds = Math.min(Math.max(Math.round(milliseconds * 1000), 1), LONGEST);
    this.#count += 1;
    this.#present.record(microseconds);
  }

  /** So many of a hundred heads came within this time, in milliseconds; undefined while there are too few answers. */
  percentile(percent: number, now: number): number | undefined {
    this.#turn(now);
    if (this.#count < LEAST) return undefined;
    if (this.#known === 0 || this.#count > this.#known * 1.1) {
      this.#all.reset();
      this.#all.add(this.#past);
      this.#all.add(this.#present);
      this.#known = this.#count;
      this.#answers.clear();
    }
    let answer = this.#answers.get(percent);
    if (answer === undefined) {
      answer = this.#all.percentile(percent) / 1000;
      this.#answers.set(percent, answer);
    }
    return answer;
  }

  /** Begins a new part when its time has come. */
  #turn(time: number): void {
    const part = Math.floor(time / PART);
    if (part > this.#current) this.#begin(part);
  }

  #begin(now: number): void {
    // The part that ends now first, since the oldest ones are forgotten over it after a pause.
    this.#parts[this.#current % PARTS]?.add(this.#present);
    this.#present.reset();
    for (let part = Math.max(this.#current + 1, now - PARTS + 1); part <= now; part++) {
      this.#parts[part % PARTS]?.reset();
    }
    this.#past.reset();
    for (const part of this.#parts) this.#past.add(part);
    // After a pause nothing tells how many will come.
    const before = now === this.#current + 1 ? this.#inPart : 0;
    this.#pace = Math.max(1, Math.round(before / ENOUGH));
    this.#inPart = 0;
    this.#skip = 1;
    this.#current = now;
    this.#known = 0;
    this.#count = this.#past.count;
  }
}
