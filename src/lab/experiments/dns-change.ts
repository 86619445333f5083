/** DNS answers with other addresses, then fails, then has others again: the client follows without a restart, and no call fails. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer } from 'dns-packet';
import { dns, type ResilientClient } from '../../index.js';
import { atMost, type Check, exactly, none, some } from '../checks.js';
import { a, type DnsServer, srv, startDnsServer } from '../dns-server.js';
import type { Experiment, ExperimentContext, Findings, Table } from '../experiment.js';
import type { Backend } from '../fleet-messages.js';
import { isFull, type Pace, realTime } from '../pace.js';
import { countsOf, retire, socketsLeft, sum } from '../retirement.js';
import { FAST } from '../simple-backends.js';
import { countersOf, withClient } from '../trial.js';
import { until } from '../until.js';
import { whileCalling } from '../while-calling.js';

const NAME = '_http._tcp.simple-backend.lab';
/** The sets of servers that DNS names one after the other, two each. */
const SETS = ['a', 'b', 'c'] as const;
const EACH = 2;
/** Calls per real second. */
const RATE = 100;
/** The chapter's milliseconds; in DNS a whole number of seconds. */
const TTL = 5000;
/** For so long each set is called, and DNS is silent: the chapter's milliseconds. */
const STAY = 1500;
/** Real milliseconds after which nothing is waited for any more. */
const PATIENCE = 20_000;

/** From one set to the next; times in seconds of the chapter's time. */
export interface Move {
  /** Until the first call at the new set; undefined if none came. */
  readonly after: number | undefined;
  /** Until the last connection to the old set was closed; undefined if one remained. */
  readonly drainedAfter: number | undefined;
  /** Connections that the old set had when it was stopped. */
  readonly left: number;
  /** Servers of the new set that have been called. */
  readonly used: number;
}

/** While DNS had no answer. */
export interface Outage {
  /** Seconds of the chapter's time. */
  readonly seconds: number;
  /** Questions that were answered with SERVFAIL, and those that were not answered. */
  readonly refused: number;
  readonly ignored: number;
  /** Times that the client took note of the failure. */
  readonly failures: number;
  /** Requests at the set of the last good answer, and at the others. */
  readonly received: number;
  readonly elsewhere: number;
}

export interface DnsRun {
  readonly calls: number;
  /** How those ended that failed. */
  readonly failures: readonly string[];
  /** From the first set to the second one. */
  readonly change: Move;
  readonly outage: Outage;
  /** From the second one to the third, once DNS was back. */
  readonly recovery: Move;
  readonly socketsLeft: number;
}

const chapter = `
# The mesh's word for endpoints that DNS knows:
apiVersion: networking.istio.io/v1beta1
kind: ServiceEntry
metadata:
  name: simple-backend
spec:
  hosts: [ simple-backend.lab ]
  ports:
  - { number: 80, name: http, protocol: HTTP }
  resolution: DNS
`;

const code = `
const backend = createResilientClient({
  service: 'http://simple-backend',
  // SRV records have ports, so that all servers can be on 127.0.0.1; the answer holds for 5 s
  endpoints: dns({ hostname: '_http._tcp.simple-backend.lab', type: 'SRV', resolver: 'resolve', servers: ['127.0.0.1:5353'] }),
  retry: false,
});
await backend.ready();
`;

export const dnsChange: Experiment = {
  name: 'dns-change',
  title: 'DNS names other servers, then fails, then names others again: followed without a restart',
  chapter,
  code,
  async run(context) {
    const names = await startDnsServer();
    try {
      return findings(await follow(context, names), isFull(context.pace));
    } finally {
      await names.stop();
    }
  },
};

async function follow(context: ExperimentContext, names: DnsServer): Promise<DnsRun> {
  const { fleet, pace, seed, signal } = context;
  const timing50Percentile = realTime(pace, FAST);
  const backends = SETS.flatMap((set) =>
    Array.from({ length: EACH }, (_, i) => ({ name: `${set}-${i + 1}`, timing50Percentile, seed })),
  );
  const find = (started: readonly Backend[]) => {
    names.records = recordsOf(setOf(started, 0), pace);
    const servers = [names.address];
    return dns({ hostname: NAME, type: 'SRV', resolver: 'resolve', servers });
  };
  const options = { retry: false } as const;
  return withClient({ backends, options, find }, context, async (client, all) => {
    await client.ready();
    const [first, second, third] = [setOf(all, 0), setOf(all, 1), setOf(all, 2)] as const;
    const stay = (): Promise<void> => sleep(realTime(pace, STAY), undefined, { signal });
    const move = async (old: readonly Backend[], next: readonly Backend[]): Promise<Move> => {
      const begun = performance.now();
      const seconds = (): number => chapterSeconds(performance.now() - begun, pace);
      const patience = { limit: PATIENCE, signal };
      names.records = recordsOf(next, pace);
      names.trouble = undefined;
      const received = async (): Promise<number[]> => countsOf(await fleet.received(), all, next);
      const came = await until(async () => sum(await received()) > 0, patience);
      const after = came === undefined ? undefined : seconds();
      const drained = await retire(fleet, all, old, patience);
      const drainedAfter = drained.after === undefined ? undefined : seconds();
      await stay();
      const used = (await received()).filter((count) => count > 0).length;
      return { after, drainedAfter, left: drained.left, used };
    };
    const duration = realTime(pace, 3 * STAY) + 3 * 1000 * ttlOf(pace);
    const steady = { label: 'DNS changes, fails and returns', rate: RATE, duration };
    const { told, calls } = await whileCalling(client, steady, context, async () => {
      await stay();
      const change = await move(first, second);
      const outage = await fail(context, names, client, { all, last: second });
      return { change, outage, recovery: await move(second, third) };
    });
    return {
      ...told,
      calls: calls.length,
      failures: calls.filter(({ ok }) => !ok).map(({ outcome }) => outcome),
      socketsLeft: await socketsLeft(client, fleet, { limit: PATIENCE, signal }),
    };
  });
}

