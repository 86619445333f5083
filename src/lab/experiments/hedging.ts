/** Hedging: a second try beside a slow one, after the per-try timeout as in the chapter, or after the usual 95 %. */
import type { ExperimentContext, Experiment, Findings, Table } from '../experiment.js';
import { type Check, atLeast, below, none, some } from '../checks.js';
import { type Measured, measure } from '../figures.js';
import { isFull, realTime, runTime } from '../pace.js';
import { ENDPOINTS, FAST, simpleBackends, SLOW } from '../simple-backends.js';
import {
  counter,
  failedPercent,
  type Summary,
  summarize,
  summaryResults,
  summaryTable,
} from '../summary.js';
import { type HedgeChoice, runTrial } from '../trial.js';

/** As many as the default budget always allows further attempts at a time. */
const FEW_WORKERS = 3;
const PART_OF_TRIES = 0.2;
/** The chapter's load table. */
const WORKERS = 10;
const PART_OF_TABLE = 0.625;
/** The chapter's milliseconds. */
const PER_TRY_TIMEOUT = 300;
const BASE_INTERVAL = 25;
/** What every endpoint takes in the two runs whose per-try timeout is too short. */
const TARDY = 400;
/** Peak EWMA's default decay time. */
const DECAY = 10_000;
const BOUNDS = [0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1, 1.2];

/** A run of the load table. */
export interface LoadRun extends Measured {
  /** Attempts that the delay has added. */
  readonly hedges: number;
  /** Part of the requests that each endpoint received, 0 to 1. */
  readonly shares: readonly number[];
}

export interface HedgingRuns {
  /** One endpoint of three takes a second, and a try beside it starts after the per-try timeout. */
  readonly oneSlow: Summary;
  /** All endpoints take longer than the per-try timeout; no hedging. */
  readonly cutOff: Summary;
  /** The same, with hedging. */
  readonly goingOn: Summary;
  /** The load table with peak EWMA alone, and with a hedge delay of p95. */
  readonly alone: LoadRun;
  readonly hedged: LoadRun;
}

const chapter = `
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata:
  name: simple-backend-retry-hedge
spec:
  workloadSelector:
    labels:
      app: simple-web
  configPatches:
  - applyTo: HTTP_ROUTE
    match:
      context: SIDECAR_OUTBOUND
      routeConfiguration:
        vhost:
          name: "simple-backend.istioinaction.svc.cluster.local:80"
    patch:
      operation: MERGE
      value:
        route:
          hedge_policy:
            hedge_on_per_try_timeout: true
`;

const code = `
const backend = createResilientClient({
  service: 'http://simple-backend',
  endpoints: ['http://127.0.0.1:8081', 'http://127.0.0.1:8082', 'http://127.0.0.1:8083'],
  retry: { perTryTimeout: '300ms' },
  hedge: { onPerTryTimeout: true }, // the slow try goes on beside the retry; the first good answer wins
});

// Envoy has no such thing: no answer within the time that 95 % of the recent ones took, and another is asked.
const quick = createResilientClient({ ..., loadBalancer: 'peak-ewma', hedge: { delay: 'p95' } });
`;

export const hedging: Experiment = {
  name: 'hedging',
  title: 'a second try beside a slow one, and the load table once more',
  chapter,
  code,
  async run(context) {
    const { pace } = context;
    const slow = realTime(pace, SLOW);
    const tardy = realTime(pace, TARDY);
    const hedge = { onPerTryTimeout: true };
    return findings(
      {
        oneSlow: await runTries(context, 'one slow, hedged ', [slow], hedge),
        cutOff: await runTries(context, 'all slow         ', [tardy, tardy, tardy], false),
        goingOn: await runTries(context, 'all slow, hedged ', [tardy, tardy, tardy], hedge),
        alone: await runTable(context, 'peak-ewma        ', false),
        hedged: await runTable(context, 'peak-ewma, hedged', { delay: 'p95' }),
      },
      isFull(pace),
    );
  },
};

/** @param times real milliseconds of the first endpoints; the others are fast. */
async function runTries(
  context: ExperimentContext,
  label: string,
  times: readonly number[],
  hedge: HedgeChoice,
): Promise<Summary> {
  const { pace } = context;
  const backends = simpleBackends(context, {}).map((backend, i) => {
    return { ...backend, timing50Percentile: times[i] ?? realTime(pace, FAST) };
  });
  const retry = {
    perTryTimeout: realTime(pace, PER_TRY_TIMEOUT),
    backoff: { baseInterval: realTime(pace, BASE_INTERVAL) },
  };
  const made = await runTrial(
    {
      label,
      backends,
      options: { loadBalancer: 'round-robin', retry, hedge },
      workers: FEW_WORKERS,
      duration: runTime(pace, PART_OF_TRIES),
    },
    context,
  );
  return summarize(made, pace);
}

