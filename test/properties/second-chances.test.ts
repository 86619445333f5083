/** Whatever endpoints do and callers ask for: the bounds of retries, hedges, budgets and times hold. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Attempt } from '../../src/core/attempt.js';
import * as drive from '../../src/core/drive.js';
import type { AttemptLayer } from '../../src/core/layer.js';
import {
  IDEMPOTENT_METHODS,
  retryWords,
  SAFE_METHODS,
  type HedgePolicy,
  type Policy,
  type RetryPolicy,
} from '../../src/core/policy.js';
import { headerValue } from '../../src/core/raw-headers.js';
import { retryPolicy, type Script } from '../core/scripted-upstream.js';
import { VirtualCluster, type VirtualCall } from '../support/virtual-cluster.js';

const RUNS = 2000;
/** Long after everything that is not endless is over. */
const LATE = 60_000;

const upTo = (max: number) => fc.integer({ min: 0, max });
/** Mostly the first. */
const mostly = <T>(usual: fc.Arbitrary<T>, other: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 5, arbitrary: usual }, { weight: 1, arbitrary: other });
const offOr = (arbitrary: fc.Arbitrary<number>) => fc.oneof(fc.constant(0), arbitrary);

const script: fc.Arbitrary<Script> = fc.record({
  connect: upTo(30),
  refused: mostly(fc.constant(false), fc.constant(true)),
  reused: fc.boolean(),
  head: mostly(upTo(200), fc.constant(Infinity)),
  status: fc.constantFrom(200, 200, 204, 404, 409, 429, 500, 503, 503, 503),
  headers: mostly<readonly string[]>(
    fc.constant([]),
    fc.constantFrom(
      ['retry-after', '0'],
      ['retry-after', '1'],
      ['retry-after', 'soon'],
      ['retry-after', '400'],
      ['x-envoy-ratelimited', 'true'],
      ['grpc-status', '14'],
    ),
  ),
  fails: mostly(
    fc.constant(undefined),
    fc.constantFrom('reset', 'protocol-error', 'refused-stream'),
  ),
  chunks: fc.array(upTo(60), { maxLength: 3 }),
  cut: mostly(fc.constant(false), fc.constant(true)),
}) as fc.Arbitrary<Script>;

const limits: fc.Arbitrary<Pick<RetryPolicy, 'budget' | 'maxRetries'>> = fc.oneof(
  fc.record({
    budget: fc.record({
      percent: fc.constantFrom(0, 20, 50, 100),
      minRetryConcurrency: upTo(4),
      interval: fc.constantFrom(0, 0, 100, 1000),
    }),
    maxRetries: fc.constant(Infinity),
  }),
  fc.record({
    budget: fc.constant(undefined),
    maxRetries: fc.oneof(upTo(4), fc.constant(Infinity)),
  }),
);

const setOf = <T>(list: readonly T[]): ReadonlySet<T> => new Set(list);

const retry: fc.Arbitrary<RetryPolicy> = fc
  .tuple(
    fc.record({
      attempts: upTo(4),
      words: fc.oneof(fc.constant([...retryWords]), fc.subarray([...retryWords])).map(setOf),
      statusCodes: fc.subarray([404, 503]).map(setOf),
      perTryTimeout: offOr(fc.integer({ min: 1, max: 150 })),
      perTryIdleTimeout: offOr(fc.integer({ min: 1, max: 150 })),
      methods: mostly<string[]>(fc.constant([]), fc.constant(['POST'])).map(setOf),
      ignorePreviousHosts: fc.boolean(),
    }),
    fc.tuple(fc.integer({ min: 1, max: 60 }), upTo(300)).map(([baseInterval, more]) => ({
      backoff: { baseInterval, maxInterval: baseInterval + more },
    })),
    limits,
  )
  .map(([own, backoff, limit]) => retryPolicy({ ...own, ...backoff, ...limit }));

