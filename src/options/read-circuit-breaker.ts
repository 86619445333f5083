/** The `circuitBreaker` option: its figures, each checked, and the defaults of those that are left out. */
import type { BreakerPolicy } from '../cluster/circuit-breaker.js';
import { defaults } from './defaults.js';
import { parseDuration, readPositiveDuration, readTimeout } from './duration.js';
import type { Place, Reader } from './place.js';
import { object, orFalse, percent, wholeNumber, type Read } from './readers.js';

const MOST_CALLS = 1_000_000_000;
const MOST_ON_TRIAL = 10_000;

const fields = {
  window: readPositiveDuration,
  minimumCalls: wholeNumber(1, MOST_CALLS),
  failurePercent: percent(1),
  slowCallDuration: readTimeout,
  openTime: readPositiveDuration,
  maxOpenTime: readPositiveDuration,
  openTimeJitterPercent: percent(),
  halfOpenCalls: wholeNumber(1, MOST_ON_TRIAL),
};

const breakerObject = object(fields, 'an object of circuit breaker options, or false', {
  hintFor: (value) => (value === true ? '; did you mean {}, which has all defaults?' : ''),
});

export const readCircuitBreaker: Reader<false | BreakerPolicy> = orFalse((value, at) => {
  const parts = breakerObject(value, at);
  if (parts === null) return null;
  const policy = policyOf(parts);
  if (at.isSound() && policy.maxOpenTime < policy.openTime) return refuseMaximum(policy, parts, at);
  return policy;
});

type Parts = Partial<Read<typeof fields>>;

function policyOf(parts: Parts): BreakerPolicy {
  const openTime = parts.openTime ?? defaultOf('circuitBreaker.openTime');
  return {
    window: parts.window ?? defaultOf('circuitBreaker.window'),
    minimumCalls: parts.minimumCalls ?? defaults['circuitBreaker.minimumCalls'],
    failurePercent: parts.failurePercent ?? defaults['circuitBreaker.failurePercent'],
    slowCallDuration: parts.slowCallDuration ?? defaults['circuitBreaker.slowCallDuration'],
    openTime,
    maxOpenTime: parts.maxOpenTime ?? openTime,
    openTimeJitterPercent:
      parts.openTimeJitterPercent ?? defaults['circuitBreaker.openTimeJitterPercent'],
    halfOpenCalls: parts.halfOpenCalls ?? defaults['circuitBreaker.halfOpenCalls'],
  };
}

function defaultOf(option: 'circuitBreaker.window' | 'circuitBreaker.openTime'): number {
  return parseDuration(defaults[option], option);
}

function refuseMaximum({ openTime, maxOpenTime }: BreakerPolicy, parts: Parts, at: Place): null {
  const which = parts.openTime === undefined ? "the default of 'openTime'" : "'openTime'";
  return at
    .key('maxOpenTime')
    .refuseFound(`${maxOpenTime} ms`, `at least ${openTime} ms, which is ${which}`);
}
