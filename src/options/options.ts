/** The options a user writes. Their defaults stand in `defaults.ts` and are repeated here for the editor. */
import type { HealthHint } from '../cluster/endpoint.js';
import type { Attempt } from '../core/attempt.js';
import type { AttemptLayer, CallLayer } from '../core/layer.js';
import type { Runtime } from '../core/runtime.js';
import type { ConnectionPoolOptions } from './connection-pool.js';
import type { CircuitBreakerOptions } from './circuit-breaker.js';
import type { Discovery, EndpointList } from './discovery.js';
import type { HealthCheckOptions } from './health-check.js';
import type { HedgeOptions } from './hedge.js';
import type { LoadBalancerOptions } from './load-balancer.js';
import type { LocalityOptions } from './locality.js';
import type { OutlierDetectionOptions } from './outlier-detection.js';
import type { RateLimitHoldOptions } from './rate-limit-hold.js';
import type { RetryOptions } from './retry.js';
import type { RouteOptions } from './routes.js';
import type { SubsetOptions } from './subsets.js';
import type { TimeoutOptions } from './timeout.js';
import type { ForeignDispatcher, ForeignFetch } from './transport.js';

/** Code of the user's around a whole call: it may look at the request, replace it, answer itself, or look at the answer. */
export type Middleware = (
  request: Request,
  next: (request: Request) => Promise<Response>,
) => Promise<Response>;

/** Makes a tracing context active around the sending of an attempt. It must call `dispatch`, once, before it returns. */
export type Around = (attempt: Attempt, dispatch: () => void) => void;

/**
 * Answers in place of a call that has failed for good: it is given the error, or the `Response` that counts as a
 * failure, and the request. With undefined the failure stands.
 */
export type Fallback = (
  failure: unknown,
  request: Request,
) => Response | undefined | Promise<Response | undefined>;

/** One address that serves a service. */
export interface EndpointOptions {
  /**
   * Where to connect: `http://10.0.0.7:8080`, `https://…`, or `unix:/run/app.sock`, which takes its scheme from the
   * service. No path, query or credentials; each address once.
   */
  readonly url: string;
  /**
   * Share of the traffic in relation to the other endpoints. A whole number from 1 to 4294967295; the weights of
   * one locality together are at most 4294967295, as in Envoy.
   * @default 1
   */
  readonly weight?: number | undefined;
  /**
   * `region/zone/subzone`; parts may be left out from the right.
   * @default '' (unknown)
   */
  readonly locality?: string | undefined;
  /**
   * Endpoints of a later priority are chosen when those of the earlier ones do not suffice: when fewer than 71.4 % of them
   * are healthy, as in Envoy. A whole number from 0, which is the first, to 127; numbers that nobody has leave no gap.
   * @default 0
   */
  readonly priority?: number | undefined;
  /**
   * What tells it apart from others, as the labels of a pod do: `{ version: 'v2' }`. Names and values are text.
   * @default {}
   */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /**
   * What is known of its health where the list comes from, as `health_status` of Envoy's EDS. One that is `'unhealthy'` or
   * `'draining'` gets calls only in panic, and what is in flight there finishes; a `'degraded'` one gets what the healthy
   * ones cannot carry. Outlier detection and health checks judge for themselves: it is healthy when nothing speaks against it.
   * @default 'healthy'
   */
  readonly health?: HealthHint | undefined;
}

/** PEM text, its bytes, or several of them. */
export type Pem = string | Uint8Array | readonly (string | Uint8Array)[];

export type TlsVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';

