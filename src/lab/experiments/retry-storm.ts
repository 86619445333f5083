/** A retry storm: in a chain of four services whose last one fails, retries at every hop multiply, unless budgeted. */
import { createResilientClient } from '../../index.js';
import { type Check, atLeast, atMost, exactly, none } from '../checks.js';
import type { Experiment, ExperimentContext, Findings, Table } from '../experiment.js';
import { runOpenLoop } from '../open-loop.js';
import type { Pace } from '../pace.js';
import { seededRuntime } from '../runtime.js';
import type { RetryChoice } from '../trial.js';

/** From the last to the first: each is started with the address of the one before. */
const CHAIN = ['d', 'c', 'b', 'a'] as const;
/** Calls a second at A, and real milliseconds that D takes for an answer. */
const RATE = 200;
const LOW_RATE = 10;
const TIME = 50;
/** Seconds of load with a healthy D before each run, so that connections are there. */
const WARM_UP = 0.3;
/** A run's real seconds, as a part of the pace's length, which is not run faster here. */
const PART = 1 / 20;

/** What came of one run. */
export interface StormRun {
  /** Calls a second. */
  readonly rate: number;
  readonly calls: number;
  /** Calls that ended otherwise than with 503. */
  readonly others: number;
  /** Requests that A, B, C and D received. */
  readonly received: readonly [number, number, number, number];
  /** Real seconds from the first call to the end of the last one. */
  readonly seconds: number;
}

export interface StormRuns {
  readonly off: StormRun;
  readonly unbudgeted: StormRun;
  readonly budgeted: StormRun;
  /** The default budget at ten calls a second. */
  readonly quiet: StormRun;
}

const chapter = `
# "attempts: 2" at each of four hops, as every sidecar has it by default, multiplies; the chapter limits it so:
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata:
  name: simple-backend-retry-budget
spec:
  configPatches:
  - applyTo: CLUSTER
    match:
      context: SIDECAR_OUTBOUND
    patch:
      operation: MERGE
      value:
        circuit_breakers:
          thresholds:
          - retry_budget:
              budget_percent: { value: 20.0 }
              min_retry_concurrency: 3
# (which a mesh ignores when Istio has thresholds of its own; trafficPolicy.retryBudget of a DestinationRule works)
`;

const code = `
// A calls B, B calls C, C calls D; each passes a 503 on. At each of the three hops:
const next = createResilientClient({
  // retry: false                                                       first run
  // retry: { budget: false }                                           second run
  // retry: { budget: { percent: 20, minRetryConcurrency: 3 } }         third run, the default
});
`;

export const retryStorm: Experiment = {
  name: 'retry-storm',
  title: 'A calls B calls C calls D, and D fails: what reaches D',
  chapter,
  code,
  async run(context) {
    return findings({
      off: await runStorm(context, 'no retries     ', false, RATE),
      unbudgeted: await runStorm(context, 'no budget      ', { budget: false }, RATE),
      budgeted: await runStorm(context, 'default budget ', {}, RATE),
      quiet: await runStorm(context, 'ten a second   ', {}, LOW_RATE),
    });
  },
};

/**
 * Always in real time: 200 calls a second at five times the speed would be 27,000 requests a second at D.
 * The load itself does not retry: it stands for users.
 */
async function runStorm(
  context: ExperimentContext,
  label: string,
  retry: RetryChoice,
  rate: number,
): Promise<StormRun> {
  const { fleet, seed, pace, progress, signal } = context;
  signal.throwIfAborted();
  const address = await startChain(context, retry);
  const runtime = seededRuntime(seed);
  const users = createResilientClient({ retry: false, runtime });
  const leave = (): void => void users.destroy();
  signal.addEventListener('abort', leave, { once: true });
  const duration = realDuration(pace);
  const run = progress.begin(label, duration);
  const load = (milliseconds: number) =>
    runOpenLoop({
      rate,
      duration: milliseconds,
      runtime,
      signal,
      onCall: (calls) => run.calls(calls),
      call: async () => {
        const response = await users.fetch(address);
        await response.text();
        return response.status;
      },
    });
  try {
    await load(WARM_UP * 1000);
    await fleet.change('d', { errorRate: 1, errorType: 'delay', errorCode: 503, errorDelay: TIME });
    await fleet.resetCounts();
    const { calls, elapsed } = await load(duration);
    const [d = 0, c = 0, b = 0, a = 0] = await fleet.received();
    return {
      rate,
      calls: calls.length,
      others: calls.filter(({ outcome }) => outcome !== '503').length,
      received: [a, b, c, d],
      seconds: elapsed / 1000,
    };
  } finally {
    run.end();
    signal.removeEventListener('abort', leave);
    await users.close();
    if (!signal.aborted) await fleet.clear();
  }
}

