import { describe, expect, test } from 'vitest';
import { balancerFactory, type LoadBalancerPolicy } from '../../src/balancing/policies.js';
import type { Balancer, BalancerFactory } from '../../src/balancing/balancer.js';
import { hostKey } from '../../src/balancing/hosts.js';
import { Endpoint } from '../../src/cluster/endpoint.js';
import type { Call } from '../../src/core/call.js';
import { maglevPolicy, ringHashPolicy } from '../support/sticky.js';
import { anyCall, endpointsOf, hostsOf, seededChance, StillRuntime } from './fleet.js';
import { plainHashOf, plainMaglev, plainRing, plainRingLookUp } from './plain-hash.js';

type Policy = Exclude<LoadBalancerPolicy, BalancerFactory>;

const ring = (hashBalanceFactor = 0): Policy => ringHashPolicy({ hashBalanceFactor });
const maglev = (hashBalanceFactor = 0): Policy => maglevPolicy({ hashBalanceFactor });

const callOf = (user: string): Call =>
  ({ method: 'GET', path: '/', headers: ['x-user-id', user] }) as unknown as Call;

function balancerOf(policy: Policy, endpoints: readonly Endpoint[]): Balancer {
  const runtime = new StillRuntime(seededChance(1));
  return balancerFactory(policy)(endpoints, { runtime, previous: undefined });
}

const users = Array.from({ length: 500 }, (_, i) => `user-${i}`);

describe('the key of an endpoint', () => {
  test.each([
    ['http://10.0.0.7:8080', '10.0.0.7:8080'],
    ['http://10.0.0.7', '10.0.0.7:80'],
    ['https://10.0.0.7', '10.0.0.7:443'],
    ['https://shop:444', 'shop:444'],
    ['http://[2001:db8::1]', '[2001:db8::1]:80'],
    ['http://[2001:db8::1]:81', '[2001:db8::1]:81'],
    ['unix:/run/shop.sock', '/run/shop.sock'],
  ])('%s is %s', (url, key) => {
    expect(
      hostKey(new Endpoint({ url, weight: 1, locality: '', priority: 0, labels: {} }, 0)),
    ).toBe(key);
  });
});

test('ring-hash sends a call where the ring of Envoy does', () => {
  const endpoints = endpointsOf(1, 2, 1, 3);
  const balancer = balancerOf(ring(), endpoints);
  const plain = plainRing(hostsOf(endpoints));
  for (const user of users) {
    expect(balancer.pick(callOf(user))).toBe(endpoints[plainRingLookUp(plain, plainHashOf(user))]);
  }
});

test('maglev sends a call where the table of Envoy does', () => {
  const endpoints = endpointsOf(1, 2, 1, 3);
  const balancer = balancerOf(maglev(), endpoints);
  const plain = plainMaglev(hostsOf(endpoints), 65_537);
  for (const user of users) {
    const slot = Number(plainHashOf(user) % 65_537n);
    expect(balancer.pick(callOf(user))).toBe(endpoints[plain[slot] ?? -1]);
  }
});

describe.each([
  ['ring-hash', ring],
  ['maglev', maglev],
])('%s', (_name, policyOf) => {
  test('keeps a call with a hash where it is, and no other', () => {
    const balancer = balancerOf(policyOf(), endpointsOf(1, 1, 1));
    expect(balancer.isSticky?.(callOf('ann'))).toBe(true);
    expect(balancer.isSticky?.(anyCall)).toBe(false);
  });

  test('sends a call without a hash anywhere, by weight, and each time anew', () => {
    const endpoints = endpointsOf(1, 1, 2);
    const balancer = balancerOf(policyOf(), endpoints);
    const picks = Array.from({ length: 8000 }, () => balancer.pick(anyCall));
    const shares = endpoints.map((one) => picks.filter((pick) => pick === one).length / 8000);
    [0.25, 0.25, 0.5].forEach((share, i) => expect(shares[i]).toBeCloseTo(share, 1));
  });

  test('has gauges as long as there are endpoints', () => {
    expect(Object.keys(balancerOf(policyOf(), endpointsOf(1)).stats?.() ?? {})).not.toEqual([]);
    expect(balancerOf(policyOf(), []).stats?.()).toEqual({});
  });
});

