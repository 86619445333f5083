/** One run of an experiment: fresh backends, a fresh client for them, load on it, and what came of that. */
import { type ClientOptions, createResilientClient, type ResilientClient } from '../index.js';
import { seededRandom } from '../testing/index.js';
import type { ExperimentContext } from './experiment.js';
import type { FakeServiceOptions } from './fake-service/options.js';
import type { Backend } from './fleet-messages.js';
import { type Pacing, runLoad } from './load.js';
import { seededRuntime } from './runtime.js';
import type { Made } from './summary.js';

const SERVICE = 'simple-backend';

/** What an experiment may say of its client; the rest follows from the backends and the seed. */
export type TrialOptions = Pick<
  ClientOptions,
  | 'loadBalancer'
  | 'locality'
  | 'timeout'
  | 'retry'
  | 'hedge'
  | 'connectionPool'
  | 'outlierDetection'
>;

/** False, or what is said of it. */
export type RetryChoice = NonNullable<TrialOptions['retry']>;
export type HedgeChoice = NonNullable<TrialOptions['hedge']>;

export interface Trial {
  /** Shown while it runs. */
  readonly label: string;
  readonly backends: readonly FakeServiceOptions[];
  readonly options: TrialOptions;
  /** Of the backends, in their order; unknown where there are none. */
  readonly localities?: readonly string[];
  /** Where the client finds the backends; without it they are listed. */
  readonly find?: (
    backends: readonly Backend[],
  ) => ClientOptions['endpoints'] | Promise<ClientOptions['endpoints']>;
  readonly workers: number;
  /** Real milliseconds. */
  readonly duration: number;
  /** Without it, each worker calls as fast as it is answered; chance comes from the seed. */
  readonly pacing?: Omit<Pacing, 'random'>;
  /** Shown each answer, after its body has been read. */
  readonly onAnswer?: (client: ResilientClient, response: Response) => void;
}

/** Puts a closed loop of load on the client. */
export async function runTrial(trial: Trial, context: ExperimentContext): Promise<Made> {
  const { label, workers, duration, pacing, onAnswer } = trial;
  return withClient(trial, context, async (client) => {
    const run = context.progress.begin(label, duration);
    try {
      const result = await runLoad({
        workers,
        duration,
        signal: context.signal,
        onCall: (calls) => run.calls(calls),
        ...(pacing && { pacing: { ...pacing, random: seededRandom(context.seed) } }),
        call: () => callOnce(client, onAnswer),
      });
      const received = await context.fleet.received();
      return { ...result, received, counters: countersOf(client) };
    } finally {
      run.end();
    }
  });
}

/** Makes one call, reads its body, and answers its status. */
export async function callOnce(
  client: ResilientClient,
  onAnswer?: Trial['onAnswer'],
): Promise<number> {
  const response = await client.fetch('/');
  await response.text();
  onAnswer?.(client, response);
  return response.status;
}

/** Fresh backends and a fresh client of the service that they make up, for as long as `use` takes. */
export async function withClient<T>(
  {
    backends: wanted,
    options,
    localities,
    find = (started) => started.map(({ url }, index) => ({ url, locality: localities?.[index] })),
  }: Pick<Trial, 'backends' | 'options' | 'localities' | 'find'>,
  { fleet, seed, signal }: ExperimentContext,
  use: (client: ResilientClient, backends: readonly Backend[]) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const backends = await fleet.startBackends(wanted);
  const client = createResilientClient({
    ...options,
    service: `http://${SERVICE}`,
    endpoints: await find(backends),
    // Each run draws from the seed anew, so that none depends on what ran before it.
    runtime: seededRuntime(seed),
  });
  const leave = (): void => void client.destroy();
  signal.addEventListener('abort', leave, { once: true });
  try {
    return await use(client, backends);
  } finally {
    signal.removeEventListener('abort', leave);
    await client.close();
    if (!signal.aborted) await fleet.clear();
  }
}

/** The counters of the service's cluster, by Envoy's names. */
export function countersOf(client: ResilientClient, service = SERVICE): Record<string, number> {
  const prefix = `cluster.${service}.`;
  const own = Object.entries(client.stats()).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(own.map(([name, value]) => [name.slice(prefix.length), value]));
}
