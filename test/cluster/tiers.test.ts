/** Picks by priority and locality: shares by the reference's tables, failover and return, panic, and retries. */
import { describe, expect, test } from 'vitest';
import { balancerFactory } from '../../src/balancing/policies.js';
import type { BalancerFactory } from '../../src/balancing/balancer.js';
import { Counters } from '../../src/cluster/counters.js';
import { Endpoint } from '../../src/cluster/endpoint.js';
import { Rotation } from '../../src/cluster/rotation.js';
import type { Call } from '../../src/core/call.js';
import type { LocalityPolicy } from '../../src/locality/locality-policy.js';
import { seededChance, StillRuntime } from '../balancing/fleet.js';
import { ringHashPolicy } from '../support/sticky.js';

/** One that has made no attempt. */
const anyCall = { attempts: [] } as unknown as Call;

const PICKS = 100_000;
/** In percentage points. */
const NEAR = 0.5;

interface Part {
  readonly count: number;
  readonly healthy?: number;
  readonly priority?: number;
  readonly locality?: string;
  readonly weight?: number;
}

/** Endpoints in parts, the first of each part unhealthy where not all are healthy. */
function rotating(
  parts: readonly Part[],
  {
    policy,
    panicThreshold = 0,
    factory = balancerFactory({ policy: 'random' }),
    random = seededChance(7),
  }: {
    readonly policy?: LocalityPolicy;
    readonly panicThreshold?: number;
    readonly factory?: BalancerFactory;
    readonly random?: () => number;
  } = {},
) {
  const runtime = new StillRuntime(random);
  const groups = parts.map(
    ({ count, healthy = count, priority = 0, locality = '', weight = 1 }, part) =>
      Array.from({ length: count }, (_, index) => {
        const url = `http://10.${part}.0.${index}`;
        const endpoint = new Endpoint({ url, weight, locality, priority, labels: {} }, 0);
        endpoint.ejected = index < count - healthy;
        return endpoint;
      }),
  );
  const counters = new Counters();
  const endpoints = groups.flat();
  const rotation = new Rotation(endpoints, factory, runtime, counters);
  rotation.setPanicThreshold(panicThreshold);
  rotation.setLocality(policy);
  const partOf = (endpoint: Endpoint | undefined) =>
    groups.findIndex((group) => endpoint !== undefined && group.includes(endpoint));
  /** The share of each part in percent, and last that of nobody. */
  const shares = (picks = PICKS): number[] => {
    const counts = new Map<number, number>();
    for (let pick = 0; pick < picks; pick++) {
      const part = partOf(rotation.pick(anyCall));
      counts.set(part, (counts.get(part) ?? 0) + 1);
    }
    return [...groups.keys(), -1].map((part) => (100 * (counts.get(part) ?? 0)) / picks);
  };
  const setHealthy = (part: number, healthy: number): void => {
    groups[part]?.forEach((endpoint, index, { length }) => {
      endpoint.ejected = index < length - healthy;
    });
    rotation.refresh();
  };
  return { rotation, counters, groups, endpoints, partOf, shares, setHealthy };
}

function expectNear(found: readonly number[], expected: readonly number[]): void {
  const said = `found ${found.join(', ')}, expected ${expected.join(', ')}`;
  expected.forEach((share, index) => {
    expect(Math.abs((found[index] ?? 0) - share), said).toBeLessThanOrEqual(NEAR);
  });
}

