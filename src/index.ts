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
  ClosedError,
  ConnectionError,
  isOutriggerError,
  NoHealthyEndpointError,
  OptionsError,
  RefusedError,
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
export type { EndpointSnapshot } from './cluster/snapshot.js';
export type { AttemptRecord, Explanation } from './core/explanation.js';
export type { Failure, FailureKind, ResponseFlag } from './core/failure.js';
export type { AttemptLayer, CallEvent, CallLayer, Refusal, Verdict } from './core/layer.js';
export { LocalReply } from './core/reply.js';
export type { Runtime, Timer } from './core/runtime.js';
export type { ResilientFetch, ResilientRequestInit } from './faces/fetch.js';
export type { RequestOptions } from './faces/request.js';
export type { LoadBalancerOptions } from './options/load-balancer.js';
export type {
  ClientOptions,
  EndpointOptions,
  Middleware,
  ServiceOptions,
  TlsOptions,
  UpdateOptions,
} from './options/options.js';
