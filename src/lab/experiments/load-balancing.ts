/** The chapter's client-side load balancing: ten workers, three endpoints, one of them slow, one run for each policy. */
import type { ClientOptions } from '../../index.js';
import { type Check, above, atLeast, below, none } from '../checks.js';
import type { Experiment, ExperimentContext, Findings, Table } from '../experiment.js';
import { type Measured, measure } from '../figures.js';
import { type Pace, isFull, realTime, runTime } from '../pace.js';
import { ENDPOINTS, FAST, simpleBackends, SLOW } from '../simple-backends.js';
import { runTrial } from '../trial.js';

type PolicyName = 'round-robin' | 'random' | 'least-request' | 'peak-ewma';

interface Policy {
  readonly name: PolicyName;
  /** What it goes by, where it goes by anything. */
  readonly sees?: string;
  /** What the chapter measured with fortio, where its pages or its result files say so; times in seconds. */
  readonly chapter?: {
    readonly name: string;
    readonly qps: number;
    readonly p50?: number;
    readonly p75: number;
    readonly p90?: number;
    readonly p99?: number;
  };
}

/** The outcome of one policy's run. */
interface PolicyRun extends Measured {
  readonly policy: Policy;
  /** Part of the requests that each endpoint received, 0 to 1, in the order of the endpoints. */
  readonly shares: readonly number[];
}

const WORKERS = 10;
/** Calls per second when none of the ten workers ever meets the slow endpoint. */
const LIMIT = WORKERS / (FAST / 1000);
/** Peak EWMA's default decay time, in the chapter's milliseconds. */
const DECAY = 10_000;
const BOUNDS = [0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1, 1.2];

const policies: readonly Policy[] = [
  { name: 'round-robin', chapter: { name: 'ROUND_ROBIN', qps: 21.1, p75: 1.013 } },
  {
    name: 'random',
    chapter: { name: 'RANDOM', qps: 23.1, p50: 0.19, p75: 1.008, p90: 1.03, p99: 1.043 },
  },
  {
    name: 'least-request',
    sees: 'who is busy',
    chapter: { name: 'LEAST_CONN', qps: 34.1, p50: 0.185, p75: 0.196, p90: 1.037, p99: 1.124 },
  },
  { name: 'peak-ewma', sees: 'who is busy and remembers who was slow' },
];

/** What is asked of the figures, in the chapter's scale. */
interface Limits {
  readonly slowP75: number;
  readonly leastRequestP75: number;
  readonly leastRequestQps: number;
  readonly peakEwmaQps: number;
  readonly peakEwmaP90: number;
  /** The smallest part, in per cent, that round-robin and random may give an endpoint; a third is 33.3. */
  readonly roundRobinShare: number;
  readonly randomShare: number;
}

const fullLimits: Limits = {
  slowP75: 0.99,
  leastRequestP75: 0.2,
  leastRequestQps: 32,
  peakEwmaQps: 52,
  peakEwmaP90: 0.25,
  roundRobinShare: 32,
  randomShare: 28,
};

/**
 * In a quick run each millisecond that a busy machine adds to a call counts five times, so latencies may be up to
 * 0.4 s (50 real milliseconds more than the fast endpoints take) and rates are lower. Each limit is still out of
 * reach for a policy that does not do its work: one that spreads calls evenly has a p75 of 1 s and 23 qps, one that
 * only counts requests has 36 qps and a p90 of 1 s.
 */
const quickLimits: Limits = {
  ...fullLimits,
  leastRequestP75: 0.4,
  leastRequestQps: 28,
  peakEwmaQps: 44,
  peakEwmaP90: 0.4,
  roundRobinShare: 30,
  randomShare: 25,
};

const chapter = `
apiVersion: networking.istio.io/v1beta1
kind: DestinationRule
metadata:
  name: simple-backend-dr
spec:
  host: simple-backend.istioinaction.svc.cluster.local
  trafficPolicy:
    loadBalancer:
      simple: LEAST_CONN     # after ROUND_ROBIN and RANDOM
# simple-backend-1 answers after 1 s, the two others after 150 ms:
# fortio load -c 10 -qps 1000 -t 60s -jitter
`;

const code = `
const backend = createResilientClient({
  service: 'http://simple-backend',
  endpoints: ['http://127.0.0.1:8081', 'http://127.0.0.1:8082', 'http://127.0.0.1:8083'],
  loadBalancer: 'least-request', // after 'round-robin' and 'random', and before 'peak-ewma'
});
const answer = await backend.fetch('/').then((res) => res.json());
`;

export const loadBalancing: Experiment = {
  name: 'load-balancing',
  title: 'four ways to spread calls over three endpoints, one of them slow',
  chapter,
  code,
  async run(context) {
    const runs: PolicyRun[] = [];
    for (const policy of policies) {
      runs.push(await runPolicy(policy, context));
      context.signal.throwIfAborted();
    }
    return findings(runs, context.pace);
  },
};

