/** What must hold of the sticky policies whatever the endpoints and the keys are. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { balancerFactory, type LoadBalancerPolicy } from '../../src/balancing/policies.js';
import { Endpoint } from '../../src/cluster/endpoint.js';
import type { Call } from '../../src/core/call.js';
import { seededChance, StillRuntime } from '../balancing/fleet.js';
import { maglevPolicy, ringHashPolicy } from '../support/sticky.js';

const key = fc.oneof(fc.string(), fc.uuid(), fc.integer().map(String));
const weight = fc.integer({ min: 1, max: 20 });
const list = fc
  .uniqueArray(fc.tuple(fc.ipV4(), fc.integer({ min: 1, max: 65_535 }), weight), {
    minLength: 1,
    maxLength: 12,
    selector: ([host, port]) => `${host}:${port}`,
  })
  .map((hosts) =>
    hosts.map(
      ([host, port, share]) =>
        new Endpoint(
          { url: `http://${host}:${port}`, weight: share, locality: '', priority: 0, labels: {} },
          0,
        ),
    ),
  );

const callOf = (user: string): Call =>
  ({ method: 'GET', path: '/', headers: ['x-user-id', user] }) as unknown as Call;

/** Where the policy sends a call with this key, among these endpoints. */
function routerOf(policy: LoadBalancerPolicy, endpoints: readonly Endpoint[]) {
  const runtime = new StillRuntime(seededChance(1));
  const balancer = balancerFactory(policy)(endpoints, { runtime, previous: undefined });
  return (user: string) => balancer.pick(callOf(user));
}

const keys = Array.from({ length: 400 }, (_, i) => `user-${i}`);

describe.each<LoadBalancerPolicy & object>([
  ringHashPolicy(),
  ringHashPolicy({ minimumRingSize: 5 }),
  maglevPolicy({ tableSize: 4093 }),
])('%o', (policy) => {
  it('sends the same key to the same endpoint, also when its tables are made again', () => {
    fc.assert(
      fc.property(list, fc.array(key), (endpoints, users) => {
        const [router, again] = [routerOf(policy, endpoints), routerOf(policy, endpoints)];
        for (const user of users) {
          expect(endpoints).toContain(router(user));
          expect(again(user)).toBe(router(user));
          expect(router(user)).toBe(again(user));
        }
      }),
    );
  });

  it('sends nothing to an endpoint that is gone, and the old calls to one that is back', () => {
    fc.assert(
      fc.property(list, fc.nat(), (endpoints, which) => {
        const gone = endpoints[which % endpoints.length];
        const before = routerOf(policy, endpoints);
        const without = routerOf(
          policy,
          endpoints.filter((endpoint) => endpoint !== gone),
        );
        const back = routerOf(policy, endpoints);
        for (const user of keys.slice(0, 50)) {
          expect(without(user)).not.toBe(gone);
          expect(back(user)).toBe(before(user));
        }
      }),
    );
  });
});

describe('ring-hash', () => {
  it('moves no key between endpoints that stay, where their number of places stays', () => {
    // With a ring of 1 each of them has one place, however many they are.
    const policy = ringHashPolicy({ minimumRingSize: 1 });
    fc.assert(
      fc.property(list, fc.nat(), (endpoints, which) => {
        endpoints.forEach((endpoint) => (endpoint.weight = 1));
        const gone = endpoints[which % endpoints.length];
        const rest = endpoints.filter((endpoint) => endpoint !== gone);
        const [before, after] = [routerOf(policy, endpoints), routerOf(policy, rest)];
        for (const user of keys) {
          const owner = before(user);
          if (owner !== gone) expect(after(user)).toBe(owner);
        }
      }),
    );
  });
});

describe('maglev', () => {
  it('gives each endpoint its share by weight, whatever the order of the list', () => {
    fc.assert(
      fc.property(list, fc.infiniteStream(fc.nat()), (endpoints, numbers) => {
        const policy = maglevPolicy();
        const mixed = [...endpoints];
        for (let i = mixed.length - 1; i > 0; i--) {
          const other = (numbers.next().value as number) % (i + 1);
          [mixed[i], mixed[other]] = [mixed[other] as Endpoint, mixed[i] as Endpoint];
        }
        const [router, same] = [routerOf(policy, endpoints), routerOf(policy, mixed)];
        for (const user of keys) expect(same(user)).toBe(router(user));
      }),
      { numRuns: 20 },
    );
  });

  it('has for each endpoint within one round of its share of slots', () => {
    fc.assert(
      fc.property(list, (endpoints) => {
        const size = 4093;
        const runtime = new StillRuntime();
        const policy = maglevPolicy({ tableSize: size });
        const build = balancerFactory(policy);
        const stats = build(endpoints, { runtime, previous: undefined }).stats?.() ?? {};
        const sum = endpoints.reduce((all, endpoint) => all + endpoint.weight, 0);
        const shares = endpoints.map((endpoint) => (endpoint.weight / sum) * size);
        const least = stats['maglev_lb.min_entries_per_host'] as number;
        const most = stats['maglev_lb.max_entries_per_host'] as number;
        // The lightest waits longest; rounding up favours those that have their turn first.
        expect(Math.abs(least - Math.min(...shares))).toBeLessThanOrEqual(2 + endpoints.length);
        expect(Math.abs(most - Math.max(...shares))).toBeLessThanOrEqual(2 + endpoints.length);
      }),
    );
  });
});
