/** How long to wait before a retry. */
import type { ResetHeader, RetryPolicy } from '../core/policy.js';
import { headerValue } from '../core/raw-headers.js';
import type { RawHeader } from '../core/reply.js';
import type { Runtime } from '../core/runtime.js';

/**
 * Envoy's fully jittered exponential back-off (`backoff_strategy.cc`): before retry n a whole number of milliseconds
 * from 0 up to, and not including, an interval that begins with the base and doubles up to the maximum.
 */
export function exponentialBackoff(
  { baseInterval, maxInterval }: RetryPolicy['backoff'],
  retry: number,
  runtime: Runtime,
): number {
  let interval = baseInterval;
  for (let n = 1; n < retry && interval < maxInterval; n++) {
    interval = interval < Math.floor(maxInterval / 2) ? interval * 2 : maxInterval;
  }
  return Math.floor(runtime.random() * interval);
}

/**
 * The wait that an answer asks for by `Retry-After` or the like, in milliseconds, as Envoy's
 * `rate_limited_retry_back_off`: what is asked and up to half as much again. 'too-long' when it asks for more than
 * the policy allows, undefined when it asks for nothing that can be understood, or for no wait at all.
 */
export function requestedBackoff(
  { resetHeaders, maxInterval }: NonNullable<RetryPolicy['rateLimitedBackoff']>,
  rawHeaders: readonly RawHeader[],
  runtime: Runtime,
): number | 'too-long' | undefined {
  for (const header of resetHeaders) {
    const value = headerValue(rawHeaders, header.name);
    const interval = value === undefined ? undefined : intervalOf(header, value, runtime);
    if (interval === undefined) continue;
    if (interval > maxInterval) return 'too-long';
    if (interval <= 1) continue;
    return interval + Math.floor(runtime.random() * Math.floor(interval / 2));
  }
  return undefined;
}

const WHOLE = /^\d+$/;

/** HTTP's own form of a date (RFC 9110, 5.6.7): what other forms `Date.parse` takes is no business of a header. */
const HTTP_DATE =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

function intervalOf({ format }: ResetHeader, value: string, runtime: Runtime): number | undefined {
  if (WHOLE.test(value)) {
    if (format === 'seconds') return Number(value) * 1000;
    // In whole seconds, as Envoy reckons; never sooner than was asked.
    return remaining(Number(value) * 1000 - runtime.date());
  }
  if (format === 'seconds' && HTTP_DATE.test(value))
    return remaining(Date.parse(value) - runtime.date());
  return undefined;
}

/** A time that has passed asks for nothing. */
function remaining(milliseconds: number): number | undefined {
  return milliseconds > 0 ? Math.ceil(milliseconds / 1000) * 1000 : undefined;
}
