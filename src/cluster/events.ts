/** What happens to the endpoints and limits of a cluster, as it is told to those who listen. */
import { Hook } from './hook.js';

/** What took an endpoint out, by Envoy's names of the counters `ejections_enforced_*`. */
export type EjectionType =
  | 'consecutive_5xx'
  | 'consecutive_gateway_failure'
  | 'consecutive_local_origin_failure'
  | 'success_rate'
  | 'local_origin_success_rate'
  | 'failure_percentage'
  | 'local_origin_failure_percentage';

interface EndpointEvent {
  /** The cluster's name. */
  readonly service: string;
  /** The endpoint's address. */
  readonly endpoint: string;
}

/** An endpoint is taken out of rotation by outlier detection. */
export interface EjectionEvent extends EndpointEvent {
  readonly reason: EjectionType;
  /** Milliseconds after which the next sweep lets it return, jitter included. */
  readonly ejectionTime: number;
  /** How often it has been ejected, this time included. */
  readonly ejections: number;
}

/** An endpoint is back in rotation. */
export interface ReturnEvent extends EndpointEvent {
  /** Its time was over, an active health check passed, or outlier detection was switched off. */
  readonly reason: 'time' | 'health-check' | 'switched-off';
  /** Milliseconds that it was out. */
  readonly ejectedFor: number;
}

/** The active health checks have changed their mind about an endpoint. */
export interface HealthEvent extends EndpointEvent {
  /** It passes them, be it as a degraded one. */
  readonly healthy: boolean;
  /** It passes them, and says that it would rather not have calls (`x-envoy-degraded`). */
  readonly degraded: boolean;
  /** What the deciding check found: `200`, `200, degraded`, `503`, `connection refused`, `timeout`; `switched-off` when they are no more. */
  readonly reason: string;
}

/** A limit of the connection pool has refused an attempt. */
export interface OverflowEvent {
  /** The cluster's name. */
  readonly service: string;
  /** The endpoint the attempt was meant for. */
  readonly endpoint: string;
  /** The option that has the limit. */
  readonly limit: 'connectionPool.maxPendingRequests' | 'connectionPool.maxRequests';
  /** What it is set to. */
  readonly value: number;
}

/** The circuit breaker of a service has changed its state. */
export interface CircuitEvent {
  /** The cluster's name. */
  readonly service: string;
  readonly from: CircuitState;
  readonly to: CircuitState;
  /** Milliseconds until calls are let through on trial; 0 unless it has opened. */
  readonly retryAfterMs: number;
}

export type CircuitState = 'closed' | 'open' | 'half-open';

/** One for each client. */
export class ClusterEvents {
  readonly ejection = new Hook<EjectionEvent>('onEjection');
  readonly return = new Hook<ReturnEvent>('onReturn');
  readonly health = new Hook<HealthEvent>('onHealthChange');
  readonly overflow = new Hook<OverflowEvent>('onOverflow');
  readonly circuit = new Hook<CircuitEvent>('onCircuitChange');
}
