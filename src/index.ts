/** The public surface of Outrigger, and nothing else. */
export { createResilientClient, type ResilientClient } from './client.js';
export {
  ClosedError,
  ConnectionError,
  isOutriggerError,
  NoHealthyEndpointError,
  OptionsError,
  RefusedError,
  type OptionsProblem,
  type OutriggerError,
} from './core/errors.js';
export type {
  AttemptResult,
  Balancer,
  BalancerContext,
  BalancerFactory,
} from './balancing/balancer.js';
export type { Endpoint } from './cluster/endpoint.js';
export type { EndpointSnapshot } from './cluster/snapshot.js';
export type { Attempt } from './core/attempt.js';
export type { Call } from './core/call.js';
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
