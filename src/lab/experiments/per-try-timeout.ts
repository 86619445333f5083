/** The chapter's per-try timeout: a try that takes too long is made again elsewhere, and the call is answered. */
import { type Check, atLeast, below, none, some } from '../checks.js';
import type { Experiment, ExperimentContext, Findings } from '../experiment.js';
import { isFull, realTime, runTime } from '../pace.js';
import { simpleBackends, SLOW } from '../simple-backends.js';
import { counter, type Summary, summarize, summaryResults, summaryTable } from '../summary.js';
import { runTrial } from '../trial.js';

/** As many as the default budget always allows retries at a time. */
const WORKERS = 3;
const PART = 0.3;
/** The chapter's milliseconds. */
const PER_TRY_TIMEOUT = 300;
const BASE_INTERVAL = 25;

export interface PerTryRuns {
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
    retries:
      attempts: 2
      retryOn: gateway-error,connect-failure,retriable-4xx
      perTryTimeout: 300ms
# simple-backend-1 answers after 1 s, the two others after 150 ms
`;

const code = `
const backend = createResilientClient({
  service: 'http://simple-backend',
  endpoints: ['http://127.0.0.1:8081', 'http://127.0.0.1:8082', 'http://127.0.0.1:8083'],
  loadBalancer: 'round-robin',
  retry: { perTryTimeout: '300ms' }, // the default retryOn has 'reset', which covers it
});
`;

export const perTryTimeout: Experiment = {
  name: 'per-try-timeout',
  title: '0.3 s for a try, then another endpoint is asked',
  chapter,
  code,
  async run(context) {
    const { pace } = context;
    const without = await runWith(context, 'no limit       ', 0);
    const limited = await runWith(context, 'per-try timeout', realTime(pace, PER_TRY_TIMEOUT));
    return findings({ without, limited }, isFull(pace));
  },
};

async function runWith(
  context: ExperimentContext,
  label: string,
  perTry: number,
): Promise<Summary> {
  const { pace } = context;
  const backoff = { baseInterval: realTime(pace, BASE_INTERVAL) };
  const made = await runTrial(
    {
      label,
      backends: simpleBackends(context, { timing50Percentile: realTime(pace, SLOW) }),
      options: { loadBalancer: 'round-robin', retry: { perTryTimeout: perTry, backoff } },
      workers: WORKERS,
      duration: runTime(pace, PART),
    },
    context,
  );
  return summarize(made, pace);
}

/** @param full at the chapter's own times; a quick run counts each millisecond that the machine adds several times. */
export function findings({ without, limited }: PerTryRuns, full: boolean): Findings {
  const runs = { 'no limit': without, 'per-try timeout 0.3 s': limited };
  return {
    results: summaryResults(runs),
    tables: [
      summaryTable(runs, [
        'Three workers over three endpoints in turn. A call that meets the slow one takes 0.3 s there, a back-off of up ' +
          'to 0.025 s, and 0.15 s at another.',
      ]),
    ],
    histograms: [],
    words:
      `What it shows: where a third of the calls took a second, each is answered, 99 of 100 within ` +
      `${limited.p99.toFixed(2)} s, at the price of ${counter(limited, 'upstream_rq_retry')} further requests.`,
    checks: checks({ without, limited }, full),
  };
}

function checks({ without, limited }: PerTryRuns, full: boolean): Check[] {
  const cut = counter(limited, 'upstream_rq_per_try_timeout');
  const atSlow = limited.received[0] ?? 0;
  return [
    none('failed calls', without.failed + limited.failed),
    atLeast('p99 without a limit', { value: without.p99, unit: 's' }, 1),
    some('tries that took too long', cut),
    none('tries that waited for the slow endpoint', Math.max(0, atSlow - cut)),
    // 0.475 s, and what the machine adds.
    below('p99 with per-try timeout', { value: limited.p99, unit: 's' }, full ? 0.55 : 0.9),
    none('retries refused by the budget', counter(limited, 'upstream_rq_retry_overflow')),
  ];
}
