/** The `timeout` option: a duration for the whole call, or an object with a time for each part of it. */
import type { TimeoutPolicy } from '../core/policy.js';
import { defaults } from './defaults.js';
import { durationOr, readTimeout } from './duration.js';
import type { Reader } from './place.js';
import { isPlainObject } from './plain-object.js';
import { object, type Read } from './readers.js';

const timeoutFields = { response: readTimeout, idle: readTimeout, total: readTimeout };

/** What was given of a timeout; the rest holds as it does. */
export type TimeoutParts = Partial<Read<typeof timeoutFields>>;

const timeoutObject = object(timeoutFields, 'an object of timeouts');

const readTotal = durationOr(", false, or an object with 'response', 'idle' and 'total'");

/** A duration says something of every part: it is the whole call's, and there is no other. */
export const readTimeoutParts: Reader<TimeoutParts> = (value, at) => {
  if (isPlainObject(value)) return timeoutObject(value, at);
  const total = value === false ? 0 : readTotal(value, at);
  return total === null ? null : { ...noTimeout(), total };
};

export const readTimeoutPolicy: Reader<TimeoutPolicy> = (value, at) => {
  const parts = readTimeoutParts(value, at);
  return parts && timeoutOver(noTimeout(), parts);
};

export function timeoutOver(base: TimeoutPolicy, own: TimeoutParts): TimeoutPolicy {
  return {
    response: own.response ?? base.response,
    idle: own.idle ?? base.idle,
    total: own.total ?? base.total,
  };
}

/** The timeouts that hold when the user gives none. */
export function noTimeout(): TimeoutPolicy {
  return {
    response: defaults['timeout.response'],
    idle: defaults['timeout.idle'],
    total: defaults['timeout.total'],
  };
}
