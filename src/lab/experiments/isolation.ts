/** One client, two services: one of them hangs and has all its places taken; the other one must not notice. */
import { setMaxListeners } from 'node:events';
import { createResilientClient, type ResilientClient } from '../../index.js';
import { seededRandom } from '../../testing/index.js';
import type { CallResult } from '../call-result.js';
import { atLeast, below, type Check, exactly, none, some } from '../checks.js';
import type { Experiment, ExperimentContext, Findings } from '../experiment.js';
import { type Figures, measure } from '../figures.js';
import { runLoad } from '../load.js';
import { cappedTime, isFull, realTime } from '../pace.js';
import { seededRuntime } from '../runtime.js';
import { FAST } from '../simple-backends.js';
import { counterTable } from '../summary.js';
import { countersOf } from '../trial.js';

const HEALTHY = 'simple-backend';
const HANGING = 'reports';
const LIMITS = { maxConnections: 4, maxPendingRequests: 4 };
const WORKERS = 10;
/** More than the hanging service has places for. */
const HANGING_WORKERS = 20;
/** The chapter's milliseconds. */
const LENGTH = 10_000;
const INTERVAL = 500;
/** Real milliseconds, longer than any run. */
const FOREVER = 600_000;
/** The reason why calls end that nobody will answer. */
const LEFT = 'left hanging';

const COUNTERS = [
  'upstream_rq_total',
  'upstream_rq_pending_overflow',
  'upstream_rq_pending_active',
  'circuit_breakers.default.cx_open',
  'circuit_breakers.default.rq_pending_open',
];

/** What the callers of the hanging service met. */
export interface Hanging {
  readonly calls: number;
  /** Still without an answer when the run was over. */
  readonly hung: number;
  /** Refused with UO. */
  readonly refused: number;
  /** What the first of those said. */
  readonly refusal: string;
}

export interface Beside {
  /** Of the healthy service, in the chapter's scale. */
  readonly figures: Figures;
  readonly hanging: Hanging;
  /** How often it was looked, and found that the hanging service had all its connections and places taken. */
  readonly looks: number;
  readonly full: number;
  /** Both while the load was on. */
  readonly healthyCounters: Readonly<Record<string, number>>;
  readonly hangingCounters: Readonly<Record<string, number>>;
}

export interface IsolationRuns {
  readonly alone: Beside;
  readonly beside: Beside;
}

const chapter = `
# A DestinationRule each: limits, and what is counted against them, belong to a host.
apiVersion: networking.istio.io/v1beta1
kind: DestinationRule
metadata:
  name: reports-dr
spec:
  host: reports.istioinaction.svc.cluster.local
  trafficPolicy:
    connectionPool:
      tcp:
        maxConnections: 4
      http:
        http1MaxPendingRequests: 4
# reports takes requests and never answers; simple-backend answers after 150 ms
`;

const code = `
const client = createResilientClient({
  services: {
    'http://simple-backend': { endpoints: ['http://127.0.0.1:8081'] },
    'http://reports': { endpoints: ['http://127.0.0.1:8082'], connectionPool: { maxConnections: 4, maxPendingRequests: 4 } },
  },
});
`;

export const isolation: Experiment = {
  name: 'isolation',
  title: 'one client and two services, of which one hangs: the other one must not notice',
  chapter,
  code,
  async run(context) {
    const alone = await runBeside(context, 'alone               ', 0);
    const beside = await runBeside(context, 'beside a hanging one', HANGING_WORKERS);
    return findings({ alone, beside }, isFull(context.pace));
  },
};

async function runBeside(
  context: ExperimentContext,
  label: string,
  hangingWorkers: number,
): Promise<Beside> {
  const { fleet, pace, seed, signal, progress } = context;
  signal.throwIfAborted();
  const [healthy, hanging] = await fleet.startBackends([
    { name: HEALTHY, timing50Percentile: realTime(pace, FAST), seed },
    { name: HANGING, timing50Percentile: FOREVER, seed },
  ]);
  const client = createResilientClient({
    retry: false,
    services: {
      [`http://${HEALTHY}`]: { endpoints: [{ url: healthy?.url ?? '' }] },
      [`http://${HANGING}`]: { endpoints: [{ url: hanging?.url ?? '' }], connectionPool: LIMITS },
    },
    runtime: seededRuntime(seed),
  });
  const leaving = new AbortController();
  const stop = AbortSignal.any([signal, leaving.signal]);
  // Every call that hangs listens to it.
  setMaxListeners(0, stop);
  const leave = (): void => void client.destroy();
  signal.addEventListener('abort', leave, { once: true });
  const duration = cappedTime(pace, LENGTH);
  const run = progress.begin(label, duration);
  let looks = 0;
  let full = 0;
  try {
    const others = runLoad({
      workers: hangingWorkers,
      // Until the other load is over.
      duration: FOREVER,
      signal: stop,
      pacing: { interval: realTime(pace, INTERVAL), random: seededRandom(seed) },
      call: () => call(client, HANGING, stop),
    });
    const result = await runLoad({
      workers: WORKERS,
      duration,
      signal,
      call: () => call(client, HEALTHY),
      onCall: (calls) => {
        run.calls(calls);
        // At first the callers of the hanging service are still coming.
        if (calls % WORKERS !== 0 || calls < 10 * WORKERS) return;
        looks += 1;
        if (isSaturated(client)) full += 1;
      },
    });
    const healthyCounters = countersOf(client, HEALTHY);
    const hangingCounters = countersOf(client, HANGING);
    leaving.abort(LEFT);
    const { calls } = await others;
    const { figures } = measure(result, pace);
    return { figures, hanging: tally(calls), looks, full, healthyCounters, hangingCounters };
  } finally {
    run.end();
    signal.removeEventListener('abort', leave);
    await client.destroy();
    if (!signal.aborted) await fleet.clear();
  }
}

