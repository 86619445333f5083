/** Sticky policies after validation: by the header `x-user-id`, with the defaults and what is given in their place. */
import type { BalancerFactory } from '../../src/balancing/balancer.js';
import type { LoadBalancerPolicy } from '../../src/balancing/policies.js';

type Policy = Exclude<LoadBalancerPolicy, BalancerFactory>;
type RingHash = Extract<Policy, { policy: 'ring-hash' }>;
type Maglev = Extract<Policy, { policy: 'maglev' }>;

const hashOn = [{ kind: 'header', name: 'x-user-id', terminal: false }] as const;

export function ringHashPolicy(own: Partial<RingHash> = {}): RingHash {
  return {
    policy: 'ring-hash',
    hashOn,
    hashBalanceFactor: 0,
    minimumRingSize: 1024,
    maximumRingSize: 8_388_608,
    ...own,
  };
}

export function maglevPolicy(own: Partial<Maglev> = {}): Maglev {
  return { policy: 'maglev', hashOn, hashBalanceFactor: 0, tableSize: 65_537, ...own };
}