const hedge: fc.Arbitrary<HedgePolicy> = fc.record({
  onPerTryTimeout: fc.boolean(),
  delay: fc.oneof(fc.constant(undefined), upTo(100), fc.constant({ percentile: 50 })),
  maxHedges: fc.integer({ min: 1, max: 3 }),
  methods: mostly<string[]>(fc.constant([]), fc.constant(['PUT'])).map(setOf),
});

const policy: fc.Arbitrary<Policy> = fc.record({
  retry: mostly<RetryPolicy | undefined>(retry, fc.constant(undefined)),
  hedge: fc.oneof(hedge, fc.constant(undefined)),
  timeout: fc.record({
    response: mostly(fc.constant(0), fc.integer({ min: 1, max: 500 })),
    idle: mostly(fc.constant(0), fc.integer({ min: 1, max: 500 })),
    total: mostly(fc.constant(0), fc.integer({ min: 1, max: 500 })),
  }),
});

const request = fc.record({
  at: upTo(200),
  method: fc.constantFrom('GET', 'GET', 'GET', 'PUT', 'POST', 'PATCH'),
  isKeyed: mostly(fc.constant(false), fc.constant(true)),
  body: fc.constantFrom(null, 'text'),
  abortAt: mostly<number | undefined>(fc.constant(undefined), upTo(400)),
});

const planOf = (fewest: number, most: number) =>
  fc.record({
    seed: fc.integer({ min: 1, max: 1_000_000 }),
    endpoints: mostly(fc.integer({ min: 1, max: 4 }), fc.constant(0)),
    scripts: fc.array(script, { minLength: 1, maxLength: 12 }),
    requests: fc.array(request, { minLength: fewest, maxLength: most }),
    policy,
  });

type Plan = ReturnType<typeof planOf> extends fc.Arbitrary<infer T> ? T : never;

test('a few calls stay within all bounds', { timeout: 120_000 }, async () => {
  await fc.assert(fc.asyncProperty(planOf(1, 8), stayWithinBounds), { numRuns: RUNS });
});

// Where percentages of what is under way say something.
test('so do crowds', { timeout: 120_000 }, async () => {
  await fc.assert(fc.asyncProperty(planOf(20, 60), stayWithinBounds), { numRuns: RUNS / 10 });
});

async function stayWithinBounds(given: Plan): Promise<void> {
  const { seed, endpoints, scripts, requests, policy: held } = given;
  let sent = 0;
  const wrongs: string[] = [];
  const virtual = new VirtualCluster(() => scripts[sent++ % scripts.length] as Script, {
    seed,
    endpoints,
    policy: held,
    attemptLayers: [startsInTime(wrongs)],
  });
  // What a percentile needs to say something.
  for (let answer = 0; answer < 20; answer++) virtual.cluster.headTimes?.record(2 * answer, 0);
  const purse = new Purse(virtual, held, wrongs);
  const calls: VirtualCall[] = [];
  for (const { at, abortAt, isKeyed, ...rest } of requests) {
    virtual.runtime.setTimer(() => {
      const headers = isKeyed ? ['idempotency-key', 'abc'] : [];
      const started = virtual.start({ ...rest, headers });
      calls.push(started);
      if (abortAt === undefined) return;
      virtual.runtime.setTimer(() => drive.abort(started.call, new Error('enough')), abortAt);
    }, at);
  }
  await virtual.runtime.advance(LATE);
  for (const { call } of calls) drive.abort(call, new Error('endless'));

  expect(calls).toHaveLength(requests.length);
  expect(wrongs).toEqual([]);
  for (const call of calls) {
    settlesOnce(call);
    countsAttempts(call, held);
    waitsAsEnvoyDoes(call, held);
    keepsUnsafeMethodsApart(call, held);
    triesEveryEndpointFirst(call, held, endpoints);
    saysWhyNot(call, held);
  }
  purse.isWhole();
  addsUp(virtual, calls);
  virtual.expectNothingLeft();
}

