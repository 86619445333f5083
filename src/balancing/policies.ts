/** From the policy that the options name to the factory that builds its balancers. */
import type { Endpoint } from '../cluster/endpoint.js';
import type { BalancerFactory } from './balancer.js';
import { HashRing, type RingSettings } from './hash-ring.js';
import { LeastRequest, type LeastRequestSettings } from './least-request.js';
import { MaglevTable } from './maglev-table.js';
import { PeakEwma, type PeakEwmaSettings } from './peak-ewma.js';
import { RandomChoice } from './random.js';
import { RoundRobin } from './round-robin.js';
import { Sticky, type StickySettings } from './sticky.js';
import type { WarmupSettings } from './warmup.js';

/** A load-balancing policy after validation: every option present, times in milliseconds; or one of the user's own. */
export type LoadBalancerPolicy =
  | { readonly policy: 'round-robin'; readonly warmup?: WarmupSettings | undefined }
  | { readonly policy: 'random' }
  | ({ readonly policy: 'least-request' } & LeastRequestSettings)
  | ({ readonly policy: 'peak-ewma' } & PeakEwmaSettings)
  | ({ readonly policy: 'ring-hash' } & StickySettings & RingSettings)
  | ({ readonly policy: 'maglev'; readonly tableSize: number } & StickySettings)
  | BalancerFactory;

/** The factory of the policy; a factory of the user's own is handed back as it is. */
export function balancerFactory(policy: LoadBalancerPolicy): BalancerFactory {
  if (typeof policy === 'function') return policy;
  switch (policy.policy) {
    case 'round-robin':
      return (endpoints, context) => new RoundRobin(endpoints, context, policy.warmup);
    case 'random':
      return (endpoints, context) => new RandomChoice(endpoints, context);
    case 'least-request':
      return (endpoints, context) => new LeastRequest(policy, endpoints, context);
    case 'peak-ewma':
      return (endpoints, context) => new PeakEwma(policy, endpoints, context);
    case 'ring-hash':
      return (endpoints, context) =>
        new Sticky(
          policy.policy,
          (hosts) => new HashRing(hosts, policy),
          policy,
          endpoints,
          context,
        );
    case 'maglev':
      return (endpoints, context) => {
        const tableOf = (hosts: readonly Endpoint[]) => new MaglevTable(hosts, policy.tableSize);
        return new Sticky(policy.policy, tableOf, policy, endpoints, context);
      };
  }
}
