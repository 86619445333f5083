/** Calls stay in the own zone, leave it when it fails, come home again; are shared out by place; and retried elsewhere. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type CallResult, timeCall } from '../call-result.js';
import { chapterDetection } from '../chapter-detection.js';
import { type Check, exactly, none, some, within } from '../checks.js';
import type { Experiment, ExperimentContext, Findings, Table } from '../experiment.js';
import { realTime } from '../pace.js';
import { share, shareText } from '../share.js';
import { simpleBackends } from '../simple-backends.js';
import { callOnce, type TrialOptions, withClient } from '../trial.js';

/** The chapter's: the caller and the first endpoint in one zone, the others in the next. */
const HERE = 'us-west1/us-west1-a';
const THERE = 'us-west1/us-west1-b';
const LOCALITIES = [HERE, THERE, THERE];
const FIRST = 'simple-backend-1';

/** Calls of one part, by so many callers at once: no more than the retry budget always has room for. */
const CALLS = 45;
const CALLERS = 3;
/** Of the part whose shares are measured. */
const SHARED_CALLS = 300;
/** How much of what the own zone answers is 503, where retries are looked at. */
const ILL = 0.75;
/** How long the first endpoint is waited for at most, and the pause between two calls meanwhile: the chapter's ms. */
const PATIENCE = 40_000;
const GAP = 100;

/** The calls of one part. */
export interface Part {
  readonly answered: number;
  /** Answered with an error. */
  readonly failed: number;
  readonly others: number;
  /** Requests that each endpoint received. */
  readonly received: readonly number[];
}

export interface LocalityRun {
  /** All are well. */
  readonly home: Part;
  /** The own zone answers 503: until its endpoint is out. */
  readonly failing: Part;
  readonly away: Part;
  /** The own zone is well, and its endpoint still out: until it is asked again. */
  readonly healed: Part;
  readonly back: Part;
  /** Shares of 70 and 30 percent. */
  readonly shared: Part;
  /** Three answers of four of the own zone are 503; two retries there, and elsewhere. */
  readonly retriedHere: Part;
  readonly retriedThere: Part;
}

type PartName = keyof LocalityRun;

const chapter = `
apiVersion: networking.istio.io/v1beta1
kind: DestinationRule
spec:
  host: simple-backend
  trafficPolicy:
    loadBalancer:
      localityLbSetting:           # second part; without it the nearest endpoints come first
        distribute:
        - from: us-west1/us-west1-a/*
          to: { "us-west1/us-west1-a/*": 70, "us-west1/us-west1-b/*": 30 }
    outlierDetection:
      consecutive5xxErrors: 1
      interval: 5s
      baseEjectionTime: 5s
      maxEjectionPercent: 100
# third part, in the VirtualService:   retries: { attempts: 2, retryOn: "503", retryRemoteLocalities: true }
`;

const code = `
const backend = createResilientClient({
  service: 'http://simple-backend',
  endpoints: [
    { url: 'http://127.0.0.1:8081', locality: 'us-west1/us-west1-a' },
    { url: 'http://127.0.0.1:8082', locality: 'us-west1/us-west1-b' },
    { url: 'http://127.0.0.1:8083', locality: 'us-west1/us-west1-b' },
  ],
  locality: { local: 'us-west1/us-west1-a' },    // or OUTRIGGER_LOCALITY of the environment
  outlierDetection: { consecutive5xxErrors: 1, interval: '5s', baseEjectionTime: '5s', maxEjectionPercent: 100 },
});
backend.update({ locality: { distribute: [{ from: 'us-west1/us-west1-a/*', to: { 'us-west1/us-west1-a/*': 70, 'us-west1/us-west1-b/*': 30 } }] } });
backend.update({ retry: { attempts: 2, retryOn: [503], retryRemoteLocalities: true } });
`;

