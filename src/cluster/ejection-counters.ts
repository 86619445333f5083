/** What outlier detection has found and done, by Envoy's names. */
import type { EjectionType } from './events.js';

const none = (): Record<EjectionType, number> => ({
  consecutive_5xx: 0,
  consecutive_gateway_failure: 0,
  consecutive_local_origin_failure: 0,
  success_rate: 0,
  local_origin_success_rate: 0,
  failure_percentage: 0,
  local_origin_failure_percentage: 0,
});

export class EjectionCounters {
  /** Endpoints that are ejected now. */
  active = 0;
  /** Ejections that were made. */
  enforcedTotal = 0;
  /** Ejections that `maxEjectionPercent` did not allow. */
  overflow = 0;
  /** Outliers of the first two types that `maxEjectionPercent` allowed to be ejected, made or not: Envoy's old count. */
  oldTotal = 0;
  /** What the detectors have found. */
  readonly detected = none();
  /** What came of it. */
  readonly enforced = none();

  /** With `outlier_detection.` before each, the three old ones that Envoy still has included. */
  read(): Record<string, number> {
    const { detected, enforced } = this;
    const all: Record<string, number> = {
      'outlier_detection.ejections_active': this.active,
      'outlier_detection.ejections_enforced_total': this.enforcedTotal,
      'outlier_detection.ejections_overflow': this.overflow,
    };
    for (const [type, times] of Object.entries(detected)) {
      all[`outlier_detection.ejections_detected_${type}`] = times;
    }
    for (const [type, times] of Object.entries(enforced)) {
      all[`outlier_detection.ejections_enforced_${type}`] = times;
    }
    all['outlier_detection.ejections_total'] = this.oldTotal;
    all['outlier_detection.ejections_consecutive_5xx'] = detected.consecutive_5xx;
    all['outlier_detection.ejections_success_rate'] =
      detected.success_rate + detected.local_origin_success_rate;
    return all;
  }
}
