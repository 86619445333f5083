/** Degraded endpoints take what the healthy ones cannot: shares, balancers of their own, panic, holds, hashes and retries. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BalancerFactory } from '../../src/balancing/balancer.js';
import { balancerFactory } from '../../src/balancing/policies.js';
import { Counters } from '../../src/cluster/counters.js';
import { Endpoint } from '../../src/cluster/endpoint.js';
import { Rotation } from '../../src/cluster/rotation.js';
import type { Call } from '../../src/core/call.js';
import type { LocalityPolicy } from '../../src/locality/locality-policy.js';
import { priorityLoads, type PriorityHealth } from '../../src/locality/priority-loads.js';
import { seededChance, StillRuntime } from '../balancing/fleet.js';
import { maglevPolicy, ringHashPolicy } from '../support/sticky.js';

const PICKS = 100_000;
/** In percentage points. */
const NEAR = 0.5;

/** One that has made no attempt. */
const anyCall = { attempts: [], headers: [] } as unknown as Call;

type State = 'healthy' | 'degraded' | 'out';

/** Endpoints that are all alike. */
interface Part {
  readonly count: number;
  readonly state: State;
  readonly priority?: number;
  readonly locality?: string;
}

function setState(endpoint: Endpoint, state: State): void {
  endpoint.failedCheck = state === 'out';
  endpoint.degradedCheck = state === 'degraded';
}

function rotating(
  parts: readonly Part[],
  {
    policy,
    panicThreshold = 0,
    factory = balancerFactory({ policy: 'random' }),
    runtime = new StillRuntime(seededChance(5)),
  }: {
    readonly policy?: LocalityPolicy;
    readonly panicThreshold?: number;
    readonly factory?: BalancerFactory;
    readonly runtime?: StillRuntime;
  } = {},
) {
  const groups = parts.map(({ count, state, priority = 0, locality = '' }, part) =>
    Array.from({ length: count }, (_, index) => {
      const url = `http://10.${part}.0.${index}`;
      const endpoint = new Endpoint({ url, weight: 1, locality, priority, labels: {} }, 0);
      setState(endpoint, state);
      return endpoint;
    }),
  );
  const endpoints = groups.flat();
  const counters = new Counters();
  const rotation = new Rotation(endpoints, factory, runtime, counters);
  rotation.setPanicThreshold(panicThreshold);
  rotation.setLocality(policy);
  const partOf = (endpoint: Endpoint | undefined): number =>
    groups.findIndex((group) => endpoint !== undefined && group.includes(endpoint));
  /** The share of each part in percent. */
  const shares = (picks = PICKS): number[] => {
    const counts = groups.map(() => 0);
    for (let pick = 0; pick < picks; pick++) {
      const part = partOf(rotation.pick(anyCall));
      counts[part] = (counts[part] ?? 0) + 1;
    }
    return counts.map((count) => (100 * count) / picks);
  };
  const become = (state: State, ...part: readonly number[]): void => {
    for (const one of part) for (const endpoint of groups[one] ?? []) setState(endpoint, state);
    rotation.refresh();
  };
  return { rotation, runtime, counters, groups, endpoints, partOf, shares, become };
}

/** Of one priority in hundredths. */
function hundred(healthy: number, degraded: number, priority = 0): Part[] {
  return [
    { count: healthy, state: 'healthy', priority },
    { count: degraded, state: 'degraded', priority },
    { count: 100 - healthy - degraded, state: 'out', priority },
  ];
}

function expectNear(found: readonly number[], expected: readonly number[]): void {
  const said = `found ${found.join(', ')}, expected ${expected.join(', ')}`;
  expected.forEach((share, index) => {
    expect(Math.abs((found[index] ?? 0) - share), said).toBeLessThanOrEqual(NEAR);
  });
}

