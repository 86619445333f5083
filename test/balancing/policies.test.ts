import { describe, expect, it } from 'vitest';
import type { BalancerFactory } from '../../src/balancing/balancer.js';
import { balancerFactory, type LoadBalancerPolicy } from '../../src/balancing/policies.js';
import { anyCall, endpointsOf, StillRuntime } from './fleet.js';
import { maglevPolicy, ringHashPolicy } from '../support/sticky.js';

const warmup = { duration: 60_000, minimumPercent: 10, aggression: 1 };

const policies: Exclude<LoadBalancerPolicy, BalancerFactory>[] = [
  { policy: 'round-robin' },
  { policy: 'random' },
  { policy: 'least-request', choiceCount: 2, activeRequestBias: 1, fullScan: false },
  { policy: 'least-request', choiceCount: 3, activeRequestBias: 1, fullScan: false },
  { policy: 'peak-ewma', decayTime: 10_000 },
  ringHashPolicy(),
  maglevPolicy(),
  { policy: 'round-robin', warmup },
  { policy: 'least-request', choiceCount: 2, activeRequestBias: 1, fullScan: false, warmup },
];

describe('balancerFactory', () => {
  it.each(policies)('builds balancers of $policy that carry its name', (policy) => {
    const endpoints = endpointsOf(1, 1, 1);
    const context = { runtime: new StillRuntime(), previous: undefined };
    const balancer = balancerFactory(policy)(endpoints, context);
    expect(balancer.name).toBe(policy.policy);
    expect(endpoints).toContain(balancer.pick(anyCall));
    expect(balancerFactory(policy)([], context).pick(anyCall)).toBeUndefined();
  });

  it("hands a factory of the user's own back", () => {
    const mine: BalancerFactory = (endpoints) => ({ name: 'mine', pick: () => endpoints[0] });
    expect(balancerFactory(mine)).toBe(mine);
  });

  it('passes the options on', () => {
    const endpoints = endpointsOf(1, 1, 1);
    endpoints.forEach((endpoint, i) => (endpoint.active = 3 - i));
    const runtime = new StillRuntime(() => 0);
    const context = { runtime, previous: undefined };
    const [plain, scanning] = [false, true].map((fullScan) =>
      balancerFactory({
        policy: 'least-request',
        choiceCount: 2,
        activeRequestBias: 1,
        fullScan,
      })(endpoints, context),
    );
    expect(plain?.pick(anyCall)).toBe(endpoints[0]);
    expect(scanning?.pick(anyCall)).toBe(endpoints[2]);
  });

  it.each(policies)('looks at no more of 10,000 endpoints than it must: $policy', (policy) => {
    for (const unequal of [false, true]) {
      const weights = Array.from({ length: 10_000 }, (_, i) => (unequal ? 1 + (i % 5) : 1));
      let looks = 0;
      const endpoints = new Proxy(endpointsOf(...weights), {
        get(list, key) {
          if (/^\d+$/.test(String(key))) looks++;
          return Reflect.get(list, key) as unknown;
        },
      });
      const context = { runtime: new StillRuntime(), previous: undefined };
      const balancer = balancerFactory(policy)(endpoints, context);
      looks = 0;
      for (let i = 0; i < 100; i++) balancer.pick(anyCall);
      // A schedule looks at the endpoint it picks twice: at its weight, and to hand it over.
      const most = policy.policy === 'least-request' ? policy.choiceCount : 2;
      expect(looks / 100).toBeLessThanOrEqual(most);
    }
  });
});
