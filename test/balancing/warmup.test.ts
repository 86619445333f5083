/** Slow start: Envoy's worked numbers, shares over a window, and what ends, renews and outlives one. */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { Balancer } from '../../src/balancing/balancer.js';
import { balancerFactory, type LoadBalancerPolicy } from '../../src/balancing/policies.js';
import { warmupFactor, type WarmupSettings } from '../../src/balancing/warmup.js';
import type { Endpoint } from '../../src/cluster/endpoint.js';
import { answers, VirtualCluster } from '../support/virtual-cluster.js';
import {
  answersIn,
  anyCall,
  countPicks,
  endpointsOf,
  seededChance,
  StillRuntime,
} from './fleet.js';

const MINUTE = { duration: 60_000, minimumPercent: 10, aggression: 1 };

type Policy = 'round-robin' | 'least-request' | 'peak-ewma';
const POLICIES: readonly Policy[] = ['round-robin', 'least-request', 'peak-ewma'];
const SCHEDULED: readonly Policy[] = ['round-robin', 'least-request'];

function build(
  policy: Policy,
  endpoints: readonly Endpoint[],
  runtime: StillRuntime,
  warmup: WarmupSettings | false = MINUTE,
  previous?: Balancer,
): Balancer {
  return balancerFactory(policyOf(policy, warmup || undefined))(endpoints, { runtime, previous });
}

function policyOf(policy: Policy, warmup: WarmupSettings | undefined): LoadBalancerPolicy {
  return {
    'round-robin': { policy: 'round-robin', warmup } as const,
    'least-request': {
      policy: 'least-request',
      choiceCount: 2,
      activeRequestBias: 1,
      fullScan: false,
      warmup,
    } as const,
    'peak-ewma': { policy: 'peak-ewma', decayTime: 10_000, warmup } as const,
  }[policy];
}

/** One endpoint for each age in milliseconds; Infinity has been there for ever. */
function aged(...ages: readonly number[]): Endpoint[] {
  const endpoints = endpointsOf(...ages.map(() => 1));
  endpoints.forEach((endpoint, i) => (endpoint.warmsFrom = -(ages[i] ?? 0)));
  return endpoints;
}

/** Its schedules start with the first pick. */
const fromTheStart = () => new StillRuntime(() => 0);

const sequence = (balancer: Balancer, endpoints: readonly Endpoint[], picks: number) =>
  Array.from({ length: picks }, () => endpoints.indexOf(balancer.pick(anyCall) as Endpoint));

/** All of them have answered after the same time, so that chance alone decides between them. */
function acquaint(balancer: Balancer, endpoints: readonly Endpoint[], latency = 100): void {
  for (const endpoint of endpoints) {
    balancer.started?.(endpoint);
    balancer.ended?.(endpoint, answersIn(latency));
  }
}

function expectShare(found: number, expected: number): void {
  expect(Math.abs(found - expected), `${found} and not ${expected}`).toBeLessThan(0.02);
}

describe('the factor', () => {
  test.each([
    [12_000, {}, 0.2],
    [20_000, {}, 1 / 3],
    [5000, { aggression: 2 }, 0.289],
    [5000, {}, 0.1],
    [6000, {}, 0.1],
    [6600, {}, 0.11],
    [59_999, {}, 59_999 / 60_000],
    [60_000, {}, 1],
    [1e9, {}, 1],
    [30_000, { aggression: 0.5 }, 0.25],
    [0, { minimumPercent: 0 }, 1 / 60_000],
    [1, { minimumPercent: 0 }, 1 / 60_000],
    [2, { minimumPercent: 0 }, 1 / 30_000],
    [0, { minimumPercent: 100 }, 1],
    [0, { duration: 0.5 }, 1],
  ])('%d ms into a window of a minute with %o: %d', (elapsed, own, factor) => {
    expect(warmupFactor({ ...MINUTE, ...own }, elapsed)).toBeCloseTo(factor, 3);
  });

  test('is above 0 and at most 1, and never falls', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.001, max: 1e9, noNaN: true }),
        fc.double({ min: 0, max: 100, noNaN: true }),
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        fc.array(fc.double({ min: 0, max: 1.2, noNaN: true }), { minLength: 2 }),
        (duration, minimumPercent, aggression, parts) => {
          const factors = parts
            .sort((a, b) => a - b)
            .map((part) => warmupFactor({ duration, minimumPercent, aggression }, part * duration));
          expect(factors[0]).toBeGreaterThan(0);
          expect(factors.at(-1)).toBeLessThanOrEqual(1);
          expect(factors).toEqual(factors.toSorted((a, b) => a - b));
        },
      ),
    );
  });
});