/** The run of `load-balancing` with peak EWMA. Hedging remembers for ten real seconds, at any pace. */
async function runTable(
  context: ExperimentContext,
  label: string,
  hedge: HedgeChoice,
): Promise<LoadRun> {
  const { pace } = context;
  const made = await runTrial(
    {
      label,
      backends: simpleBackends(context, { timing50Percentile: realTime(pace, SLOW) }),
      options: {
        loadBalancer: { policy: 'peak-ewma', decayTime: realTime(pace, DECAY) },
        hedge,
      },
      workers: WORKERS,
      duration: runTime(pace, isFull(pace) ? 1 : PART_OF_TABLE),
    },
    context,
  );
  const total = made.received.reduce((sum, count) => sum + count, 0);
  const shares = made.received.map((count) => count / total);
  return { ...measure(made, pace), shares, hedges: made.counters.upstream_rq_hedge ?? 0 };
}

/** @param full at the chapter's own times; a quick run counts each millisecond that the machine adds several times. */
export function findings(runs: HedgingRuns, full: boolean): Findings {
  const { oneSlow, cutOff, goingOn, alone, hedged } = runs;
  const tries = {
    'one slow, hedged': oneSlow,
    'all 0.4 s': cutOff,
    'all 0.4 s, hedged': goingOn,
  };
  const table = { 'peak-ewma': alone, 'peak-ewma, hedged': hedged };
  return {
    results: [
      ...summaryResults(tries),
      ...Object.entries(table).map(([run, { figures, hedges, shares }]) => ({
        run,
        ...figures,
        hedges,
        shares: Object.fromEntries(ENDPOINTS.map((name, i) => [name, shares[i]])),
      })),
    ],
    tables: [
      summaryTable(tries, [
        'Three workers, per-try timeout 0.3 s. "One slow": the first endpoint takes 1 s, the others 0.15 s. "All 0.4 s": ' +
          'each endpoint takes 0.4 s, longer than a try may.',
      ]),
      loadTable(table),
    ],
    histograms: [alone, hedged].map(({ latencies }, i) => ({
      title: Object.keys(table)[i] ?? '',
      bounds: BOUNDS,
      samples: latencies,
      unit: 's',
    })),
    words:
      `What it shows: a per-try timeout that is too short fails the calls (${cutOff.failed} of ${cutOff.calls}), since ` +
      `each try is cut off; with hedging the try goes on and ${goingOn.failed} of ${goingOn.calls} fail. With a hedge after the p95 of ` +
      `recent times, the p99 of the chapter's load falls from ${alone.figures.p99.toFixed(2)} s to ` +
      `${hedged.figures.p99.toFixed(2)} s for ${hedged.hedges} further requests on ${hedged.figures.calls} calls.`,
    checks: checks(runs, full),
  };
}

function loadTable(runs: Readonly<Record<string, LoadRun>>): Table {
  return {
    head: [
      'ten workers',
      'qps',
      'p50 s',
      'p75 s',
      'p90 s',
      'p99 s',
      'hedges',
      'share of 1 / 2 / 3',
    ],
    rows: Object.entries(runs).map(([label, { figures, hedges, shares }]) => {
      const { qps, p50, p75, p90, p99 } = figures;
      const percent = shares.map((share) => (share * 100).toFixed(0).padStart(2));
      return [
        label,
        qps.toFixed(1),
        ...[p50, p75, p90, p99].map((seconds) => seconds.toFixed(3)),
        String(hedges),
        `${percent.join(' / ')} %`,
      ];
    }),
    labels: 1,
    notes: [
      'As in load-balancing: the first endpoint takes 1 s, the others 0.15 s. Hedging begins after 20 answers. A try that ' +
        'is cut off because another has won tells peak EWMA only that it would have taken longer, so the slow endpoint ' +
        'looks less slow than it is and is tried more often; each of these calls then takes about 0.3 s in place of 1 s.',
    ],
  };
}

function checks(runs: HedgingRuns, full: boolean): Check[] {
  const { oneSlow, cutOff, goingOn, alone, hedged } = runs;
  const s = (value: number) => ({ value, unit: 's' }) as const;
  const cut = oneSlow.counters.upstream_rq_per_try_timeout ?? 0;
  return [
    none('failed calls, one slow', oneSlow.failed),
    // 0.475 s, and what the machine adds.
    below('p99, one slow', s(oneSlow.p99), full ? 0.55 : 0.9),
    some('retries, one slow', counter(oneSlow, 'upstream_rq_retry')),
    none('tries cut off, one slow', cut),
    // Not all: where the machine stands still for 20 ms in a quick run, the answer may be there before the timer.
    atLeast(
      'failed calls, all 0.4 s and not hedged',
      { value: failedPercent(cutOff), unit: '%' },
      80,
    ),
    none('failed calls, all 0.4 s and hedged', goingOn.failed),
    below('p99, all 0.4 s and hedged', s(goingOn.p99), full ? 0.45 : 0.8),
    none('failed calls of the load table', alone.figures.failed + hedged.figures.failed),
    atLeast('hedged qps', { value: hedged.figures.qps, unit: 'qps' }, full ? 55 : 44),
    below('hedged p99', s(hedged.figures.p99), full ? 0.4 : 0.8),
    some('hedges', hedged.hedges),
  ];
}
