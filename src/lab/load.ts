/** A closed loop of load: each worker makes one call, waits for its answer, and makes the next. */
import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';

export interface Load {
  readonly workers: number;
  /** Real milliseconds after which no further call is started; what is under way is waited for. */
  readonly duration: number;
  /** One call, until its body has been read; a rejection counts as a failed call. */
  readonly call: () => Promise<void>;
  /** Aborted: no further call is started. Whoever aborts also ends the calls that are under way. */
  readonly signal: AbortSignal;
  /** Told after each call how many there have been. */
  readonly onCall?: (calls: number) => void;
}

export interface LoadResult {
  /** Real milliseconds of each answered call, in the order of the answers. */
  readonly latencies: readonly number[];
  readonly failed: number;
  /** What the first failed call said. */
  readonly firstFailure: string | undefined;
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
  const latencies: number[] = [];
  let failed = 0;
  let firstFailure: string | undefined;
  const begun = performance.now();

  const work = async (): Promise<void> => {
    while (!signal.aborted && performance.now() - begun < duration) {
      const started = performance.now();
      try {
        await call();
        latencies.push(performance.now() - started);
      } catch (error) {
        failed += 1;
        firstFailure ??= error instanceof Error ? error.message : String(error);
        // Calls that fail at once would otherwise keep timers and sockets from ever being served.
        await nextTurn();
      }
      onCall?.(latencies.length + failed);
    }
  };

  await Promise.all(Array.from({ length: workers }, work));
  return { latencies, failed, firstFailure, elapsed: performance.now() - begun };
}
