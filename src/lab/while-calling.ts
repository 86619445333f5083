/** Steady calls for as long as something else takes. */
import type { ResilientClient } from '../index.js';
import type { CallResult } from './call-result.js';
import type { ExperimentContext } from './experiment.js';
import { runOpenLoop } from './open-loop.js';
import { seededRuntime } from './runtime.js';
import { callOnce } from './trial.js';

export interface SteadyCalls {
  /** Shown while they are made. */
  readonly label: string;
  /** Calls per real second. */
  readonly rate: number;
  /** About how many real milliseconds it will take. */
  readonly duration: number;
}

export interface Lived<T> {
  readonly told: T;
  /** In the order in which they ended. */
  readonly calls: readonly CallResult[];
  /** Real ones that the story took. */
  readonly seconds: number;
}

/** No story takes so many real milliseconds. */
const LONGEST = 600_000;

/** Begins to call, lives through the story, and ends when the last call has ended. */
export async function whileCalling<T>(
  client: ResilientClient,
  { label, rate, duration }: SteadyCalls,
  { progress, seed, signal }: ExperimentContext,
  story: () => Promise<T>,
): Promise<Lived<T>> {
  const over = new AbortController();
  const run = progress.begin(label, duration);
  const begun = performance.now();
  const loading = runOpenLoop({
    rate,
    duration: LONGEST,
    runtime: seededRuntime(seed),
    signal: AbortSignal.any([signal, over.signal]),
    onCall: (calls) => run.calls(calls),
    call: () => callOnce(client),
  });
  try {
    const told = await story();
    const seconds = (performance.now() - begun) / 1000;
    over.abort();
    return { told, calls: (await loading).calls, seconds };
  } finally {
    over.abort();
    await loading;
    run.end();
  }
}
