/** An endpoint fails once, is taken out, and comes back: what share of the traffic it has before, meanwhile and after. */
import type { EndpointSnapshot, ResilientClient } from '../../index.js';
import { chapterDetection, chapterRule } from '../chapter-detection.js';
import { atLeast, atMost, type Check, exactly, none, within } from '../checks.js';
import { ejectionTable, type LoggedEjection, logEjections } from '../ejections.js';
import type { Experiment, Findings, Table } from '../experiment.js';
import { runLoad } from '../load.js';
import { type Pace, realTime } from '../pace.js';
import { ENDPOINTS, simpleBackends } from '../simple-backends.js';
import { counterTable } from '../summary.js';
import { callOnce, countersOf, withClient } from '../trial.js';

const WORKERS = 3;
/** The chapter's milliseconds. */
const LENGTH = 2000;
const EXPECTED = 25_000;
/** An ejection that is not over by then never will be. */
const LIMIT = 40_000;
/** Calls after which it is clear that the endpoint is not ejected. */
const MOST_CALLS = 12;

const COUNTERS = [
  'outlier_detection.ejections_active',
  'outlier_detection.ejections_enforced_total',
  'membership_healthy',
];

/** What `client.endpoints()` said of the first endpoint; times in seconds of the chapter's time. */
export interface Seen {
  readonly healthy: boolean;
  readonly ejected: boolean;
  readonly returnsIn: number | undefined;
  readonly ejections: number;
  readonly success: number;
  readonly error: number;
}

/** A stretch of load. */
export interface Stretch {
  readonly calls: number;
  readonly failed: number;
  /** Requests that each endpoint received. */
  readonly received: readonly number[];
  /** Some calls after its start. */
  readonly seen: Seen;
  /** At the same moment. */
  readonly counters: Readonly<Record<string, number>>;
}

export interface ReturnRun {
  readonly before: Stretch;
  readonly out: Stretch;
  readonly back: Stretch;
  readonly outAgain: Stretch;
  readonly backAgain: Stretch;
  /** Calls that failed, one each time until the endpoint was ejected. */
  readonly failures: readonly number[];
  readonly ejections: readonly LoggedEjection[];
}

const chapter = `${chapterRule.trimEnd()}
# simple-backend-1 answers a single 500, is well again, and some time later answers another one
`;

const code = `
const backend = createResilientClient({
  service: 'http://simple-backend',
  endpoints: ['http://127.0.0.1:8081', 'http://127.0.0.1:8082', 'http://127.0.0.1:8083'],
  loadBalancer: 'round-robin',
  outlierDetection: { consecutive5xxErrors: 1, interval: '5s', baseEjectionTime: '5s', maxEjectionPercent: 100 },
  retry: false,
});
for (const { url, healthy, ejected, returnsIn, ejections } of backend.endpoints()) ...
backend.onReturn(({ endpoint, reason, ejectedFor }) => console.log(endpoint, reason, ejectedFor));
`;

export const ejectionReturn: Experiment = {
  name: 'ejection-return',
  title: 'an endpoint that was taken out comes back, and is out for longer the next time',
  chapter,
  code,
  async run(context) {
    const { pace, fleet, signal } = context;
    const outlierDetection = chapterDetection(pace);
    const wanted = {
      backends: simpleBackends(context, {}),
      options: { loadBalancer: 'round-robin', retry: false, outlierDetection } as const,
    };
    return withClient(wanted, context, async (client, backends) => {
      const log = logEjections(client, backends, pace);
      const progress = context.progress.begin('out and back, twice', realTime(pace, EXPECTED));
      const failures: number[] = [];
      let made = 0;

      /** Load for two seconds, or until the endpoint is back. */
      const stretch = async (until?: AbortSignal): Promise<Stretch> => {
        await fleet.resetCounts();
        const duration = realTime(pace, until === undefined ? LENGTH : LIMIT);
        let seen: Pick<Stretch, 'seen' | 'counters'> | undefined;
        const { calls } = await runLoad({
          workers: WORKERS,
          duration,
          signal: until === undefined ? signal : AbortSignal.any([signal, until]),
          call: () => callOnce(client),
          onCall: (count) => {
            progress.calls(made + count);
            if (count === 2 * WORKERS) seen = look(client, pace);
          },
        });
        made += calls.length;
        const received = await fleet.received();
        const failed = calls.filter(({ ok }) => !ok).length;
        return { calls: calls.length, failed, received, ...(seen ?? look(client, pace)) };
      };
      /** The first endpoint fails until it is ejected, and is well then. */
      const failOnce = async (): Promise<void> => {
        const before = log.ejections.length;
        await fleet.change(ENDPOINTS[0], { errorRate: 1, errorCode: 500 });
        let failed = 0;
        for (let calls = 0; calls < MOST_CALLS && log.ejections.length === before; calls++) {
          if ((await callOnce(client)) >= 500) failed += 1;
          progress.calls(++made);
        }
        await fleet.change(ENDPOINTS[0], { errorRate: 0 });
        failures.push(failed);
      };

      try {
        const before = await stretch();
        await failOnce();
        const out = await stretch(log.nextReturn());
        const back = await stretch();
        await failOnce();
        const outAgain = await stretch(log.nextReturn());
        const backAgain = await stretch();
        const { ejections } = log;
        return findings({ before, out, back, outAgain, backAgain, failures, ejections });
      } finally {
        progress.end();
      }
    });
  },
};