/** Answers where A is. */
async function startChain({ fleet, seed }: ExperimentContext, retry: RetryChoice): Promise<string> {
  let address: string | undefined;
  for (const [i, name] of CHAIN.entries()) {
    const [started] = await fleet.startBackends([
      address === undefined
        ? { name, timing50Percentile: TIME }
        : { name, upstreamUris: [address], upstreamOptions: { retry }, seed: (seed + i) % 2 ** 32 },
    ]);
    if (started === undefined) throw new Error(`${name} was not started`);
    address = started.url;
  }
  if (address === undefined) throw new Error('the chain is empty');
  return address;
}

function realDuration(pace: Pace): number {
  return pace.seconds * 1000 * PART;
}

/** Requests at D for each call at A. */
export function amplification({ received, calls }: StormRun): number {
  return received[3] / calls;
}

export function findings(runs: StormRuns): Findings {
  const { off, unbudgeted, budgeted, quiet } = runs;
  const rows = {
    'no retries': off,
    'retries, no budget': unbudgeted,
    'retries, default budget': budgeted,
    'the same, 10 calls a second': quiet,
  };
  const times = (run: StormRun): string => amplification(run).toFixed(1);
  return {
    results: Object.entries(rows).map(([run, storm]) => ({
      run,
      ...storm,
      received: Object.fromEntries(
        ['a', 'b', 'c', 'd'].map((name, i) => [name, storm.received[i]]),
      ),
      amplification: amplification(storm),
    })),
    tables: [table(rows, quiet)],
    histograms: [],
    words:
      `What it shows: two retries at each of three hops make ${times(unbudgeted)} requests at D of every call, just when D ` +
      `cannot bear them. With the default budget, which is shared by all calls of a hop, it is ${times(budgeted)}; ` +
      `without retries ${times(off)}.`,
    checks: checks(runs),
  };
}

function table(rows: Readonly<Record<string, StormRun>>, quiet: StormRun): Table {
  return {
    head: ['hops have', 'calls', 'at A', 'at B', 'at C', 'at D', 'D / calls', 'took s'],
    rows: Object.entries(rows).map(([label, run]) => [
      label,
      String(run.calls),
      ...run.received.map(String),
      amplification(run).toFixed(2),
      run.seconds.toFixed(1),
    ]),
    labels: 1,
    notes: [
      `${RATE} calls a second at A whatever comes of them; D answers 503 after ${TIME} ms, and each hop passes a 503 on. In ` +
        'real time, also in a quick run.',
      `At ${quiet.rate} calls a second, ${amplification(quiet).toFixed(1)} requests reach D for each call: three retries at a ` +
        'time are always allowed at each hop, so that a lone failure can be retried at all, and with so few calls that ' +
        'floor is nearly all there is. It bounds the harm in another way: three retries at a time, of ' +
        `${TIME} ms each, are no storm (here ${(quiet.received[3] / quiet.seconds).toFixed(0)} requests a second at D). Who wants less ` +
        'sets minRetryConcurrency lower, or retries at one hop only.',
    ],
  };
}

function checks({ off, unbudgeted, budgeted, quiet }: StormRuns): Check[] {
  const times = (run: StormRun) => ({ value: amplification(run), unit: 'times' }) as const;
  const others = [off, unbudgeted, budgeted, quiet].reduce((sum, run) => sum + run.others, 0);
  return [
    none('calls that ended otherwise than with 503', others),
    exactly('requests at D, no retries', off.received[3], off.calls),
    atLeast('requests at D for a call, no budget', times(unbudgeted), 20),
    atMost('requests at D for a call, default budget', times(budgeted), 2),
  ];
}