describe('priorities', () => {
  test.each([
    [
      [100, 100],
      [100, 0, 0],
    ],
    [
      [72, 100],
      [100, 0, 0],
    ],
    [
      [71, 100],
      [99, 1, 0],
    ],
    [
      [50, 100],
      [70, 30, 0],
    ],
    [
      [25, 100],
      [35, 65, 0],
    ],
    [
      [0, 100],
      [0, 100, 0],
    ],
    [
      [50, 50, 100],
      [70, 30, 0, 0],
    ],
    [
      [25, 100, 100],
      [35, 65, 0, 0],
    ],
    [
      [25, 25, 100],
      [35, 35, 30, 0],
    ],
    // Nobody is healthy and panic is off: nobody is found.
    [
      [0, 0],
      [0, 0, 100],
    ],
  ])('%j of a hundred healthy: shares %j', (healthy, expected) => {
    const parts = healthy.map((one, priority) => ({
      count: 100,
      healthy: one,
      priority,
      labels: {},
    }));
    expectNear(rotating(parts).shares(), expected);
  });

  test('come home again', () => {
    const { shares, setHealthy } = rotating([
      { count: 4, priority: 3 },
      { count: 4, priority: 9 },
    ]);
    expect(shares(1000)).toEqual([100, 0, 0]);
    setHealthy(0, 0);
    expect(shares(1000)).toEqual([0, 100, 0]);
    setHealthy(0, 4);
    expect(shares(1000)).toEqual([100, 0, 0]);
  });

  test('in total panic by the numbers of endpoints, healthy or not, and counted', () => {
    const { shares, counters } = rotating(
      [
        { count: 2, healthy: 0 },
        { count: 8, healthy: 1, priority: 1 },
      ],
      { panicThreshold: 50 },
    );
    expectNear(shares(), [20, 80, 0]);
    expect(counters.lb_healthy_panic).toBe(PICKS);
  });

  test('one in panic, the other not', () => {
    const { counters, rotation, groups } = rotating(
      [
        { count: 2, healthy: 1 },
        { count: 5, healthy: 1, priority: 1 },
      ],
      { panicThreshold: 50 },
    );
    const picked = new Set<Endpoint | undefined>();
    for (let pick = 0; pick < 1000; pick++) picked.add(rotation.pick(anyCall));
    // 70 : 28 becomes 72 : 28; the second chooses among all of its own.
    expect(picked).toEqual(new Set([groups[0]?.[1], ...(groups[1] ?? [])]));
    expect(counters.lb_healthy_panic).toBeGreaterThan(230);
    expect(counters.lb_healthy_panic).toBeLessThan(330);
  });

  test('one whose endpoints are all held hands its part on, until they are free', () => {
    const { groups, rotation, shares } = rotating([{ count: 2 }, { count: 2, priority: 1 }]);
    for (const endpoint of groups[0] ?? []) endpoint.heldUntil = 1000;
    rotation.refresh();
    expect(shares(100)).toEqual([0, 100, 0]);
    for (const endpoint of groups[1] ?? []) endpoint.heldUntil = 1000;
    rotation.refresh();
    expect(shares(100)).toEqual([100, 0, 0]);
  });

  test('a hold sets off no panic', () => {
    const { counters, groups, rotation, shares } = rotating(
      [{ count: 10 }, { count: 10, healthy: 3, priority: 1 }],
      { panicThreshold: 50 },
    );
    for (const endpoint of groups[0] ?? []) endpoint.heldUntil = 1000;
    rotation.refresh();
    expect(shares(100)).toEqual([0, 100, 0]);
    expect(counters.lb_healthy_panic).toBe(0);
  });

  test('are shown on the endpoints without gaps', () => {
    const { endpoints } = rotating([
      { count: 1, priority: 9 },
      { count: 1, priority: 3 },
      { count: 1, priority: 9 },
    ]);
    expect(endpoints.map(({ priority }) => priority)).toEqual([1, 0, 1]);
  });

  test('a single endpoint more or less moves nobody of the others', () => {
    const { rotation, endpoints } = rotating([{ count: 3 }, { count: 1, priority: 1 }]);
    rotation.setEndpoints(endpoints.slice(1));
    expect(endpoints.slice(1).map(({ priority }) => priority)).toEqual([0, 0, 1]);
    rotation.setEndpoints(endpoints.slice(3));
    expect(endpoints[3]?.priority).toBe(0);
    expect(rotation.pick(anyCall)).toBe(endpoints[3]);
  });
});

