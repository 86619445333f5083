/** An open loop of load: so many calls a second, whatever becomes of those before. */
import type { Runtime } from '../index.js';
import { type CallResult, timeCall } from './call-result.js';
import type { Load, LoadResult } from './load.js';

export interface OpenLoad extends Omit<Load, 'workers'> {
  /** Calls per real second. */
  readonly rate: number;
  readonly runtime: Runtime;
}

/**
 * Starts `rate * duration` calls, evenly spaced, and waits until each has ended. The n-th is due at `n / rate` after
 * the start whenever the one before was really made, so that a late timer delays a call and never loses one.
 */
export async function runOpenLoop({
  rate,
  duration,
  call,
  signal,
  onCall,
  runtime,
}: OpenLoad): Promise<LoadResult> {
  const total = Math.round((rate * duration) / 1000);
  const calls: CallResult[] = [];
  const underWay: Promise<void>[] = [];
  const now = (): number => runtime.now();
  const begun = now();

  const start = async (): Promise<void> => {
    calls.push(await timeCall(call, now));
    onCall?.(calls.length);
  };

  while (underWay.length < total && !signal.aborted) {
    const due = begun + (underWay.length * 1000) / rate;
    if (now() < due) await sleep(runtime, due - now(), signal);
    else underWay.push(start());
  }
  await Promise.all(underWay);
  return { calls, elapsed: now() - begun };
}

function sleep(runtime: Runtime, delay: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      runtime.clearTimer(timer);
      signal.removeEventListener('abort', wake);
      resolve();
    };
    const timer = runtime.setTimer(wake, delay);
    signal.addEventListener('abort', wake, { once: true });
  });
}