/** How connections to `https` endpoints are secured. What is left out is as Node has it (`tls.connect`). */
export interface TlsOptions {
  /**
   * Authorities to trust in place of the ones that Node trusts.
   * @default Node's own
   */
  readonly ca?: Pem | undefined;
  /** The client's certificate, with its chain. Only together with `key`, which must fit it. */
  readonly cert?: Pem | undefined;
  /** The private key of `cert`. Only together with `cert`. */
  readonly key?: Pem | undefined;
  /** The passphrase of `key`. Only together with it. */
  readonly passphrase?: string | undefined;
  /**
   * The name that is sent as SNI and checked in the endpoint's certificate.
   * @default the service's host, never the endpoint's address
   */
  readonly servername?: string | undefined;
  /**
   * Protocols offered by ALPN for HTTP/1.1. HTTP/2 is `connectionPool.http2`, which offers `h2` besides.
   * @default ['http/1.1']
   */
  readonly alpn?: readonly 'http/1.1'[] | undefined;
  /**
   * False accepts every certificate: for tests only.
   * @default Node's own: true, unless the environment has `NODE_TLS_REJECT_UNAUTHORIZED=0`
   */
  readonly rejectUnauthorized?: boolean | undefined;
  /**
   * The oldest version of TLS to speak.
   * @default Node's own
   */
  readonly minVersion?: TlsVersion | undefined;
  /**
   * The newest version of TLS to speak; not older than `minVersion`, or than Node's oldest where that is not given.
   * @default Node's own
   */
  readonly maxVersion?: TlsVersion | undefined;
  /**
   * Ciphers in OpenSSL's notation.
   * @default Node's own
   */
  readonly ciphers?: string | undefined;
}

/** What can be said of one service. */
export interface ServiceOptions {
  /**
   * The cluster's name in counters and errors: text without white space, different for each cluster of a client.
   * @default host and port of the service, port 80 left out: `simple-backend`, `api.example.com:443`
   */
  readonly name?: string | undefined;
  /**
   * The endpoints of the service; text is short for `{ url: text }`. An empty list is legal: calls then fail for
   * want of an endpoint. Or a discovery, which brings such lists: `dns()`, `file()`, `custom()`, or one of your own.
   * @default the service's own origin, whose name the system resolves for each new connection
   */
  readonly endpoints?: EndpointList | Discovery | undefined;
  /**
   * Some of the endpoints by their labels, each under a name and a policy of its own. False in an update takes a subset away.
   * @default {}
   */
  readonly subsets?: false | Readonly<Record<string, false | SubsetOptions>> | undefined;
  /**
   * Which calls go under another policy, or to a subset: the first route that fits a call is taken. Those that none fits go to
   * the service as a whole, under its own policy.
   * @default [] (none)
   */
  readonly routes?: false | readonly RouteOptions[] | undefined;
  /**
   * How long a call without a time of its own (`timeout`, `timeout.response`, a deadline) waits for the first list of a
   * discovery, before it fails with `NoHealthyEndpointError`; also the time of `client.ready()`, unless that is given one.
   * @default '10s'
   */
  readonly discoveryTimeout?: number | string | undefined;
  /**
   * How the endpoint of an attempt is chosen: a policy's name, an object with its options, or a policy of your own.
   * @default 'least-request'
   */
  readonly loadBalancer?: LoadBalancerOptions | undefined;
  /**
   * Where calls go by where their endpoints are: the nearest first, or in shares. False takes no notice of it.
   * @default {} (the nearest first, where the own locality is known, and `outlierDetection` or `healthCheck` is on)
   */
  readonly locality?: false | LocalityOptions | undefined;
  /**
   * Time for a whole call, as Envoy's route timeout: every attempt, every wait, and the body. Milliseconds, or text
   * such as `'2s'`; 0 and false are none. Or an object with a time for each part of a call. A call that is not over by
   * then fails with `TimeoutError`: the promise of `fetch` before the head, the reader of the body after it.
   * @default 0 (none)
   */
  readonly timeout?: number | string | false | TimeoutOptions | undefined;
  /**
   * Further attempts after a failure; false makes none.
   * @default {} (on, with the defaults of its options)
   */
  readonly retry?: false | RetryOptions | undefined;
  /**
   * A second attempt beside a slow one; false makes none.
   * @default false
   */
  readonly hedge?: false | HedgeOptions | undefined;
  /**
   * Refuses the calls of the service at once, with `CircuitOpenError`, while too many of them fail; false never does.
   * An object, which may be empty, switches it on.
   * @default false
   */
  readonly circuitBreaker?: false | CircuitBreakerOptions | undefined;
  /**
   * An endpoint that answers with 429 or 503 and says when to come back is chosen last until then, by all calls; false
   * lets it be chosen like any other. An object, which may be empty, switches it on.
   * @default false
   */
  readonly rateLimitHold?: false | RateLimitHoldOptions | undefined;
  /**
   * Answers `client.fetch` in place of a call that has failed for good: given the error, or an answer with a status
   * of 500 or more, and the request; undefined leaves it at that. False takes away what the client says.
   * @default none
   */
  readonly fallback?: false | Fallback | undefined;
  /**
   * Whether `x-envoy-attempt-count` and `x-envoy-expected-rq-timeout-ms` are sent with each attempt.
   * @default true
   */
  readonly envoyHeaders?: boolean | undefined;
  /**
   * What the service may have at once, and how its connections live; false lifts the limits and leaves the rest.
   * @default {} (the defaults of its options)
   */
  readonly connectionPool?: false | ConnectionPoolOptions | undefined;
  /**
   * Takes endpoints out of rotation for a while that answer worse than they should; false takes none out. An object,
   * which may be empty, switches it on.
   * @default false
   */
  readonly outlierDetection?: false | OutlierDetectionOptions | undefined;
  /**
   * Active health checks: endpoints are asked from time to time whether they are well; false asks none.
   * @default false
   */
  readonly healthCheck?: false | HealthCheckOptions | undefined;
  /**
   * TLS towards `https` endpoints; refused where no endpoint is `https`. False: nothing of what the client says
   * for all its services, but Node's own defaults.
   */
  readonly tls?: TlsOptions | false | undefined;
  /**
   * An HTTP proxy that the endpoints are reached through: its URL, with credentials where it wants some, or `'environment'`,
   * which reads HTTP_PROXY, HTTPS_PROXY and NO_PROXY when the client is made. False: none, whatever the client says.
   * @default false
   */
  readonly proxy?: string | false | undefined;
  /**
   * Bytes that the body of an answer may have, as it is sent and, with `fetch`, as it is decoded; one with more is cut off, and its
   * call fails with `ResponseTooLargeError`. 0 and false: any number.
   * @default 0 (no limit)
   */
  readonly maxResponseBytes?: number | false | undefined;
}