describe.each([
  ['ring-hash', ring],
  ['maglev', maglev],
])('bounded loads of %s', (_name, policyOf) => {
  /** The endpoint of the call when these are active, in the order of the list; and the list. */
  function pickWith(factor: number, user: string, active: (index: number, own: number) => number) {
    const endpoints = endpointsOf(1, 1, 1, 1);
    const balancer = balancerOf(policyOf(), endpoints);
    const own = endpoints.indexOf(balancer.pick(callOf(user)) as Endpoint);
    endpoints.forEach((endpoint, index) => (endpoint.active = active(index, own)));
    const bounded = balancerOf(policyOf(factor), endpoints);
    return { endpoints, own, picked: endpoints.indexOf(bounded.pick(callOf(user)) as Endpoint) };
  }

  test('leave a call where it belongs while there is room', () => {
    // floor((9 * 200 + 99) / 100) = 18 slots, of which a quarter is 5.
    for (const user of users.slice(0, 50)) {
      const { own, picked } = pickWith(200, user, (index, o) => (index === o ? 5 : 1));
      expect(picked).toBe(own);
    }
  });

  test('hand it on as soon as there are more than the slots', () => {
    // floor((10 * 200 + 99) / 100) = 20 slots, of which a quarter is 5.
    const chosen = new Set<number>();
    for (const user of users.slice(0, 50)) {
      const { own, picked } = pickWith(200, user, (index, o) => (index === o ? 6 : 1));
      expect(picked).not.toBe(own);
      chosen.add((picked - own + 4) % 4);
      // The same for the same hash.
      expect(pickWith(200, user, (index, o) => (index === o ? 6 : 1)).picked).toBe(picked);
    }
    expect([...chosen].sort()).toEqual([1, 2, 3]);
  });

  test('do not hand it to another that is full', () => {
    for (const user of users.slice(0, 50)) {
      const free = (own: number) => (own + 1) % 4;
      const { own, picked } = pickWith(100, user, (index, o) => (index === free(o) ? 0 : 20));
      expect(picked).toBe(free(own));
    }
  });

  test('take the least loaded when all are full', () => {
    const endpoints = endpointsOf(1, 1, 1, 1);
    endpoints.forEach((endpoint, index) => (endpoint.active = 30 - index));
    const balancer = balancerOf(policyOf(100), endpoints);
    // With the right count one has room always: here fewer count as active than are.
    for (const endpoint of endpoints)
      balancer.ended?.(endpoint, { latency: 1, ok: true, cancelled: false });
    for (let i = 0; i < 100; i++) {
      balancer.ended?.(endpoints[0] as Endpoint, { latency: 1, ok: true, cancelled: false });
    }
    for (const user of users.slice(0, 50)) {
      expect(balancer.pick(callOf(user))).toBe(endpoints[3]);
    }
  });

  test('heed weights', () => {
    const endpoints = endpointsOf(1, 3);
    const call = users
      .map(callOf)
      .find((c) => balancerOf(policyOf(), endpoints).pick(c) === endpoints[1]);
    // floor((9 * 100 + 99) / 100) = 9 slots, of which three quarters are 7.
    (endpoints[1] as Endpoint).active = 7;
    (endpoints[0] as Endpoint).active = 1;
    expect(balancerOf(policyOf(100), endpoints).pick(call as Call)).toBe(endpoints[1]);
    (endpoints[1] as Endpoint).active = 8;
    (endpoints[0] as Endpoint).active = 0;
    expect(balancerOf(policyOf(100), endpoints).pick(call as Call)).toBe(endpoints[0]);
  });

  test('follow what starts and ends', () => {
    const endpoints = endpointsOf(1, 1);
    const balancer = balancerOf(policyOf(100), endpoints);
    const call = callOf('ann');
    const own = balancer.pick(call) as Endpoint;
    const other = endpoints.find((endpoint) => endpoint !== own) as Endpoint;
    const start = (endpoint: Endpoint) => {
      endpoint.active += 1;
      balancer.started?.(endpoint);
    };
    const end = (endpoint: Endpoint) => {
      endpoint.active -= 1;
      balancer.ended?.(endpoint, { latency: 1, ok: true, cancelled: false });
    };
    // Two of two: floor((3 * 100 + 99) / 100) = 3 slots, half of which are 2.
    start(own);
    start(own);
    expect(balancer.pick(call)).toBe(own);
    start(own); // Three: 4 slots, half of which are 2.
    expect(balancer.pick(call)).toBe(other);
    start(other); // Four: 5 slots, half of which are 3.
    expect(balancer.pick(call)).toBe(own);
    end(other);
    expect(balancer.pick(call)).toBe(other);
    end(own);
    expect(balancer.pick(call)).toBe(own);
    // An endpoint that is not in the list is not counted.
    const [gone] = endpointsOf(1) as [Endpoint];
    start(own);
    start(gone);
    expect(balancer.pick(call)).toBe(other);
  });
});
