/** Picks by zones: the shares of the reference, zones that go out and come back, and when zones play no role. */
import { describe, expect, test } from 'vitest';
import type { BalancerFactory } from '../../src/balancing/balancer.js';
import { balancerFactory } from '../../src/balancing/policies.js';
import { Counters } from '../../src/cluster/counters.js';
import { Endpoint } from '../../src/cluster/endpoint.js';
import { Rotation } from '../../src/cluster/rotation.js';
import type { Call } from '../../src/core/call.js';
import type { ZoneAwarePolicy } from '../../src/locality/zone-aware.js';
import { seededChance, StillRuntime } from '../balancing/fleet.js';
import { ringHashPolicy } from '../support/sticky.js';
import { zoneAwarePolicy } from '../support/zone-aware.js';

const anyCall = { attempts: [], headers: [] } as unknown as Call;

const PICKS = 100_000;
/** In percentage points. */
const NEAR = 0.5;

const EXAMPLE = zoneAwarePolicy({ a: 4, b: 4, c: 2 });

interface Part {
  readonly zone: string;
  readonly count: number;
  readonly priority?: number;
  readonly weight?: number;
}

const THREE: readonly Part[] = [
  { zone: 'a', count: 2 },
  { zone: 'b', count: 4 },
  { zone: 'c', count: 2 },
];

function rotating(
  parts: readonly Part[],
  policy: ZoneAwarePolicy,
  factory: BalancerFactory = balancerFactory({ policy: 'random' }),
) {
  const groups = parts.map(({ zone, count, priority = 0, weight = 1 }, part) =>
    Array.from({ length: count }, (_, index) => {
      const url = `http://10.${part}.0.${index}`;
      return new Endpoint({ url, weight, locality: zone, priority, labels: {} }, 0);
    }),
  );
  const counters = new Counters();
  const runtime = new StillRuntime(seededChance(11));
  const rotation = new Rotation(groups.flat(), factory, runtime, counters);
  rotation.setLocality(policy);
  const partOf = (call = anyCall): number => {
    const endpoint = rotation.pick(call);
    return groups.findIndex((group) => endpoint !== undefined && group.includes(endpoint));
  };
  /** The share of each part in percent, and last that of nobody. */
  const shares = (picks = PICKS): number[] => {
    const counts = new Map<number, number>();
    for (let pick = 0; pick < picks; pick++) {
      const part = partOf();
      counts.set(part, (counts.get(part) ?? 0) + 1);
    }
    return [...groups.keys(), -1].map((part) => (100 * (counts.get(part) ?? 0)) / picks);
  };
  const setHealthy = (part: number, healthy: number): void => {
    groups[part]?.forEach((endpoint, index) => {
      endpoint.ejected = index >= healthy;
    });
    rotation.refresh();
  };
  return { rotation, counters, runtime, groups, partOf, shares, setHealthy };
}

function expectNear(found: readonly number[], expected: readonly number[]): void {
  const said = `found ${found.join(', ')}, expected ${expected.join(', ')}`;
  expected.forEach((share, index) => {
    expect(Math.abs((found[index] ?? 0) - share), said).toBeLessThanOrEqual(NEAR);
  });
}

