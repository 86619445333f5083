/** A POST that must not be doubled: what is repeated when nobody can know whether it was carried out. */
import { type Check, exactly, none, some } from '../checks.js';
import type { Experiment, ExperimentContext, Findings, Table } from '../experiment.js';
import { countersOf, type RetryChoice, withClient } from '../trial.js';

const PAYMENTS = 30;
/** Milliseconds that all cases together take, for the bar. */
const EXPECTED = 500;

type Trouble = 'reset' | 'refused';

interface Case {
  readonly label: string;
  readonly trouble: Trouble;
  readonly retry: RetryChoice;
  /** Each call brings an `Idempotency-Key` of its own. */
  readonly keyed: boolean;
}

/** What came of one case. */
export interface CaseRun {
  readonly label: string;
  readonly failed: number;
  /** For each call, how many requests the service has received for it. */
  readonly received: readonly number[];
  readonly retries: number;
}

export interface UnsafeRuns {
  readonly reset: CaseRun;
  readonly unsafe: CaseRun;
  readonly keyed: CaseRun;
  readonly refused: CaseRun;
}

const cases: Readonly<Record<keyof UnsafeRuns, Case>> = {
  reset: { label: 'reset', trouble: 'reset', retry: {}, keyed: false },
  unsafe: {
    label: 'reset, retryUnsafeMethods',
    trouble: 'reset',
    retry: { retryUnsafeMethods: true },
    keyed: false,
  },
  keyed: { label: 'reset, Idempotency-Key', trouble: 'reset', retry: {}, keyed: true },
  refused: { label: 'refused', trouble: 'refused', retry: {}, keyed: false },
};

const chapter = `
# Istio retries every method alike: what the chapter's retries do to a GET they do to a payment.
    retries:
      attempts: 2
      retryOn: connect-failure,refused-stream,reset,503
# payments-1 receives the whole POST and then resets the connection, or refuses connections
`;

const code = `
const payments = createResilientClient({ service: 'http://payments', endpoints: [...] });
await payments.fetch('/', { method: 'POST', body });                 // repeated when surely not processed
await payments.fetch('/', { method: 'POST', body, headers: { 'Idempotency-Key': key } });    // repeated
// retry: { idempotencyKey: true }       makes such a key for each call; the service must honour it
// retry: { retryUnsafeMethods: true }   does what Istio does
`;

export const unsafeMethods: Experiment = {
  name: 'unsafe-methods',
  title: 'a POST that must not be doubled, over an endpoint that resets or refuses connections',
  chapter,
  code,
  async run(context) {
    const progress = context.progress.begin('payments', EXPECTED);
    let payments = 0;
    const count = (): void => progress.calls(++payments);
    try {
      return findings({
        reset: await runCase(cases.reset, context, count),
        unsafe: await runCase(cases.unsafe, context, count),
        keyed: await runCase(cases.keyed, context, count),
        refused: await runCase(cases.refused, context, count),
      });
    } finally {
      progress.end();
    }
  },
};

/** One payment after the other, and after each the question who has received it. */
async function runCase(
  wanted: Case,
  context: ExperimentContext,
  onPayment: () => void,
): Promise<CaseRun> {
  const { label, trouble, retry, keyed } = wanted;
  const { fleet, seed, signal } = context;
  const names = ['payments-1', 'payments-2'] as const;
  return withClient(
    {
      backends: names.map((name) => ({ name, seed })),
      options: { loadBalancer: 'round-robin', retry },
    },
    context,
    async (client) => {
      const pay = async (number: number): Promise<boolean> => {
        const headers = keyed ? { 'Idempotency-Key': `payment-${number}` } : undefined;
        const body = JSON.stringify({ payment: number });
        try {
          const response = await client.fetch('/', {
            method: 'POST',
            body,
            ...(headers && { headers }),
          });
          await response.text();
          return response.status < 400;
        } catch {
          return false;
        }
      };
      // Once to each while all is well: the first payment that is reset then goes over a connection that was used.
      for (const name of names) if (!(await pay(0))) throw new Error(`${name} does not answer`);
      if (trouble === 'refused') await fleet.halt(names[0]);
      else await fleet.change(names[0], { errorRate: 1, errorType: 'reset' });

      let failed = 0;
      const received: number[] = [];
      for (let number = 1; number <= PAYMENTS && !signal.aborted; number++) {
        await fleet.resetCounts();
        if (!(await pay(number))) failed += 1;
        onPayment();
        received.push((await fleet.received()).reduce((sum, count) => sum + count, 0));
      }
      const retries = countersOf(client).upstream_rq_retry ?? 0;
      return { label, failed, received, retries };
    },
  );
}

export function findings(runs: UnsafeRuns): Findings {
  const rows = [runs.reset, runs.unsafe, runs.keyed, runs.refused];
  return {
    results: rows.map((run) => ({ run: run.label, ...run })),
    tables: [table(rows)],
    histograms: [],
    words:
      `What it shows: a POST whose connection was reset may have been carried out, so it is not sent again ` +
      `(${runs.reset.failed} failed, none was doubled), unless a key lets the service tell (${twice(runs.keyed)} were ` +
      `sent twice with the same key) or one insists (${twice(runs.unsafe)} were carried out twice). What was refused ` +
      `was surely not carried out, and is sent to the other endpoint: ${runs.refused.failed} failed.`,
    checks: checks(runs),
  };
}

function table(rows: readonly CaseRun[]): Table {
  return {
    head: [
      'the first endpoint',
      'payments',
      'failed',
      'never received',
      'once',
      'twice',
      'retries',
    ],
    rows: rows.map((run) => [
      run.label,
      String(run.received.length),
      String(run.failed),
      String(times(run, 0)),
      String(times(run, 1)),
      String(twice(run)),
      String(run.retries),
    ]),
    labels: 1,
    notes: [
      'POSTs one after the other over two endpoints in turn; for each, how often the service has received it. The first ' +
        'endpoint takes a request in full before it resets the connection.',
    ],
  };
}

function times({ received }: CaseRun, wanted: number): number {
  return received.filter((count) => count === wanted).length;
}

function twice(run: CaseRun): number {
  return times(run, 2);
}

function checks({ reset, unsafe, keyed, refused }: UnsafeRuns): Check[] {
  const insisted: [string, CaseRun][] = [
    ['retryUnsafeMethods', unsafe],
    ['a key', keyed],
  ];
  return [
    some('reset payments that failed by default', reset.failed),
    exactly('reset payments received once', times(reset, 1), reset.received.length),
    ...insisted.flatMap(([how, run]) => [
      none(`payments that failed with ${how}`, run.failed),
      some(`payments received twice with ${how}`, twice(run)),
    ]),
    none('refused payments that failed', refused.failed),
    some('retries of refused payments', refused.retries),
    exactly('refused payments received once', times(refused, 1), refused.received.length),
  ];
}
