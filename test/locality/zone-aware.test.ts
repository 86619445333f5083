/** Envoy's formula for zones: the reference's example, the conditions, and the evenness that it is for. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Counters } from '../../src/cluster/counters.js';
import { goesByZones, ZoneRouting, type ZoneAwarePolicy } from '../../src/locality/zone-aware.js';
import { drawing, StillRuntime } from '../balancing/fleet.js';
import { zoneAwarePolicy } from '../support/zone-aware.js';

const zonesOf = (counts: Readonly<Record<string, number>>) =>
  Object.entries(counts).map(([name, count]) => ({ name, count, weight: count }));

/** Chance that gives each of so many equal steps once. */
function everyChance(steps: number): () => number {
  let step = 0;
  return () => ((step++ % steps) + 0.5) / steps;
}

const EXAMPLE = { a: 4, b: 4, c: 2 };

describe('the example: callers 40/40/20 %, endpoints 25/50/25 %', () => {
  const zones = zonesOf({ a: 2, b: 4, c: 2 });

  test.each([
    // Of 10000, 6250 stay.
    [[0], [], 'a', 'lb_zone_routing_sampled'],
    [[6249], [], 'a', 'lb_zone_routing_sampled'],
    // The rest goes by the residuals 1000 and 500.
    [[6250], [0], 'b', 'lb_zone_routing_cross_zone'],
    [[9999], [999], 'b', 'lb_zone_routing_cross_zone'],
    [[6250], [1000], 'c', 'lb_zone_routing_cross_zone'],
    [[9999], [1499], 'c', 'lb_zone_routing_cross_zone'],
  ] as const)('draws %j of 10000 and %j of 1500: zone %s', (stay, residual, zone, counter) => {
    const draws = [
      ...stay.map((one) => (one + 0.5) / 10_000),
      ...residual.map((one) => (one + 0.5) / 1500),
    ];
    const counters = new Counters();
    const runtime = new StillRuntime(() => draws.shift() ?? Number.NaN);
    const routing = new ZoneRouting(zones, zoneAwarePolicy(EXAMPLE), runtime, counters);
    expect(zones[routing.pick()]?.name).toBe(zone);
    expect(counters[counter]).toBe(1);
    expect(draws).toEqual([]);
  });

  test('the others keep everything', () => {
    for (const local of ['b', 'c']) {
      const counters = new Counters();
      const routing = new ZoneRouting(
        zones,
        zoneAwarePolicy(EXAMPLE, { local }),
        drawing(1, []),
        counters,
      );
      expect(zones[routing.pick()]?.name).toBe(local);
      expect(counters.lb_zone_routing_all_directly).toBe(1);
    }
  });
});

describe('one zone', () => {
  const pick = (
    counts: Readonly<Record<string, number>>,
    policy: ZoneAwarePolicy,
    chances: readonly number[],
  ) => {
    const left = [...chances];
    const counters = new Counters();
    const zones = zonesOf(counts);
    const runtime = new StillRuntime(() => left.shift() ?? Number.NaN);
    const name = zones[new ZoneRouting(zones, policy, runtime, counters).pick()]?.name;
    const counted = Object.entries(counters.read()).flatMap(([key, value]) =>
      value === 0 ? [] : [key.replace('lb_zone_', '')],
    );
    return [name, ...counted, left.length];
  };

  test('with as many endpoints as callers, in parts of all, keeps all calls', () => {
    expect(pick({ a: 5, b: 5 }, zoneAwarePolicy({ a: 1, b: 1 }), [])).toEqual([
      'a',
      'routing_all_directly',
      0,
    ]);
  });

  test('which is out hands all calls on', () => {
    expect(pick({ b: 3, c: 1 }, zoneAwarePolicy({ a: 2, b: 2 }), [0, 0])).toEqual([
      'b',
      'routing_cross_zone',
      0,
    ]);
    // Residuals 7500 - 5000 and 2500 - 0.
    expect(pick({ b: 3, c: 1 }, zoneAwarePolicy({ a: 2, b: 2 }), [0, 0.49])[0]).toBe('b');
    expect(pick({ b: 3, c: 1 }, zoneAwarePolicy({ a: 2, b: 2 }), [0, 0.5])[0]).toBe('c');
  });

  test('where rounding leaves no capacity: any', () => {
    // Of 100000 endpoints one too few is here: there it is less than a hundredth of a percent to spare.
    const counts = { a: 44_999, b: 55_001 };
    const callers = { a: 45_000, b: 55_000 };
    const chances = [0.9999, 0.99];
    expect(pick(counts, zoneAwarePolicy(callers), chances)).toEqual([
      'b',
      'routing_cross_zone',
      'no_capacity_left',
      0,
    ]);
    expect(pick(counts, zoneAwarePolicy(callers), [0.9999, 0])[0]).toBe('a');
  });

  test('is forced while it has enough endpoints', () => {
    const callers = { a: 9, b: 1 };
    expect(pick({ a: 2, b: 8 }, zoneAwarePolicy(callers, { forceLocalZone: 2 }), [])).toEqual([
      'a',
      'routing_all_directly',
      0,
    ]);
    expect(pick({ a: 2, b: 8 }, zoneAwarePolicy(callers, { forceLocalZone: 3 }), [0.9, 0])).toEqual(
      ['b', 'routing_cross_zone', 0],
    );
    expect(pick({ b: 8, c: 1 }, zoneAwarePolicy(callers, { forceLocalZone: 1 }), [0, 0])[0]).toBe(
      'b',
    );
  });

  test('for a part of the calls alone, by whole percent; the rest by weights', () => {
    const policy = zoneAwarePolicy({ a: 1, b: 1 }, { routingEnabled: 20 });
    expect(pick({ a: 2, b: 2 }, policy, [0.199])).toEqual(['a', 'routing_all_directly', 0]);
    expect(pick({ a: 2, b: 2 }, policy, [0.2, 0.49])).toEqual(['a', 0]);
    expect(pick({ a: 2, b: 2 }, policy, [0.2, 0.5])).toEqual(['b', 0]);
  });
});

