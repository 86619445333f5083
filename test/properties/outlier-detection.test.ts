/** Whatever the policy, whatever the endpoints do and however time passes: outlier detection does what the model says. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { OutlierPolicy } from '../../src/cluster/outlier-policy.js';
import type { Endpoint } from '../../src/cluster/endpoint.js';
import * as drive from '../../src/core/drive.js';
import { seededRandom } from '../../src/testing/index.js';
import { retryPolicy, type Script } from '../core/scripted-upstream.js';
import {
  answers,
  fails,
  REFUSED,
  SILENT,
  VirtualCluster,
  type VirtualRequest,
} from '../support/virtual-cluster.js';
import { OutlierModel, type Report } from './outlier-model.js';

const RUNS = 1000;
/** Steps, sweeps and ejections fall on multiples of this; what calls meet falls between. */
const TICK = 10;
const PER_TRY = 6;

/** What one attempt meets, and what comes of it so many milliseconds after its start: no two at one time. */
interface Outcome {
  readonly script: Script;
  readonly request?: VirtualRequest;
  readonly abortAt?: number;
  readonly reports: readonly (readonly [at: number, report: Report])[];
}

const connected = [1, { what: 'connected' }] as const;
const failure = (at: number, status: 503 | 504) => [at, { what: 'failure', status }] as const;
const answer = (at: number, status: number) => [at, { what: 'answer', status }] as const;
const GRPC: VirtualRequest = { method: 'POST', headers: ['content-type', 'application/grpc'] };

const answered = (status: number): Outcome => ({
  script: answers(status, 1),
  reports: [connected, answer(2, status)],
});

const outcome: fc.Arbitrary<Outcome> = fc.constantFrom<Outcome>(
  answered(200),
  answered(200),
  answered(404),
  answered(500),
  answered(503),
  answered(504),
  {
    script: answers(200, 1, { headers: ['grpc-status', '14'] }),
    request: GRPC,
    reports: [connected, answer(2, 503)],
  },
  { script: { ...REFUSED, connect: 3 }, reports: [failure(3, 503)] },
  { script: fails('reset', 3), reports: [connected, failure(4, 503)] },
  {
    script: answers(200, 4, { chunks: [1], cut: true }),
    reports: [connected, answer(5, 200), failure(6, 503)],
  },
  { script: SILENT, reports: [connected, failure(1 + PER_TRY, 504)] },
  { script: SILENT, abortAt: 2.5, reports: [connected] },
);

const ticks = (least: number, most: number) =>
  fc.integer({ min: least, max: most }).map((count) => count * TICK);
const figure = (...of: readonly number[]) => fc.constantFrom(...of);
const enforcing = figure(0, 50, 100, 100, 100);

const policy: fc.Arbitrary<OutlierPolicy> = fc
  .record({
    consecutive5xxErrors: figure(0, 1, 2, 3, 5),
    enforcingConsecutive5xx: enforcing,
    consecutiveGatewayErrors: figure(0, 1, 2, 3),
    enforcingConsecutiveGatewayFailure: enforcing,
    splitExternalLocalOriginErrors: fc.boolean(),
    consecutiveLocalOriginFailures: figure(0, 1, 2, 3),
    enforcingConsecutiveLocalOriginFailure: enforcing,
    interval: ticks(1, 4),
    baseEjectionTime: ticks(1, 4),
    maxEjectionTime: ticks(0, 12),
    maxEjectionTimeJitter: figure(0, 0, 5, 25),
    maxEjectionPercent: figure(0, 10, 34, 50, 67, 100, 100),
    alwaysEjectOne: fc.boolean(),
    minHealthPercent: figure(0, 0, 34, 50, 100),
    successRateMinimumHosts: figure(1, 2, 3, 5),
    successRateRequestVolume: figure(1, 2, 4),
    successRateStdevFactor: figure(0, 500, 1000, 1900),
    enforcingSuccessRate: enforcing,
    enforcingLocalOriginSuccessRate: enforcing,
    failurePercentageThreshold: figure(0, 30, 50, 85, 100),
    failurePercentageMinimumHosts: figure(1, 2, 3, 5),
    failurePercentageRequestVolume: figure(1, 2, 4),
    enforcingFailurePercentage: enforcing,
    enforcingFailurePercentageLocalOrigin: enforcing,
    successfulActiveHealthCheckUnejectHost: fc.boolean(),
  })
  .map((made) => ({
    ...made,
    maxEjectionTime: Math.max(made.maxEjectionTime, made.baseEjectionTime),
  }));

type Step =
  | { readonly does: 'call'; readonly calls: readonly { pick: number; outcome: Outcome }[] }
  | { readonly does: 'wait'; readonly time: number }
  | { readonly does: 'update'; readonly policy: OutlierPolicy | undefined }
  | { readonly does: 'list'; readonly members: readonly number[] }
  | { readonly does: 'check'; readonly which: number };

const call = fc.record({ pick: fc.nat(11), outcome });
const calling = fc.array(call, { minLength: 1, maxLength: 12 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: calling.map((calls) => ({ does: 'call' as const, calls })) },
  { weight: 6, arbitrary: ticks(1, 8).map((time) => ({ does: 'wait' as const, time })) },
  {
    weight: 1,
    arbitrary: fc.option(policy, { freq: 3, nil: undefined }).map((next) => ({
      does: 'update' as const,
      policy: next,
    })),
  },
  {
    weight: 1,
    arbitrary: fc
      .uniqueArray(fc.nat(7), { maxLength: 8 })
      .map((members) => ({ does: 'list' as const, members })),
  },
  { weight: 1, arbitrary: fc.nat(7).map((which) => ({ does: 'check' as const, which })) },
);

