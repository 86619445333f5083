/** An endpoint as `client.endpoints()` shows it. */
import type { Cluster } from './cluster.js';
import type { Endpoint } from './endpoint.js';

export interface EndpointSnapshot {
  /** The cluster's name. */
  readonly service: string;
  readonly url: string;
  readonly weight: number;
  /** `region/zone/subzone`; empty when unknown. */
  readonly locality: string;
  /** True while the endpoint is in rotation. */
  readonly healthy: boolean;
  /** Attempts in flight, until their bodies have ended. */
  readonly active: number;
  /** Attempts ever sent to it, and how those that are over went; cancelled ones are neither. */
  readonly total: number;
  readonly success: number;
  readonly error: number;
  /** Its connections: open or being opened, and those of them that wait for work. */
  readonly connections: { readonly open: number; readonly idle: number };
}

export function snapshotEndpoint(cluster: Cluster, endpoint: Endpoint): EndpointSnapshot {
  const { url, weight, locality, active, total, success, error, sender } = endpoint;
  return {
    service: cluster.name,
    url,
    weight,
    locality,
    healthy: endpoint.healthy,
    active,
    total,
    success,
    error,
    connections: { ...sender.size },
  };
}