describe('zones play a role', () => {
  const goes = (policy: ZoneAwarePolicy, zones: number, healthy: number) => {
    const counters = new Counters();
    const went = goesByZones(policy, zones, healthy, counters);
    const counted = Object.entries(counters.read()).filter(([, value]) => value !== 0);
    return [went, ...counted.map(([name]) => name)];
  };
  const ONCE = 'lb_recalculate_zone_structures';

  test('with two zones of both, a caller in the own one, and enough endpoints', () => {
    expect(goes(zoneAwarePolicy(EXAMPLE), 2, 6)).toEqual([true, ONCE]);
  });

  test('not with endpoints, or callers, in one zone', () => {
    expect(goes(zoneAwarePolicy(EXAMPLE), 1, 6)).toEqual([false, ONCE]);
    expect(goes(zoneAwarePolicy({ a: 5, b: 0 }), 2, 6)).toEqual([false, ONCE]);
    expect(goes(zoneAwarePolicy({ a: 5 }, { forceLocalZone: 1 }), 2, 6)).toEqual([true, ONCE]);
  });

  test('not with nobody calling from the own one', () => {
    const counted = [false, ONCE, 'lb_local_cluster_not_ok'];
    expect(goes(zoneAwarePolicy({ b: 1, c: 1 }), 2, 6)).toEqual(counted);
    expect(goes(zoneAwarePolicy({ a: 0, b: 1, c: 1 }), 2, 6)).toEqual(counted);
    expect(goes(zoneAwarePolicy({ b: 1 }, { forceLocalZone: 1 }), 2, 6)).toEqual(counted);
  });

  test('not with too few endpoints', () => {
    expect(goes(zoneAwarePolicy(EXAMPLE), 2, 5)).toEqual([
      false,
      ONCE,
      'lb_zone_cluster_too_small',
    ]);
    expect(goes(zoneAwarePolicy(EXAMPLE, { minClusterSize: 0 }), 2, 0)).toEqual([true, ONCE]);
  });
});

test('all callers together give every endpoint the same load', () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const counts = fc.array(
    fc.tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 })),
    {
      minLength: 2,
      maxLength: names.length,
    },
  );
  fc.assert(
    fc.property(counts, (zones) => {
      const callers = new Map(zones.map(([count], zone) => [names[zone] ?? '', count]));
      const places = zones.map(([, count], zone) => ({
        name: names[zone] ?? '',
        count,
        weight: count,
      }));
      const all = (of: readonly number[]) => of.reduce((sum, one) => sum + one, 0);
      const calling = all(zones.map(([count]) => count));
      const called = all(zones.map(([, count]) => count));
      const load = places.map(() => 0);
      for (const [zone, [count]] of zones.entries()) {
        const policy = zoneAwarePolicy({}, { local: names[zone] ?? '', callers });
        for (const [place, share] of sharesOf(places, policy).entries()) {
          load[place] = (load[place] ?? 0) + (share * count) / calling;
        }
      }
      for (const [place, { count }] of places.entries()) {
        expect(Math.abs((load[place] ?? 0) - count / called)).toBeLessThan(0.01);
      }
    }),
    { numRuns: 100 },
  );
});

/** The share of each zone, drawn by a fine grid of chances. */
function sharesOf(
  zones: readonly { name: string; count: number; weight: number }[],
  policy: ZoneAwarePolicy,
): number[] {
  const STEPS = 100;
  const first = everyChance(STEPS);
  const second = everyChance(STEPS);
  let chance = first;
  const runtime = new StillRuntime(() => {
    const drawn = chance();
    chance = second;
    return drawn;
  });
  const routing = new ZoneRouting(zones, policy, runtime, new Counters());
  const counts = zones.map(() => 0);
  for (let pick = 0; pick < STEPS * STEPS; pick++) {
    chance = first;
    const place = routing.pick();
    counts[place] = (counts[place] ?? 0) + 1;
  }
  return counts.map((count) => count / (STEPS * STEPS));
}
