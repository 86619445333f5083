/** What counts as an outlier, and what becomes of it. */

/** After validation: times in milliseconds, percentages 0 to 100, a threshold of 0 is off. */
export interface OutlierPolicy {
  readonly consecutive5xxErrors: number;
  readonly enforcingConsecutive5xx: number;
  readonly consecutiveGatewayErrors: number;
  readonly enforcingConsecutiveGatewayFailure: number;
  readonly splitExternalLocalOriginErrors: boolean;
  readonly consecutiveLocalOriginFailures: number;
  readonly enforcingConsecutiveLocalOriginFailure: number;
  readonly interval: number;
  readonly baseEjectionTime: number;
  readonly maxEjectionTime: number;
  readonly maxEjectionTimeJitter: number;
  readonly maxEjectionPercent: number;
  readonly alwaysEjectOne: boolean;
  /** Istio's word for the panic threshold. */
  readonly minHealthPercent: number;
  readonly successRateMinimumHosts: number;
  readonly successRateRequestVolume: number;
  /** In thousandths. */
  readonly successRateStdevFactor: number;
  readonly enforcingSuccessRate: number;
  readonly enforcingLocalOriginSuccessRate: number;
  readonly failurePercentageThreshold: number;
  readonly failurePercentageMinimumHosts: number;
  readonly failurePercentageRequestVolume: number;
  readonly enforcingFailurePercentage: number;
  readonly enforcingFailurePercentageLocalOrigin: number;
  readonly successfulActiveHealthCheckUnejectHost: boolean;
}
