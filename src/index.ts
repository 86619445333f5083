/** The public surface of Outrigger, and nothing else. */
import type * as attempt from './core/attempt.js';
import type * as call from './core/call.js';
import type * as endpoint from './cluster/endpoint.js';

// Classes that users see and never make: exported as types, which the bundled declarations keep only of aliases.
export type Attempt = attempt.Attempt;
export type Call = call.Call;
export type Endpoint = endpoint.Endpoint;

export { createResilientClient, type ResilientClient } from './client.js';
export {
  CircuitOpenError,
  ClosedError,
  ConnectionError,
  InstallError,
  isOutriggerError,
  NoHealthyEndpointError,
  NotReadyError,
  OptionsError,
  OverflowError,
  RefusedError,
  ResponseTooLargeError,
  TimeoutError,
  type OptionsProblem,
  type OutriggerError,
} from './core/errors.js';
export type {
  AttemptResult,
  Balancer,
  BalancerContext,
  BalancerFactory,
} from './balancing/balancer.js';
export type {
  AttemptOutcome,
  KeyedRequest,
  Reluctance,
  ResetHeader,
  RetryReason,
  RetryWord,
} from './core/policy.js';
export {
  incomingDeadline,
  withDeadline,
  type DeadlineOptions,
  type IncomingDeadline,
  type IncomingDeadlineOptions,
  type IncomingRequest,
} from './deadlines.js';
export { custom, dns, file, type CustomOptions, type FileOptions } from './discovery.js';
export type { EndpointSource } from './discovery/custom.js';
export type { ParseEndpoints } from './discovery/parse-file.js';
export type {
  CircuitEvent,
  CircuitState,
  EjectionEvent,
  EjectionType,
  HealthEvent,
  OverflowEvent,
  ReturnEvent,
} from './cluster/events.js';
export type { HealthHint } from './cluster/endpoint.js';
export type { EndpointSnapshot } from './cluster/snapshot.js';
export type { AttemptCause, AttemptRecord, Explanation } from './core/explanation.js';
export type { Failure, FailureKind, PoolLimit, ResponseFlag, TimeLimit } from './core/failure.js';
export type {
  AnotherAttempt,
  AttemptLayer,
  CallEvent,
  CallLayer,
  Refusal,
  Verdict,
} from './core/layer.js';
export { LocalReply } from './core/reply.js';
export type { Runtime, Timer } from './core/runtime.js';
export type { BodyFunction, BodyValue, MadeBody } from './faces/body-init.js';
export type { ResilientFetch } from './faces/fetch.js';
export type { ResilientRequestInit } from './faces/request-init.js';
export type { RequestOptions } from './faces/request.js';
export type { ConnectionPoolOptions } from './options/connection-pool.js';
export type { CircuitBreakerOptions } from './options/circuit-breaker.js';
export type { DnsOptions } from './options/dns.js';
export type {
  Discovery,
  DiscoveryHost,
  EndpointList,
  RunningDiscovery,
} from './options/discovery.js';
export type { HealthCheckOptions, StatusCodes } from './options/health-check.js';
export type { HedgeOptions } from './options/hedge.js';
export type { HashedValue, HashOn, HashSourceOptions } from './options/hash-on.js';
export type { LoadBalancerOptions, WarmupOptions } from './options/load-balancer.js';
export type { LocalityOptions, ZoneAwareOptions } from './options/locality.js';
export type { OutlierDetectionOptions } from './options/outlier-detection.js';
export type {
  ClientOptions,
  EndpointOptions,
  Fallback,
  Middleware,
  RequestOverrides,
  ServiceOptions,
  TlsOptions,
  UpdateOptions,
} from './options/options.js';
export type { RateLimitHoldOptions } from './options/rate-limit-hold.js';
export type {
  BackoffOptions,
  BudgetOptions,
  RateLimitedBackoffOptions,
  RetryCondition,
  RetryOptions,
} from './options/retry.js';
export type { RouteMatchOptions, RouteOptions, SubsetShare } from './options/routes.js';
export type { SubsetOptions } from './options/subsets.js';
export type { TimeoutOptions } from './options/timeout.js';
export type { ForeignDispatcher, ForeignFetch, ForeignFetchInit } from './options/transport.js';
