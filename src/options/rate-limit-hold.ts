/** The `rateLimitHold` option: endpoints that say when to come back are left alone until then. */
import type { ResetHeader } from '../core/policy.js';

/** What is left out has the default below; `{}` switches it on. */
export interface RateLimitHoldOptions {
  /**
   * Answers with one of these statuses are looked at. A list of status codes from 200 to 599, not empty.
   * @default [429, 503]
   */
  readonly statusCodes?: readonly number[] | undefined;
  /**
   * The longest hold: a longer time that is asked for is shortened to it. Milliseconds, or text such as `'60s'`;
   * above 0.
   * @default '60s'
   */
  readonly maxTime?: number | string | undefined;
  /**
   * The headers that tell when to come back, as those of `retry.rateLimitedBackoff`; the first that can be used counts.
   * @default [{ name: 'retry-after', format: 'seconds' }, { name: 'x-ratelimit-reset', format: 'unix-timestamp' }]
   */
  readonly resetHeaders?: readonly ResetHeader[] | undefined;
}
