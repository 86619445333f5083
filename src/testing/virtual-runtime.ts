/** A runtime whose time moves only when it is told to, and whose chance comes from a seed. */
import { AsyncResource } from 'node:async_hooks';
import { systemRuntime, type Runtime, type Timer } from '../core/runtime.js';
import { seededRandom } from './seeded-random.js';

export interface VirtualRuntimeOptions {
  /** Where `random()` starts: any safe integer. Default: 1. */
  readonly seed?: number;
}

/**
 * Virtual time and seeded chance. While time is moved, timers fire in the order in which they are due, those
 * due together in the order in which they were set; before the first timer and after each one, all promise
 * jobs and deferred callbacks run to their end. Real input and output is not waited for.
 *
 * A timer's callback that throws rejects the promise of whoever moves the time; the time then stands at that
 * timer, and moving it further goes on with the next one.
 */
export interface VirtualRuntime extends Runtime {
  /** The seed that `random()` started from. */
  readonly seed: number;
  /** Timers that were set and have neither fired nor been taken back, background timers included. */
  readonly pendingTimers: number;
  /** How many of the pending timers are background timers, or never come due. */
  readonly pendingBackgroundTimers: number;
  /**
   * Moves the time on by `ms` milliseconds; 0 only drains and fires what is due now.
   * Rejects with a RangeError for a number that is negative or not finite.
   */
  advance(ms: number): Promise<void>;
  /** Moves the time on to `time`. Rejects with a RangeError for a time that lies behind. */
  advanceTo(time: number): Promise<void>;
  /**
   * Moves the time on until no timer is pending but background ones (which fire on the way when they are due).
   * Rejects when more than `limit` timers would have to fire; default: 100,000.
   */
  runUntilIdle(options?: { readonly limit?: number }): Promise<void>;
}

interface PendingTimer {
  readonly due: number;
  readonly background: boolean;
  readonly fire: () => void;
}

/** So many callbacks without any time passing are an endless loop. */
const MOST_AT_ONCE = 100_000;

/** What `date()` shows when the time is 0: 1 January 2026, 00:00:00 UTC. */
const EPOCH = 1_767_225_600_000;

/** A new virtual runtime. Its time starts at 0, and its date at the beginning of 2026. */
export function virtualRuntime(options: VirtualRuntimeOptions = {}): VirtualRuntime {
  const { seed = 1 } = options;
  const random = seededRandom(seed);
  /** The next one stands at the end. */
  const timers: PendingTimer[] = [];
  let backgroundTimers = 0;
  let deferred = 0;
  let time = 0;
  let moving = false;
  let failure: { readonly error: unknown } | undefined;

  function setTimer(callback: () => void, delay: number, inBackground = false): Timer {
    if (Number.isNaN(delay)) throw new RangeError('The delay of a timer is a number; found NaN');
    // Nobody can wait for what never comes.
    const background = inBackground || delay === Infinity;
    const due = time + Math.max(delay, 0);
    // As real timers do, it calls back in the async context in which it was set.
    const timer = { due, background, fire: AsyncResource.bind(callback) };
    timers.splice(placeOf(due), 0, timer);
    if (background) backgroundTimers++;
    return timer;
  }

  function clearTimer(timer: Timer): void {
    const known = timer as PendingTimer | undefined;
    const index = known === undefined ? -1 : timers.indexOf(known, placeOf(known.due));
    if (index < 0) return;
    timers.splice(index, 1);
    if (known?.background === true) backgroundTimers--;
  }

  /** Where a new timer goes: after all that are due later, before those due at the same time. */
  function placeOf(due: number): number {
    let low = 0;
    let high = timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((timers[middle] as PendingTimer).due > due) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function defer(callback: () => void): void {
    deferred++;
    systemRuntime.defer(() => {
      deferred--;
      if (!moving) {
        callback();
        return;
      }
      try {
        callback();
      } catch (error) {
        failure ??= { error };
      }
    });
  }

  /** Runs all promise jobs, and all deferred callbacks with the jobs that they cause. */
  async function drain(): Promise<void> {
    for (let turn = 0; turn === 0 || deferred > 0; turn++) {
      if (turn > MOST_AT_ONCE) throw new Error(`${MOST_AT_ONCE} deferred callbacks in a row`);
      // A whole turn of the event loop: a fixed number of promise jobs would leave longer chains behind.
      await new Promise<void>((resolve) => systemRuntime.defer(resolve));
      if (failure !== undefined) {
        const { error } = failure;
        failure = undefined;
        throw error;
      }
    }
  }

  /** Fires the next timer again and again, as long as `wanted` says so of it. */
  async function fireWhile(wanted: (timer: PendingTimer) => boolean): Promise<void> {
    if (moving) throw new Error('The time is being moved already: await the call before this one');
    moving = true;
    try {
      let atOnce = 0;
      await drain();
      for (let next = timers.at(-1); next !== undefined && wanted(next); next = timers.at(-1)) {
        atOnce = next.due > time ? 1 : atOnce + 1;
        if (atOnce > MOST_AT_ONCE) {
          throw new Error(`${MOST_AT_ONCE} timers fired at ${time} ms: does one set itself again?`);
        }
        clearTimer(next);
        time = next.due;
        next.fire();
        await drain();
      }
    } finally {
      moving = false;
    }
  }

  async function advanceTo(target: number): Promise<void> {
    if (!Number.isFinite(target) || target < time) {
      throw new RangeError(`Time moves forward, and to a finite number; from ${time} to ${target}`);
    }
    await fireWhile((timer) => timer.due <= target);
    time = target;
  }

  async function runUntilIdle({ limit = MOST_AT_ONCE } = {}): Promise<void> {
    let fired = 0;
    await fireWhile(() => {
      if (timers.length === backgroundTimers) return false;
      if (++fired > limit) throw new Error(`Not idle at ${time} ms, after ${limit} timers`);
      return true;
    });
  }

  return {
    seed,
    get pendingTimers() {
      return timers.length;
    },
    get pendingBackgroundTimers() {
      return backgroundTimers;
    },
    now: () => time,
    date: () => EPOCH + time,
    random,
    setTimer,
    clearTimer,
    defer,
    advance: async (ms) => advanceTo(time + ms),
    advanceTo,
    runUntilIdle,
  };
}