export const locality: Experiment = {
  name: 'locality',
  title:
    'calls stay in the own zone, leave it when it fails, and come home; shares by place; retries elsewhere',
  chapter,
  code,
  async run(context) {
    const outlierDetection = chapterDetection(context.pace);
    const near = { locality: { local: HERE }, outlierDetection, retry: false } as const;
    const story = await failover(context, near);
    const distribute = [
      { from: `${HERE}/*`, to: { [`${HERE}/*`]: 70, [`${THERE}/*`]: 30 } },
    ] as const;
    const shared = await single(context, 'shares of 70 and 30 %', SHARED_CALLS, 0, {
      locality: { local: HERE, distribute },
      retry: false,
    });
    // Nearness needs a way to notice failure; here it is to notice none.
    const blind = { ...near, outlierDetection: { consecutive5xxErrors: 1_000_000 } };
    const retry = { attempts: 2, retryOn: [503] };
    const retriedHere = await single(context, 'retries in the own zone', CALLS, ILL, {
      ...blind,
      retry,
    });
    const retriedThere = await single(context, 'retries elsewhere', CALLS, ILL, {
      ...blind,
      retry: { ...retry, retryRemoteLocalities: true },
    });
    return findings({ ...story, shared, retriedHere, retriedThere });
  },
};

type Story = Pick<LocalityRun, 'home' | 'failing' | 'away' | 'healed' | 'back'>;

/** The own zone fails and recovers under calls. */
function failover(context: ExperimentContext, options: TrialOptions): Promise<Story> {
  const backends = simpleBackends(context, {});
  const { fleet, pace, signal } = context;
  return withClient({ backends, options, localities: LOCALITIES }, context, async (client) => {
    const progress = context.progress.begin(
      'the own zone fails and recovers',
      realTime(pace, 25_000),
    );
    const call = (): Promise<CallResult> =>
      timeCall(
        () => callOnce(client),
        () => performance.now(),
      );
    const part = async (make: () => Promise<readonly CallResult[]>): Promise<Part> => {
      await fleet.resetCounts();
      const calls = await make();
      return { ...tally(calls), received: await fleet.received() };
    };
    const asked = async (): Promise<boolean> => ((await fleet.received())[0] ?? 0) > 0;
    /** One call after the other until the first endpoint has been asked, or patience is at its end. */
    const untilAsked = async (): Promise<CallResult[]> => {
      const calls: CallResult[] = [];
      const begun = performance.now();
      while (!signal.aborted && performance.now() - begun < realTime(pace, PATIENCE)) {
        calls.push(await call());
        if (await asked()) break;
        await sleep(realTime(pace, GAP), undefined, { signal }).catch(() => undefined);
      }
      return calls;
    };
    try {
      const home = await part(() => many(call, CALLS));
      await fleet.change(FIRST, { errorRate: 1, errorCode: 503 });
      const failing = await part(() => untilAsked());
      const away = await part(() => many(call, CALLS));
      await fleet.change(FIRST, { errorRate: 0 });
      const healed = await part(() => untilAsked());
      const back = await part(() => many(call, CALLS));
      return { home, failing, away, healed, back };
    } finally {
      progress.end();
    }
  });
}

/** One part with a client of its own; the first endpoint answers 503 so often. */
function single(
  context: ExperimentContext,
  label: string,
  calls: number,
  errorRate: number,
  options: TrialOptions,
): Promise<Part> {
  const backends = simpleBackends(context, { errorRate, errorCode: 503 });
  return withClient({ backends, options, localities: LOCALITIES }, context, async (client) => {
    const progress = context.progress.begin(label, realTime(context.pace, (calls / CALLERS) * 200));
    const call = (): Promise<CallResult> =>
      timeCall(
        () => callOnce(client),
        () => performance.now(),
      );
    try {
      return { ...tally(await many(call, calls)), received: await context.fleet.received() };
    } finally {
      progress.end();
    }
  });
}