describe.each(SCHEDULED)("Envoy's worked sequences: %s", (policy) => {
  it.each([
    { age: 12_000, picked: [0, 0, 0, 0, 1] },
    { age: 20_000, picked: [0, 0, 1] },
  ])('$age ms into a window of a minute', ({ age, picked }) => {
    const endpoints = aged(Infinity, age);
    const balancer = build(policy, endpoints, fromTheStart());
    // The other one is due as well when the new one is, and picked after it.
    const cycle = [...picked, 0];
    expect(sequence(balancer, endpoints, cycle.length * 2)).toEqual([...cycle, ...cycle]);
  });

  it('goes by the time of the pick, not by that of the rebuild', () => {
    const endpoints = aged(Infinity, 12_000);
    const runtime = fromTheStart();
    const balancer = build(policy, endpoints, runtime);
    expect(sequence(balancer, endpoints, 5)).toEqual([0, 0, 0, 0, 1]);
    runtime.time = 3000;
    // It was put back when it counted 0.2, and then counts 0.25: 5 and then 4 rounds.
    expect(sequence(balancer, endpoints, 10)).toEqual([0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
  });
});

describe.each(POLICIES)('shares: %s', (policy) => {
  it('are in proportion to weight and factor at any moment', () => {
    const age = fc.constantFrom(0, 6000, 12_000, 30_000, 48_000, 60_000, Infinity);
    fc.assert(
      fc.property(
        fc.array(fc.record({ age, weight: fc.constantFrom(1, 2, 4) }), {
          minLength: 3,
          maxLength: 6,
        }),
        fc.integer(),
        (members, seed) => {
          const endpoints = aged(...members.map((member) => member.age));
          endpoints.forEach((endpoint, i) => (endpoint.weight = members[i]?.weight ?? 1));
          const factor = (i: number) => warmupFactor(MINUTE, members[i]?.age ?? 0);
          const weights = endpoints.map(({ weight }, i) => weight * factor(i));
          const sum = weights.reduce((total, weight) => total + weight, 0);
          const runtime = new StillRuntime(seededChance(seed));
          const balancer = build(policy, endpoints, runtime);
          acquaint(balancer, endpoints);
          const picks = 20_000;
          countPicks(balancer, endpoints, picks).forEach((count, i) => {
            expect(Math.abs(count / picks - (weights[i] ?? 0) / sum)).toBeLessThan(0.03);
          });
        },
      ),
      { numRuns: 50 },
    );
  });

  it('are equal when all endpoints of a fresh client warm up together', () => {
    const runtime = new StillRuntime(seededChance(3));
    const endpoints = aged(0, 0, 0, 0);
    const balancer = build(policy, endpoints, runtime);
    acquaint(balancer, endpoints);
    for (let second = 0; second < 70; second += 7) {
      runtime.time = second * 1000;
      for (const count of countPicks(balancer, endpoints, 4000)) {
        expect(Math.abs(count - 1000)).toBeLessThan(120);
      }
    }
  });

  it.each([
    { perSecond: 200, aggression: 1, minimumPercent: 10 },
    { perSecond: 1, aggression: 1, minimumPercent: 10 },
    { perSecond: 1, aggression: 1, minimumPercent: 0 },
    { perSecond: 20, aggression: 3, minimumPercent: 1 },
    { perSecond: 20, aggression: 0.3, minimumPercent: 1 },
  ])('follow the factor over a whole window: %o', ({ perSecond, ...own }) => {
    const settings = { ...MINUTE, ...own };
    let picked = 0;
    let expected = 0;
    const runs = perSecond < 10 ? 200 : 10;
    for (let run = 0; run < runs; run++) {
      const runtime = new StillRuntime(seededChance(run));
      const endpoints = aged(Infinity, Infinity, 0);
      const balancer = build(policy, endpoints, runtime, settings);
      acquaint(balancer, endpoints);
      for (let pick = 0; pick < 60 * perSecond; pick++) {
        runtime.time = (pick * 1000) / perSecond;
        const factor = warmupFactor(settings, runtime.time);
        expected += factor / (2 + factor);
        if (balancer.pick(anyCall) === endpoints[2]) picked++;
      }
    }
    expect(Math.abs(picked / expected - 1)).toBeLessThan(0.1);
  });

  it('of one that is new are neither nothing nor a flood in any tenth of the window', () => {
    const runtime = new StillRuntime(seededChance(61));
    const endpoints = aged(Infinity, Infinity, Infinity, 0);
    // An idle newcomer is what every other policy would prefer.
    endpoints
      .slice(0, 3)
      .forEach((endpoint) => (endpoint.active = policy === 'round-robin' ? 0 : 1));
    const balancer = build(policy, endpoints, runtime);
    acquaint(balancer, endpoints);
    for (let tenth = 0; tenth < 10; tenth++) {
      let picked = 0;
      for (let pick = 0; pick < 3000; pick++) {
        runtime.time = tenth * 6000 + pick * 2;
        if (balancer.pick(anyCall) === endpoints[3]) picked++;
      }
      const share = picked / 3000;
      const factor = warmupFactor(MINUTE, tenth * 6000 + 3000);
      // Twice as much where those that are drawn are compared, or it counts double for being idle.
      const most = policy === 'round-robin' ? 1.3 : 2.3;
      expect(share).toBeGreaterThan((factor / 4) * 0.7);
      expect(share).toBeLessThan((factor / (3 + factor)) * most);
    }
  });
});

describe.each(POLICIES)('the window: %s', (policy) => {
  const newcomer = (balancer: Balancer, endpoints: readonly Endpoint[]) =>
    (countPicks(balancer, endpoints, 6000).at(-1) ?? 0) / 6000;

  it('goes on in a balancer that is built anew in its middle', () => {
    const runtime = new StillRuntime(seededChance(5));
    const endpoints = aged(Infinity, Infinity, 0);
    let balancer = build(policy, endpoints, runtime);
    acquaint(balancer, endpoints);
    runtime.time = 30_000;
    balancer = build(policy, endpoints.slice(1), runtime, MINUTE, balancer);
    expectShare(newcomer(balancer, endpoints), 0.5 / 1.5);
    balancer = build(policy, endpoints, runtime, MINUTE, balancer);
    expectShare(newcomer(balancer, endpoints), 0.5 / 2.5);
  });

  it('is over after its time, for ever and without a look at the clock', () => {
    const runtime = new StillRuntime(seededChance(5));
    const endpoints = aged(Infinity, Infinity, 0);
    const balancer = build(policy, endpoints, runtime);
    acquaint(balancer, endpoints);
    expectShare(newcomer(balancer, endpoints), 0.1 / 2.1);
    runtime.time = 60_000;
    balancer.pick(anyCall);
    const { readings } = runtime;
    expectShare(newcomer(balancer, endpoints), 1 / 3);
    const most = policy === 'peak-ewma' ? 6000 : 0;
    expect(runtime.readings - readings).toBe(most);
  });

  it('begins anew when an active health check finds the endpoint well again', () => {
    const runtime = new StillRuntime(seededChance(5));
    const endpoints = aged(Infinity, Infinity, Infinity);
    let balancer = build(policy, endpoints, runtime);
    acquaint(balancer, endpoints);
    expectShare(newcomer(balancer, endpoints), 1 / 3);
    (endpoints[2] as Endpoint).warmsFrom = runtime.time;
    balancer = build(policy, endpoints, runtime, MINUTE, balancer);
    expectShare(newcomer(balancer, endpoints), 0.1 / 2.1);
  });

  it('is none of an endpoint that panic alone brings in', () => {
    const runtime = new StillRuntime(seededChance(5));
    const endpoints = aged(Infinity, 0, 0);
    (endpoints[2] as Endpoint).ejected = true;
    const balancer = build(policy, endpoints, runtime);
    acquaint(balancer, endpoints);
    const [one = 0, two = 0, three = 0] = countPicks(balancer, endpoints, 6000);
    expectShare(two / 6000, 0.1 / 2.1);
    expectShare(one / 6000, 1 / 2.1);
    expectShare(three / 6000, 1 / 2.1);
    (endpoints[0] as Endpoint).warmsFrom = 0;
    const later = build(policy, endpoints, runtime, MINUTE, balancer);
    expectShare((countPicks(later, endpoints, 6000)[2] ?? 0) / 6000, 1 / 1.2);
  });

  it('costs nothing where it is off, or there is nobody else', () => {
    const runtime = new StillRuntime(seededChance(5));
    const lonely = build(policy, aged(0), runtime);
    const off = build(policy, aged(0, 0, 0), runtime, false);
    if (policy === 'peak-ewma') return;
    for (let i = 0; i < 10; i++) off.pick(anyCall);
    for (let i = 0; i < 10; i++) lonely.pick(anyCall);
    expect(runtime.readings).toBe(0);
  });
});

describe('what a new endpoint may carry by peak-ewma', () => {
  it.each([
    { active: [4, 3], share: 0 },
    // Cheaper, and passed over in half of the picks that do not begin with it.
    { active: [4, 1], share: 1 / 3 + (2 / 3) * 0.5 },
  ])('grows with its factor: $active active attempts at 1 and 0.5', ({ active, share }) => {
    const runtime = new StillRuntime(seededChance(9));
    const endpoints = aged(Infinity, 30_000);
    const balancer = build('peak-ewma', endpoints, runtime);
    acquaint(balancer, endpoints);
    endpoints.forEach((endpoint, i) => (endpoint.active = active[i] ?? 0));
    expectShare((countPicks(balancer, endpoints, 6000)[1] ?? 0) / 6000, share);
  });
});

describe('the plain form afterwards', () => {
  it('takes turns again', () => {
    const runtime = fromTheStart();
    const endpoints = aged(Infinity, Infinity, 0);
    const balancer = build('round-robin', endpoints, runtime);
    countPicks(balancer, endpoints, 100);
    runtime.time = 60_000;
    const turns = sequence(balancer, endpoints, 30);
    turns.slice(1).forEach((turn, i) => expect(turn).toBe(((turns[i] ?? 0) + 1) % 3));
  });

  it('draws again', () => {
    const runtime = new StillRuntime(seededChance(8));
    const endpoints = aged(Infinity, 0);
    (endpoints[1] as Endpoint).active = 1;
    const balancer = build('least-request', endpoints, runtime);
    runtime.time = 60_000;
    // A schedule would give the busier one a third of the picks.
    expect((countPicks(balancer, endpoints, 10_000)[1] ?? 0) / 10_000).toBeCloseTo(0.25, 1);
    expect((countPicks(balancer, endpoints, 40_000)[1] ?? 0) / 40_000).toBeLessThan(0.27);
  });

  it('is a schedule still where weights differ', () => {
    const runtime = fromTheStart();
    const endpoints = aged(Infinity, 0);
    (endpoints[0] as Endpoint).weight = 3;
    const balancer = build('round-robin', endpoints, runtime);
    countPicks(balancer, endpoints, 100);
    runtime.time = 60_000;
    const [heavy = 0] = countPicks(balancer, endpoints, 400);
    expect(Math.abs(heavy - 300)).toBeLessThan(2);
  });
});

test.each(POLICIES)(
  'in a cluster: one that comes back after it was removed is new: %s',
  async (policy) => {
    const warmup = { ...MINUTE, duration: 10_000 };
    const loadBalancer = policyOf(policy, warmup);
    const virtual = new VirtualCluster(answers(200), { loadBalancer });
    const url = (index: number) => ({
      url: `http://127.0.0.1:${index}`,
      weight: 1,
      locality: '',
      priority: 0,
      labels: {},
    });
    const shareOfLast = async () => {
      const before = virtual.cluster.endpoints.map(({ total }) => total);
      for (let call = 0; call < 600; call++) await virtual.finish();
      const after = virtual.cluster.endpoints.map(({ total }) => total);
      return ((after[2] ?? 0) - (before[2] ?? 0)) / 600;
    };
    expectShare(await shareOfLast(), 1 / 3);
    await virtual.runtime.advance(10_000);
    virtual.cluster.setEndpoints([url(0), url(1), url(2)]);
    // It stayed, so it stays warm.
    expectShare(await shareOfLast(), 1 / 3);
    virtual.cluster.setEndpoints([url(0), url(1)]);
    virtual.cluster.setEndpoints([url(0), url(1), url(2)]);
    expect(await shareOfLast()).toBeLessThan(0.1);
    await virtual.runtime.advance(10_000);
    expectShare(await shareOfLast(), 1 / 3);
  },
);
