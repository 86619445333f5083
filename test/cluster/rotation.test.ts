/** Who may be chosen: healthy or in panic all, those that are held last; and what balancers keep when that changes. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BalancerFactory } from '../../src/balancing/balancer.js';
import { balancerFactory, type LoadBalancerPolicy } from '../../src/balancing/policies.js';
import { Counters } from '../../src/cluster/counters.js';
import type { Endpoint } from '../../src/cluster/endpoint.js';
import { Rotation } from '../../src/cluster/rotation.js';
import { priorityLoads } from '../../src/locality/priority-loads.js';
import { answersIn, anyCall, endpointsOf, seededChance, StillRuntime } from '../balancing/fleet.js';

/** A rotation whose balancers say what they were built with. */
function rotating(size: number, panicThreshold = 0) {
  const runtime = new StillRuntime(seededChance(4));
  const endpoints = endpointsOf(...Array.from({ length: size }, () => 1));
  const built: (readonly Endpoint[])[] = [];
  const factory: BalancerFactory = (list) => {
    built.push(list);
    return { name: 'noting', pick: () => list[0] };
  };
  const counters = new Counters();
  const rotation = new Rotation(endpoints, factory, runtime, counters);
  rotation.setPanicThreshold(panicThreshold);
  /** By their places, those that a pick is made among. */
  const candidates = (): number[] => {
    rotation.pick(anyCall);
    return (built.at(-1) ?? []).map((endpoint) => endpoints.indexOf(endpoint));
  };
  const change = (changes: Partial<Endpoint>, ...which: readonly number[]) => {
    for (const index of which) Object.assign(endpoints[index] as Endpoint, changes);
    rotation.refresh();
  };
  return { runtime, endpoints, built, counters, rotation, candidates, change };
}

describe('who may be chosen', () => {
  test('the healthy ones, by both flags', () => {
    const { candidates, change } = rotating(4);
    expect(candidates()).toEqual([0, 1, 2, 3]);
    change({ ejected: true }, 1);
    change({ failedCheck: true }, 1, 2);
    expect(candidates()).toEqual([0, 3]);
    change({ ejected: false }, 1);
    expect(candidates()).toEqual([0, 3]);
    change({ failedCheck: false }, 1);
    expect(candidates()).toEqual([0, 1, 3]);
  });

  test('nobody when all are out, and panic is off', () => {
    const { candidates, change, rotation } = rotating(2);
    change({ ejected: true }, 0, 1);
    expect(candidates()).toEqual([]);
    expect(rotation.pick(anyCall)).toBeUndefined();
  });

  test('in panic all of them, counted', () => {
    const { candidates, change, counters, rotation } = rotating(4, 50);
    change({ ejected: true }, 0, 1);
    expect(candidates()).toEqual([2, 3]);
    expect(counters.lb_healthy_panic).toBe(0);
    change({ ejected: true }, 2);
    expect(candidates()).toEqual([0, 1, 2, 3]);
    expect(counters.lb_healthy_panic).toBe(1);
    rotation.setPanicThreshold(0);
    expect(candidates()).toEqual([3]);
  });
});

