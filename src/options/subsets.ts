/** The `subsets` option: some of the endpoints of a service, told by their labels, under a policy of their own. */
import type { ServiceOptions } from './options.js';

/**
 * A subset is a cluster of its own, as in Istio: with its own connections, limits, counters (`cluster.<service>|<subset>.…`),
 * ejections and health checks. What it does not say is as the service has it; where both say something, objects merge,
 * lists replace, and false switches off. Calls get there by `routes`.
 */
export interface SubsetOptions extends Pick<
  ServiceOptions,
  | 'loadBalancer'
  | 'locality'
  | 'circuitBreaker'
  | 'rateLimitHold'
  | 'connectionPool'
  | 'outlierDetection'
  | 'healthCheck'
> {
  /** Endpoints that have each of these labels, with these very values, belong to it. Empty: all of them. Required. */
  readonly labels: Readonly<Record<string, string>>;
}
