/** The `retry` option as it is given: each part of it checked, and nothing filled in yet. */
import type { KeyedRequest, ResetHeader } from '../core/policy.js';
import { defaults } from './defaults.js';
import { describe } from './describe.js';
import { parseDuration, readPositiveDuration, readTimeout } from './duration.js';
import { laterRetryOptions } from './other-names.js';
import { Place, type Reader } from './place.js';
import { readHeaderMatches } from './read-field-matches.js';
import { readOutcomeRule, readRetryOn } from './read-retry-on.js';
import { readHeaderName, readMethods } from './read-tokens.js';
import {
  boolean,
  functionOf,
  list,
  meantFor,
  object,
  oneOf,
  onByDefault,
  orFalse,
  percent,
  readEntries,
  readFields,
  wholeNumber,
  type Read,
} from './readers.js';

const EXPECTED = 'an object of retry options, or false';
const MOST_ATTEMPTS = 100;
/** Envoy's: 32 bits. */
const MOST_AT_ONCE = 4_294_967_295;
const MOST_BUFFERED = 2 ** 31;

const readBackoff = object(
  { baseInterval: readPositiveDuration, maxInterval: readPositiveDuration },
  'an object of back-off options',
  { hintFor: meantFor('baseInterval', readPositiveDuration) },
);

const resetHeaderObject = object(
  { name: readHeaderName, format: oneOf('seconds', 'unix-timestamp') },
  "a header: an object with its 'name' and 'format'",
  {
    required: { name: 'the name of the header', format: "'seconds' or 'unix-timestamp'" },
    hintFor: hintForResetHeader,
  },
);

/** Its format is the one that it has by default, if it is among those. */
function hintForResetHeader(value: unknown): string {
  if (typeof value !== 'string' || readHeaderName(value, new Place('', [])) === null) return '';
  const usual = defaults['retry.rateLimitedBackoff.resetHeaders'];
  const same = usual.find(({ name }) => name === value.toLowerCase());
  return `; did you mean { name: ${describe(value)}, format: '${same?.format ?? 'seconds'}' }?`;
}

const readResetHeader: Reader<ResetHeader> = (value, at) => {
  const { name, format } = resetHeaderObject(value, at) ?? {};
  return name === undefined || format === undefined ? null : { name, format };
};

export const readResetHeaders = list(readResetHeader, 'a list of headers');

const readRateLimitedBackoff = orFalse(
  object(
    { resetHeaders: readResetHeaders, maxInterval: readPositiveDuration },
    'an object of back-off options, or false',
    { hintFor: onByDefault },
  ),
);

const readBudgetPercent = percent();

const readBudget = orFalse(
  object(
    {
      percent: readBudgetPercent,
      minRetryConcurrency: wholeNumber(0, MOST_AT_ONCE),
      interval: readTimeout,
    },
    'an object of budget options, or false',
    { hintFor: (value) => meantFor('percent', readBudgetPercent)(value) || onByDefault(value) },
  ),
);

type KeyOf = (request: KeyedRequest) => string;

const readKeyFunction = functionOf<KeyOf>('true, false or a function (request) => string');
const readIdempotencyKey: Reader<boolean | KeyOf> = (value, at) =>
  typeof value === 'boolean' ? value : readKeyFunction(value, at);

/** What one call can say, too. */
const callFields = {
  attempts: wholeNumber(0, MOST_ATTEMPTS),
  retryOn: readRetryOn,
  retriableStatusCodes: list(wholeNumber(200, 599), 'a list of status codes'),
  retriableHeaders: readHeaderMatches,
  perTryTimeout: readTimeout,
  perTryIdleTimeout: readTimeout,
  backoff: readBackoff,
  rateLimitedBackoff: readRateLimitedBackoff,
  methods: readMethods,
  retryUnsafeMethods: boolean,
  idempotencyKey: readIdempotencyKey,
  notProcessed: orFalse(readOutcomeRule),
  maxBufferedBytes: wholeNumber(0, MOST_BUFFERED),
  ignorePreviousHosts: boolean,
  retryRemoteLocalities: boolean,
};

const fields = {
  ...callFields,
  budget: readBudget,
  maxRetries: wholeNumber(0, MOST_AT_ONCE),
};

/** What was given of the retries; the rest holds as it does. */
export type RetryParts = Partial<Read<typeof fields>>;

/** The retries of a service; what is left out will have its default. */
export const readRetryParts: Reader<false | RetryParts> = orFalse((value, at) => {
  const entries = readEntries(value, at, EXPECTED, hintFor);
  if (entries === null) return null;
  const parts: RetryParts = readFields(entries, at, fields, { later: laterRetryOptions });
  checkBackoff(parts, at, defaultBaseInterval());
  if (parts.maxRetries !== undefined && parts.budget !== false && at.key('budget').isSound()) {
    at.key('maxRetries').say(
      'it beside a budget',
      "it beside 'budget: false'",
      "it limits all calls together and needs 'budget: false', since a budget is on by default; for one call it is 'attempts'",
    );
  }
  return parts;
});

/** The retries of one call; what is left out is as its service has it. */
export const readRetryPartsOfCall: Reader<false | RetryParts> = orFalse((value, at) => {
  const entries = readEntries(value, at, EXPECTED, hintFor);
  if (entries === null) return null;
  for (const key of ['budget', 'maxRetries']) {
    if (!entries.has(key)) continue;
    at.key(key).say(
      describe(entries.get(key)),
      'nothing',
      'belongs to the service, since all its calls share it',
    );
    entries.delete(key);
  }
  const parts: RetryParts = readFields(entries, at, callFields, { later: laterRetryOptions });
  checkBackoff(parts, at, undefined);
  return parts;
});

export function defaultBaseInterval(): number {
  return parseDuration(defaults['retry.backoff.baseInterval'], 'retry.backoff.baseInterval');
}

function checkBackoff({ backoff }: RetryParts, at: Place, usualBase: number | undefined): void {
  const { baseInterval, maxInterval } = backoff ?? {};
  const place = at.key('backoff');
  const base = baseInterval ?? (place.key('baseInterval').isSound() ? usualBase : undefined);
  if (base === undefined || maxInterval === undefined || maxInterval >= base) return;
  const which = baseInterval === undefined ? "the default of 'baseInterval'" : "'baseInterval'";
  place
    .key('maxInterval')
    .refuseFound(`${maxInterval} ms`, `at least ${base} ms, which is ${which}`);
}

function hintFor(value: unknown): string {
  return meantFor('attempts', callFields.attempts)(value) || onByDefault(value);
}