/**
 * The options of `createResilientClient`. `undefined` is the same as leaving an option out. Wrong options throw one
 * `OptionsError` that names all problems.
 */
export interface ClientOptions extends ServiceOptions {
  /**
   * The origin that the user calls, such as `http://simple-backend`; it is sent as `Host`. Without it, and without
   * `services`, every origin that is called becomes a cluster of its own.
   */
  readonly service?: string | undefined;
  /**
   * Several services by their origins; not together with `service`. What the client says of `loadBalancer`, `locality`,
   * `timeout`, `retry`, `hedge`, `circuitBreaker`, `rateLimitHold`, `fallback`, `envoyHeaders`, `connectionPool`,
   * `outlierDetection`, `healthCheck`, `discoveryTimeout`, `tls`, `proxy` and `maxResponseBytes` holds for those that do not have their own. Where both have one, objects
   * merge, lists replace, and false switches off.
   */
  readonly services?: Readonly<Record<string, ServiceOptions>> | undefined;
  /**
   * What happens to a call to an origin that is neither `service` nor in `services`: it is refused, or the origin
   * becomes a cluster of its own under the client's policy. Only together with one of the two.
   * @default 'refuse'
   */
  readonly otherOrigins?: 'refuse' | 'default-policy' | undefined;
  /**
   * How many origins that are neither `service` nor in `services` are remembered, each with its cluster: when there are more,
   * the one that has not been called for longest is forgotten, with its connections and counters. Those with calls in
   * flight stay, and may make it more for a moment. A whole number from 1 to 1000000; Envoy's figure (`max_hosts`).
   * @default 1024
   */
  readonly maxOrigins?: number | undefined;
  /**
   * Such an origin is forgotten when it has not been called for so long; 0 and false: never. Milliseconds, or text; Envoy's
   * figure (`host_ttl`).
   * @default '5m'
   */
  readonly originIdleTimeout?: number | string | false | undefined;
  /**
   * How a failure of the client's own making reaches the caller: as a rejection, or as the `Response` that Envoy
   * would send.
   * @default 'throw'
   */
  readonly localReplies?: 'throw' | 'respond' | undefined;
  /**
   * Functions around the whole call, the first outermost.
   * @default []
   */
  readonly middleware?: readonly Middleware[] | undefined;
  /** Layers of your own: `call` after the deadline, `attempt` before the time of a try begins. Experimental. */
  readonly layers?:
    | {
        readonly call?: readonly CallLayer[] | undefined;
        readonly attempt?: readonly AttemptLayer[] | undefined;
      }
    | undefined;
  /** Makes a tracing context active around the sending of each attempt. */
  readonly around?: Around | undefined;
  /**
   * The clock, the timers and the random source.
   * @default the process's own
   */
  readonly runtime?: Runtime | undefined;
  /**
   * The last step of each attempt goes through this function in place of connections of the client's own: a mock, the fetch of
   * another runtime or SDK. Not together with `dispatcher`, `proxy`, `tls` or `connectionPool.http2`; see docs/transports.md.
   * @default none
   */
  readonly fetch?: ForeignFetch | undefined;
  /**
   * The last step of each attempt goes through this undici `Dispatcher` in place of connections of the client's own: a
   * `MockAgent`, an agent of the application's. It stays the caller's, who closes it. Not together with `fetch`, `proxy`, `tls`
   * or `connectionPool.http2`; see docs/transports.md.
   * @default none
   */
  readonly dispatcher?: ForeignDispatcher | undefined;
}

