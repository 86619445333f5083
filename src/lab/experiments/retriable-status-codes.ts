/** The chapter's retriable status codes: 408 is retried when it is listed, with a back-off that starts from 50 ms. */
import type { Explanation } from '../../index.js';
import { below, type Check, none, some, within } from '../checks.js';
import type { Experiment, ExperimentContext, Findings, Table } from '../experiment.js';
import { ill, runFailing } from '../failing-endpoint.js';
import { runTime } from '../pace.js';
import { percentile, sorted } from '../percentiles.js';
import { ENDPOINTS } from '../simple-backends.js';
import { counter, failedPercent, type Summary, summaryResults, summaryTable } from '../summary.js';
import { runTrial } from '../trial.js';

/** The chapter's milliseconds, and in the run that looks at the waits real ones. */
const BASE_INTERVAL = 50;
/** Milliseconds below which the wait before the n-th retry is drawn: doubled each time, up to ten times the base. */
const BOUNDS = [50, 100, 200, 400, 500] as const;
/** The run of the waits: enough calls at a time for some hundred draws of each retry in two seconds. */
const WAITERS = 60;
const PART_OF_WAITS = 0.06;

/** One wait before a retry, in real milliseconds. */
export interface Wait {
  /** 1 for the call's first retry. */
  readonly retry: number;
  /** What the back-off drew. */
  readonly drawn: number;
  /** From the head of the answer that was retried to the start of the next attempt. */
  readonly waited: number;
}

export interface StatusCodeRuns {
  readonly byDefault: Summary;
  readonly listed: Summary;
  readonly waits: readonly Wait[];
}

const chapter = `
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata:
  name: simple-backend-retry-status-codes
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
          retry_policy:
            retry_back_off:
              base_interval: 50ms
            retriable_status_codes:
            - 408
            - 400
# and in the VirtualService: retries: { attempts: 2, retryOn: "5xx,retriable-status-codes" }
# simple-backend-1: ERROR_RATE 0.75, ERROR_TYPE http_error, ERROR_CODE 408
`;

const code = `
const backend = createResilientClient({
  service: 'http://simple-backend',
  endpoints: ['http://127.0.0.1:8081', 'http://127.0.0.1:8082', 'http://127.0.0.1:8083'],
  loadBalancer: 'round-robin',
  retry: { retryOn: ['5xx', 408, 400], backoff: { baseInterval: '50ms' } },
});
`;

export const retriableStatusCodes: Experiment = {
  name: 'retriable-status-codes',
  title: 'an endpoint that answers 408, retried by its code with a back-off from 50 ms',
  chapter,
  code,
  async run(context) {
    const endpoint = ill(408);
    const byDefault = await runFailing(context, endpoint, 'default ', {}, BASE_INTERVAL);
    const retry = { retryOn: ['5xx', 408, 400] } as const;
    const listed = await runFailing(context, endpoint, '408     ', retry, BASE_INTERVAL);
    const waits = await runWaits(context);
    return findings({ byDefault, listed, waits });
  },
};

/** Every endpoint answers 408 at once and always, so that each call goes through all its waits. In real time. */
async function runWaits(context: ExperimentContext): Promise<Wait[]> {
  const { pace, seed } = context;
  const waits: Wait[] = [];
  await runTrial(
    {
      label: 'back-off',
      backends: ENDPOINTS.map((name) => ({ name, errorRate: 1, errorCode: 408, seed })),
      options: {
        loadBalancer: 'round-robin',
        retry: {
          attempts: BOUNDS.length,
          retryOn: [408],
          backoff: { baseInterval: BASE_INTERVAL },
          budget: false,
        },
      },
      workers: WAITERS,
      duration: runTime({ ...pace, speedup: 1 }, PART_OF_WAITS),
      onAnswer: (client, response) => waits.push(...waitsOf(client.explain(response))),
    },
    context,
  );
  return waits;
}

