/** The `circuitBreaker` option: when the calls of a service are refused at once, and when some are tried again. */

/**
 * The breaker of a service, for those who come from Hystrix, resilience4j, opossum, Polly or cockatiel. Envoy's circuit
 * breaking is `connectionPool`. An empty object switches it on with the defaults.
 */
export interface CircuitBreakerOptions {
  /**
   * How far back calls count: milliseconds, or text such as `'10s'`; above 0. Reckoned in tenths, of which the last is
   * under way. Hystrix's `metrics.rollingStats.timeInMilliseconds`, with its default.
   * @default '10s'
   */
  readonly window?: number | string | undefined;
  /**
   * It does not open on fewer calls than these within the window. A whole number from 1. Hystrix's
   * `requestVolumeThreshold`, with its default.
   * @default 20
   */
  readonly minimumCalls?: number | undefined;
  /**
   * It opens when this share of the calls in the window has failed, in percent from 1 to 100; of the calls on trial the
   * same share opens it again. The default of Hystrix (`errorThresholdPercentage`) and resilience4j
   * (`failureRateThreshold`).
   * @default 50
   */
  readonly failurePercent?: number | undefined;
  /**
   * A call that waits for the head of its answer for longer than this has failed, whatever the answer: milliseconds, or
   * text; 0 and false: time does not count. resilience4j's `slowCallDurationThreshold`, which counts slow calls apart.
   * @default 0 (off)
   */
  readonly slowCallDuration?: number | string | false | undefined;
  /**
   * How long it refuses every call before some are let through on trial: milliseconds, or text; above 0. Hystrix's
   * `sleepWindowInMilliseconds`, with its default.
   * @default '5s'
   */
  readonly openTime?: number | string | undefined;
  /**
   * Each time in a row that the trial fails it stays open for twice as long, up to this; not below `openTime`.
   * @default the same as `openTime`, which does not grow
   */
  readonly maxOpenTime?: number | string | undefined;
  /**
   * It stays open for longer by a random part of up to so many percent, 0 or from 1 to 100, so that many clients do
   * not come back together; never for less.
   * @default 20
   */
  readonly openTimeJitterPercent?: number | undefined;
  /**
   * How many calls are let through on trial, at once if they come at once; the others are refused until these are
   * judged. A whole number from 1 to 10000. resilience4j's `permittedNumberOfCallsInHalfOpenState`, with its default;
   * Hystrix and opossum let one through.
   * @default 10
   */
  readonly halfOpenCalls?: number | undefined;
}