function look(client: ResilientClient, { speedup }: Pace): Pick<Stretch, 'seen' | 'counters'> {
  const [first] = client.endpoints() as [EndpointSnapshot];
  const { healthy, ejected, returnsIn, ejections, success, error } = first;
  const inSeconds = returnsIn === undefined ? undefined : (returnsIn / 1000) * speedup;
  const seen = { healthy, ejected, returnsIn: inSeconds, ejections, success, error };
  return { seen, counters: countersOf(client) };
}

type StretchName = Exclude<keyof ReturnRun, 'failures' | 'ejections'>;

const LABELS: Readonly<Record<StretchName, string>> = {
  before: 'before',
  out: 'ejected',
  back: 'back',
  outAgain: 'ejected again',
  backAgain: 'back again',
};

export function findings(run: ReturnRun): Findings {
  const names = Object.keys(LABELS) as StretchName[];
  const stretches = Object.fromEntries(names.map((name) => [LABELS[name], run[name]]));
  const { ejections, before, out, back } = run;
  const percent = (stretch: Stretch): string => firstShare(stretch).toFixed(0);
  const [once, twice] = ejections;
  return {
    results: [
      ...Object.entries(stretches).map(([label, stretch]) => ({ run: label, ...stretch })),
      { run: 'ejections', ejections },
    ],
    tables: [
      shareTable(stretches),
      endpointTable(stretches),
      ejectionTable(ejections, [
        'Each ejection lasts 5 s longer than the one before, and ends at the first sweep after it; sweeps are 5 s apart. ' +
          'An endpoint that stays well gets one step back at each sweep.',
      ]),
      counterTable(stretches, COUNTERS, []),
    ],
    histograms: [],
    words:
      `What it shows: the first endpoint had ${percent(before)} % of the requests, ${percent(out)} % while it was ejected, ` +
      `and ${percent(back)} % when it was back. One failed request put it out for ${(once?.outFor ?? 0).toFixed(1)} s, ` +
      `the next one for ${(twice?.outFor ?? 0).toFixed(1)} s.`,
    checks: checks(run),
  };
}

/** Of all requests, in per cent. */
function firstShare({ received }: Stretch): number {
  const [first = 0] = received;
  return (first / received.reduce((sum, count) => sum + count, 0)) * 100;
}

function shareTable(stretches: Readonly<Record<string, Stretch>>): Table {
  return {
    head: ['simple-backend-1 is', 'calls', 'failed', 'requests at 1 / 2 / 3', 'share of 1'],
    rows: Object.entries(stretches).map(([label, stretch]) => [
      label,
      String(stretch.calls),
      String(stretch.failed),
      stretch.received.join(' / '),
      `${firstShare(stretch).toFixed(1)} %`,
    ]),
    labels: 1,
    notes: [
      'Three workers over three endpoints in turn. The calls that eject it are made in between.',
    ],
  };
}

function endpointTable(stretches: Readonly<Record<string, Stretch>>): Table {
  return {
    head: ['endpoints()', 'healthy', 'ejected', 'returnsIn s', 'ejections', 'success', 'error'],
    rows: Object.entries(stretches).map(([label, { seen }]) => [
      label,
      String(seen.healthy),
      String(seen.ejected),
      seen.returnsIn?.toFixed(2) ?? '',
      String(seen.ejections),
      String(seen.success),
      String(seen.error),
    ]),
    labels: 1,
    notes: [
      'What client.endpoints() says of the first endpoint after the sixth call of each stretch.',
    ],
  };
}

function checks(run: ReturnRun): Check[] {
  const { before, out, back, outAgain, backAgain, failures, ejections } = run;
  const share = (stretch: Stretch) => ({ value: firstShare(stretch), unit: '%' }) as const;
  const all = [before, out, back, outAgain, backAgain];
  const failed = all.reduce((sum, stretch) => sum + stretch.failed, 0);
  const [once, twice] = ejections;
  const seconds = (value = Number.NaN) => ({ value, unit: 's' }) as const;
  return [
    within('share before', share(before), 28, 39),
    none('requests that reached it while it was ejected', out.received[0] ?? 0),
    within('share when it was back', share(back), 28, 39),
    none('requests that reached it while it was ejected again', outAgain.received[0] ?? 0),
    within('share when it was back again', share(backAgain), 28, 39),
    none('failed calls, but for those that ejected it', failed),
    exactly(
      'failed calls that ejected it',
      failures.reduce((sum, count) => sum + count, 0),
      2,
    ),
    exactly('ejections', ejections.length, 2),
    exactly('ejection time of the first one', Math.round(once?.ejectionTime ?? 0), 5),
    exactly('ejection time of the second one', Math.round(twice?.ejectionTime ?? 0), 10),
    atLeast('first ejection', seconds(once?.outFor), 5),
    // Up to one sweep more, and what the machine adds.
    atMost('first ejection, with the wait for the sweep', seconds(once?.outFor), 12),
    atLeast('second ejection', seconds(twice?.outFor), 10),
    atMost('second ejection, with the wait for the sweep', seconds(twice?.outFor), 17),
    exactly('endpoints healthy in the end', backAgain.counters.membership_healthy ?? 0, 3),
  ];
}
