/** Finds the endpoints that answer worse than they should: Envoy's outlier detection (`outlier_detection_impl.cc`). */
import type { Timer } from '../core/runtime.js';
import { Ejections, ejectionTime, type OutlierHost } from './ejections.js';
import type { Endpoint } from './endpoint.js';
import type { OutlierPolicy } from './outlier-policy.js';
import { statisticalOutliers, type ResultKind } from './outlier-statistics.js';

/** A clock that adds up fractions may show a little less than the time that was waited for. */
const ROUNDING = 1e-6;

export class OutlierDetection {
  readonly #host: OutlierHost;
  readonly #ejections: Ejections;
  #policy: OutlierPolicy | undefined = undefined;
  #wasOn = false;
  #stopped = false;
  #timer: Timer = undefined;
  #nextSweep = 0;

  constructor(host: OutlierHost) {
    this.#host = host;
    this.#ejections = new Ejections(host);
  }

  /** Undefined while it is off. */
  get policy(): OutlierPolicy | undefined {
    return this.#policy;
  }

  /** Holds from the next result on; ejections and counters stay. Undefined switches off, and everybody returns. */
  setPolicy(policy: OutlierPolicy | undefined): void {
    if (this.#stopped) return;
    const before = this.#policy;
    this.#policy = policy;
    if (policy === undefined) {
      if (before !== undefined) this.#switchOff();
      return;
    }
    this.#wasOn = true;
    // Calls that were on their way when it was switched off have gone on telling.
    if (before === undefined) this.#forget();
    if (policy.interval !== before?.interval) this.#arm(policy.interval);
  }

  /** A head has come, with this status. */
  answered(endpoint: Endpoint, status: number): void {
    const { outlier } = endpoint;
    outlier.external.total += 1;
    if (status >= 500 && status <= 599) {
      this.#erred(endpoint, status);
      return;
    }
    outlier.external.good += 1;
    outlier.consecutive5xx = 0;
    outlier.consecutiveGateway = 0;
  }

  /** An attempt has its connection. */
  connected({ outlier }: Endpoint): void {
    if (this.#policy?.splitExternalLocalOriginErrors !== true) return;
    outlier.local.total += 1;
    outlier.local.good += 1;
    outlier.consecutiveLocal = 0;
  }

  /** Something went wrong on the way to an answer, which without the split counts as one with this status. */
  failed(endpoint: Endpoint, status: number): void {
    const policy = this.#policy;
    if (policy?.splitExternalLocalOriginErrors !== true) {
      this.answered(endpoint, status);
      return;
    }
    const { outlier } = endpoint;
    outlier.local.total += 1;
    outlier.consecutiveLocal += 1;
    if (
      !isOut(endpoint) &&
      isReached(outlier.consecutiveLocal, policy.consecutiveLocalOriginFailures)
    ) {
      this.#ejections.detected(endpoint, 'consecutive_local_origin_failure', policy);
      outlier.consecutiveLocal = 0;
      this.#ejections.settle();
    }
  }

  /** An active health check has passed. */
  healthCheckPassed(endpoint: Endpoint): void {
    if (!endpoint.ejected || endpoint.outlier.left) return;
    if (this.#policy?.successfulActiveHealthCheckUnejectHost !== true) return;
    this.#ejections.release(endpoint, 'health-check');
    this.#ejections.settle();
  }

  /** The endpoint has left the cluster. */
  left(endpoint: Endpoint): void {
    endpoint.outlier.left = true;
    this.#ejections.forget(endpoint);
  }

  /** Milliseconds until the sweep that lets the endpoint return; undefined where it is not ejected. */
  returnsIn(endpoint: Endpoint): number | undefined {
    const policy = this.#policy;
    if (!endpoint.ejected || policy === undefined) return undefined;
    const { outlier } = endpoint;
    const over = outlier.ejectedAt + ejectionTime(outlier, policy);
    const sweeps = Math.ceil((over - this.#nextSweep - ROUNDING) / policy.interval);
    const sweep = this.#nextSweep + Math.max(sweeps, 0) * policy.interval;
    return Math.max(sweep - this.#host.runtime.now(), 0);
  }

  /** Envoy's counters and the gauge, without the prefix; none where it was never on, as in Envoy. */
  stats(): Record<string, number> {
    return this.#wasOn ? this.#ejections.counters.read() : {};
  }

  /** No further sweep: the cluster is gone. */
  stop(): void {
    this.#stopped = true;
    this.#host.runtime.clearTimer(this.#timer);
  }

  #erred(endpoint: Endpoint, status: number): void {
    const policy = this.#policy;
    const { outlier } = endpoint;
    outlier.consecutive5xx += 1;
    outlier.consecutiveGateway = isGatewayError(status) ? outlier.consecutiveGateway + 1 : 0;
    if (policy === undefined) return;
    if (
      !isOut(endpoint) &&
      isReached(outlier.consecutiveGateway, policy.consecutiveGatewayErrors)
    ) {
      this.#ejections.detected(endpoint, 'consecutive_gateway_failure', policy);
      outlier.consecutiveGateway = 0;
    }
    if (!isOut(endpoint) && isReached(outlier.consecutive5xx, policy.consecutive5xxErrors)) {
      this.#ejections.detected(endpoint, 'consecutive_5xx', policy);
      outlier.consecutive5xx = 0;
    }
    this.#ejections.settle();
  }

  #arm(interval: number): void {
    const { runtime } = this.#host;
    runtime.clearTimer(this.#timer);
    this.#nextSweep = runtime.now() + interval;
    this.#timer = runtime.setTimer(() => this.#sweep(), interval, true);
  }

  #sweep(): void {
    const policy = this.#policy;
    if (policy === undefined) return;
    const { endpoints, runtime } = this.#host;
    const now = runtime.now();
    const isOver = (since: number, time: number): boolean => now - since + ROUNDING >= time;
    this.#arm(policy.interval);
    for (const endpoint of endpoints) {
      const { outlier, ejected } = endpoint;
      if (ejected && isOver(outlier.ejectedAt, ejectionTime(outlier, policy))) {
        this.#ejections.release(endpoint, 'time');
      }
      outlier.external.endInterval();
      outlier.local.endInterval();
    }
    this.#compare('external', policy);
    if (policy.splitExternalLocalOriginErrors) this.#compare('local', policy);
    for (const { outlier, ejected } of endpoints) {
      if (ejected || outlier.multiplier === 0) continue;
      if (isOver(outlier.returnedAt, policy.interval)) outlier.multiplier -= 1;
    }
    this.#ejections.settle();
  }

  #compare(kind: ResultKind, policy: OutlierPolicy): void {
    const candidates = this.#host.endpoints.filter(({ ejected }) => !ejected);
    for (const { endpoint, type } of statisticalOutliers(candidates, kind, policy)) {
      this.#ejections.detected(endpoint, type, policy);
    }
  }

  #switchOff(): void {
    this.#host.runtime.clearTimer(this.#timer);
    for (const endpoint of this.#host.endpoints) {
      if (endpoint.ejected) this.#ejections.release(endpoint, 'switched-off');
    }
    this.#forget();
    this.#ejections.settle();
  }

  #forget(): void {
    for (const { outlier } of this.#host.endpoints) outlier.forget();
  }
}

/** Detected already, or nobody's concern any more. */
function isOut({ ejected, outlier }: Endpoint): boolean {
  return ejected || outlier.left;
}

/** A threshold of 0 is off. A run may be longer than one that an update has lowered. */
function isReached(run: number, threshold: number): boolean {
  return threshold > 0 && run >= threshold;
}

function isGatewayError(status: number): boolean {
  return status === 502 || status === 503 || status === 504;
}