describe('shares', () => {
  // The table of Envoy's documentation, and what is around it.
  test.each([
    [100, 0, [100, 0, 0]],
    [72, 28, [100, 0, 0]],
    [71, 0, [100, 0, 0]],
    [71, 29, [99, 1, 0]],
    [50, 50, [70, 30, 0]],
    [25, 65, [35, 65, 0]],
    [5, 0, [100, 0, 0]],
    [0, 10, [0, 100, 0]],
    // 28 % and 28 % are scaled to 50 and 50.
    [20, 20, [50, 50, 0]],
  ])('%j healthy and %j degraded of a hundred: %j', (healthy, degraded, expected) => {
    expectNear(rotating(hundred(healthy, degraded)).shares(), expected);
  });

  test('healthy ones of a later priority come before degraded ones of an earlier', () => {
    const { shares } = rotating([...hundred(20, 80), ...hundred(40, 60, 1)]);
    expectNear(shares(), [28, 16, 0, 56, 0, 0]);
  });

  test('degraded ones in order of their priorities', () => {
    const { shares } = rotating([...hundred(10, 20), ...hundred(10, 90, 1)]);
    // 14 and 14 to the healthy ones, then 28 and the rest.
    expectNear(shares(), [14, 28, 0, 14, 44, 0]);
  });

  test('come and go with them', () => {
    const all = rotating([
      { count: 3, state: 'healthy' },
      { count: 1, state: 'degraded' },
    ]);
    expect(all.shares(1000)).toEqual([100, 0]);
    all.become('out', 0);
    expect(all.shares(1000)).toEqual([0, 100]);
    all.become('degraded', 0);
    expectNear(all.shares(), [75, 25]);
    all.become('healthy', 0, 1);
    expectNear(all.shares(), [75, 25]);
  });

  test('by localities, which have a schedule for each of the two', () => {
    // With failover spelt out, the weight of a locality is that of its endpoints: 100 and 200.
    const policy: LocalityPolicy = {
      kind: 'nearest',
      local: 'z',
      failover: [{ from: 'z', to: 'nowhere' }],
    };
    const { shares } = rotating(
      [
        { count: 20, state: 'healthy', locality: 'x' },
        { count: 80, state: 'degraded', locality: 'x' },
        { count: 40, state: 'healthy', locality: 'y' },
        { count: 40, state: 'degraded', locality: 'y' },
        { count: 120, state: 'out', locality: 'y' },
      ],
      { policy },
    );
    // 28 % and 56 % are scaled to 34 and 66. Healthy 100 x 0.28 and 200 x 0.28, degraded 100 x 1 and 200 x 0.28.
    const [healthy, degraded] = [34 / (28 + 56), 66 / (100 + 56)];
    expectNear(shares(), [28 * healthy, 100 * degraded, 56 * healthy, 56 * degraded, 0]);
  });
});

test('zones are those of the healthy endpoints: the others are chosen wherever they are', () => {
  const policy: LocalityPolicy = {
    kind: 'zone-aware',
    local: 'a',
    callers: new Map([
      ['a', 1],
      ['b', 1],
    ]),
    minClusterSize: 6,
    routingEnabled: 100,
    forceLocalZone: undefined,
  };
  const { shares, counters } = rotating(
    [
      { count: 4, state: 'healthy', locality: 'a' },
      { count: 4, state: 'healthy', locality: 'b' },
      { count: 2, state: 'degraded', locality: 'a' },
      { count: 6, state: 'degraded', locality: 'b' },
    ],
    { policy },
  );
  // Half of 16 are healthy.
  expectNear(shares(), [70, 0, 7.5, 22.5]);
  expect(Math.abs(counters.lb_zone_routing_all_directly / PICKS - 0.7)).toBeLessThan(0.005);
  expect(counters.lb_zone_cluster_too_small).toBe(0);
});