/** What `update()` can change of one service. The endpoints replace the whole list; false disables. */
export interface ServiceUpdate extends Omit<ServiceOptions, 'name' | 'loadBalancer' | 'subsets'> {
  /** By name: what one that is there leaves out stays, `labels` replace; false takes it away. */
  readonly subsets?: false | Readonly<Record<string, false | Partial<SubsetOptions>>> | undefined;
  /** Another policy replaces the one in force; an object without `policy`, or with the same, changes its options. */
  readonly loadBalancer?:
    | LoadBalancerOptions
    | Partial<Exclude<LoadBalancerOptions, string | ((...args: never[]) => unknown)>>
    | undefined;
}

/**
 * What `client.update()` takes: objects merge deeply, arrays replace, `false` disables, `undefined` is absent. An
 * option that cannot change may only be repeated with the value it has; anything else throws an `OptionsError` and
 * changes nothing.
 */
export interface UpdateOptions extends ServiceUpdate {
  /**
   * Changes of services, by origin. A service that is new is added with its options; none can be taken away, and a
   * client made without `services` cannot be given any.
   */
  readonly services?:
    Readonly<Record<string, ServiceUpdate & Pick<ServiceOptions, 'name'>>> | undefined;
  /** As when the client is made: holds for the origins that are there already, too. */
  readonly maxOrigins?: number | undefined;
  readonly originIdleTimeout?: number | string | false | undefined;
}

/**
 * `init.resilience`: options of one call, merged over those of its service as an update would be. Where the two do not
 * fit together (a `backoff.baseInterval` above the service's `maxInterval`), those of the call hold. Wrong ones reject
 * with `OptionsError`.
 */
export interface RequestOverrides {
  /** As the service's: time for the call, redirects included. */
  readonly timeout?: number | string | false | TimeoutOptions | undefined;
  /** As the service's, without the limits that all its calls share; an object switches retries on. */
  readonly retry?: false | Omit<RetryOptions, 'budget' | 'maxRetries'> | undefined;
  /** As the service's. Where that has no hedging, an object without `delay` and `onPerTryTimeout` switches none on. */
  readonly hedge?: false | HedgeOptions | undefined;
  /** As the service's. */
  readonly maxResponseBytes?: number | false | undefined;
}