describe('localities', () => {
  const shared = (to: Readonly<Record<string, number>>): LocalityPolicy => ({
    kind: 'distribute',
    to: new Map(Object.entries(to)),
  });

  // Weights 1 and 2, the second fully available.
  test.each([
    [100, [33.33, 66.67]],
    [72, [33.33, 66.67]],
    [70, [32.89, 67.11]],
    [69, [32.57, 67.43]],
    [50, [25.93, 74.07]],
    [25, [14.89, 85.11]],
    [0, [0, 100]],
  ])(
    '%j of a hundred healthy in the first of weight 1, beside weight 2: %j',
    (healthy, expected) => {
      const parts = [
        { count: 100, healthy, locality: 'x' },
        { count: 200, locality: 'y' },
      ];
      // With failover spelt out, the weight of a locality is that of its endpoints.
      const policy: LocalityPolicy = {
        kind: 'nearest',
        local: 'z',
        failover: [{ from: 'z', to: 'nowhere' }],
      };
      expectNear(rotating(parts, { policy }).shares(), expected);
    },
  );

  test('distribute: 70 and 30 percent, and nothing for who is not named', () => {
    const parts = [
      { count: 2, locality: 'us-west1/us-west1-a' },
      { count: 5, locality: 'us-west1/us-west1-b' },
      { count: 3, locality: 'us-west1/us-west1-c' },
    ];
    const policy = shared({ 'us-west1/us-west1-a/*': 70, 'us-west1/us-west1-b/*': 30 });
    const { shares, setHealthy } = rotating(parts, { policy });
    expectNear(shares(), [70, 30, 0, 0]);
    // Half of the first is out: 70 * 0.7 beside 30.
    setHealthy(0, 1);
    expectNear(shares(), [62.03, 37.97, 0, 0]);
    setHealthy(0, 0);
    expect(shares(1000)).toEqual([0, 100, 0, 0]);
    setHealthy(0, 2);
    expectNear(shares(), [70, 30, 0, 0]);
  });

  test('who is not named has no priority, and who is ill has one', () => {
    const parts = [
      { count: 1, locality: 'c' },
      { count: 1, locality: 'a', priority: 1 },
      { count: 1, locality: 'b', priority: 1, healthy: 0 },
    ];
    const { endpoints, rotation } = rotating(parts, { policy: shared({ a: 50, b: 50 }) });
    expect(endpoints.map(({ priority }) => priority)).toEqual([undefined, 0, 0]);
    expect(endpoints[0]?.balancer).toBeUndefined();
    rotation.setLocality(undefined);
    expect(endpoints.map(({ priority }) => priority)).toEqual([0, 1, 1]);
  });

  test('while all that are named are out nobody is found, and nobody else is asked', () => {
    const { shares } = rotating(
      [
        { count: 2, healthy: 0, locality: 'a' },
        { count: 2, locality: 'b' },
      ],
      { policy: shared({ a: 100 }) },
    );
    expect(shares(100)).toEqual([0, 0, 100]);
  });

  test('in panic the endpoints of all localities alike', () => {
    const { shares } = rotating(
      [
        { count: 3, healthy: 0, locality: 'a' },
        { count: 1, healthy: 0, locality: 'b' },
      ],
      { policy: shared({ a: 10, b: 90 }), panicThreshold: 50 },
    );
    expectNear(shares(), [75, 25, 0]);
  });

  test('one whose endpoints are all held gives its part to the others until they are free', () => {
    const { groups, rotation, shares } = rotating(
      [
        { count: 1, locality: 'a' },
        { count: 1, locality: 'b' },
      ],
      { policy: shared({ a: 70, b: 30 }) },
    );
    (groups[0]?.[0] as Endpoint).heldUntil = 1000;
    rotation.refresh();
    expect(shares(100)).toEqual([0, 100, 0]);
    (groups[1]?.[0] as Endpoint).heldUntil = 2000;
    rotation.refresh();
    expectNear(shares(), [70, 30, 0]);
  });

  test('each has a balancer of its own, which hears of its endpoints and is kept while nothing changes there', () => {
    const heard: string[] = [];
    let made = 0;
    const factory: BalancerFactory = (list) => {
      const name = `${list[0]?.locality ?? ''}${++made}`;
      return {
        name,
        pick: () => list[0],
        started: () => heard.push(`${name} started`),
      };
    };
    const { endpoints, rotation, setHealthy } = rotating(
      [
        { count: 2, locality: 'a' },
        { count: 2, locality: 'b' },
      ],
      { policy: shared({ a: 50, b: 50 }), factory },
    );
    rotation.pick(anyCall);
    const before = made;
    const [one, , other] = endpoints as [Endpoint, Endpoint, Endpoint, Endpoint];
    one.balancer?.started?.(one);
    other.balancer?.started?.(other);
    expect(heard).toEqual([`a${before - 1} started`, `b${before} started`]);
    setHealthy(0, 1);
    rotation.pick(anyCall);
    // That of the other locality stays.
    expect(made).toBe(before + 1);
    other.balancer?.started?.(other);
    one.balancer?.started?.(one);
    expect(heard.slice(2)).toEqual([`b${before} started`, `a${before + 1} started`]);
  });

  test('a balancer that cannot be made leaves everything as it was', () => {
    let fails = false;
    const factory: BalancerFactory = (list) => {
      if (fails && list[0]?.locality === 'b') throw new Error('no');
      return { name: 'first', pick: () => list[0] };
    };
    const { endpoints, rotation, setHealthy } = rotating(
      [
        { count: 2, locality: 'a' },
        { count: 2, locality: 'b' },
      ],
      { policy: shared({ a: 99, b: 1 }), factory },
    );
    const before = endpoints.map(({ balancer }) => balancer);
    fails = true;
    setHealthy(1, 1);
    expect(() => rotation.pick(anyCall)).toThrow('no');
    expect(() => rotation.setLocality(shared({ b: 100 }))).toThrow('no');
    expect(endpoints.map(({ balancer }) => balancer)).toEqual(before);
    fails = false;
    const picked = new Set(Array.from({ length: 300 }, () => rotation.pick(anyCall)));
    expect(picked).toEqual(new Set([endpoints[0], endpoints[3]]));
  });
});

