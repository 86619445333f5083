/** Takes endpoints out of rotation and lets them return: how many, for how long, and who is told. */
import type { Runtime } from '../core/runtime.js';
import { EjectionCounters } from './ejection-counters.js';
import type { Endpoint } from './endpoint.js';
import type { ClusterEvents, EjectionType, ReturnEvent } from './events.js';
import type { OutlierPolicy } from './outlier-policy.js';
import type { OutlierRecord } from './outlier-record.js';

/** What outlier detection needs of its cluster. */
export interface OutlierHost {
  readonly name: string;
  readonly runtime: Runtime;
  readonly events: ClusterEvents;
  /** All endpoints, whatever their health. */
  readonly endpoints: readonly Endpoint[];
  /** Makes a change of an endpoint's health hold for the next pick. */
  healthChanged(): void;
}

export class Ejections {
  readonly counters = new EjectionCounters();
  readonly #host: OutlierHost;
  /** Since it was last told: what follows each change. */
  #changes: (() => void)[] = [];

  constructor(host: OutlierHost) {
    this.#host = host;
  }

  /** A detector has found an outlier. Whether it is ejected is for the limit and the draw to say (`ejectHost`). */
  detected(endpoint: Endpoint, type: EjectionType, policy: OutlierPolicy): void {
    const { counters } = this;
    counters.detected[type] += 1;
    // Two detectors may find the same endpoint in one sweep; Envoy would eject it twice.
    if (endpoint.ejected) return;
    if (!this.#mayEject(policy)) {
      counters.overflow += 1;
      return;
    }
    if (type === 'consecutive_5xx' || type === 'success_rate') counters.oldTotal += 1;
    if (this.#isDrawn(ENFORCED[type](policy))) this.#eject(endpoint, type, policy);
  }

  release(endpoint: Endpoint, reason: ReturnEvent['reason']): void {
    const { name, runtime, events } = this.#host;
    const { outlier } = endpoint;
    const now = runtime.now();
    const ejectedFor = Math.round((now - outlier.ejectedAt) * 1000) / 1000;
    endpoint.ejected = false;
    this.counters.active -= 1;
    outlier.returnedAt = now;
    outlier.clearRuns();
    this.#changes.push(() => {
      if (!events.return.used) return;
      events.return.tell({ service: name, endpoint: endpoint.url, reason, ejectedFor });
    });
  }

  /** The endpoint has left the cluster. */
  forget(endpoint: Endpoint): void {
    if (endpoint.ejected) this.counters.active -= 1;
  }

  /** What has changed holds from now on, and is told. */
  settle(): void {
    if (this.#changes.length === 0) return;
    const changes = this.#changes;
    this.#changes = [];
    this.#host.healthChanged();
    for (const follow of changes) follow();
  }

  /** As the share would be afterwards. */
  #mayEject({ maxEjectionPercent, alwaysEjectOne }: OutlierPolicy): boolean {
    const { active } = this.counters;
    if (alwaysEjectOne && active === 0) return true;
    return (100 * (active + 1)) / this.#host.endpoints.length <= maxEjectionPercent;
  }

  #isDrawn(percent: number): boolean {
    if (percent === 0 || percent === 100) return percent === 100;
    return 100 * this.#host.runtime.random() < percent;
  }

  #eject(endpoint: Endpoint, type: EjectionType, policy: OutlierPolicy): void {
    const { name, runtime, events } = this.#host;
    const { counters } = this;
    const { outlier } = endpoint;
    endpoint.ejected = true;
    counters.active += 1;
    counters.enforcedTotal += 1;
    counters.enforced[type] += 1;
    outlier.ejections += 1;
    outlier.ejectedAt = runtime.now();
    outlier.jitter = this.#draw(policy.maxEjectionTimeJitter);
    const { baseEjectionTime, maxEjectionTime } = policy;
    if (outlier.multiplier * baseEjectionTime < maxEjectionTime + baseEjectionTime) {
      outlier.multiplier += 1;
    }
    const ejection = {
      service: name,
      endpoint: endpoint.url,
      reason: type,
      ejectionTime: ejectionTime(outlier, policy),
      ejections: outlier.ejections,
    };
    this.#changes.push(() => {
      endpoint.sender.drain();
      if (events.ejection.used) events.ejection.tell(ejection);
    });
  }

  /** Whole milliseconds up to the most. */
  #draw(most: number): number {
    return most === 0 ? 0 : Math.floor(this.#host.runtime.random() * (Math.floor(most) + 1));
  }
}

/** How long the ejection lasts at least: the sweep after that ends it. */
export function ejectionTime(
  { multiplier, jitter }: OutlierRecord,
  { baseEjectionTime, maxEjectionTime }: OutlierPolicy,
): number {
  return Math.min(baseEjectionTime * multiplier, maxEjectionTime) + jitter;
}

/** How many of a hundred outliers of a type are ejected. */
const ENFORCED: Readonly<Record<EjectionType, (policy: OutlierPolicy) => number>> = {
  consecutive_5xx: (policy) => policy.enforcingConsecutive5xx,
  consecutive_gateway_failure: (policy) => policy.enforcingConsecutiveGatewayFailure,
  consecutive_local_origin_failure: (policy) => policy.enforcingConsecutiveLocalOriginFailure,
  success_rate: (policy) => policy.enforcingSuccessRate,
  local_origin_success_rate: (policy) => policy.enforcingLocalOriginSuccessRate,
  failure_percentage: (policy) => policy.enforcingFailurePercentage,
  local_origin_failure_percentage: (policy) => policy.enforcingFailurePercentageLocalOrigin,
};