describe('panic', () => {
  test('is not there while healthy and degraded ones together are enough of them', () => {
    const enough = rotating(hundred(20, 30), { panicThreshold: 50 });
    expectNear(enough.shares(), [40, 60, 0]);
    expect(enough.counters.lb_healthy_panic).toBe(0);
    const few = rotating(hundred(20, 29), { panicThreshold: 50 });
    expectNear(few.shares(), [20, 29, 51]);
    expect(few.counters.lb_healthy_panic).toBe(PICKS);
  });

  test('of one priority alone: its degraded share goes to all of it, too', () => {
    const { shares, counters } = rotating(
      [...hundred(10, 10), ...hundred(30, 20, 1)],
      // 14 and 42 to healthy, 14 and 28 to degraded ones: 98 in all, so 14 + 2, 42, 14 and 28.
      { panicThreshold: 50 },
    );
    expectNear(shares(), [3, 3, 24, 42, 28, 0]);
    expect(Math.abs(counters.lb_healthy_panic / PICKS - 0.3)).toBeLessThan(0.005);
  });
});

describe('the balancers', () => {
  function noting() {
    const built: (readonly Endpoint[])[] = [];
    const factory: BalancerFactory = (list) => {
      built.push(list);
      return { name: `number ${built.length}`, pick: () => list[0] };
    };
    return { built, factory };
  }

  test('are one while nobody is degraded, and no chance is asked of', () => {
    const { built, factory } = noting();
    const silent = new StillRuntime(() => {
      throw new Error('nothing is left to chance');
    });
    const { rotation, endpoints, groups, become } = rotating(
      [
        { count: 9, state: 'healthy' },
        { count: 1, state: 'healthy' },
      ],
      { factory, runtime: silent },
    );
    rotation.pick(anyCall);
    const before = built.length;
    become('degraded', 1);
    rotation.pick(anyCall);
    // One for those that are left, and one for the degraded; still the former get it all.
    expect(built.slice(before)).toEqual([endpoints.slice(0, 9), groups[1]]);
    become('out', 1);
    rotation.pick(anyCall);
    expect(built).toHaveLength(before + 2);
    become('healthy', 1);
    rotation.pick(anyCall);
    expect(built.slice(before + 2)).toEqual([endpoints]);
  });

  test('hear of their own endpoints, and those of the healthy ones of who is out', () => {
    const { factory } = noting();
    const { rotation, groups, become } = rotating(
      [
        { count: 1, state: 'healthy' },
        { count: 1, state: 'degraded' },
        { count: 1, state: 'out' },
      ],
      { factory },
    );
    rotation.pick(anyCall);
    const [healthy, degraded, out] = groups.map(([one]) => one as Endpoint);
    expect(out?.balancer).toBe(healthy?.balancer);
    expect(degraded?.balancer).not.toBe(healthy?.balancer);
    become('healthy', 1);
    rotation.pick(anyCall);
    expect(degraded?.balancer).toBe(healthy?.balancer);
  });

  test('are kept while their endpoints stay the same', () => {
    const { built, factory } = noting();
    const { rotation, become } = rotating(
      [
        { count: 4, state: 'healthy' },
        { count: 1, state: 'healthy' },
        { count: 1, state: 'degraded' },
      ],
      { factory },
    );
    rotation.pick(anyCall);
    const before = built.length;
    become('out', 1);
    rotation.pick(anyCall);
    expect(built.slice(before)).toHaveLength(1);
  });

  test('of degraded endpoints that cannot be made leave everything as it was', () => {
    let fails = true;
    const factory: BalancerFactory = (list) => {
      if (fails && list.some(({ degraded }) => degraded)) throw new Error('no');
      return { name: 'picky', pick: () => list[0] };
    };
    const { rotation, groups, become } = rotating(
      [
        { count: 1, state: 'healthy' },
        { count: 1, state: 'healthy' },
      ],
      { factory },
    );
    become('degraded', 0);
    expect(() => rotation.pick(anyCall)).toThrow('no');
    fails = false;
    become('out', 1);
    expect(rotation.pick(anyCall)).toBe(groups[0]?.[0]);
  });
});

