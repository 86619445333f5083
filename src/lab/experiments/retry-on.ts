/** The chapter's `retryOn`: 500 is not retried by default, and is with `5xx`. */
import { type Check, none, some, within } from '../checks.js';
import type { Experiment, Findings } from '../experiment.js';
import { ill, runFailing } from '../failing-endpoint.js';
import { counter, failedPercent, type Summary, summaryResults, summaryTable } from '../summary.js';

export interface RetryOnRuns {
  readonly byDefault: Summary;
  readonly on5xx: Summary;
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
      retryOn: 5xx
# simple-backend-1: ERROR_RATE 0.75, ERROR_TYPE http_error, ERROR_CODE 500
`;

const code = `
const backend = createResilientClient({
  service: 'http://simple-backend',
  endpoints: ['http://127.0.0.1:8081', 'http://127.0.0.1:8082', 'http://127.0.0.1:8083'],
  loadBalancer: 'round-robin',
  retry: { retryOn: ['5xx'] }, // '5x' would be an OptionsError that names '5xx'
});
`;

export const retryOn: Experiment = {
  name: 'retry-on',
  title: 'an endpoint that answers 500: nothing by default, all with retryOn 5xx',
  chapter,
  code,
  async run(context) {
    const endpoint = ill(500);
    const byDefault = await runFailing(context, endpoint, 'default', {});
    const on5xx = await runFailing(context, endpoint, '5xx    ', { retryOn: ['5xx'] });
    return findings({ byDefault, on5xx });
  },
};

export function findings({ byDefault, on5xx }: RetryOnRuns): Findings {
  const runs = { 'default retryOn': byDefault, 'retryOn 5xx': on5xx };
  return {
    results: summaryResults(runs),
    tables: [
      summaryTable(runs, [
        'Three workers over three endpoints in turn, of which the first answers 500 to 75 % of its requests.',
      ]),
    ],
    histograms: [],
    words:
      `What it shows: a 500 may mean that half of the work was done, so it is passed on unless one says otherwise ` +
      `(${failedPercent(byDefault).toFixed(0)} % of the calls failed); with retryOn 5xx, ` +
      `${on5xx.failed} of ${on5xx.calls} did.`,
    checks: checks({ byDefault, on5xx }),
  };
}

function checks({ byDefault, on5xx }: RetryOnRuns): Check[] {
  const share = { value: failedPercent(byDefault), unit: '%' } as const;
  return [
    within('failed calls by default', share, 18, 32),
    none('retries by default', counter(byDefault, 'upstream_rq_retry')),
    none('failed calls with 5xx', on5xx.failed),
    some('retries with 5xx', counter(on5xx, 'upstream_rq_retry')),
  ];
}