describe('shares', () => {
  test('of the example: 62.5 % stays, the rest 2 : 1', () => {
    const { shares, counters } = rotating(THREE, EXAMPLE);
    expectNear(shares(), [62.5, 25, 12.5, 0]);
    expectNear(
      [counters.lb_zone_routing_sampled / 1000, counters.lb_zone_routing_cross_zone / 1000],
      [62.5, 37.5],
    );
    expect(counters).toMatchObject({
      lb_zone_routing_all_directly: 0,
      lb_zone_no_capacity_left: 0,
      lb_healthy_panic: 0,
    });
  });

  test.each(['round-robin', 'random'] as const)('are the same under %s', (policy) => {
    const { shares } = rotating(THREE, EXAMPLE, balancerFactory({ policy }));
    expectNear(shares(), [62.5, 25, 12.5, 0]);
  });

  test('everything, where the own zone has its part of the endpoints', () => {
    const { shares, counters } = rotating(THREE, { ...EXAMPLE, local: 'b' });
    expect(shares(1000)).toEqual([0, 100, 0, 0]);
    expect(counters.lb_zone_routing_all_directly).toBe(1000);
  });

  test('count endpoints, and within a zone their weights', () => {
    const { groups, rotation } = rotating(THREE, EXAMPLE);
    const heavy = groups[0]?.[0] as Endpoint;
    heavy.weight = 3;
    rotation.setEndpoints(groups.flat());
    const counts = new Map<Endpoint | undefined, number>();
    for (let pick = 0; pick < PICKS; pick++) {
      const endpoint = rotation.pick(anyCall);
      counts.set(endpoint, (counts.get(endpoint) ?? 0) + 1);
    }
    const percent = (endpoint: Endpoint | undefined) => ((counts.get(endpoint) ?? 0) * 100) / PICKS;
    expectNear([percent(heavy), percent(groups[0]?.[1])], [62.5 * 0.75, 62.5 * 0.25]);
  });

  test('follow the health of the zones', () => {
    const { shares, setHealthy } = rotating(THREE, EXAMPLE);
    // Of seven: 14.28 % for 40 % of the callers; to spare 57.14 - 40 and 28.57 - 20.
    setHealthy(0, 1);
    expectNear(shares(), [35.7, 42.86, 21.44, 0]);
    setHealthy(0, 0);
    expectNear(shares(), [0, 66.67, 33.33, 0]);
    setHealthy(0, 2);
    expectNear(shares(), [62.5, 25, 12.5, 0]);
  });

  test('of a part of the calls; the rest goes to every endpoint alike', () => {
    const { shares } = rotating(THREE, { ...EXAMPLE, routingEnabled: 20 });
    const alike = [25, 50, 25];
    expectNear(
      shares(),
      [62.5, 25, 12.5].map((share, zone) => 0.2 * share + 0.8 * (alike[zone] ?? 0)),
    );
  });

  test('of other callers, from then on', () => {
    const { rotation, shares } = rotating(THREE, EXAMPLE);
    rotation.setLocality(zoneAwarePolicy({ a: 1, b: 2, c: 1 }));
    expect(shares(1000)).toEqual([100, 0, 0, 0]);
    rotation.setLocality(zoneAwarePolicy({ a: 1, b: 1 }));
    // b needs all of its endpoints for its own callers; in c there are none.
    expectNear(shares(), [50, 0, 50, 0]);
  });

  test('forced to stay, until too few endpoints are healthy', () => {
    const { shares, setHealthy } = rotating(THREE, { ...EXAMPLE, forceLocalZone: 2 });
    expect(shares(1000)).toEqual([100, 0, 0, 0]);
    setHealthy(0, 1);
    expectNear(shares(), [35.7, 42.86, 21.44, 0]);
  });

  test('of endpoints that are held: their zone has fewer', () => {
    const { groups, rotation, runtime, shares } = rotating(THREE, EXAMPLE);
    for (const endpoint of groups[0] ?? []) endpoint.heldUntil = 1000;
    rotation.refresh();
    expectNear(shares(), [0, 66.67, 33.33, 0]);
    runtime.time = 1000;
    expectNear(shares(), [62.5, 25, 12.5, 0]);
  });
});