/** What the story of a call says of its waits. */
export function waitsOf(story: Explanation | undefined): Wait[] {
  const attempts = story?.attempts ?? [];
  return attempts.slice(1).flatMap(({ startedAt, because }, i) => {
    const headAt = attempts[i]?.headAt;
    if (because === undefined || headAt === undefined) return [];
    return [{ retry: i + 1, drawn: because.after, waited: startedAt - headAt }];
  });
}

export function findings({ byDefault, listed, waits }: StatusCodeRuns): Findings {
  const runs = { 'default retryOn': byDefault, 'retryOn 408': listed };
  return {
    results: [...summaryResults(runs), { run: 'back-off', retries: BOUNDS.map(figuresOf(waits)) }],
    tables: [
      summaryTable(runs, [
        'Three workers over three endpoints in turn, of which the first answers 408 to 75 % of its requests.',
      ]),
      waitTable(waits),
    ],
    histograms: [],
    words:
      `What it shows: ${failedPercent(byDefault).toFixed(0)} % of the calls ended with a 408 that nobody had listed, and ` +
      `${listed.failed} of ${listed.calls} once it was. Each wait was drawn from Envoy's range, evenly, so that calls ` +
      `which failed together do not come back together.`,
    checks: checks({ byDefault, listed, waits }),
  };
}

interface WaitFigures {
  readonly retry: number;
  readonly bound: number;
  readonly count: number;
  readonly shortest: number;
  readonly mean: number;
  readonly longest: number;
  /** How much later than drawn, half of the time. */
  readonly late: number;
}

function figuresOf(waits: readonly Wait[]): (bound: number, i: number) => WaitFigures {
  return (bound, i) => {
    const own = waits.filter(({ retry }) => retry === i + 1);
    if (own.length === 0) throw new Error(`no call came to its retry ${i + 1}`);
    const drawn = sorted(own.map((wait) => wait.drawn));
    return {
      retry: i + 1,
      bound,
      count: own.length,
      shortest: percentile(drawn, 0),
      mean: drawn.reduce((sum, value) => sum + value, 0) / own.length,
      longest: percentile(drawn, 100),
      late: percentile(sorted(own.map((wait) => wait.waited - wait.drawn)), 50),
    };
  };
}

function waitTable(waits: readonly Wait[]): Table {
  return {
    head: ['wait before', 'drawn below', 'times', 'shortest', 'mean', 'longest', 'late by'],
    rows: BOUNDS.map(figuresOf(waits)).map((row) => [
      `retry ${row.retry}`,
      `${row.bound} ms`,
      String(row.count),
      `${row.shortest} ms`,
      `${row.mean.toFixed(1)} ms`,
      `${row.longest} ms`,
      `${row.late.toFixed(1)} ms`,
    ]),
    labels: 1,
    notes: [
      'A run of its own, in real time: every endpoint answers 408 always, and a call makes five retries. "Late" is how ' +
        'much longer than drawn the wait was at the median: the machine, and the millisecond by which timers are ' +
        'rounded up.',
    ],
  };
}

function checks({ byDefault, listed, waits }: StatusCodeRuns): Check[] {
  const share = { value: failedPercent(byDefault), unit: '%' } as const;
  const rows = BOUNDS.map(figuresOf(waits));
  const ms = (value: number) => ({ value, unit: 'ms' }) as const;
  return [
    within('failed calls by default', share, 18, 32),
    none('failed calls with 408 listed', listed.failed),
    some('retries with 408 listed', counter(listed, 'upstream_rq_retry')),
    ...rows.flatMap(({ retry, bound, longest, mean }) => [
      below(`longest wait drawn before retry ${retry}`, ms(longest), bound),
      within(`mean wait before retry ${retry}`, ms(mean), 0.38 * bound, 0.62 * bound),
    ]),
    none('waits cut short', waits.filter(({ drawn, waited }) => waited < drawn).length),
    below('lateness of a wait, median', ms(Math.max(...rows.map(({ late }) => late))), 10),
  ];
}