const urlOf = (index: number): string => `http://127.0.0.1:${index}`;

/** A cluster and the model, which go through the same. */
class Pair {
  readonly virtual: VirtualCluster;
  readonly model: OutlierModel;
  readonly #log: string[] = [];
  #next: { pick: number; outcome: Outcome } | undefined;
  #candidates: readonly Endpoint[] = [];

  constructor(endpoints: number, seed: number, first: OutlierPolicy) {
    const virtual = new VirtualCluster(() => (this.#next?.outcome as Outcome).script, {
      endpoints,
      outlierDetection: first,
      policy: { retry: retryPolicy({ attempts: 0, perTryTimeout: PER_TRY }) },
      chance: seededRandom(seed),
      loadBalancer: (candidates) => ({
        name: 'told',
        pick: () => {
          this.#candidates = candidates;
          return candidates[(this.#next?.pick ?? 0) % candidates.length];
        },
      }),
    });
    this.virtual = virtual;
    const { ejection, return: back } = virtual.cluster.events;
    ejection.add(({ endpoint, reason, ejectionTime, ejections }) => {
      this.#log.push(
        `${endpoint} out at ${virtual.runtime.now()}: ${reason}, ${ejectionTime} ms, ${ejections}`,
      );
    });
    back.add(({ endpoint, reason, ejectedFor }) => {
      this.#log.push(
        `${endpoint} back at ${virtual.runtime.now()}: ${reason} after ${ejectedFor} ms`,
      );
    });
    const urls = virtual.cluster.endpoints.map(({ url }) => url);
    this.model = new OutlierModel(urls, seededRandom(seed));
    this.model.setPolicy(first);
  }

  async take(next: Step): Promise<void> {
    const { virtual, model } = this;
    const { cluster } = virtual;
    if (next.does === 'wait') await this.#advance(next.time);
    if (next.does === 'call') await this.#call(next.calls);
    if (next.does === 'update') {
      cluster.setOutlierDetection(next.policy);
      model.setPolicy(next.policy);
    }
    if (next.does === 'list') {
      const urls = next.members.map(urlOf);
      cluster.setEndpoints(
        urls.map((url) => ({ url, weight: 1, locality: '', priority: 0, labels: {} })),
      );
      model.setMembers(urls);
    }
    if (next.does === 'check') {
      const endpoint = cluster.endpoints.find(({ url }) => url === urlOf(next.which));
      if (endpoint !== undefined) cluster.outliers.healthCheckPassed(endpoint);
      model.checkPassed(urlOf(next.which));
    }
  }

  /** All at once, and then to the next tick. */
  async #call(calls: readonly { pick: number; outcome: Outcome }[]): Promise<void> {
    const { virtual, model } = this;
    const { runtime } = virtual;
    const start = runtime.now();
    const coming: { at: number; url: string; report: Report }[] = [];
    for (const one of calls) {
      this.#next = one;
      const { outcome: met } = one;
      const { call: made } = virtual.start(met.request);
      if (met.abortAt !== undefined) {
        runtime.setTimer(() => drive.abort(made, 'enough'), met.abortAt);
      }
      const { usable } = model;
      expect(this.#candidates.map(({ url }) => url)).toEqual(usable);
      const url = usable[one.pick % usable.length];
      expect(made.attempts[0]?.endpoint?.url).toBe(url);
      if (url === undefined) continue;
      for (const [at, report] of met.reports) coming.push({ at: start + at, url, report });
    }
    // Those at one time in the order in which they were started.
    coming.sort((one, other) => one.at - other.at);
    for (const { at, url, report } of coming) {
      model.advanceTo(at);
      model.report(url, report);
    }
    await this.#advance(start + TICK - runtime.now());
  }

  async #advance(time: number): Promise<void> {
    const { runtime } = this.virtual;
    await runtime.advance(time);
    this.model.advanceTo(runtime.now());
  }

  expectSame(): void {
    const { virtual, model } = this;
    const { cluster } = virtual;
    expect(this.#log).toEqual(model.log);
    expect(
      cluster.endpoints.map((endpoint) => ({
        url: endpoint.url,
        ejected: endpoint.ejected,
        returnsIn: cluster.outliers.returnsIn(endpoint),
        ejections: endpoint.outlier.ejections,
        step: endpoint.outlier.multiplier,
      })),
    ).toEqual(
      model.members.map((member) => ({
        url: member.url,
        ejected: member.out !== undefined,
        returnsIn: model.returnsIn(member),
        ejections: member.ejections,
        step: member.step,
      })),
    );
    const stats = Object.entries(cluster.outliers.stats()).map(([name, value]) => [
      name.replace('outlier_detection.ejections_', ''),
      value,
    ]);
    expect(Object.fromEntries(stats)).toEqual(model.stats);
  }
}

test('outlier detection does what its model does', { timeout: 120_000 }, async () => {
  const seen = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 0, max: 1_000_000 }),
      policy,
      fc.array(step, { maxLength: 40 }),
      async (endpoints, seed, first, steps) => {
        const pair = new Pair(endpoints, seed, first);
        for (const next of steps) {
          await pair.take(next);
          pair.expectSame();
        }
        const { cluster, runtime } = pair.virtual;
        for (const [name, value] of Object.entries(cluster.outliers.stats())) {
          seen.set(name, (seen.get(name) ?? 0) + value);
        }
        cluster.destroy(undefined);
        await runtime.runUntilIdle();
        pair.virtual.expectNothingLeft();
      },
    ),
    { numRuns: RUNS },
  );
  // Each detector has ejected, and been held back, often enough to mean something.
  for (const [name, value] of seen) expect(value, name).toBeGreaterThan(5);
});