async function call(
  client: ResilientClient,
  service: string,
  signal?: AbortSignal,
): Promise<number> {
  const response = await client.fetch(`http://${service}/`, signal && { signal });
  await response.text();
  return response.status;
}

function isSaturated(client: ResilientClient): boolean {
  const counters = countersOf(client, HANGING);
  return (
    counters['circuit_breakers.default.cx_open'] === 1 &&
    counters['circuit_breakers.default.rq_pending_open'] === 1
  );
}

function tally(calls: readonly CallResult[]): Hanging {
  const refusals = calls.filter(({ flag }) => flag === 'UO');
  return {
    calls: calls.length,
    hung: calls.filter(({ outcome }) => outcome === LEFT).length,
    refused: refusals.length,
    refusal: refusals[0]?.message ?? '',
  };
}

export function findings(runs: IsolationRuns, full: boolean): Findings {
  const { alone, beside } = runs;
  const rows = { alone, 'beside a hanging one': beside };
  const { hanging } = beside;
  return {
    results: Object.entries(rows).map(([run, { figures, ...rest }]) => ({
      run,
      ...figures,
      ...rest,
    })),
    tables: [
      {
        head: [HEALTHY, 'calls', 'failed', 'qps', 'p50 s', 'p75 s', 'p90 s', 'p99 s'],
        rows: Object.entries(rows).map(([label, { figures }]) => [
          label,
          String(figures.calls),
          String(figures.failed),
          figures.qps.toFixed(1),
          ...[figures.p50, figures.p75, figures.p90, figures.p99].map((time) => time.toFixed(3)),
        ]),
        labels: 1,
        notes: [
          'Ten workers call simple-backend as fast as it answers, after 0.15 s. Beside them, through the same client, 20 ' +
            'callers call reports twice a second each, which never answers and has four connections and four places ' +
            'in the queue.',
          `Of ${hanging.calls} calls to reports, ${hanging.hung} were hanging at the end: one for each connection and ` +
            `each place. The other ${hanging.refused} were refused at once: "${hanging.refusal}" (flag UO).`,
        ],
      },
      counterTable(
        {
          [HEALTHY]: { counters: beside.healthyCounters },
          [HANGING]: { counters: beside.hangingCounters },
        },
        COUNTERS,
        [
          'While the load is on; 1 at cx_open and rq_pending_open is: nothing is left. It was so at reports ' +
            `${beside.full} of the ${beside.looks} times that it was looked at.`,
        ],
      ),
    ],
    histograms: [],
    words:
      `What it shows: each service has limits and connections of its own. With reports hanging, simple-backend answered ` +
      `${beside.figures.qps.toFixed(1)} calls a second in place of ${alone.figures.qps.toFixed(1)}, half of them within ` +
      `${beside.figures.p50.toFixed(3)} s in place of ${alone.figures.p50.toFixed(3)} s.`,
    checks: checks(runs, full),
  };
}

/** @param full at the chapter's own times; a quick run counts each millisecond that the machine adds several times. */
function checks({ alone, beside }: IsolationRuns, full: boolean): Check[] {
  const { hanging } = beside;
  const share = { value: (beside.figures.qps / alone.figures.qps) * 100, unit: '%' } as const;
  const seconds = (value: number) => ({ value, unit: 's' }) as const;
  return [
    none('failed calls of the healthy service', alone.figures.failed + beside.figures.failed),
    atLeast('its rate beside a hanging one', share, full ? 95 : 70),
    below('its p50 beside a hanging one', seconds(beside.figures.p50), full ? 0.16 : 0.25),
    below('its p90 beside a hanging one', seconds(beside.figures.p90), full ? 0.2 : 0.4),
    exactly('calls that hang', hanging.hung, LIMITS.maxConnections + LIMITS.maxPendingRequests),
    some('calls refused by the hanging service', hanging.refused),
    none('calls to it that ended otherwise', hanging.calls - hanging.hung - hanging.refused),
    some('looks at its pool', beside.looks),
    exactly('looks that found it full', beside.full, beside.looks),
  ];
}
