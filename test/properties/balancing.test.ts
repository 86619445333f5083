import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AttemptResult, Balancer, BalancerFactory } from '../../src/balancing/balancer.js';
import { LeastRequest } from '../../src/balancing/least-request.js';
import { PeakEwma } from '../../src/balancing/peak-ewma.js';
import { balancerFactory, type LoadBalancerPolicy } from '../../src/balancing/policies.js';
import { RoundRobin } from '../../src/balancing/round-robin.js';
import type { Endpoint } from '../../src/cluster/endpoint.js';
import {
  answersIn,
  anyCall,
  cancelledAfter,
  countPicks,
  drawing,
  endpointsOf,
  failsIn,
  seededChance,
  StillRuntime,
} from '../balancing/fleet.js';
import { maglevPolicy, ringHashPolicy } from '../support/sticky.js';

const warmup = { duration: 60_000, minimumPercent: 0, aggression: 1 };

const policies: readonly Exclude<LoadBalancerPolicy, BalancerFactory>[] = [
  { policy: 'round-robin' },
  { policy: 'random' },
  { policy: 'least-request', choiceCount: 2, activeRequestBias: 1, fullScan: false },
  { policy: 'least-request', choiceCount: 2, activeRequestBias: 1, fullScan: true },
  { policy: 'peak-ewma', decayTime: 10_000 },
  ringHashPolicy(),
  ringHashPolicy({ hashBalanceFactor: 150 }),
  maglevPolicy({ tableSize: 499 }),
  { policy: 'round-robin', warmup },
  { policy: 'least-request', choiceCount: 2, activeRequestBias: 1, fullScan: true, warmup },
  { policy: 'peak-ewma', decayTime: 10_000, warmup },
];

const weight = fc.integer({ min: 1, max: 9 });
const latency = fc.double({ min: 0, max: 5000, noNaN: true });
const outcome: fc.Arbitrary<AttemptResult> = fc.oneof(
  latency.map(answersIn),
  latency.map(failsIn),
  latency.map(cancelledAfter),
);

/** What can happen to a cluster. Numbers are taken modulo what there is at that moment. */
const event = fc.oneof(
  { weight: 6, arbitrary: fc.record({ does: fc.constant('pick' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({ does: fc.constant('end' as const), which: fc.nat(), outcome }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('add' as const), weight }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('remove' as const), which: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({ does: fc.constant('weigh' as const), which: fc.nat(), weight }),
  },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('wait' as const), time: fc.nat(60_000) }) },
);

describe.each(policies)('$policy', (policy) => {
  it('picks an endpoint of the list as it is, whenever there is one', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 120 }), fc.integer(), (events, seed) => {
        const runtime = new StillRuntime(seededChance(seed));
        const inFlight: Endpoint[] = [];
        let endpoints: readonly Endpoint[] = [];
        let balancer = balancerFactory(policy)(endpoints, { runtime, previous: undefined });
        const rebuild = (list: readonly Endpoint[]) => {
          endpoints = list;
          balancer = balancerFactory(policy)(list, { runtime, previous: balancer });
        };
        for (const happening of events) {
          switch (happening.does) {
            case 'pick': {
              const picked = balancer.pick(anyCall);
              if (endpoints.length === 0) expect(picked).toBeUndefined();
              else expect(endpoints).toContain(picked);
              if (picked === undefined) break;
              inFlight.push(picked);
              picked.active++;
              balancer.started?.(picked);
              break;
            }
            case 'end': {
              // Also of an endpoint that has left the list meanwhile.
              const [ended] = inFlight.splice(happening.which % (inFlight.length || 1), 1);
              if (ended === undefined) break;
              ended.active--;
              balancer.ended?.(ended, happening.outcome);
              break;
            }
            case 'add':
              rebuild([...endpoints, ...endpointsOf(happening.weight)]);
              break;
            case 'remove':
              rebuild(endpoints.filter((_, i) => i !== happening.which % endpoints.length));
              break;
            case 'weigh': {
              const weighed = endpoints[happening.which % (endpoints.length || 1)];
              if (weighed === undefined) break;
              weighed.weight = happening.weight;
              rebuild(endpoints);
              break;
            }
            case 'wait':
              runtime.time += happening.time;
          }
        }
      }),
    );
  });
});

