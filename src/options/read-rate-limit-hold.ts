/** The `rateLimitHold` option: which answers hold their endpoint, and for how long at most. */
import type { RateLimitHoldPolicy } from '../core/policy.js';
import { defaults } from './defaults.js';
import { parseDuration, readPositiveDuration } from './duration.js';
import type { Reader } from './place.js';
import { readResetHeaders } from './read-retry.js';
import { list, meantFor, object, orFalse, wholeNumber } from './readers.js';

const readCodes = list(wholeNumber(200, 599), 'a list of status codes');

const readStatusCodes: Reader<readonly number[]> = (value, at) => {
  const codes = readCodes(value, at);
  return codes?.length === 0
    ? at.refuse(value, 'at least one status code', '; false switches the hold off')
    : codes;
};

const holdObject = object(
  { statusCodes: readStatusCodes, maxTime: readPositiveDuration, resetHeaders: readResetHeaders },
  'an object of options, which may be empty, or false',
  {
    hintFor: (value) =>
      value === true ? '; did you mean {}?' : meantFor('maxTime', readPositiveDuration)(value),
  },
);

export const readRateLimitHold: Reader<false | RateLimitHoldPolicy> = orFalse((value, at) => {
  const read = holdObject(value, at);
  if (read === null) return null;
  return {
    statusCodes: new Set(read.statusCodes ?? defaults['rateLimitHold.statusCodes']),
    resetHeaders: read.resetHeaders ?? defaults['rateLimitHold.resetHeaders'],
    maxTime:
      read.maxTime ?? parseDuration(defaults['rateLimitHold.maxTime'], 'rateLimitHold.maxTime'),
  };
});