describe('with a sticky policy', () => {
  const factory = balancerFactory(ringHashPolicy());
  const callOf = (user: number): Call =>
    ({ attempts: [], headers: ['x-user-id', `user-${user}`] }) as unknown as Call;
  const users = Array.from({ length: 10_000 }, (_, user) => user);
  const partsOf = ({ rotation, partOf }: ReturnType<typeof rotating>): number[] =>
    users.map((user) => partOf(rotation.pick(callOf(user))));
  const sharesOf = (parts: readonly number[]): number[] =>
    [0, 1].map((part) => (100 * parts.filter((one) => one === part).length) / parts.length);

  test('the hash chooses the priority, in the same shares', () => {
    const all = rotating(
      [
        { count: 10, healthy: 5 },
        { count: 10, priority: 1 },
      ],
      { factory },
    );
    const parts = partsOf(all);
    expect(partsOf(all)).toEqual(parts);
    const [first = 0, second = 0] = sharesOf(parts);
    expect(Math.abs(first - 70)).toBeLessThan(1.5);
    expect(Math.abs(second - 30)).toBeLessThan(1.5);
    all.setHealthy(0, 10);
    expect(new Set(partsOf(all))).toEqual(new Set([0]));
  });

  test('the hash chooses the locality, by weights that health does not change', () => {
    const all = rotating(
      [
        { count: 4, locality: 'a' },
        { count: 4, locality: 'b' },
      ],
      {
        factory,
        policy: {
          kind: 'distribute',
          to: new Map([
            ['a', 70],
            ['b', 30],
          ]),
        },
      },
    );
    const parts = partsOf(all);
    expect(Math.abs((sharesOf(parts)[0] ?? 0) - 70)).toBeLessThan(1.5);
    all.setHealthy(0, 1);
    expect(partsOf(all)).toEqual(parts);
    all.setHealthy(0, 0);
    expect(new Set(partsOf(all))).toEqual(new Set([1]));
    all.setHealthy(0, 4);
    expect(partsOf(all)).toEqual(parts);
  });

  test('a call without a hash goes by chance', () => {
    const { rotation, partOf } = rotating(
      [
        { count: 10, healthy: 5 },
        { count: 10, priority: 1 },
      ],
      { factory },
    );
    const picked = new Set(
      users.map(() => partOf(rotation.pick({ attempts: [], headers: [] } as unknown as Call))),
    );
    expect(picked).toEqual(new Set([0, 1]));
  });
});

