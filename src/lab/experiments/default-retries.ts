/** The chapter's default retries: one endpoint of three answers 503 to three requests of four. */
import { type Check, none, some, within } from '../checks.js';
import type { Experiment, Findings } from '../experiment.js';
import { ill, runFailing } from '../failing-endpoint.js';
import { counter, failedPercent, type Summary, summaryResults, summaryTable } from '../summary.js';

export interface DefaultRetryRuns {
  readonly without: Summary;
  readonly retried: Summary;
}

const chapter = `
# istioctl install --set meshConfig.defaultHttpRetryPolicy.attempts=0 first, so that nothing is retried; then:
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
# simple-backend-1: ERROR_RATE 0.75, ERROR_TYPE http_error, ERROR_CODE 503
`;

const code = `
const backend = createResilientClient({
  service: 'http://simple-backend',
  endpoints: ['http://127.0.0.1:8081', 'http://127.0.0.1:8082', 'http://127.0.0.1:8083'],
  loadBalancer: 'round-robin',
  // retry: false,   // the first run; the second has the defaults, which are:
  // retry: { attempts: 2, retryOn: ['connect-failure', 'refused-stream', 'reset', 503],
  //          budget: { percent: 20, minRetryConcurrency: 3 } }
});
`;

export const defaultRetries: Experiment = {
  name: 'default-retries',
  title: 'an endpoint that answers 503 three times of four, without and with the default retries',
  chapter,
  code,
  async run(context) {
    const endpoint = ill(503);
    const without = await runFailing(context, endpoint, 'no retries', false);
    const retried = await runFailing(context, endpoint, 'default', {});
    return findings({ without, retried });
  },
};

export function findings({ without, retried }: DefaultRetryRuns): Findings {
  const runs = { 'no retries': without, 'default retries': retried };
  return {
    results: summaryResults(runs),
    tables: [
      summaryTable(runs, [
        'Three workers over three endpoints in turn, of which the first answers 503 to 75 % of its requests.',
        'A retry goes to an endpoint that the call has not tried, so one is enough here. With three calls at a time ' +
          'there are never more than three retries at a time, which the default budget always allows; with more, ' +
          'calls beyond it keep their 503.',
      ]),
    ],
    histograms: [],
    words:
      `What it shows: ${failedPercent(without).toFixed(0)} % of the calls failed without retries, and ` +
      `${retried.failed} of ${retried.calls} with them, at the price of ${counter(retried, 'upstream_rq_retry')} ` +
      `further requests.`,
    checks: checks({ without, retried }),
  };
}

function checks({ without, retried }: DefaultRetryRuns): Check[] {
  const share = { value: failedPercent(without), unit: '%' } as const;
  return [
    within('failed calls without retries', share, 18, 32),
    none('retries without retries', counter(without, 'upstream_rq_retry')),
    none('failed calls with the default', retried.failed),
    some('retries with the default', counter(retried, 'upstream_rq_retry')),
    none('retries refused by the budget', counter(retried, 'upstream_rq_retry_overflow')),
  ];
}
