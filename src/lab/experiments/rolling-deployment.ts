/** Every server is replaced, several times over, while calls are made: the client follows a file, and no call fails. */
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { file } from '../../index.js';
import { atLeast, type Check, exactly, none } from '../checks.js';
import type { Experiment, ExperimentContext, Findings, Table } from '../experiment.js';
import type { FakeServiceOptions } from '../fake-service/options.js';
import type { Backend } from '../fleet-messages.js';
import { realTime } from '../pace.js';
import { countsOf, retire, socketsLeft, sum } from '../retirement.js';
import { ENDPOINTS, FAST } from '../simple-backends.js';
import { withClient } from '../trial.js';
import { whileCalling } from '../while-calling.js';

/** How often each server is replaced by another one. */
const ROUNDS = 3;
/** Calls per real second. */
const RATE = 500;
/** How much of it must really have been made: a busy machine may stand still when the run ends. */
const LEAST_PART = 0.9;
/** From one replacement to the next, the chapter's milliseconds. */
const PAUSE = 750;
/** About how many real milliseconds an old server is called on, to begin with. */
const USUAL_DRAIN = 150;
/** Real milliseconds that an old server waits for its connections to be closed, before it is stopped all the same. */
const PATIENCE = 5000;

/** One server put in the place of another. */
export interface Replacement {
  readonly round: number;
  readonly old: string;
  readonly replacement: string;
  /** Real milliseconds from the new list to the old server's last connection closed; undefined if that never came. */
  readonly drainedAfter: number | undefined;
  /** Connections that the old one still had when it was stopped. */
  readonly left: number;
  /** Requests that reached the new one. */
  readonly received: number;
}

export interface RollingRun {
  readonly calls: number;
  /** How those ended that failed. */
  readonly failures: readonly string[];
  /** Real ones that it took. */
  readonly seconds: number;
  /** At all servers. */
  readonly received: number;
  readonly replacements: readonly Replacement[];
  /** Sockets that the servers still had once the client was closed. */
  readonly socketsLeft: number;
}

const chapter = `
# What Kubernetes does with a new version: a pod is started, the list of endpoints changes, and only then an old one ends.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: simple-backend
spec:
  replicas: 3
  strategy:
    rollingUpdate:
      maxSurge: 1
      maxUnavailable: 0
  template:
    spec:
      containers:
      - name: simple-backend
        lifecycle:
          preStop:                 # the old one lives on until nobody calls it any more
            exec: { command: ["sleep", "15"] }
`;

const code = `
const backend = createResilientClient({
  service: 'http://simple-backend',
  endpoints: file({ path: './endpoints.json' }),   // watched; written elsewhere and renamed into place
  retry: false,
});
await backend.ready();
`;