describe('round-robin', () => {
  it('goes on as if nothing had happened when the same list is built anew', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(1, 2, 4), { minLength: 1, maxLength: 8 }),
        fc.nat(50),
        fc.integer(),
        (weights, picks, seed) => {
          const endpoints = endpointsOf(...weights);
          const build = (previous?: Balancer) =>
            new RoundRobin(endpoints, { runtime: new StillRuntime(seededChance(seed)), previous });
          const whole = build();
          const first = build();
          for (let i = 0; i < picks; i++) expect(first.pick()).toBe(whole.pick());
          const second = build(first);
          for (let i = 0; i < 50; i++) expect(second.pick()).toBe(whole.pick());
        },
      ),
    );
  });

  it('keeps its position when endpoints are added behind it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.nat(19), fc.nat(5), (size, picks, added) => {
        fc.pre(picks < size);
        const endpoints = endpointsOf(...Array.from({ length: size + added }, () => 1));
        const runtime = new StillRuntime(() => 0);
        const before = new RoundRobin(endpoints.slice(0, size), { runtime, previous: undefined });
        for (let i = 0; i < picks; i++) before.pick();
        const after = new RoundRobin(endpoints, { runtime, previous: before });
        expect(after.pick()).toBe(endpoints[picks]);
      }),
    );
  });
});

describe('least-request', () => {
  it('never picks the strictly busier of its draws, and the first of equals', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(5), { minLength: 2, maxLength: 10 }),
        fc.array(fc.nat(9), { minLength: 2, maxLength: 5 }),
        (active, numbers) => {
          const endpoints = endpointsOf(...active.map(() => 1));
          endpoints.forEach((endpoint, i) => (endpoint.active = active[i] ?? 0));
          const draws = numbers.map((number) => number % active.length);
          const settings = { choiceCount: draws.length, activeRequestBias: 1, fullScan: false };
          const runtime = drawing(active.length, draws);
          const balancer = new LeastRequest(settings, endpoints, { runtime, previous: undefined });
          const least = Math.min(...draws.map((draw) => active[draw] ?? 0));
          const expected = draws.find((draw) => active[draw] === least) ?? -1;
          expect(balancer.pick()).toBe(endpoints[expected]);
        },
      ),
    );
  });

  it('picks the busier of two in exactly one of the four pairs of draws', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.integer({ min: 1, max: 1000 }), (idle, more) => {
        const endpoints = endpointsOf(1, 1) as [Endpoint, Endpoint];
        endpoints[0].active = idle + more;
        endpoints[1].active = idle;
        const settings = { choiceCount: 2, activeRequestBias: 1, fullScan: false };
        const runtime = drawing(2, [0, 0, 0, 1, 1, 0, 1, 1]);
        const balancer = new LeastRequest(settings, endpoints, { runtime, previous: undefined });
        expect(countPicks(balancer, endpoints, 4)).toEqual([1, 3]);
      }),
    );
  });
});

describe('peak-ewma', () => {
  const history = fc.array(fc.tuple(fc.nat(1), outcome, fc.nat(20_000)), { maxLength: 20 });

  /** Two endpoints with a past, both of which have answered; the last number tells how busy the second is. */
  function pair(past: readonly (readonly [number, AttemptResult, number])[], active: number) {
    const runtime = new StillRuntime(seededChance(1));
    const endpoints = endpointsOf(1, 1) as [Endpoint, Endpoint];
    const context = { runtime, previous: undefined };
    const balancer = new PeakEwma({ decayTime: 10_000 }, endpoints, context);
    const attempt = (endpoint: Endpoint, result: AttemptResult) => {
      endpoint.active++;
      balancer.started(endpoint);
      endpoint.active--;
      balancer.ended(endpoint, result);
    };
    endpoints.forEach((endpoint) => attempt(endpoint, answersIn(100)));
    for (const [which, result, wait] of past) {
      attempt(endpoints[which] as Endpoint, result);
      runtime.time += wait;
    }
    endpoints[1].active = active;
    /** How many of 30 picks, each of which compares both, go to the first. */
    const first = () => countPicks(balancer, endpoints, 30)[0] ?? Number.NaN;
    return { attempt: (result: AttemptResult) => attempt(endpoints[0], result), first };
  }

  it.each([
    { what: 'failure', make: failsIn },
    { what: 'cancelled attempt', make: cancelledAfter },
  ])('never prefers an endpoint for a $what, whatever came before and however fast', ({ make }) => {
    fc.assert(
      fc.property(history, fc.nat(50), latency, (past, active, time) => {
        const { attempt, first } = pair(past, active);
        const before = first();
        attempt(make(time));
        const after = first();
        if (before === 0) expect(after).toBe(0);
        else if (before < 30) expect(after).toBeLessThan(30);
      }),
    );
  });
});
