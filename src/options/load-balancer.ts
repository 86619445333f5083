/** The `loadBalancer` option: how the endpoint of an attempt is chosen. */
import type { BalancerFactory } from '../balancing/balancer.js';
import type { HashOn } from './hash-on.js';

/** Slow start: an endpoint that is new gets less than its share at first, and more with time, as in Istio and Envoy. */
export interface WarmupOptions {
  /**
   * How long an endpoint warms up: from the moment it joins the list, and anew whenever active health checks find it
   * well again. Milliseconds, or text such as `'30s'`; above 0.
   */
  readonly duration: number | string;
  /**
   * Its weight is never below this part of the full one, in percent: 0, or from 1 to 100.
   * @default 10
   */
  readonly minimumPercent?: number | undefined;
  /**
   * How the share grows: the weight is multiplied by `(elapsed / duration) ** (1 / aggression)`. 1 is evenly, more is
   * faster at first. From 0.01 to 100.
   * @default 1
   */
  readonly aggression?: number | undefined;
}

/** Each endpoint in turn, as often as its weight says. */
export interface RoundRobinOptions {
  readonly policy: 'round-robin';
  /**
   * New endpoints get less at first; false: at once as much as the others.
   * @default false
   */
  readonly warmup?: false | WarmupOptions | undefined;
}

/** Any endpoint, by chance and in proportion to the weights. */
export interface RandomOptions {
  readonly policy: 'random';
}

/** The endpoint with the fewest active attempts among a few drawn at random: Envoy's LEAST_REQUEST. */
export interface LeastRequestOptions {
  readonly policy: 'least-request';
  /**
   * How many endpoints are drawn, with replacement, for each pick. A whole number from 2 to 100. Holds while all
   * weights are equal.
   * @default 2
   */
  readonly choiceCount?: number | undefined;
  /**
   * How strongly active attempts lower an endpoint's share when weights differ: its weight at a pick is
   * `weight / (active + 1) ** activeRequestBias`. From 0, which is weighted round robin, to 10.
   * @default 1
   */
  readonly activeRequestBias?: number | undefined;
  /**
   * Looks at every endpoint in place of drawing `choiceCount` of them; a pick then takes the longer the more
   * endpoints there are. Holds while all weights are equal.
   * @default false
   */
  readonly fullScan?: boolean | undefined;
  /**
   * New endpoints get less at first; false: at once as much as the others.
   * @default false
   */
  readonly warmup?: false | WarmupOptions | undefined;
}

/** The cheaper of two endpoints drawn at random, by latency and active attempts: peak EWMA of Finagle and linkerd2. */
export interface PeakEwmaOptions {
  readonly policy: 'peak-ewma';
  /**
   * How long latencies and failures are remembered: after this time they count for 1/e. Milliseconds, or text such
   * as `'10s'`; above 0.
   * @default '10s'
   */
  readonly decayTime?: number | string | undefined;
  /**
   * New endpoints get less at first; false: at once as much as the others.
   * @default false
   */
  readonly warmup?: false | WarmupOptions | undefined;
}

/** What the sticky policies have in common. */
interface StickyOptions {
  /**
   * What makes calls belong together: `{ header: 'x-user-id' }`, `{ cookie: 'sid' }`, `{ query: 'user' }`, a function
   * `(request) => text`, or a list of them. Calls of the same hash go to the same endpoint, their retries and hedges
   * included; a call without any of them goes anywhere.
   */
  readonly hashOn: HashOn;
  /**
   * Bounded loads: an endpoint takes at most this part of the mean number of active attempts, in percent, and what is
   * beyond goes to another. 0 for no bound, or a whole number from 100 to 1000000.
   * @default 0
   */
  readonly hashBalanceFactor?: number | undefined;
}

/** Sticky by a ring of hashes: Envoy's RING_HASH, and Istio's `consistentHash`. */
export interface RingHashOptions extends StickyOptions {
  readonly policy: 'ring-hash';
  /**
   * How many places the ring has at least; more make the shares of the endpoints more even. A whole number from 1 to
   * 8388608, at most `maximumRingSize`.
   * @default 1024
   */
  readonly minimumRingSize?: number | undefined;
  /**
   * How many it has at most, be the weights as different as they may. A whole number from 1 to 8388608.
   * @default 8388608
   */
  readonly maximumRingSize?: number | undefined;
}

/** Sticky by a table with nearly even shares: Envoy's MAGLEV, and Istio's `consistentHash` with `maglev`. */
export interface MaglevOptions extends StickyOptions {
  readonly policy: 'maglev';
  /**
   * How many slots the table has: a prime below 5000011, and many times the number of endpoints.
   * @default 65537
   */
  readonly tableSize?: number | undefined;
}

/** A policy's name, an object with its options, or a function that builds a balancer of your own. */
export type LoadBalancerOptions =
  | 'least-request'
  | 'round-robin'
  | 'random'
  | 'peak-ewma'
  | LeastRequestOptions
  | RoundRobinOptions
  | RandomOptions
  | PeakEwmaOptions
  | RingHashOptions
  | MaglevOptions
  | BalancerFactory;
