/** All endpoints fail and are ejected: the circuit is open and nothing is sent; they recover, and it is closed again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type CallResult, timeCall } from '../call-result.js';
import { chapterDetection, chapterRule } from '../chapter-detection.js';
import { type Check, atLeast, atMost, below, exactly, none } from '../checks.js';
import { ejectionTable, type LoggedEjection, logEjections } from '../ejections.js';
import type { Experiment, Findings, Table } from '../experiment.js';
import { realTime } from '../pace.js';
import { percentile, sorted } from '../percentiles.js';
import { ENDPOINTS, simpleBackends } from '../simple-backends.js';
import { counterTable } from '../summary.js';
import { callOnce, countersOf, withClient } from '../trial.js';

/** The chapter's milliseconds. */
/** Between two calls while the circuit is open. */
const GAP = 50;
const EXPECTED = 12_000;
/** Of the healthy service, and of the one that has no endpoint left. */
const CALLS = 12;
const OPEN_CALLS = 20;
/** Calls after which it is clear that something does not happen. */
const MOST_FAILURES = 30;
const MOST_REFUSALS = 600;

const COUNTERS = [
  'outlier_detection.ejections_active',
  'outlier_detection.ejections_enforced_total',
  'upstream_cx_none_healthy',
  'membership_healthy',
];

/** The calls of one part of the story, one after the other. */
export interface Part {
  readonly answered: number;
  /** Answered by an endpoint with an error. */
  readonly failed: number;
  /** Failed by the client with UH. */
  readonly refused: number;
  readonly others: number;
  /** Real milliseconds that half of the refused calls took at most; undefined where none was refused. */
  readonly refusedWithin: number | undefined;
  /** Requests that each endpoint received. */
  readonly received: readonly number[];
  /** The client's counters at its end. */
  readonly counters: Readonly<Record<string, number>>;
}

export interface EjectedRun {
  readonly healthy: Part;
  /** Until all endpoints are ejected. */
  readonly failing: Part;
  readonly open: Part;
  /** The endpoints are well again, and still ejected: until a call is answered. */
  readonly healed: Part;
  readonly closed: Part;
  readonly ejections: readonly LoggedEjection[];
  /** What the first refused call said. */
  readonly refusal: string;
}

const chapter = `${chapterRule.trimEnd()}
# all three endpoints answer 503 for a while
`;

const code = `
const backend = createResilientClient({
  service: 'http://simple-backend',
  endpoints: ['http://127.0.0.1:8081', 'http://127.0.0.1:8082', 'http://127.0.0.1:8083'],
  outlierDetection: { consecutive5xxErrors: 1, interval: '5s', baseEjectionTime: '5s', maxEjectionPercent: 100 },
  retry: false,
});
// no endpoint left: NoHealthyEndpointError at once; with localReplies: 'respond' it is 503, "no healthy upstream"
`;

export const allEjected: Experiment = {
  name: 'all-ejected',
  title: 'every endpoint fails and is taken out: the circuit is open, and closed when they return',
  chapter,
  code,
  async run(context) {
    const { pace } = context;
    const outlierDetection = chapterDetection(pace);
    const wanted = {
      backends: simpleBackends(context, {}),
      options: { loadBalancer: 'round-robin', retry: false, outlierDetection } as const,
    };
    return withClient(wanted, context, async (client, backends) => {
      const { fleet, signal } = context;
      const log = logEjections(client, backends, pace);
      const progress = context.progress.begin('open and closed again', realTime(pace, EXPECTED));
      const all: CallResult[] = [];

      /** Calls until it is enough; `gap` in the chapter's milliseconds. */
      const part = async (isEnough: (calls: number) => boolean, gap = 0): Promise<Part> => {
        await fleet.resetCounts();
        const calls: CallResult[] = [];
        while (!isEnough(calls.length) && !signal.aborted) {
          const result = await timeCall(
            () => callOnce(client),
            () => performance.now(),
          );
          calls.push(result);
          progress.calls(all.push(result));
          if (gap > 0) await sleep(realTime(pace, gap), undefined, { signal });
        }
        return { ...tally(calls), received: await fleet.received(), counters: countersOf(client) };
      };
      const setErrorRate = (errorRate: number) =>
        Promise.all(ENDPOINTS.map((name) => fleet.change(name, { errorRate, errorCode: 503 })));

      try {
        const healthy = await part((calls) => calls >= CALLS);
        await setErrorRate(1);
        const failing = await part(
          (calls) => log.out === ENDPOINTS.length || calls >= MOST_FAILURES,
        );
        const open = await part((calls) => calls >= OPEN_CALLS, GAP);
        await setErrorRate(0);
        const healed = await part(
          (calls) => all.at(-1)?.ok === true || calls >= MOST_REFUSALS,
          GAP,
        );
        const closed = await part((calls) => calls >= CALLS);
        const { message: refusal = '' } = all.find(({ flag }) => flag === 'UH') ?? {};
        const { ejections } = log;
        return findings({ healthy, failing, open, healed, closed, ejections, refusal });
      } finally {
        progress.end();
      }
    });
  },
};

