/** Time and chance: the one place where the clock, the timers and the random source are touched. */

/** A pending timer; only the runtime that made it understands it. */
export type Timer = unknown;

/**
 * Everything a client needs of time and chance. Given once, when a client is made, so that a test can
 * replace it (`virtualRuntime()` of `outrigger/testing`).
 */
export interface Runtime {
  /** Monotonic time in milliseconds; only differences mean anything. */
  now(): number;
  /** The date in milliseconds since 1970: for what servers say about time, never for measuring. */
  date(): number;
  /** A number from 0 (included) to 1 (excluded). */
  random(): number;
  /**
   * Calls back once after `delay` milliseconds and never sooner. A background timer does not keep the
   * process alive.
   */
  setTimer(callback: () => void, delay: number, background?: boolean): Timer;
  /** Takes a timer back; one that has fired or was taken back before is no mistake. */
  clearTimer(timer: Timer): void;
  /** Calls back after the input and output events of this turn have been handled. */
  defer(callback: () => void): void;
}

/** In milliseconds, nearly 25 days: Node fires a longer timer at once. */
const LONGEST = 2 ** 31 - 1;

/** The process's own clock, timers and chance. */
export const systemRuntime: Runtime = {
  now: () => performance.now(),
  date: () => Date.now(),
  random: () => Math.random(),
  setTimer(callback, delay, background = false) {
    // Node's timers fire up to 0.9 ms early by the monotonic clock: one more millisecond keeps the promise.
    const timer = setTimeout(callback, delay <= 0 ? 0 : Math.min(Math.ceil(delay) + 1, LONGEST));
    if (background) timer.unref();
    return timer;
  },
  clearTimer(timer) {
    clearTimeout(timer as NodeJS.Timeout);
  },
  defer(callback) {
    setImmediate(callback);
  },
};