async function runPolicy(policy: Policy, context: ExperimentContext): Promise<PolicyRun> {
  const { pace } = context;
  const made = await runTrial(
    {
      label: policy.name.padEnd(13),
      backends: simpleBackends(context, { timing50Percentile: realTime(pace, SLOW) }),
      options: { loadBalancer: loadBalancerOf(policy.name, pace) },
      workers: WORKERS,
      duration: runTime(pace),
    },
    context,
  );
  const total = made.received.reduce((sum, count) => sum + count, 0);
  const shares = made.received.map((count) => (total === 0 ? 0 : count / total));
  return { policy, shares, ...measure(made, pace) };
}

/** Peak EWMA remembers for ten seconds by default; where time runs faster, its memory is as much shorter. */
function loadBalancerOf(name: PolicyName, pace: Pace): NonNullable<ClientOptions['loadBalancer']> {
  return name === 'peak-ewma' ? { policy: name, decayTime: realTime(pace, DECAY) } : name;
}

function findings(runs: readonly PolicyRun[], pace: Pace): Findings {
  return {
    results: runs.map(({ policy, figures, shares }) => ({
      policy: policy.name,
      ...figures,
      shares: Object.fromEntries(ENDPOINTS.map((name, i) => [name, shares[i]])),
      ...(policy.chapter && { chapter: policy.chapter }),
    })),
    tables: [table(runs)],
    histograms: runs.map(({ policy, latencies }) => ({
      title: policy.name,
      bounds: BOUNDS,
      samples: latencies,
      unit: 's',
    })),
    words: words(runs),
    checks: checks(runs, isFull(pace) ? fullLimits : quickLimits),
  };
}

function table(runs: readonly PolicyRun[]): Table {
  const rows: string[][] = [];
  const seconds = (value: number | undefined): string => value?.toFixed(3) ?? '';
  for (const { policy, figures, shares } of runs) {
    const { qps, p50, p75, p90, p99 } = figures;
    const percent = shares.map((share) => (share * 100).toFixed(0).padStart(2));
    rows.push([
      policy.name,
      qps.toFixed(1),
      ...[p50, p75, p90, p99].map(seconds),
      `${percent.join(' / ')} %`,
    ]);
    const theirs = policy.chapter;
    if (theirs === undefined) continue;
    const times = [theirs.p50, theirs.p75, theirs.p90, theirs.p99].map(seconds);
    rows.push([`  chapter: ${theirs.name}`, theirs.qps.toFixed(1), ...times, '']);
  }
  rows.push([`limit: ${WORKERS} / ${FAST / 1000} s`, LIMIT.toFixed(1), '', '', '', '', '']);
  return {
    head: ['policy', 'qps', 'p50 s', 'p75 s', 'p90 s', 'p99 s', 'share of 1 / 2 / 3'],
    rows,
    labels: 1,
    notes: [
      `Ten workers, each with one call at a time; 1, 2 and 3 are ${ENDPOINTS[0]} (slow), -2 and -3.`,
      'The limit is what they get when none of them ever meets the slow one. Istio has no peak EWMA.',
    ],
  };
}

function words(runs: readonly PolicyRun[]): string {
  const slow = runs.map(({ policy, shares }) => {
    const sees = policy.sees === undefined ? '' : ` (which sees ${policy.sees})`;
    return `${((shares[0] ?? 0) * 100).toFixed(0)} % with ${policy.name}${sees}`;
  });
  const rates = runs.map(({ figures }) => figures.qps.toFixed(1));
  return (
    `What it shows: of all calls, ${enumerate(slow)} met the slow endpoint, so that ten workers got ` +
    `${enumerate(rates)} answers a second, of ${LIMIT.toFixed(1)} possible.`
  );
}

/** `a, b and c` */
function enumerate(parts: readonly string[]): string {
  return `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

function checks(runs: readonly PolicyRun[], limits: Limits): Check[] {
  const run = (name: PolicyName): PolicyRun => {
    const found = runs.find(({ policy }) => policy.name === name);
    if (found === undefined) throw new Error(`${name} did not run`);
    return found;
  };
  const p75 = (name: PolicyName) => ({ value: run(name).figures.p75, unit: 's' }) as const;
  const qps = (name: PolicyName) => ({ value: run(name).figures.qps, unit: 'qps' }) as const;
  const least = (name: PolicyName) =>
    ({ value: Math.min(...run(name).shares) * 100, unit: '%' }) as const;
  const p90 = { value: run('peak-ewma').figures.p90, unit: 's' } as const;
  const failed = runs.reduce((sum, { figures }) => sum + figures.failed, 0);
  return [
    none('failed calls', failed),
    above('round-robin p75', p75('round-robin'), limits.slowP75),
    atLeast('round-robin smallest share', least('round-robin'), limits.roundRobinShare),
    above('random p75', p75('random'), limits.slowP75),
    atLeast('random smallest share', least('random'), limits.randomShare),
    below('least-request p75', p75('least-request'), limits.leastRequestP75),
    atLeast('least-request qps', qps('least-request'), limits.leastRequestQps),
    atLeast('peak-ewma qps', qps('peak-ewma'), limits.peakEwmaQps),
    below('peak-ewma p90', p90, limits.peakEwmaP90),
    above('peak-ewma smallest share', least('peak-ewma'), 0),
  ];
}