describe('with holds', () => {
  test('a degraded one that is free stands in for healthy ones that are held', () => {
    const { groups, rotation, runtime, shares } = rotating([
      { count: 3, state: 'healthy' },
      { count: 1, state: 'degraded' },
    ]);
    for (const endpoint of groups[0] ?? []) endpoint.heldUntil = 1000;
    rotation.refresh();
    expect(shares(100)).toEqual([0, 100]);
    runtime.time = 1000;
    expect(shares(100)).toEqual([100, 0]);
  });

  test('one that is held is chosen last among its like, and when all are held they are as ever', () => {
    const { groups, rotation, runtime, shares } = rotating([
      { count: 1, state: 'degraded' },
      { count: 1, state: 'degraded' },
    ]);
    (groups[0]?.[0] as Endpoint).heldUntil = 1000;
    rotation.refresh();
    expect(shares(100)).toEqual([0, 100]);
    (groups[1]?.[0] as Endpoint).heldUntil = 2000;
    rotation.refresh();
    expectNear(shares(), [50, 50]);
    runtime.time = 1000;
    expect(shares(100)).toEqual([100, 0]);
  });
});

describe.each([
  ['ring-hash', ringHashPolicy()],
  ['maglev', maglevPolicy()],
])('with %s', (_name, policy) => {
  const callOf = (user: number): Call =>
    ({ attempts: [], headers: ['x-user-id', `user-${user}`] }) as unknown as Call;

  test('the hash chooses between healthy and degraded ones, in the same shares', () => {
    const all = rotating(
      [
        { count: 5, state: 'healthy' },
        { count: 5, state: 'degraded' },
      ],
      { factory: balancerFactory(policy) },
    );
    const picksOf = () =>
      Array.from({ length: 10_000 }, (_, user) => all.rotation.pick(callOf(user)));
    const picks = picksOf();
    expect(picksOf()).toEqual(picks);
    const degraded = picks.filter((endpoint) => endpoint?.degraded === true);
    expect(Math.abs(degraded.length / 100 - 30)).toBeLessThan(1.5);
    expect(new Set(degraded)).toEqual(new Set(all.groups[1]));
    all.become('healthy', 1);
    all.become('out', 0);
    expect(new Set(picksOf())).toEqual(new Set(all.groups[1]));
  });
});

describe('a further attempt', () => {
  const retried = (retryRemoteLocalities: boolean, ...tried: readonly Endpoint[]): Call =>
    ({
      // The attempt that is chosen for is among them already.
      attempts: [...tried.map((endpoint) => ({ endpoint })), { endpoint: undefined }],
      policy: { retry: { retryRemoteLocalities } },
    }) as unknown as Call;

  const pickedOf = ({ rotation }: ReturnType<typeof rotating>, call: Call): Set<Endpoint> => {
    const picks = Array.from({ length: 300 }, () => {
      const first = rotation.pick(call) as Endpoint;
      return rotation.pickUntried(call, first);
    });
    return new Set(picks);
  };

  test('goes to another degraded one when it is their turn', () => {
    const all = rotating([
      { count: 2, state: 'out' },
      { count: 3, state: 'degraded' },
    ]);
    const [one, other, third] = all.groups[1] as [Endpoint, Endpoint, Endpoint];
    expect(pickedOf(all, retried(false, one))).toEqual(new Set([other, third]));
    expect(pickedOf(all, retried(false, one, other))).toEqual(new Set([third]));
  });

  test('finds the one that is left, whatever the draws', () => {
    // Those of a balancer that always says the same.
    const factory: BalancerFactory = (list) => ({ name: 'first', pick: () => list[0] });
    const all = rotating([{ count: 3, state: 'degraded' }], { factory });
    const [one, other, third] = all.endpoints as [Endpoint, Endpoint, Endpoint];
    expect(pickedOf(all, retried(false, one))).toEqual(new Set([other, third]));
  });

  test('with retryRemoteLocalities goes to degraded ones of a priority that was not tried', () => {
    const all = rotating([
      { count: 2, state: 'healthy' },
      { count: 2, state: 'degraded', priority: 1 },
    ]);
    const [one, other] = all.groups[0] as [Endpoint, Endpoint];
    expect(pickedOf(all, retried(false, one, other))).toEqual(new Set(all.groups[0]));
    expect(pickedOf(all, retried(true, one, other))).toEqual(new Set(all.groups[1]));
    all.become('out', 1);
    expect(pickedOf(all, retried(true, one, other))).toEqual(new Set(all.groups[0]));
  });
});