describe('who is held', () => {
  test('is chosen last, and is back when the time is over', () => {
    const { candidates, change, runtime } = rotating(3);
    change({ heldUntil: 1000 }, 0);
    change({ heldUntil: 2000 }, 1);
    expect(candidates()).toEqual([2]);
    runtime.time = 999.999;
    expect(candidates()).toEqual([2]);
    runtime.time = 1000;
    expect(candidates()).toEqual([0, 2]);
    runtime.time = 2000;
    expect(candidates()).toEqual([0, 1, 2]);
  });

  test('is chosen when all are, until the first of them is back', () => {
    const { candidates, change, runtime } = rotating(2);
    change({ heldUntil: 1000 }, 0);
    change({ heldUntil: 2000 }, 1);
    expect(candidates()).toEqual([0, 1]);
    runtime.time = 1000;
    expect(candidates()).toEqual([0]);
    runtime.time = 2000;
    expect(candidates()).toEqual([0, 1]);
  });

  test('is chosen when the others are out', () => {
    const { candidates, change, runtime } = rotating(3);
    change({ heldUntil: 1000 }, 0);
    change({ ejected: true }, 1, 2);
    expect(candidates()).toEqual([0]);
    change({ ejected: false }, 2);
    expect(candidates()).toEqual([2]);
    change({ ejected: true }, 0);
    runtime.time = 1000;
    expect(candidates()).toEqual([2]);
    change({ ejected: false }, 0);
    expect(candidates()).toEqual([0, 2]);
  });

  test('in panic is left out as long as one that is well is free, and then takes part like all', () => {
    const { candidates, change, runtime } = rotating(5, 60);
    change({ ejected: true }, 2, 3, 4);
    change({ heldUntil: 1000 }, 0);
    expect(candidates()).toEqual([1, 2, 3, 4]);
    change({ heldUntil: 2000 }, 1);
    expect(candidates()).toEqual([0, 1, 2, 3, 4]);
    runtime.time = 1000;
    expect(candidates()).toEqual([0, 2, 3, 4]);
    change({ ejected: true, heldUntil: 3000 }, 0, 1);
    expect(candidates()).toEqual([2, 3, 4]);
  });

  test('stays so over a new list', () => {
    const { candidates, change, endpoints, rotation, runtime } = rotating(3);
    change({ heldUntil: 1000 }, 0);
    rotation.setEndpoints(endpoints.slice(0, 2));
    expect(candidates()).toEqual([1]);
    rotation.setEndpoints(endpoints.slice(0, 1));
    expect(candidates()).toEqual([0]);
    rotation.setEndpoints(endpoints);
    expect(candidates()).toEqual([1, 2]);
    runtime.time = 1000;
    expect(candidates()).toEqual([0, 1, 2]);
  });
});

test('always whom a plain statement of the rules says', () => {
  const happening = fc.oneof(
    fc.record({ does: fc.constant('eject' as const), which: fc.nat(6) }),
    fc.record({ does: fc.constant('fail' as const), which: fc.nat(6) }),
    fc.record({ does: fc.constant('hold' as const), which: fc.nat(6), time: fc.nat(50) }),
    fc.record({ does: fc.constant('wait' as const), time: fc.nat(30) }),
    fc.record({ does: fc.constant('list' as const), size: fc.nat(7) }),
    fc.record({ does: fc.constant('panic' as const), threshold: fc.constantFrom(0, 30, 50, 100) }),
  );
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
      const { candidates, change, counters, endpoints, rotation, runtime } = rotating(7);
      let list: readonly Endpoint[] = endpoints;
      let threshold = 0;
      for (const event of happenings) {
        const { ejected = false, failedCheck = false } =
          'which' in event ? (endpoints[event.which] as Endpoint) : {};
        if (event.does === 'eject') change({ ejected: !ejected }, event.which);
        if (event.does === 'fail') change({ failedCheck: !failedCheck }, event.which);
        if (event.does === 'hold') change({ heldUntil: runtime.time + event.time }, event.which);
        if (event.does === 'wait') runtime.time += event.time;
        if (event.does === 'list') rotation.setEndpoints((list = endpoints.slice(0, event.size)));
        if (event.does === 'panic') rotation.setPanicThreshold((threshold = event.threshold));
        const well = list.filter(({ healthy }) => healthy);
        const health = { count: list.length, healthy: well.length, degraded: 0 };
        const panics = priorityLoads([health], threshold).panics[0] === true;
        const counted = counters.lb_healthy_panic + (panics ? 1 : 0);
        const usable = panics ? list : well;
        const free = usable.filter(({ heldUntil }) => heldUntil <= runtime.time);
        const wellAndFree = free.filter(({ healthy }) => healthy);
        const chosen =
          free.length === 0 || (wellAndFree.length === 0 && well.length > 0) ? usable : free;
        expect(candidates()).toEqual(chosen.map((endpoint) => endpoints.indexOf(endpoint)));
        expect(counters.lb_healthy_panic).toBe(counted);
      }
    }),
    { numRuns: 500 },
  );
});