async function many(call: () => Promise<CallResult>, calls: number): Promise<CallResult[]> {
  const results: CallResult[] = [];
  let left = calls;
  const caller = async (): Promise<void> => {
    while (left-- > 0) results.push(await call());
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  return results;
}

function tally(calls: readonly CallResult[]): Omit<Part, 'received'> {
  const answered = calls.filter(({ ok }) => ok).length;
  const failed = calls.filter(({ outcome }) => outcome === '503').length;
  return { answered, failed, others: calls.length - answered - failed };
}

const LABELS: Readonly<Record<PartName, string>> = {
  home: 'all well',
  failing: 'own zone fails',
  away: 'own zone out',
  healed: 'own zone well, still out',
  back: 'own zone back',
  shared: '70 / 30 %',
  retriedHere: 'retries, own zone ill',
  retriedThere: 'the same, retryRemoteLocalities',
};

export function findings(run: LocalityRun): Findings {
  const names = Object.keys(LABELS) as PartName[];
  return {
    results: names.map((name) => ({ run: LABELS[name], ...run[name] })),
    tables: [partTable(run)],
    histograms: [],
    words:
      `What it shows: while all is well no call leaves the zone; when its endpoint failed, ${run.failing.failed} call(s) ` +
      `met that, and the next ${run.away.answered} were answered from the other zone, without a change of anything; when ` +
      `the endpoint was back, so were the calls. Shares by place are kept to the percent, and the second retry, which leaves the zone, ` +
      `saves the calls that two inside it do not (${run.retriedHere.failed} of ${CALLS} failed, then ${run.retriedThere.failed}).`,
    checks: checks(run),
  };
}

function partTable(run: LocalityRun): Table {
  const first = share(hereOf(run.shared), sum(run.shared.received));
  return {
    head: ['part', 'answered', '503', 'requests here', 'there', 'there'],
    rows: (Object.keys(LABELS) as PartName[]).map((name) => {
      const { answered, failed, received } = run[name];
      return [LABELS[name], ...[answered, failed, ...received].map(String)];
    }),
    labels: 1,
    notes: [
      `${FIRST} is in the caller's zone, ${HERE}; the other two are in ${THERE}.`,
      `Of the calls with shares of 70 and 30 %, ${shareText(first)} went to the own zone; in brackets the range of the true ` +
        'share at 95 %, were they drawn by chance. They are not: zones take turns by their weights, as in Envoy.',
      'Retries stay in the zone, where there is but one endpoint; with retryRemoteLocalities the second one does not.',
    ],
  };
}

const hereOf = ({ received }: Part): number => received[0] ?? 0;
const thereOf = ({ received }: Part): number => sum(received.slice(1));
const sum = (counts: readonly number[]): number => counts.reduce((all, count) => all + count, 0);

function checks(run: LocalityRun): Check[] {
  const { home, failing, away, healed, back, shared, retriedHere, retriedThere } = run;
  const percentHere = (100 * hereOf(shared)) / sum(shared.received);
  return [
    exactly('calls answered while all is well', home.answered, CALLS),
    none('of them in the other zone', thereOf(home)),
    exactly('calls that failed until the own zone was out', failing.failed, 1),
    exactly('calls answered while it is out', away.answered, CALLS),
    none('of them in the own zone', hereOf(away)),
    none('calls that failed while it recovered', healed.failed + healed.others),
    exactly('calls answered when it is back', back.answered, CALLS),
    none('of them in the other zone then', thereOf(back)),
    within('share of the own zone, of 70 %', { value: percentHere, unit: '%' }, 69, 71),
    exactly('calls answered in shares', shared.answered, SHARED_CALLS),
    some('calls that failed although retried in the own zone', retriedHere.failed),
    none('requests of those in the other zone', thereOf(retriedHere)),
    none('calls that failed when retried elsewhere', retriedThere.failed),
    some('retries that went to the other zone', thereOf(retriedThere)),
    none('calls that ended otherwise', sum(Object.values(run).map(({ others }: Part) => others))),
  ];
}