describe('always whom a plain statement of the rules says', () => {
  const LEVELS = 3;
  const states: readonly State[] = ['healthy', 'degraded', 'out'];
  const endpointOf = fc.record({
    state: fc.constantFrom(...states),
    priority: fc.nat(LEVELS - 1),
    heldUntil: fc.constantFrom(0, 0, 0, 10),
  });

  test('each hundredth of the calls', () => {
    fc.assert(
      fc.property(
        fc.array(endpointOf, { minLength: 1, maxLength: 14 }),
        fc.constantFrom(0, 30, 60, 100),
        (given, panicThreshold) => {
          let bucket = 0;
          const runtime = new StillRuntime(() => (bucket + 0.5) / 100);
          const factory: BalancerFactory = (list) => ({
            name: 'noting',
            pick: () => ({ list }) as never,
          });
          const { rotation, groups } = rotating(
            given.map(({ state, priority }) => ({ count: 1, state, priority })),
            { factory, panicThreshold, runtime },
          );
          groups.forEach(([endpoint], index) => {
            (endpoint as Endpoint).heldUntil = given[index]?.heldUntil ?? 0;
          });
          rotation.refresh();
          const expected = plainly(
            groups.flat(),
            given.map(({ priority }) => priority),
            panicThreshold,
          );
          for (bucket = 0; bucket < 100; bucket++) {
            const { list } = rotation.pick(anyCall) as unknown as { list: readonly Endpoint[] };
            expect(list).toEqual(expected(bucket));
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  /** By the shares, which have tests of their own. */
  function plainly(
    endpoints: readonly Endpoint[],
    priorities: readonly number[],
    panicThreshold: number,
  ): (bucket: number) => readonly Endpoint[] {
    const levels = [...new Set(priorities)].sort((one, other) => one - other);
    const members = levels.map((level) => endpoints.filter((_, i) => priorities[i] === level));
    const isFree = ({ heldUntil }: Endpoint): boolean => heldUntil === 0;
    const healthOf = (list: readonly Endpoint[]): PriorityHealth => ({
      count: list.length,
      healthy: list.filter(({ healthy }) => healthy).length,
      degraded: list.filter(({ degraded }) => degraded).length,
    });
    const { panics } = priorityLoads(members.map(healthOf), panicThreshold);
    const isAnyFree = endpoints.some((one) => isFree(one) && (one.healthy || one.degraded));
    const without = (list: readonly Endpoint[]): PriorityHealth => {
      const { count, healthy, degraded } = healthOf(list);
      const free = healthOf(list.filter(isFree));
      return {
        count,
        healthy: isAnyFree && free.healthy === 0 ? 0 : healthy,
        degraded: isAnyFree && free.degraded === 0 ? 0 : degraded,
      };
    };
    const { loads } = priorityLoads(
      members.map(without),
      panics.includes(false) ? 0 : panicThreshold,
    );
    const slots = [...loads.healthy, ...loads.degraded];
    return (bucket) => {
      let sum = 0;
      const slot = slots.findIndex((load) => (sum += load) > bucket);
      const level = slot % levels.length;
      const all = members[level] ?? [];
      const wanted = slot < levels.length ? 'healthy' : 'degraded';
      const usable = panics[level] === true ? all : all.filter((one) => one[wanted]);
      const free = usable.filter(isFree);
      const healthyAreHeld =
        usable.some(({ healthy }) => healthy) && !free.some(({ healthy }) => healthy);
      return free.length === 0 || healthyAreHeld ? usable : free;
    };
  }
});
