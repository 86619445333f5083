/** Waits until something has come true. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface Patience {
  /** Real milliseconds that it may take. */
  readonly limit: number;
  /** Aborted: enough waited. */
  readonly signal: AbortSignal;
}

/** Real milliseconds between two looks. */
const STEP = 10;

/** Answers after how many real milliseconds it was true; undefined when patience was over first. */
export async function until(
  isTrue: () => boolean | Promise<boolean>,
  { limit, signal }: Patience,
): Promise<number | undefined> {
  const begun = performance.now();
  while (!signal.aborted) {
    const asked = performance.now() - begun;
    if (await isTrue()) return performance.now() - begun;
    if (asked >= limit) return undefined;
    await sleep(STEP, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}
