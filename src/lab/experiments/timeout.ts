/** The chapter's timeout: half a second, where one endpoint of three takes a whole one. */
import { type Check, atLeast, below, exactly, none, within } from '../checks.js';
import type { Experiment, ExperimentContext, Findings } from '../experiment.js';
import { isFull, realTime, runTime } from '../pace.js';
import { simpleBackends, SLOW } from '../simple-backends.js';
import {
  counter,
  failedPercent,
  type Summary,
  summarize,
  summaryResults,
  summaryTable,
} from '../summary.js';
import { runTrial } from '../trial.js';

const WORKERS = 10;
/** The chapter's milliseconds. */
const TIMEOUT = 500;
const PART = 0.3;

export interface TimeoutRuns {
  readonly without: Summary;
  readonly limited: Summary;
}

const chapter = `
apiVersion: networking.istio.io/v1alpha3
kind: VirtualService
metadata:
  name: simple-backend-vs
spec:
  hosts:
  - simple-backend
  http:
  - route:
    - destination:
        host: simple-backend
    timeout: 0.5s
# simple-backend-1 answers after 1 s, the two others after 150 ms
`;

const code = `
const backend = createResilientClient({
  service: 'http://simple-backend',
  endpoints: ['http://127.0.0.1:8081', 'http://127.0.0.1:8082', 'http://127.0.0.1:8083'],
  loadBalancer: 'round-robin',
  timeout: '500ms', // the whole call, its retries included; it rejects with TimeoutError
});
`;

export const timeout: Experiment = {
  name: 'timeout',
  title: 'half a second for a call, where one endpoint of three takes a whole one',
  chapter,
  code,
  async run(context) {
    const without = await runWith(context, 'no timeout', undefined);
    const limited = await runWith(context, 'timeout', realTime(context.pace, TIMEOUT));
    return findings({ without, limited }, isFull(context.pace));
  },
};

async function runWith(
  context: ExperimentContext,
  label: string,
  timeoutMs: number | undefined,
): Promise<Summary> {
  const { pace } = context;
  const made = await runTrial(
    {
      label: label.padEnd(10),
      backends: simpleBackends(context, { timing50Percentile: realTime(pace, SLOW) }),
      options: { loadBalancer: 'round-robin', retry: false, timeout: timeoutMs },
      workers: WORKERS,
      duration: runTime(pace, PART),
    },
    context,
  );
  return summarize(made, pace);
}

/** @param full at the chapter's own times; a quick run counts each millisecond that the machine adds several times. */
export function findings({ without, limited }: TimeoutRuns, full: boolean): Findings {
  const runs = { 'no timeout': without, 'timeout 0.5 s': limited };
  return {
    results: summaryResults(runs),
    tables: [
      summaryTable(runs, [
        'Ten workers over three endpoints in turn. A call that is over its time is cut off at its endpoint too.',
      ]),
    ],
    histograms: [],
    words:
      `What it shows: ${failedPercent(limited).toFixed(0)} % of the calls met the slow endpoint; each of them was told ` +
      `after ${limited.slowest.toFixed(2)} s at the latest, in place of ${without.slowest.toFixed(2)} s. ` +
      `A timeout alone makes slowness into failure: what makes it into an answer are the experiments below.`,
    checks: checks({ without, limited }, full),
  };
}

function checks({ without, limited }: TimeoutRuns, full: boolean): Check[] {
  const timedOut = limited.outcomes.TimeoutError ?? { count: 0, fastest: 0, slowest: 0 };
  const share = { value: (timedOut.count / limited.calls) * 100, unit: '%' } as const;
  return [
    none('failed calls without a timeout', without.failed),
    atLeast('p99 without a timeout', { value: without.p99, unit: 's' }, 1),
    none('calls that failed otherwise than with TimeoutError', limited.failed - timedOut.count),
    within('calls that timed out', share, 28, 38),
    atLeast('earliest timeout', { value: timedOut.fastest, unit: 's' }, 0.5),
    below('slowest call', { value: limited.slowest, unit: 's' }, full ? 0.6 : 0.9),
    exactly(
      'timeouts by upstream_rq_timeout',
      counter(limited, 'upstream_rq_timeout'),
      timedOut.count,
    ),
  ];
}
