/** A closed loop of load: each worker makes one call, waits for its answer, and makes the next. */
import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
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
}

export interface LoadResult {
  /** In the order in which they ended. */
  readonly calls: readonly CallResult[];
  /** Real milliseconds from the first call's start to the last one's end. */
  readonly elapsed: number;
}

/**
 * Like `fortio load -c WORKERS -t DURATION` at a rate that the service cannot keep up with, as in the chapter:
 * fortio's `-qps 1000` is then never reached, and each connection calls as fast as it is answered.
 */
export async function runLoad({
  workers,
  duration,
  call,
  signal,
  onCall,
}: Load): Promise<LoadResult> {
  const calls: CallResult[] = [];
  const now = (): number => performance.now();
  const begun = now();

  const work = async (): Promise<void> => {
    while (!signal.aborted && now() - begun < duration) {
      const result = await timeCall(call, now);
      calls.push(result);
      // Calls that fail at once would otherwise keep timers and sockets from ever being served.
      if (!result.ok) await nextTurn();
      onCall?.(calls.length);
    }
  };

  await Promise.all(Array.from({ length: workers }, work));
  return { calls, elapsed: now() - begun };
}
