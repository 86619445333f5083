import { describe, expect, it } from 'vitest';
import type { Balancer } from '../../src/balancing/balancer.js';
import { LeastRequest } from '../../src/balancing/least-request.js';
import type { Endpoint } from '../../src/cluster/endpoint.js';
import { anyCall, countPicks, drawing, endpointsOf, seededChance, StillRuntime } from './fleet.js';

interface Given {
  readonly runtime?: StillRuntime;
  readonly previous?: Balancer;
  readonly choiceCount?: number;
  readonly activeRequestBias?: number;
  readonly fullScan?: boolean;
}

function leastRequest(endpoints: readonly Endpoint[], given: Given = {}): Balancer {
  const { choiceCount = 2, activeRequestBias = 1, fullScan = false, previous } = given;
  const { runtime = new StillRuntime() } = given;
  const settings = { choiceCount, activeRequestBias, fullScan };
  return new LeastRequest(settings, endpoints, { runtime, previous });
}

/** Endpoints of equal weight with so many active attempts. */
function busy(...active: readonly number[]): Endpoint[] {
  const endpoints = endpointsOf(...active.map(() => 1));
  endpoints.forEach((endpoint, i) => (endpoint.active = active[i] ?? 0));
  return endpoints;
}

const sequence = (balancer: Balancer, endpoints: readonly Endpoint[], picks: number) =>
  Array.from({ length: picks }, () => endpoints.indexOf(balancer.pick(anyCall) as Endpoint));

describe('LeastRequest with equal weights', () => {
  it('picks nothing from an empty list, and the only one from a list of one', () => {
    expect(leastRequest([]).pick(anyCall)).toBeUndefined();
    const endpoints = busy(5);
    expect(leastRequest(endpoints).pick(anyCall)).toBe(endpoints[0]);
  });

  it.each([
    { active: [1, 2], draws: [0, 1], picked: 0 },
    { active: [1, 2], draws: [1, 0], picked: 0 },
    { active: [1, 2], draws: [1, 1], picked: 1 },
    { active: [4, 4], draws: [0, 1], picked: 0 },
    { active: [4, 4], draws: [1, 0], picked: 1 },
    { active: [3, 1, 2], draws: [0, 2], picked: 2 },
    { active: [3, 1, 1], draws: [0, 2, 1], picked: 2 },
    { active: [3, 2, 1], draws: [1, 2, 0, 0], picked: 2 },
  ])('picks $picked when $draws are drawn among $active active', ({ active, draws, picked }) => {
    const endpoints = busy(...active);
    const runtime = drawing(active.length, draws);
    const balancer = leastRequest(endpoints, { runtime, choiceCount: draws.length });
    expect(sequence(balancer, endpoints, 1)).toEqual([picked]);
  });

  it('picks the busier of two endpoints a quarter of the time', () => {
    const seed = 5;
    const endpoints = busy(9, 1);
    for (const endpoint of endpoints) endpoint.weight = 7;
    const runtime = new StillRuntime(seededChance(seed));
    const [busier = 0] = countPicks(leastRequest(endpoints, { runtime }), endpoints, 100_000);
    expect(busier / 100_000, `seed ${seed}`).toBeCloseTo(0.25, 2);
  });

  it('picks the busiest of two with a chance of 2 to the minus choiceCount', () => {
    const seed = 6;
    const endpoints = busy(9, 1);
    const runtime = new StillRuntime(seededChance(seed));
    const balancer = leastRequest(endpoints, { runtime, choiceCount: 5 });
    const [busier = 0] = countPicks(balancer, endpoints, 100_000);
    expect(busier / 100_000, `seed ${seed}`).toBeCloseTo(1 / 32, 2);
  });

  it('spreads the picks evenly while nobody is busy', () => {
    const seed = 8;
    const endpoints = busy(0, 0, 0, 0);
    const runtime = new StillRuntime(seededChance(seed));
    const counts = countPicks(leastRequest(endpoints, { runtime }), endpoints, 100_000);
    for (const count of counts) expect(count / 100_000, `seed ${seed}`).toBeCloseTo(0.25, 2);
  });
});

