/** The `loadBalancer` option: how the endpoint of an attempt is chosen. */
import type { BalancerFactory } from '../balancing/balancer.js';

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
  | BalancerFactory;