describe('the balancer', () => {
  test('is built once for many changes, and not for none', () => {
    const { candidates, change, built, rotation } = rotating(100);
    const before = built.length;
    for (let index = 0; index < 50; index++) change({ ejected: true }, index);
    expect(candidates()).toHaveLength(50);
    expect(built.length).toBe(before + 1);
    rotation.refresh();
    expect(candidates()).toHaveLength(50);
    expect(built.length).toBe(before + 1);
  });

  test('is picked from without a look at the clock while nobody is held', () => {
    const { change, rotation, runtime } = rotating(3);
    change({ ejected: true }, 0);
    rotation.pick(anyCall);
    const before = runtime.readings;
    for (let pick = 0; pick < 100; pick++) rotation.pick(anyCall);
    expect(runtime.readings).toBe(before);
    change({ heldUntil: 1000 }, 1);
    runtime.time = 1000;
    rotation.pick(anyCall);
    const after = runtime.readings;
    for (let pick = 0; pick < 100; pick++) rotation.pick(anyCall);
    expect(runtime.readings).toBe(after);
  });

  test("of the user's that throws fails the picks until it does not", () => {
    const endpoints = endpointsOf(1, 1);
    const picky: BalancerFactory = (list) => {
      if (list.length < 2) throw new Error('too few');
      return { name: 'picky', pick: () => list[0] };
    };
    const runtime = new StillRuntime();
    const rotation = new Rotation(endpoints, picky, runtime, new Counters());
    const [one] = endpoints as [Endpoint, Endpoint];
    one.heldUntil = 1000;
    expect(() => rotation.refresh()).not.toThrow();
    expect(() => rotation.pick(anyCall)).toThrow('too few');
    expect(() => rotation.pick(anyCall)).toThrow('too few');
    expect(() => rotation.setEndpoints(endpoints.slice(0, 1))).toThrow('too few');
    expect(rotation.endpoints).toBe(endpoints);
    runtime.time = 1000;
    expect(rotation.pick(anyCall)).toBe(one);
  });
});

describe('what the policies remember while endpoints go out and come back', () => {
  const policies: readonly LoadBalancerPolicy[] = [
    { policy: 'round-robin' },
    { policy: 'random' },
    { policy: 'least-request', choiceCount: 2, activeRequestBias: 1, fullScan: false },
    { policy: 'peak-ewma', decayTime: 10_000 },
  ];

  /** The picks of each while the last one goes out and comes back every few picks. */
  function unsteady(policy: LoadBalancerPolicy, weights: readonly number[], every: () => number) {
    const endpoints = endpointsOf(...weights);
    const runtime = new StillRuntime(seededChance(11));
    const rotation = new Rotation(endpoints, balancerFactory(policy), runtime, new Counters());
    const last = endpoints.at(-1) as Endpoint;
    for (const endpoint of endpoints) {
      endpoint.balancer?.started?.(endpoint);
      endpoint.balancer?.ended?.(endpoint, answersIn(100));
    }
    const counts = new Map(endpoints.map((endpoint) => [endpoint, 0]));
    for (let pick = 0, left = every(); pick < 40_000; pick++) {
      if (left-- === 0) {
        left = every();
        last.ejected = !last.ejected;
        rotation.refresh();
      }
      const picked = rotation.pick(anyCall) as Endpoint;
      counts.set(picked, (counts.get(picked) ?? 0) + 1);
    }
    return [...counts.values()].slice(0, -1);
  }

  test.each(policies)('the others keep their shares: %j', (policy) => {
    const random = seededChance(12);
    for (const weights of [
      [1, 1, 1, 1],
      [1, 2, 5, 2],
    ]) {
      for (const every of [() => 1, () => Math.floor(random() * 4), () => 6 + random() * 20]) {
        const counts = unsteady(policy, weights, () => Math.floor(every()));
        const sum = counts.reduce((total, count) => total + count, 0);
        const weighed = weights.slice(0, -1).reduce((total, weight) => total + weight, 0);
        counts.forEach((count, i) => {
          const expected = (weights[i] ?? 0) / weighed;
          expect(count / sum / expected, `${counts.join()} by ${weights.join()}`).toBeGreaterThan(
            0.9,
          );
          expect(count / sum / expected, `${counts.join()} by ${weights.join()}`).toBeLessThan(1.1);
        });
      }
    }
  });

  test('peak EWMA still knows how slow an endpoint was', () => {
    const endpoints = endpointsOf(1, 1);
    const runtime = new StillRuntime(seededChance(13));
    const policy = balancerFactory({ policy: 'peak-ewma', decayTime: 10_000 });
    const rotation = new Rotation(endpoints, policy, runtime, new Counters());
    const [fast, slow] = endpoints as [Endpoint, Endpoint];
    for (const [endpoint, time] of [
      [fast, 10],
      [slow, 1000],
    ] as const) {
      endpoint.balancer?.started?.(endpoint);
      endpoint.balancer?.ended?.(endpoint, answersIn(time));
    }
    slow.ejected = true;
    rotation.refresh();
    rotation.pick(anyCall);
    slow.ejected = false;
    rotation.refresh();
    for (let pick = 0; pick < 50; pick++) expect(rotation.pick(anyCall)).toBe(fast);
  });
});
