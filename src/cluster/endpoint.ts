/** One address that serves a service, and what the client knows about it. */

import type { Balancer } from '../balancing/balancer.js';
import type { Attempt } from '../core/attempt.js';
import { OutlierRecord } from './outlier-record.js';

/** What makes an endpoint; everything else about it is learnt. */
export interface EndpointAddress {
  /** Where to connect: `http://10.0.0.7:8080`, `https://…` or `unix:/run/app.sock`. */
  readonly url: string;
  /** Share of the traffic in relation to the others; a whole number from 1. */
  readonly weight: number;
  /** `region/zone/subzone`, parts left out from the right; empty when unknown. */
  readonly locality: string;
  /** Endpoints of a later priority are chosen when those of the earlier ones do not suffice; 0 is the first. */
  readonly priority: number;
  readonly labels: Labels;
  /** What the list says of its health; left out it is healthy. */
  readonly health?: HealthHint;
}

/**
 * Envoy's `health_status` of EDS: those that are `unhealthy` or `draining` are chosen in panic alone, a `degraded` one when
 * healthy ones do not suffice.
 */
export type HealthHint = 'healthy' | 'degraded' | 'unhealthy' | 'draining';

/** What tells an endpoint apart from others, as the labels of a pod do. */
export type Labels = Readonly<Record<string, string>>;

/** The connections of an endpoint. */
export interface Sender {
  /** Puts an attempt on the wire; what happens there is reported to the driver. */
  send(attempt: Attempt): void;
  /** Connections that are open or being opened, and those of them that wait for work. */
  readonly size: { readonly open: number; readonly idle: number };
  /** True while at least one of its connections is made. */
  readonly isConnected: boolean;
  /** Attempts that wait for a connection. */
  readonly waiting: number;
  /** The options of the pool have changed. */
  limitsChanged(): void;
  /** The connections of now close: idle ones at once, busy ones after their exchange. */
  drain(): void;
  /** What connections are made of has changed: as `drain`, and those that are being made are begun anew. */
  renew(): void;
  /** The endpoint is no longer one: as `drain`, and what is opened yet closes after one exchange. */
  leave(): void;
  /** Closes every connection at once. */
  destroy(): void;
}

/**
 * An endpoint lives as long as its address stays in the cluster's list: counters and the balancer's memory
 * survive a change of the list around it.
 */
export class Endpoint {
  readonly url: string;
  weight: number;
  locality: string;
  labels: Labels;
  /** What the list says of its health. */
  hint: HealthHint;
  /** @internal The priority that was given. */
  ownPriority: number;
  /** The one it has now, by where it is as well; without gaps. Undefined while no share of the calls is meant for it. */
  priority: number | undefined = 0;
  /** Attempts from their start until their body has ended. */
  active = 0;
  /** Attempts that were begun. */
  total = 0;
  /** Attempts that got a head with a status below 500. */
  success = 0;
  /** Attempts that failed, or got a head with a status of 500 or above. */
  error = 0;
  /** Taken out of rotation by outlier detection. */
  ejected = false;
  /** Found unhealthy by active health checks. */
  failedCheck = false;
  /** The latest good one of these checks has found it degraded. */
  degradedCheck = false;
  /** What the latest of these checks has found, in words; undefined before the first. */
  lastCheck: string | undefined = undefined;
  /** The time of the runtime's clock until which it is chosen last; 0 is none. */
  heldUntil = 0;
  /** The time of the runtime's clock from which its warm-up counts. */
  warmsFrom: number;
  /** What the balancing policy remembers about this endpoint; after a change of policy, what the old one did. */
  balancing: unknown = undefined;
  /** @internal The balancer that hears of its attempts. */
  balancer: Balancer | undefined = undefined;
  /** @internal What outlier detection remembers of it. */
  readonly outlier = new OutlierRecord();
  /** @internal The number of the latest list of the cluster that has it. */
  list = 0;
  /** @internal Set by the cluster before the first attempt. */
  sender!: Sender;

  /** @internal */
  constructor(address: EndpointAddress, now: number) {
    this.url = address.url;
    this.weight = address.weight;
    this.locality = address.locality;
    this.labels = address.labels;
    this.hint = address.health ?? 'healthy';
    this.ownPriority = address.priority;
    this.warmsFrom = now;
  }

  /** @internal No share of the calls is meant for it, or it is no endpoint any more. */
  withdraw(): void {
    this.priority = undefined;
    this.balancer = undefined;
  }

  /** True while nothing speaks against it. */
  get healthy(): boolean {
    return this.hint === 'healthy' && !this.degradedCheck && !this.#isOut;
  }

  /** True while it takes what the healthy ones cannot: not out, and not healthy either. */
  get degraded(): boolean {
    return (this.hint === 'degraded' || this.degradedCheck) && !this.#isOut;
  }

  /** Its list says that it is not to be called. */
  get hintedOut(): boolean {
    return this.hint === 'unhealthy' || this.hint === 'draining';
  }

  /** Chosen in panic alone. */
  get #isOut(): boolean {
    return this.ejected || this.failedCheck || this.hintedOut;
  }
}
