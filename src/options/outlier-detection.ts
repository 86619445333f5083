/** The `outlierDetection` option: when an endpoint is taken out of rotation, and for how long. */

/**
 * Envoy's outlier detection, by Istio's names where Istio has one. An empty object switches it on with Envoy's figures,
 * and with `alwaysEjectOne`. Percentages are whole numbers from 0 to 100.
 */
export interface OutlierDetectionOptions {
  /**
   * An endpoint is ejected after so many errors in a row: answers from 500 to 599, and without
   * `splitExternalLocalOriginErrors` also failed connections, resets and timeouts. A whole number; 0 and false are off.
   * @default 5
   */
  readonly consecutive5xxErrors?: number | false | undefined;
  /**
   * How many of a hundred such endpoints are really ejected, the others are only counted (Envoy's
   * `enforcing_consecutive_5xx`). The same holds for each option whose name begins with `enforcing`.
   * @default 100
   */
  readonly enforcingConsecutive5xx?: number | undefined;
  /**
   * The same for 502, 503 and 504 alone, and for what counts as one of them. Each is one of the 5xx, too. As in
   * Istio, giving it makes it eject; without it outliers of this kind are counted, as in Envoy.
   * @default 5
   */
  readonly consecutiveGatewayErrors?: number | false | undefined;
  /**
   * See `enforcingConsecutive5xx`.
   * @default 100 where `consecutiveGatewayErrors` is given, otherwise 0
   */
  readonly enforcingConsecutiveGatewayFailure?: number | undefined;
  /**
   * What fails on the way (connections, resets, timeouts) is counted apart from what endpoints answer.
   * @default false
   */
  readonly splitExternalLocalOriginErrors?: boolean | undefined;
  /**
   * With the split: an endpoint is ejected after so many failures on the way in a row. Each connection that is there
   * ends the row. A whole number; 0 and false are off.
   * @default 5
   */
  readonly consecutiveLocalOriginFailures?: number | false | undefined;
  /**
   * See `enforcingConsecutive5xx`.
   * @default 100
   */
  readonly enforcingConsecutiveLocalOriginFailure?: number | undefined;
  /**
   * Time between two sweeps, which let endpoints return and look at success rates: milliseconds, or text such as
   * `'10s'`; above 0.
   * @default '10s'
   */
  readonly interval?: number | string | undefined;
  /**
   * How long the first ejection of an endpoint lasts at least; the second in a row twice as long, the third three times.
   * An endpoint returns at the first sweep after it. Milliseconds, or text; above 0.
   * @default '30s'
   */
  readonly baseEjectionTime?: number | string | undefined;
  /**
   * No ejection lasts longer than this and the jitter; not below `baseEjectionTime`.
   * @default the longer one of '300s' and `baseEjectionTime`
   */
  readonly maxEjectionTime?: number | string | undefined;
  /**
   * Each ejection lasts longer by a random time up to this, so that not all endpoints return at once. False is none.
   * @default 0
   */
  readonly maxEjectionTimeJitter?: number | string | false | undefined;
  /**
   * At most this share of the endpoints is ejected at any one time, the one in question included: 10 % of three endpoints
   * is none (but for `alwaysEjectOne`).
   * @default 10
   */
  readonly maxEjectionPercent?: number | undefined;
  /**
   * One endpoint may always be ejected, whatever `maxEjectionPercent` says (Envoy's `always_eject_one_host`, off there).
   * The only endpoint of a service is ejected, too: then every call is refused until it returns.
   * @default true
   */
  readonly alwaysEjectOne?: boolean | undefined;
  /**
   * Below this share of healthy endpoints all of them are used again, healthy or not, since the few would be overrun:
   * Envoy's panic threshold by Istio's name. 0: never, and with no healthy endpoint calls fail at once.
   * @default 0
   */
  readonly minHealthPercent?: number | undefined;
  /**
   * Success rates are compared where at least so many endpoints had `successRateRequestVolume` results in the last
   * interval. A whole number from 1.
   * @default 5
   */
  readonly successRateMinimumHosts?: number | undefined;
  /**
   * A whole number from 1.
   * @default 100
   */
  readonly successRateRequestVolume?: number | undefined;
  /**
   * An endpoint is ejected when its success rate is below `mean - factor / 1000 * standard deviation` of all that are
   * compared. In thousandths, as in Envoy: 1900 is 1.9. A whole number.
   * @default 1900
   */
  readonly successRateStdevFactor?: number | undefined;
  /**
   * See `enforcingConsecutive5xx`. 0 compares and ejects nobody, as Istio has it.
   * @default 100
   */
  readonly enforcingSuccessRate?: number | undefined;
  /**
   * With the split: the same for failures on the way.
   * @default 100
   */
  readonly enforcingLocalOriginSuccessRate?: number | undefined;
  /**
   * An endpoint is ejected when at least this share of its results in the last interval were failures.
   * @default 85
   */
  readonly failurePercentageThreshold?: number | undefined;
  /**
   * ... where at least so many endpoints had `failurePercentageRequestVolume` results. A whole number from 1.
   * @default 5
   */
  readonly failurePercentageMinimumHosts?: number | undefined;
  /**
   * A whole number from 1.
   * @default 50
   */
  readonly failurePercentageRequestVolume?: number | undefined;
  /**
   * See `enforcingConsecutive5xx`.
   * @default 100 where one of the three figures above is given, otherwise 0
   */
  readonly enforcingFailurePercentage?: number | undefined;
  /**
   * With the split: the same for failures on the way.
   * @default 100 where one of the three figures above is given, otherwise 0
   */
  readonly enforcingFailurePercentageLocalOrigin?: number | undefined;
  /**
   * An active health check that passes ends an ejection.
   * @default true
   */
  readonly successfulActiveHealthCheckUnejectHost?: boolean | undefined;
}
