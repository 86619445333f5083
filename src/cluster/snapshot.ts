/** An endpoint as `client.endpoints()` shows it. */
import type { Cluster } from './cluster.js';
import type { Endpoint, HealthHint } from './endpoint.js';

export interface EndpointSnapshot {
  /** The cluster's name. */
  readonly service: string;
  readonly url: string;
  readonly weight: number;
  /** `region/zone/subzone`; empty when unknown. */
  readonly locality: string;
  readonly labels: Readonly<Record<string, string>>;
  /**
   * 0 is chosen first: the one that was given, and with `locality` how near it is; without gaps. Undefined where
   * `locality.distribute` has no share for it.
   */
  readonly priority: number | undefined;
  /** True while nothing speaks against the endpoint. */
  readonly healthy: boolean;
  /** True while it gets what the healthy ones cannot carry, by what its list or the health checks say. */
  readonly degraded: boolean;
  /** What its list says of it: `endpoints[].health`. */
  readonly hint: HealthHint;
  /** Taken out of rotation by outlier detection. */
  readonly ejected: boolean;
  /** Milliseconds until the sweep that lets it return; undefined while it is not ejected. */
  readonly returnsIn: number | undefined;
  /** How often it has been ejected. */
  readonly ejections: number;
  /** Found unhealthy by active health checks. */
  readonly failedCheck: boolean;
  /** What the latest check found: `200`, `200, degraded`, `503`, `timeout`, `connection refused`; undefined while there was none. */
  readonly lastCheck: string | undefined;
  /** Milliseconds for which it is chosen last, since it has asked for a pause; undefined when it has not. */
  readonly heldFor: number | undefined;
  /** Attempts in flight, until their bodies have ended. */
  readonly active: number;
  /** Attempts ever begun at it, and how those that are over went; cancelled and refused ones are neither. */
  readonly total: number;
  readonly success: number;
  readonly error: number;
  /** Those of the active ones that wait for a connection. */
  readonly waiting: number;
  /** Its connections: open or being opened, and those of them that wait for work. */
  readonly connections: { readonly open: number; readonly idle: number };
}

export function snapshotEndpoint(cluster: Cluster, endpoint: Endpoint): EndpointSnapshot {
  const { url, weight, locality, labels, priority, active, total, success, error, sender } =
    endpoint;
  return {
    service: cluster.name,
    url,
    weight,
    locality,
    labels: { ...labels },
    priority,
    healthy: endpoint.healthy,
    degraded: endpoint.degraded,
    hint: endpoint.hint,
    ejected: endpoint.ejected,
    returnsIn: rounded(cluster.outliers.returnsIn(endpoint)),
    ejections: endpoint.outlier.ejections,
    failedCheck: endpoint.failedCheck,
    lastCheck: endpoint.lastCheck,
    heldFor: rounded(heldFor(cluster, endpoint)),
    active,
    waiting: sender.waiting,
    total,
    success,
    error,
    connections: { ...sender.size },
  };
}

/** To microseconds, as `explain` has times. */
function rounded(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : Math.round(milliseconds * 1000) / 1000;
}

function heldFor({ runtime }: Cluster, { heldUntil }: Endpoint): number | undefined {
  const left = heldUntil - runtime.now();
  return left > 0 ? left : undefined;
}