function tally(calls: readonly CallResult[]): Omit<Part, 'received' | 'counters'> {
  const answered = calls.filter(({ ok }) => ok).length;
  const failed = calls.filter(({ outcome }) => outcome === '503').length;
  const refusals = calls.filter(({ flag }) => flag === 'UH');
  const refused = refusals.length;
  const times = sorted(refusals.map(({ latency }) => latency));
  const refusedWithin = refused === 0 ? undefined : percentile(times, 50);
  return {
    answered,
    failed,
    refused,
    others: calls.length - answered - failed - refused,
    refusedWithin,
  };
}

const LABELS: Readonly<Record<PartName, string>> = {
  healthy: 'healthy',
  failing: 'all answer 503',
  open: 'open',
  healed: 'open, all well',
  closed: 'closed',
};

type PartName = Exclude<keyof EjectedRun, 'ejections' | 'refusal'>;

export function findings(run: EjectedRun): Findings {
  const { failing, open, healed, ejections, refusal } = run;
  const names = Object.keys(LABELS) as PartName[];
  const parts = Object.fromEntries(names.map((name) => [LABELS[name], run[name]]));
  return {
    results: [
      ...Object.entries(parts).map(([label, part]) => ({ run: label, ...part })),
      { run: 'ejections', ejections, refusal },
    ],
    tables: [
      partTable(parts, [
        'One call after the other over three endpoints in turn, without retries. An endpoint is ejected by its first 503. ' +
          '"Open, all well": the endpoints are well again and still ejected.',
        `Who refused, and why: NoHealthyEndpointError (flag UH), "${refusal}". No endpoint was asked, and Envoy would ` +
          'not retry it either.',
      ]),
      ejectionTable(ejections, [
        'Endpoints return at the first sweep (one each 5 s) after their ejection time, whether they are well or not: that ' +
          'is the half-open state, and who still fails is out again, for longer.',
      ]),
      counterTable(parts, COUNTERS, ['At the end of each part.']),
    ],
    histograms: [],
    words:
      `What it shows: ${failing.failed} calls failed until all ${ejections.length} endpoints were out. From then on calls ` +
      `failed at once, half of them within ${(open.refusedWithin ?? 0).toFixed(2)} ms, and nothing was sent; after ` +
      `${openFor(ejections).toFixed(1)} s the endpoints were back and the first call (after ${healed.refused} that were ` +
      `refused) was answered.`,
    checks: checks(run),
  };
}

function partTable(parts: Readonly<Record<string, Part>>, notes: readonly string[]): Table {
  return {
    head: ['circuit', 'answered', '503', 'refused, UH', 'p50 ms', 'requests at 1 / 2 / 3'],
    rows: Object.entries(parts).map(([label, part]) => [
      label,
      String(part.answered),
      String(part.failed),
      String(part.refused),
      part.refusedWithin?.toFixed(2) ?? '',
      part.received.join(' / '),
    ]),
    labels: 1,
    notes: ['p50 is what half of the refused calls took at most, in real time.', ...notes],
  };
}

/** How long no endpoint was there, as far as the ejections tell. Seconds. */
function openFor(ejections: readonly LoggedEjection[]): number {
  const opened = Math.max(...ejections.map(({ at }) => at));
  const closed = Math.min(
    ...ejections.map(({ at, outFor }) => at + (outFor ?? Number.POSITIVE_INFINITY)),
  );
  return closed - opened;
}

function checks({ healthy, failing, open, healed, closed, ejections }: EjectedRun): Check[] {
  const sum = (counts: readonly number[]): number => counts.reduce((all, count) => all + count, 0);
  const parts = [healthy, failing, open, healed, closed];
  const stays = ejections.map(({ outFor }) => outFor ?? Number.POSITIVE_INFINITY);
  const value = (name: string, part: Part): number => part.counters[name] ?? Number.NaN;
  return [
    exactly('calls answered while all is well', healthy.answered, CALLS),
    exactly('calls that failed until all were ejected', failing.failed, ENDPOINTS.length),
    exactly('ejections', ejections.length, ENDPOINTS.length),
    exactly(
      'ejections_active while the circuit is open',
      value('outlier_detection.ejections_active', open),
      ENDPOINTS.length,
    ),
    exactly('calls refused with UH while it is open', open.refused, OPEN_CALLS),
    none('requests that reached an endpoint while it is open', sum(open.received)),
    below('p50 of a refused call', { value: open.refusedWithin ?? Infinity, unit: 'ms' }, 5),
    exactly(
      'refusals by upstream_cx_none_healthy',
      value('upstream_cx_none_healthy', closed),
      open.refused + healed.refused,
    ),
    exactly(
      'requests that reached a healed endpoint, up to the first answer',
      sum(healed.received),
      1,
    ),
    atLeast('shortest ejection', { value: Math.min(...stays), unit: 's' }, 5),
    // The base time, up to one sweep more, and what the machine adds.
    atMost('longest ejection', { value: Math.max(...stays), unit: 's' }, 12),
    exactly('calls answered when it is closed', closed.answered, CALLS),
    exactly('endpoints that answer again', closed.received.filter((count) => count > 0).length, 3),
    none('ejections_active in the end', value('outlier_detection.ejections_active', closed)),
    none('calls that ended otherwise', sum(parts.map(({ others }) => others))),
  ];
}