describe('LeastRequest with a full scan', () => {
  it('always picks the least busy', () => {
    const endpoints = busy(3, 4, 1, 2, 8);
    const balancer = leastRequest(endpoints, { fullScan: true });
    expect(countPicks(balancer, endpoints, 100)).toEqual([0, 0, 100, 0, 0]);
  });

  it('picks each of the least busy with the same chance', () => {
    const seed = 9;
    const endpoints = busy(2, 2, 2, 1, 3, 1, 1, 2, 1);
    const runtime = new StillRuntime(seededChance(seed));
    const counts = countPicks(
      leastRequest(endpoints, { fullScan: true, runtime }),
      endpoints,
      100_000,
    );
    for (const i of [0, 1, 2, 4, 7]) expect(counts[i]).toBe(0);
    for (const i of [3, 5, 6, 8]) {
      expect((counts[i] ?? 0) / 100_000, `seed ${seed}, endpoint ${i}`).toBeCloseTo(0.25, 2);
    }
  });

  it('keeps to the schedule when weights differ', () => {
    const endpoints = endpointsOf(1, 2);
    const runtime = new StillRuntime(() => 0);
    const balancer = leastRequest(endpoints, { fullScan: true, runtime });
    expect(sequence(balancer, endpoints, 6)).toEqual([1, 0, 1, 1, 0, 1]);
  });
});

describe('LeastRequest with unequal weights', () => {
  const atStart = { runtime: new StillRuntime(() => 0) };

  it('is weighted round robin while nobody is busy', () => {
    const endpoints = endpointsOf(1, 2);
    expect(sequence(leastRequest(endpoints, atStart), endpoints, 6)).toEqual([1, 0, 1, 1, 0, 1]);
  });

  it('counts a weight of 2 with 4 active attempts as 0.4', () => {
    const endpoints = endpointsOf(2, 1);
    (endpoints[0] as Endpoint).active = 4;
    const counts = countPicks(leastRequest(endpoints, atStart), endpoints, 1400);
    expect(counts).toEqual([400, 1000]);
  });

  it.each([
    { bias: 0, counts: [800, 400] },
    { bias: 0.5, counts: [600, 600] },
    { bias: 1, counts: [400, 800] },
    { bias: 2, counts: [133, 1067] },
  ])('slows a weight of 2 with 3 active attempts down by a bias of $bias', ({ bias, counts }) => {
    const endpoints = endpointsOf(2, 1);
    (endpoints[0] as Endpoint).active = 3;
    const balancer = leastRequest(endpoints, { ...atStart, activeRequestBias: bias });
    expect(countPicks(balancer, endpoints, 1200)).toEqual(counts);
  });

  it('reads the active attempts at each pick', () => {
    const endpoints = endpointsOf(1, 2) as [Endpoint, Endpoint];
    const balancer = leastRequest(endpoints, atStart);
    for (let i = 0; i < 60; i++) (balancer.pick(anyCall) as Endpoint).active++;
    // Nothing ends, and at a rate of weight / (active + 1) the active attempts grow with the weight's square root.
    expect(endpoints.map(({ active }) => active)).toEqual([25, 35]);
  });

  it('goes on in its schedule when the list is built anew', () => {
    const endpoints = endpointsOf(1, 2, 4);
    const whole = sequence(leastRequest(endpoints, atStart), endpoints, 21);
    let balancer = leastRequest(endpoints, atStart);
    const rebuilt = whole.map(() => {
      balancer = leastRequest(endpoints, { previous: balancer });
      return endpoints.indexOf(balancer.pick(anyCall) as Endpoint);
    });
    expect(rebuilt).toEqual(whole);
  });

  it('starts its schedule at a random place', () => {
    const runtime = new StillRuntime(seededChance(4));
    const endpoints = endpointsOf(1, 1, 1, 2);
    const firsts = Array.from({ length: 200 }, () =>
      endpoints.indexOf(leastRequest(endpoints, { runtime }).pick(anyCall) as Endpoint),
    );
    expect([...new Set(firsts)].sort()).toEqual([0, 1, 2, 3]);
  });
});