describe('zones play no role', () => {
  test('with fewer healthy endpoints than minClusterSize, until there are enough', () => {
    const { shares, setHealthy, counters } = rotating(THREE, { ...EXAMPLE, minClusterSize: 8 });
    expectNear(shares(), [62.5, 25, 12.5, 0]);
    expect(counters.lb_zone_cluster_too_small).toBe(0);
    setHealthy(2, 1);
    expectNear(shares(), [28.57, 57.14, 14.29, 0]);
    expect(counters.lb_zone_cluster_too_small).toBe(1);
    setHealthy(2, 2);
    expectNear(shares(), [62.5, 25, 12.5, 0]);
  });

  test('where nobody calls from the own one', () => {
    const { shares, counters } = rotating(THREE, zoneAwarePolicy({ b: 4, c: 2 }));
    expectNear(shares(), [25, 50, 25, 0]);
    expect(counters.lb_local_cluster_not_ok).toBe(1);
    expect(counters.lb_recalculate_zone_structures).toBe(1);
  });

  test('where all endpoints are in one', () => {
    const { shares, counters } = rotating([{ zone: 'b', count: 8 }], EXAMPLE);
    expect(shares(1000)).toEqual([100, 0]);
    expect(counters.lb_zone_routing_cross_zone).toBe(0);
  });

  test('in panic of the first priority, which is counted', () => {
    const { rotation, shares, setHealthy, counters } = rotating(
      [...THREE, { zone: 'c', count: 10, priority: 1 }],
      { ...EXAMPLE, minClusterSize: 0 },
    );
    rotation.setPanicThreshold(50);
    // 1 of 8, and 8 of 10 would do: 17 and 100.
    setHealthy(0, 1);
    setHealthy(1, 0);
    setHealthy(2, 0);
    expectNear(shares(), [17, 0, 0, 83, 0]);
    expect(counters.lb_healthy_panic).toBe(0);
    // 17 and 70: not enough together; the first is below its half, the second is not.
    setHealthy(3, 5);
    const { lb_zone_routing_all_directly: before } = counters;
    const [a = 0, b = 0, c = 0] = shares();
    expect(counters.lb_zone_routing_all_directly).toBe(before);
    expect(counters.lb_healthy_panic / 1000).toBeCloseTo(a + b + c, 6);
    expectNear([b / a, c / a], [2, 1]);
  });

  test('in total panic: all endpoints by their numbers', () => {
    const { rotation, shares, setHealthy, counters } = rotating(THREE, EXAMPLE);
    rotation.setPanicThreshold(100);
    for (const part of THREE.keys()) setHealthy(part, 1);
    expectNear(shares(), [25, 50, 25, 0]);
    expect(counters.lb_healthy_panic).toBe(PICKS);
    rotation.setPanicThreshold(0);
    for (const [part, { count }] of THREE.entries()) setHealthy(part, count);
    expectNear(shares(), [62.5, 25, 12.5, 0]);
  });

  test('in later priorities', () => {
    const later = THREE.map((part) => ({ ...part, priority: 1 }));
    const { shares, setHealthy } = rotating([...THREE, ...later], EXAMPLE);
    expectNear(shares(), [62.5, 25, 12.5, 0, 0, 0, 0]);
    for (const part of THREE.keys()) setHealthy(part, 0);
    expectNear(shares(), [0, 0, 0, 25, 50, 25, 0]);
  });

  test('while a first priority that has too few hands a part on, in the part that it keeps', () => {
    const later = { zone: 'c', count: 10, priority: 1 };
    const { shares, setHealthy } = rotating([...THREE, later], { ...EXAMPLE, minClusterSize: 4 });
    setHealthy(0, 1);
    setHealthy(1, 2);
    setHealthy(2, 1);
    expectNear(shares(), [43.75, 17.5, 8.75, 30, 0]);
  });

  test('under a sticky policy, as in Envoy', () => {
    const factory = balancerFactory(ringHashPolicy());
    const zoned = rotating(THREE, EXAMPLE, factory);
    const { rotation } = zoned;
    const callOf = (user: number): Call =>
      ({ attempts: [], headers: ['x-user-id', `user-${user}`] }) as unknown as Call;
    const picked = (): (Endpoint | undefined)[] =>
      Array.from({ length: 1000 }, (_, user) => rotation.pick(callOf(user)));
    const before = picked();
    expect(zoned.counters.lb_zone_routing_sampled).toBe(0);
    rotation.setLocality(undefined);
    expect(picked()).toEqual(before);
    // Without a hash, too.
    rotation.setLocality(EXAMPLE);
    zoned.shares(100);
    expect(zoned.counters.lb_zone_routing_sampled).toBe(0);
    // From the next policy on they do.
    rotation.setFactory(balancerFactory({ policy: 'random' }));
    expectNear(zoned.shares(), [62.5, 25, 12.5, 0]);
  });
});

test('each zone has a balancer of its own, which hears of its endpoints and is kept while nothing changes there', () => {
  const made: string[] = [];
  const factory: BalancerFactory = (list) => {
    const name = `${list[0]?.locality ?? ''} of ${list.length}`;
    made.push(name);
    return { name, pick: () => list[0] };
  };
  const { groups, rotation, setHealthy } = rotating(THREE, EXAMPLE, factory);
  made.length = 0;
  setHealthy(1, 3);
  rotation.pick(anyCall);
  expect(made).toEqual(['b of 3']);
  expect(groups.map(([first]) => first?.balancer?.name)).toEqual(['a of 2', 'b of 3', 'c of 2']);
});

test('where weights of localities take the place of zones, they all have their turns', () => {
  const { rotation, shares } = rotating(THREE, EXAMPLE);
  rotation.setLocality({
    kind: 'nearest',
    local: 'z',
    failover: [{ from: 'z', to: 'nowhere' }],
  });
  expectNear(shares(), [25, 50, 25, 0]);
  rotation.setLocality(EXAMPLE);
  expectNear(shares(), [62.5, 25, 12.5, 0]);
});

test('a balancer that cannot be made leaves everything as it was', () => {
  let fails = false;
  const factory: BalancerFactory = (list) => {
    if (fails && list[0]?.locality === 'c') throw new Error('no');
    return { name: 'first', pick: () => list[0] };
  };
  const { rotation, setHealthy, groups } = rotating(THREE, EXAMPLE, factory);
  const before = groups.map(([first]) => first?.balancer);
  fails = true;
  setHealthy(2, 1);
  expect(() => rotation.pick(anyCall)).toThrow('no');
  expect(groups.map(([first]) => first?.balancer)).toEqual(before);
});
