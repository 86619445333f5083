/** What a client of the lab runs on: real time, and chance from the lab's seed. */
import type { Runtime } from '../index.js';
import { seededRandom } from '../testing/index.js';

/** The process's clock and timers, with a random source that starts anew for each runtime. */
export function seededRuntime(seed: number): Runtime {
  return {
    now: () => performance.now(),
    date: () => Date.now(),
    random: seededRandom(seed),
    setTimer(callback, delay, background = false) {
      // One millisecond more, since Node's timers may fire that much early and a runtime's must not.
      const timer = setTimeout(callback, delay <= 0 ? 0 : Math.ceil(delay) + 1);
      if (background) timer.unref();
      return timer;
    },
    clearTimer: (timer) => clearTimeout(timer as NodeJS.Timeout),
    defer: (callback) => void setImmediate(callback),
  };
}