describe('a further attempt', () => {
  const retried = (retryRemoteLocalities: boolean, ...tried: readonly Endpoint[]): Call =>
    ({
      // The attempt that is chosen for is among them already.
      attempts: [...tried.map((endpoint) => ({ endpoint })), { endpoint: undefined }],
      policy: { retry: { retryRemoteLocalities } },
    }) as unknown as Call;

  const tiers = () =>
    rotating([{ count: 2 }, { count: 2, priority: 1 }, { count: 2, priority: 2 }]);

  const partsOf = ({ rotation, partOf }: ReturnType<typeof tiers>, call: Call): Set<number> => {
    const picks = Array.from({ length: 200 }, () => {
      const first = rotation.pick(call) as Endpoint;
      return partOf(rotation.pickUntried(call, first));
    });
    return new Set(picks);
  };

  test('stays in its priority, although it has to repeat an endpoint', () => {
    const all = tiers();
    const [one, other] = all.endpoints as [Endpoint, Endpoint];
    expect(partsOf(all, retried(false, one))).toEqual(new Set([0]));
    expect(partsOf(all, retried(false, one, other))).toEqual(new Set([0]));
  });

  test('with retryRemoteLocalities leaves those out that were tried, as long as there are others', () => {
    const all = tiers();
    const [one, , two, , three] = all.endpoints as [
      Endpoint,
      Endpoint,
      Endpoint,
      Endpoint,
      Endpoint,
    ];
    // After every second attempt, as Istio sets it.
    expect(partsOf(all, retried(true))).toEqual(new Set([0]));
    expect(partsOf(all, retried(true, one))).toEqual(new Set([0]));
    expect(partsOf(all, retried(true, one, one))).toEqual(new Set([1]));
    expect(partsOf(all, retried(true, one, one, two))).toEqual(new Set([1]));
    expect(partsOf(all, retried(true, one, one, two, two))).toEqual(new Set([2]));
    const everywhere = retried(true, one, one, two, two, three, three);
    expect(partsOf(all, everywhere)).toEqual(new Set([0]));
  });

  test('with retryRemoteLocalities goes where somebody is well', () => {
    const all = tiers();
    const [one] = all.endpoints as [Endpoint];
    all.setHealthy(1, 0);
    expect(partsOf(all, retried(true, one, one))).toEqual(new Set([2]));
    all.setHealthy(2, 0);
    expect(partsOf(all, retried(true, one, one))).toEqual(new Set([0]));
  });

  test('with retryRemoteLocalities knows the priorities of now, and nothing of who has left', () => {
    const all = tiers();
    const [one, , two] = all.endpoints as [Endpoint, Endpoint, Endpoint];
    all.rotation.setEndpoints(all.endpoints.slice(2));
    one.withdraw();
    expect(partsOf(all, retried(true, one, one))).toEqual(new Set([1]));
    expect(partsOf(all, retried(true, two, two))).toEqual(new Set([2]));
  });
});
