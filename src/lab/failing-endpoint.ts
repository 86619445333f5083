/** The run that the experiments on retries share: one endpoint of three fails three requests of four. */
import type { ExperimentContext } from './experiment.js';
import type { Behaviour } from './fake-service/options.js';
import { realTime, runTime } from './pace.js';
import { simpleBackends } from './simple-backends.js';
import { type Summary, summarize } from './summary.js';
import { type RetryChoice, runTrial } from './trial.js';

/** As many as the default budget always allows retries at a time: so none is ever refused. */
const WORKERS = 3;
const PART = 0.25;
/** Envoy's base interval, in the chapter's milliseconds. */
const BASE_INTERVAL = 25;

/** The chapter's `simple-backend-periodic-failure`. */
export function ill(errorCode: number): Behaviour {
  return { errorRate: 0.75, errorType: 'http_error', errorCode };
}

/** The back-off runs at the pace of everything else. */
export async function runFailing(
  context: ExperimentContext,
  first: Behaviour,
  label: string,
  retry: RetryChoice,
  baseInterval = BASE_INTERVAL,
): Promise<Summary> {
  const { pace } = context;
  const backoff = { baseInterval: realTime(pace, baseInterval) };
  const made = await runTrial(
    {
      label,
      backends: simpleBackends(context, first),
      options: { loadBalancer: 'round-robin', retry: retry && { ...retry, backoff } },
      workers: WORKERS,
      duration: runTime(pace, PART),
    },
    context,
  );
  return summarize(made, pace);
}
