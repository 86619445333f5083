/** A closed loop of load: each worker makes one call, waits for its answer, and makes the next. */
import { setMaxListeners } from 'node:events';
import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { type CallResult, type Caller, timeCall } from './call-result.js';

export interface Load {
  readonly workers: number;
  /** Real milliseconds after which no further call is started; what is under way is waited for. */
  readonly duration: number;
  readonly call: Caller;
  /** Aborted: no further call is started. Whoever aborts also ends the calls that are under way. */
  readonly signal: AbortSignal;
  /** Told after each call how many there have been. */
  readonly onCall?: (calls: number) => void;
  /** Without it, each worker calls as fast as it is answered. */
  readonly pacing?: Pacing;
}

/** As with fortio's `-qps`, `-jitter` and `-uniform`: workers begin one after the other, and a late one calls at once. */
export interface Pacing {
  /** Real milliseconds from one start of a worker to its next one. */
  readonly interval: number;
  /** Real milliseconds that it waits after an answer, however late it is; none by default. */
  readonly pause?: number;
  /** Each wait is up to a tenth longer or shorter. */
  readonly random: () => number;
}

export interface LoadResult {
  /** In the order in which they ended. */
  readonly calls: readonly CallResult[];
  /** Real milliseconds from the first call's start to the last one's end. */
  readonly elapsed: number;
}

/**
 * Like `fortio load -c WORKERS -t DURATION` at a rate that the service cannot keep up with, as in the chapter:
 * fortio's `-qps 1000` is then never reached, and each connection calls as fast as it is answered. With a pacing, at a
 * rate that it can.
 */
export async function runLoad({
  workers,
  duration,
  call,
  signal,
  onCall,
  pacing,
}: Load): Promise<LoadResult> {
  const calls: CallResult[] = [];
  const now = (): number => performance.now();
  const begun = now();
  const isOver = (): boolean => signal.aborted || now() - begun >= duration;

  // Every worker that waits listens to it.
  const enough = AbortSignal.any([signal]);
  setMaxListeners(0, enough);

  /** Waits for the worker's n-th turn, counted from 0. */
  const wait = async (worker: number, n: number, { interval, pause = 0, random }: Pacing) => {
    const ahead = (worker / workers + n) * interval - (now() - begun);
    const time = Math.max(ahead * (0.9 + 0.2 * random()), n === 0 ? 0 : pause);
    if (time > 0) await sleep(time, undefined, { signal: enough }).catch(() => undefined);
  };

  const work = async (worker: number): Promise<void> => {
    for (let n = 0; !isOver(); n++) {
      if (pacing !== undefined) {
        await wait(worker, n, pacing);
        if (isOver()) return;
      }
      const result = await timeCall(call, now);
      calls.push(result);
      // Calls that fail at once would otherwise keep timers and sockets from ever being served.
      if (!result.ok) await nextTurn();
      onCall?.(calls.length);
    }
  };

  await Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)));
  return { calls, elapsed: now() - begun };
}
