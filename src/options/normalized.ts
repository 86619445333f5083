/** The options after validation: nothing left to default, parse or look up. */
import type { LoadBalancerPolicy } from '../balancing/policies.js';
import type { BreakerPolicy } from '../cluster/circuit-breaker.js';
import type { EndpointAddress, Labels } from '../cluster/endpoint.js';
import type { PoolPolicy } from '../cluster/limits.js';
import type { HealthCheckPolicy } from '../cluster/health-check-policy.js';
import type { OutlierPolicy } from '../cluster/outlier-policy.js';
import type { Overrides } from '../core/call.js';
import type { AttemptLayer, CallLayer } from '../core/layer.js';
import type { Policy, RateLimitHoldPolicy } from '../core/policy.js';
import type { Runtime } from '../core/runtime.js';
import type { LocalitySettings } from '../locality/locality-policy.js';
import type { Discovery } from './discovery.js';
import type { Around, ClientOptions, Fallback, Middleware, TlsOptions } from './options.js';
import type { ProxyPolicy } from './proxy.js';
import type { Transport } from './transport.js';

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
  /** Undefined: connections are direct. */
  readonly proxy: ProxyPolicy | undefined;
  readonly maxResponseBytes: number;
}

/** One cluster: that of a service, or of one of its subsets. */
export interface NormalizedCluster extends NormalizedPolicy {
  /** Canonical, without a slash at the end. */
  readonly origin: string;
  readonly name: string;
  /** Without a list of the user's: the origin itself, alone. Empty where a discovery brings them. */
  readonly endpoints: readonly EndpointAddress[];
  readonly discovery: Discovery | undefined;
}

/** The endpoints of a service that carry certain labels. */
export interface NormalizedSubset extends NormalizedCluster {
  readonly labels: Labels;
}

/** One service, the clusters that it has, and the ways to them. */
export interface NormalizedService extends NormalizedCluster {
  readonly subsets: ReadonlyMap<string, NormalizedSubset>;
  /** The first that fits a call is taken. */
  readonly routes: readonly NormalizedRoute[];
}

export interface NormalizedRoute {
  readonly name: string;
  /** One of them must fit; where there is none, every call does. */
  readonly matches: readonly RouteMatch[];
  /** Empty: the service as a whole. */
  readonly shares: readonly Share[];
  /** What its calls are held to, of what the service says; undefined: just that. */
  readonly overrides: Overrides | undefined;
}

/** What must hold of a call, all of it. */
export interface RouteMatch {
  readonly path: PathMatch | undefined;
  /** In capitals. */
  readonly methods: ReadonlySet<string> | undefined;
  /** By names in lower case. */
  readonly headers: readonly FieldMatch[];
  readonly query: readonly FieldMatch[];
}

export type PathMatch =
  | { readonly kind: 'exact' | 'prefix'; readonly text: string }
  | { readonly kind: 'pattern'; readonly pattern: RegExp };

export interface FieldMatch {
  readonly name: string;
  /** True: whatever it is; false: there is none. */
  readonly value: boolean | string | RegExp;
}

export interface Share {
  readonly subset: string;
  readonly weight: number;
}

/** What a client is made from. */
export interface NormalizedClientOptions {
  /** The canonical origin of `service`; undefined when the client has none, or several. */
  readonly service: string | undefined;
  /** By canonical origin: the one of `service`, or those of `services`. */
  readonly services: ReadonlyMap<string, NormalizedService>;
  /** 'default-policy' also when the client names no service at all. */
  readonly otherOrigins: 'refuse' | 'default-policy';
  /** How many clusters of origins there may be that are not in `services`. */
  readonly maxOrigins: number;
  /** Milliseconds without a call after which such an origin is forgotten; 0: never. */
  readonly originIdleTimeout: number;
  /** The policy of origins that are not in `services`. */
  readonly defaultPolicy: NormalizedPolicy;
  readonly localReplies: 'throw' | 'respond';
  readonly middleware: readonly Middleware[];
  readonly callLayers: readonly CallLayer[];
  readonly attemptLayers: readonly AttemptLayer[];
  readonly around: Around | undefined;
  readonly runtime: Runtime;
  /** Undefined: connections of our own. */
  readonly transport: Transport | undefined;
  /** A copy of what was given, which an update is merged into. */
  readonly given: ClientOptions;
}