export const rollingDeployment: Experiment = {
  name: 'rolling-deployment',
  title: 'three servers are replaced one by one, three times, under 500 calls a second: none fails',
  chapter,
  code,
  async run(context) {
    const folder = await mkdtemp(join(tmpdir(), 'outrigger-lab-'));
    try {
      return findings(await deploy(context, join(folder, 'endpoints.json')));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function deploy(context: ExperimentContext, path: string): Promise<RollingRun> {
  const { fleet, pace, signal } = context;
  const find = async (backends: readonly Backend[]) => {
    await writeList(path, backends);
    return file({ path });
  };
  const backends = ENDPOINTS.map((name) => server(context, name));
  const options = { retry: false } as const;
  return withClient({ backends, options, find }, context, async (client, first) => {
    await client.ready();
    const all = [...first];
    let serving = first;

    /** The new one is started, takes the old one's place in the list, and the old one ends when it is left alone. */
    const replace = async (round: number, place: number): Promise<Unweighed> => {
      const old = serving.slice(place, place + 1);
      const started = await fleet.startBackends([
        server(context, `${ENDPOINTS[place]}-v${round + 1}`),
      ]);
      all.push(...started);
      serving = [...serving.slice(0, place), ...started, ...serving.slice(place + 1)];
      await writeList(path, serving);
      const { after, left } = await retire(fleet, all, old, { limit: PATIENCE, signal });
      return { round, old, started, drainedAfter: after, left };
    };

    const pause = realTime(pace, PAUSE);
    const duration = ROUNDS * ENDPOINTS.length * (pause + USUAL_DRAIN) + pause;
    const steady = { label: 'deployments', rate: RATE, duration };
    const { told, calls, seconds } = await whileCalling(client, steady, context, async () => {
      const replaced: Unweighed[] = [];
      for (let round = 1; round <= ROUNDS; round++) {
        for (const place of ENDPOINTS.keys()) {
          await sleep(pause, undefined, { signal });
          replaced.push(await replace(round, place));
        }
      }
      await sleep(pause, undefined, { signal });
      return replaced;
    });
    const received = await fleet.received();
    const failures = calls.filter(({ ok }) => !ok).map(({ outcome }) => outcome);
    return {
      calls: calls.length,
      failures,
      seconds,
      received: sum(received),
      replacements: told.map(({ round, old, started, drainedAfter, left }) => ({
        round,
        old: nameOf(old),
        replacement: nameOf(started),
        drainedAfter,
        left,
        received: sum(countsOf(received, all, started)),
      })),
      socketsLeft: await socketsLeft(client, fleet, { limit: PATIENCE, signal }),
    };
  });
}

/** As long as it lasts; what the new one received is not known yet. */
interface Unweighed extends Pick<Replacement, 'round' | 'drainedAfter' | 'left'> {
  /** One each. */
  readonly old: readonly Backend[];
  readonly started: readonly Backend[];
}

const nameOf = ([backend]: readonly Backend[]): string => backend?.name ?? '';

function server({ pace, seed }: ExperimentContext, name: string): FakeServiceOptions {
  return { name, timing50Percentile: realTime(pace, FAST), seed };
}

/** To another file, which is then renamed: nobody ever reads half of it. */
async function writeList(path: string, backends: readonly Backend[]): Promise<void> {
  const other = `${path}.new`;
  await writeFile(other, JSON.stringify({ endpoints: backends.map(({ url }) => url) }));
  await rename(other, path);
}

export function findings(run: RollingRun): Findings {
  const { calls, failures, seconds, replacements } = run;
  return {
    results: [{ ...run, replacements: replacements.map((one) => ({ ...one })) }],
    tables: [table(run)],
    histograms: [],
    words:
      `What it shows: ${replacements.length} servers were replaced under ${(calls / seconds).toFixed(0)} calls a second, ` +
      `without a retry, and ${failures.length} of ${calls} calls failed. A server that leaves the list gets no new calls; ` +
      'those that are there end, and then its connections are closed: that is when it was stopped.',
    checks: checks(run),
  };
}

function table({ replacements, failures }: RollingRun): Table {
  return {
    head: ['round', 'replaced', 'by', 'old one left alone after ms', 'new one received'],
    rows: replacements.map(({ round, old, replacement, drainedAfter, received }) => [
      String(round),
      old,
      replacement,
      drainedAfter?.toFixed(0) ?? 'never',
      String(received),
    ]),
    labels: 3,
    notes: [
      'Real milliseconds, from the renamed file to the last connection closed: the client gathers events of the file for 30 ms, ' +
        'and makes at most ten changes of its endpoints a second; then the calls under way end.',
      ...(failures.length === 0
        ? []
        : [`Calls failed with: ${[...new Set(failures)].join(', ')}.`]),
    ],
  };
}

function checks({
  calls,
  failures,
  seconds,
  received,
  replacements,
  socketsLeft: left,
}: RollingRun): Check[] {
  const used = replacements.filter((one) => one.received > 0);
  return [
    none('calls that failed', failures.length),
    atLeast('calls a second', { value: calls / seconds, unit: 'qps' }, RATE * LEAST_PART),
    exactly('requests at all servers, one for each call', received, calls),
    exactly('new servers that were called', used.length, ROUNDS * ENDPOINTS.length),
    none(
      'connections to old servers when they were stopped',
      sum(replacements.map((one) => one.left)),
    ),
    none('sockets left when the client was closed', left),
  ];
}
