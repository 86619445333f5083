/** The options after validation: nothing left to default, parse or look up. */
import type { LoadBalancerPolicy } from '../balancing/policies.js';
import type { BreakerPolicy } from '../cluster/circuit-breaker.js';
import type { EndpointAddress } from '../cluster/endpoint.js';
import type { PoolPolicy } from '../cluster/limits.js';
import type { HealthCheckPolicy } from '../cluster/health-check-policy.js';
import type { OutlierPolicy } from '../cluster/outlier-policy.js';
import type { AttemptLayer, CallLayer } from '../core/layer.js';
import type { Policy, RateLimitHoldPolicy } from '../core/policy.js';
import type { Runtime } from '../core/runtime.js';
import type { LocalitySettings } from '../locality/locality-policy.js';
import type { Discovery } from './discovery.js';
import type { Around, ClientOptions, Fallback, Middleware, TlsOptions } from './options.js';

/** How calls to a service are treated, wherever its endpoints come from. */
export interface NormalizedPolicy extends Policy {
  readonly loadBalancer: LoadBalancerPolicy;
  /** Undefined: localities play no role. */
  readonly locality: LocalitySettings | undefined;
  /** Undefined: off. */
  readonly circuitBreaker: BreakerPolicy | undefined;
  /** Undefined: off. */
  readonly rateLimitHold: RateLimitHoldPolicy | undefined;
  readonly fallback: Fallback | undefined;
  /** Each attempt carries `x-envoy-attempt-count` and `x-envoy-expected-rq-timeout-ms`. */
  readonly envoyHeaders: boolean;
  readonly connectionPool: PoolPolicy;
  /** Undefined: off. */
  readonly outlierDetection: OutlierPolicy | undefined;
  readonly healthCheck: HealthCheckPolicy | undefined;
  /** Milliseconds to wait for the first list of a discovery. */
  readonly discoveryTimeout: number;
  /** As the user gave it, the service's own over the client's; what is absent is as Node has it. */
  readonly tls: TlsOptions;
}

/** One service and its cluster. */
export interface NormalizedService extends NormalizedPolicy {
  /** Canonical, without a slash at the end. */
  readonly origin: string;
  readonly name: string;
  /** Without a list of the user's: the origin itself, alone. Empty where a discovery brings them. */
  readonly endpoints: readonly EndpointAddress[];
  readonly discovery: Discovery | undefined;
}

/** What a client is made from. */
export interface NormalizedClientOptions {
  /** The canonical origin of `service`; undefined when the client has none, or several. */
  readonly service: string | undefined;
  /** By canonical origin: the one of `service`, or those of `services`. */
  readonly services: ReadonlyMap<string, NormalizedService>;
  /** 'default-policy' also when the client names no service at all. */
  readonly otherOrigins: 'refuse' | 'default-policy';
  /** The policy of origins that are not in `services`. */
  readonly defaultPolicy: NormalizedPolicy;
  readonly localReplies: 'throw' | 'respond';
  readonly middleware: readonly Middleware[];
  readonly callLayers: readonly CallLayer[];
  readonly attemptLayers: readonly AttemptLayer[];
  readonly around: Around | undefined;
  readonly runtime: Runtime;
  /** A copy of what was given, which an update is merged into. */
  readonly given: ClientOptions;
}
