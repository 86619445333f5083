/** From the policy that the options name to the factory that builds its balancers. */
import type { BalancerFactory } from './balancer.js';
import { LeastRequest, type LeastRequestSettings } from './least-request.js';
import { PeakEwma, type PeakEwmaSettings } from './peak-ewma.js';
import { RandomChoice } from './random.js';
import { RoundRobin } from './round-robin.js';
import type { WarmupSettings } from './warmup.js';

/** A load-balancing policy after validation: every option present, times in milliseconds; or one of the user's own. */
export type LoadBalancerPolicy =
  | { readonly policy: 'round-robin'; readonly warmup?: WarmupSettings | undefined }
  | { readonly policy: 'random' }
  | ({ readonly policy: 'least-request' } & LeastRequestSettings)
  | ({ readonly policy: 'peak-ewma' } & PeakEwmaSettings)
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
  }
}