/** Nothing starts once the time for an answer is over, nor after the call is. */
function startsInTime(wrongs: string[]): AttemptLayer {
  return {
    name: 'starts in time',
    start({ call, number }) {
      const now = call.chain.runtime.now();
      if (call.over) wrongs.push(`attempt ${number} of a call that is over`);
      if (now >= call.answerBy) wrongs.push(`attempt ${number} at ${now}, due by ${call.answerBy}`);
      return undefined;
    },
  };
}

/** The slots of the cluster, reckoned apart from it. */
class Purse {
  #out = 0;
  /** When slots came back, and when calls ended. */
  readonly #returns: number[] = [];
  readonly #ends: number[] = [];

  constructor(virtual: VirtualCluster, { retry: held }: Policy, wrongs: string[]) {
    const { slots } = virtual.cluster;
    const { take, give, callEnded } = slots;
    const { runtime } = virtual;
    const budget =
      held === undefined ? { percent: 20, minRetryConcurrency: 3, interval: 0 } : held.budget;
    const since = (times: readonly number[], ms: number) =>
      times.filter((time) => time > runtime.now() - ms).length;

    slots.take = () => {
      if (!take.call(slots)) return false;
      this.#out += 1;
      let limit = held?.maxRetries ?? Infinity;
      let out = this.#out;
      if (budget !== undefined) {
        const { percent, minRetryConcurrency, interval } = budget;
        // The parts of the window that are forgotten are a tenth of it.
        const calls = virtual.cluster.activeCalls + since(this.#ends, interval);
        out += since(this.#returns, 0.9 * interval);
        limit = Math.max(Math.floor((percent / 100) * calls), minRetryConcurrency);
      }
      if (out > limit) wrongs.push(`slot ${out} of ${limit}`);
      return true;
    };
    slots.give = () => {
      this.#out -= 1;
      this.#returns.push(runtime.now());
      if (this.#out < 0) wrongs.push('a slot came back twice');
      give.call(slots);
    };
    slots.callEnded = () => {
      this.#ends.push(runtime.now());
      callEnded.call(slots);
    };
  }

  isWhole(): void {
    expect(this.#out).toBe(0);
  }
}

function settlesOnce({ call, events, recorder }: VirtualCall): void {
  const settled = events.filter((event) => event === 'end' || event.startsWith('fail'));
  expect(settled).toHaveLength(1);
  expect(events.at(-1)).toBe(settled[0]);
  expect(events.filter((event) => event.startsWith('head')).length).toBeLessThan(2);
  // Nothing of what was asked for throws.
  if (recorder.failure?.kind === 'invalid') throw recorder.failure.cause;
  for (const { phase, holdsSlot } of call.attempts) {
    expect([phase, holdsSlot]).toEqual(['over', false]);
  }
}

const isDelayHedge = ({ because }: Attempt) => because?.reason === 'hedge-delay';

function countsAttempts({ call }: VirtualCall, held: Policy): void {
  const [first, ...further] = call.attempts;
  expect(first?.because).toBeUndefined();
  for (const { because } of further) expect(because?.slot).toBe(true);
  const hedges = further.filter(isDelayHedge).length;
  const retries = further.length - hedges;
  const { retry: retrying, hedge: hedging } = held;
  expect(retries).toBeLessThanOrEqual(retrying?.attempts ?? 0);
  expect(hedges).toBeLessThanOrEqual(hedging?.delay === undefined ? 0 : hedging.maxHedges);
  if (hedges > 0)
    expect(SAFE_METHODS.has(call.method) || hedging?.methods.has(call.method)).toBe(true);
}

/** Envoy's bound before retry n. */
function boundOf({ baseInterval, maxInterval }: RetryPolicy['backoff'], n: number): number {
  if (n === 1) return baseInterval;
  const before = boundOf({ baseInterval, maxInterval }, n - 1);
  return before < Math.floor(maxInterval / 2) ? 2 * before : maxInterval;
}

function waitsAsEnvoyDoes({ call }: VirtualCall, { retry: held }: Policy): void {
  if (held === undefined) return;
  let retries = 0;
  for (const attempt of call.attempts.slice(1)) {
    const { because, startedAt, number } = attempt;
    const { after = -1, reason } = because ?? {};
    if (isDelayHedge(attempt) || reason === 'reset-on-reuse') {
      expect(after).toBe(0);
      continue;
    }
    retries += 1;
    const isExponential = after < boundOf(held.backoff, retries);
    const isAsked = after >= 1000 && after < 1500;
    if (!(Number.isInteger(after) && after >= 0 && (isExponential || isAsked))) {
      throw new Error(`waited ${after} ms before retry ${retries}`);
    }
    // It began exactly so long after something had happened to an attempt before it.
    const decidedAt = startedAt - after;
    const times = call.attempts.slice(0, number - 1).flatMap(eventsOf(held));
    if (!times.some((time) => Math.abs(time - decidedAt) < 1e-6)) {
      throw new Error(`attempt ${number} was decided on at ${decidedAt}, not at ${times.join()}`);
    }
  }
}

function eventsOf({ perTryTimeout }: RetryPolicy) {
  return ({ headAt, endedAt, connectedAt }: Attempt): number[] => [
    headAt,
    endedAt,
    ...(connectedAt === -1 ? [] : [connectedAt + perTryTimeout]),
  ];
}

/** At most one endpoint has been given what must not be done twice. */
function keepsUnsafeMethodsApart({ call }: VirtualCall, { retry: held }: Policy): void {
  const { method, headers, attempts } = call;
  const mayRepeat =
    IDEMPOTENT_METHODS.has(method) ||
    held?.methods.has(method) === true ||
    headerValue(headers, 'idempotency-key') !== undefined;
  if (mayRepeat) return;
  const processed = attempts.filter(
    ({ connectedAt, failure }) => connectedAt !== -1 && failure?.kind !== 'refused-stream',
  );
  expect(processed.length).toBeLessThan(2);
}

function triesEveryEndpointFirst(
  { call }: VirtualCall,
  { retry: held }: Policy,
  count: number,
): void {
  if (held?.ignorePreviousHosts === false || count === 0) return;
  const tried = call.attempts.slice(0, count).map(({ endpoint }) => endpoint);
  expect(new Set(tried).size).toBe(tried.length);
}

const RELUCTANCES: readonly string[] = [
  'attempts',
  'budget',
  'max-retries',
  'method',
  'body-not-replayable',
  'deadline',
  'retry-after-too-long',
  'already-hedged',
];

/** An answer that the policy would retry is passed on for a reason that is named. */
function saysWhyNot({ call }: VirtualCall, { retry: held }: Policy): void {
  const { answer } = call;
  for (const { verdict } of call.attempts) {
    if (verdict === undefined || verdict.kind === 'another') continue;
    expect(RELUCTANCES).toContain(verdict.reason);
  }
  if (answer === undefined || held?.statusCodes.has(answer.status) !== true) return;
  if (headerValue(answer.rawHeaders, 'x-envoy-ratelimited') !== undefined) return;
  expect(answer.verdict?.kind).toBe('give-up');
}

function addsUp(virtual: VirtualCluster, calls: readonly VirtualCall[]): void {
  const attempts = calls.flatMap(({ call }) => call.attempts);
  const hedges = attempts.filter(isDelayHedge).length;
  expect(virtual.count('upstream_rq_hedge')).toBe(hedges);
  // A retry that was decided on is not made when the call ends before.
  expect(virtual.count('upstream_rq_retry')).toBeGreaterThanOrEqual(
    attempts.length - hedges - calls.length,
  );
  expect(virtual.count('upstream_rq_retry')).toBe(
    calls.reduce((sum, { call }) => sum + call.retriesMade, 0),
  );
  expect(virtual.count('upstream_rq_retry_success')).toBeLessThanOrEqual(calls.length);
  expect(virtual.count('upstream_rq_total')).toBe(
    attempts.filter(({ connectedAt }) => connectedAt !== -1).length,
  );
  const { endpoints } = virtual.cluster;
  const total = endpoints.reduce((sum, endpoint) => sum + endpoint.total, 0);
  expect(total).toBe(attempts.filter(({ endpoint }) => endpoint !== undefined).length);
}