/** Of all, in the order of their starts. */
function setOf(all: readonly Backend[], index: number): readonly Backend[] {
  return all.slice(index * EACH, (index + 1) * EACH);
}

/** DNS answers SERVFAIL until the client has taken note of it, and then nothing at all. */
async function fail(
  { fleet, pace, signal }: ExperimentContext,
  names: DnsServer,
  client: ResilientClient,
  { all, last }: { readonly all: readonly Backend[]; readonly last: readonly Backend[] },
): Promise<Outage> {
  const patience = { limit: PATIENCE, signal };
  const failures = (): number => countersOf(client).update_failure ?? 0;
  await fleet.resetCounts();
  const begun = performance.now();
  const asked = names.questions.length;
  names.trouble = 'SERVFAIL';
  await until(() => failures() > 0, patience);
  const refused = names.questions.length - asked;
  names.trouble = 'silence';
  await until(() => names.questions.length > asked + refused, patience);
  await sleep(realTime(pace, STAY), undefined, { signal });
  const received = await fleet.received();
  const there = sum(countsOf(received, all, last));
  return {
    seconds: chapterSeconds(performance.now() - begun, pace),
    refused,
    ignored: names.questions.length - asked - refused,
    failures: failures(),
    received: there,
    elsewhere: sum(received) - there,
  };
}

/** A name for each server, whose address holds for the TTL: Node does not tell that of SRV records. */
function recordsOf(backends: readonly Backend[], pace: Pace): Answer[] {
  const ttl = ttlOf(pace);
  return backends.flatMap(({ name, url }) => {
    const target = `${name}.simple-backend.lab`;
    return [srv(NAME, target, Number(new URL(url).port), { ttl }), a(target, '127.0.0.1', ttl)];
  });
}

/** In seconds. */
function ttlOf(pace: Pace): number {
  return Math.max(1, Math.round(realTime(pace, TTL) / 1000));
}

function chapterSeconds(milliseconds: number, pace: Pace): number {
  return (milliseconds * pace.speedup) / 1000;
}

export function findings(run: DnsRun, full: boolean): Findings {
  const { calls, failures, change, outage } = run;
  return {
    results: [{ ...run }],
    tables: [table(run)],
    histograms: [],
    words:
      `What it shows: DNS named other servers, and ${secondsOf(change.after)} s later they were called, with the TTL at ` +
      `${TTL / 1000} s; the connections to the old ones were closed after ${secondsOf(change.drainedAfter)} s. While DNS ` +
      `failed for ${outage.seconds.toFixed(1)} s the last good list stayed, and what it named when it was back was followed ` +
      `as well. Of ${calls} calls ${failures.length} failed, without a retry, and the client was the same all the time.`,
    checks: checks(run, full),
  };
}

const secondsOf = (seconds: number | undefined): string => seconds?.toFixed(1) ?? 'never';

function table({ change, outage, recovery, failures }: DnsRun): Table {
  const moved = ({ after, drainedAfter, used }: Move): string[] => [
    secondsOf(after),
    secondsOf(drainedAfter),
    `${used} of ${EACH} called`,
  ];
  return {
    head: ['DNS', 'first call at new s', 'old connections closed s', 'servers'],
    rows: [
      ['names others', ...moved(change)],
      [`fails for ${outage.seconds.toFixed(1)} s`, '', '', `${outage.received} calls at the last`],
      ['is back, names others', ...moved(recovery)],
    ],
    labels: 1,
    notes: [
      `While it failed, ${outage.refused} question(s) were answered with SERVFAIL and ${outage.ignored} not at all; the client ` +
        `took note of ${outage.failures} failure(s), and says each kind once, as a warning of the process.`,
      'A question that is not answered is asked again after up to 2 s, real ones: that is what its return may wait for.',
      ...(failures.length === 0
        ? []
        : [`Calls failed with: ${[...new Set(failures)].join(', ')}.`]),
    ],
  };
}

/** The TTL, a tenth of it by chance, 0.1 s in which changes are gathered, and what a machine may take. */
const MOVED = { full: 6, quick: 8 };
/** The same after a failure: back-off, and the question that was not answered. */
const RECOVERED = { full: 8, quick: 16 };

function checks(run: DnsRun, full: boolean): Check[] {
  const { change, outage, recovery } = run;
  const after = (move: Move) =>
    ({ value: move.after ?? Number.POSITIVE_INFINITY, unit: 's' }) as const;
  const limit = (limits: { readonly full: number; readonly quick: number }): number =>
    full ? limits.full : limits.quick;
  return [
    none('calls that failed', run.failures.length),
    atMost('until the new servers are called', after(change), limit(MOVED)),
    exactly('new servers that were called', change.used, EACH),
    none('connections to the old ones when they were stopped', change.left),
    some('failures of DNS that the client noticed', outage.failures),
    some('questions that were not answered', outage.ignored),
    some('calls meanwhile at the last known servers', outage.received),
    none('calls meanwhile elsewhere', outage.elsewhere),
    atMost('until those named after it are called', after(recovery), limit(RECOVERED)),
    exactly('of those, servers that were called', recovery.used, EACH),
    none('connections to the second ones when they were stopped', recovery.left),
    none('sockets left when the client was closed', run.socketsLeft),
  ];
}
