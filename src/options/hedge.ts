/** The `hedge` option: a second attempt beside a slow one, of which the first good head wins. */

/**
 * When another attempt starts beside a slow one. At least one of `onPerTryTimeout` and `delay` must be given. Hedges
 * go to another endpoint where there is one, and draw on the same `retry.budget` as retries.
 */
export interface HedgeOptions {
  /**
   * Envoy's `hedge_on_per_try_timeout`: a try whose `retry.perTryTimeout` is over is not cancelled; it goes on beside
   * the retry that follows. Such a hedge uses up one of `retry.attempts`.
   * @default false
   */
  readonly onPerTryTimeout?: boolean | undefined;
  /**
   * Time without a head after which another attempt starts beside: milliseconds, text such as `'50ms'`, or a
   * percentile of the recent times to the head of this cluster, such as `'p95'` or `'p99.9'` (5 ms at least). It uses up none of
   * `retry.attempts`. 0 sends the attempts at once, which costs as many times the load; false is none.
   * @default none
   */
  readonly delay?: number | string | false | undefined;
  /**
   * Attempts that `delay` may add to one call. A whole number from 1 to 10.
   * @default 1
   */
  readonly maxHedges?: number | undefined;
  /**
   * Methods that may be sent twice at once, beside the safe ones (GET, HEAD, OPTIONS, TRACE).
   * @default []
   */
  readonly methods?: readonly string[] | undefined;
}
