/** `retry.retryOn` and the headers beside it: what a retry is made for. */
import { retryWords, type OutcomeRule, type RetryWord } from '../core/policy.js';
import { listOf, quote } from './describe.js';
import { nearest, simplified } from './nearest.js';
import { otherRetryWords } from './other-names.js';
import type { Place, Reader } from './place.js';
import { complete, functionOf, readItems, wholeNumber } from './readers.js';

/** A condition as it is meant: text that is a number is one. */
export type Condition = RetryWord | number | OutcomeRule;

const EXPECTED_LIST = "a list of conditions, or text such as 'connect-failure,refused-stream,503'";
const EXPECTED = "one of Envoy's words for what is retried, a status code or a function";

export const readOutcomeRule = functionOf<OutcomeRule>('a function (outcome) => boolean');

const readStatus = wholeNumber(100, 599);
const readStatusText: Reader<number> = (value, at) =>
  typeof value === 'string' && /^[1-5]\d\d$/.test(value)
    ? Number(value)
    : at.refuse(value, "a status code from '100' to '599'");

const readCondition: Reader<Condition> = (value, at) => {
  if (typeof value === 'number') return readStatus(value, at);
  if (typeof value === 'function') return readOutcomeRule(value, at);
  if (typeof value !== 'string') return at.refuse(value, EXPECTED);
  if (/^\d+$/.test(value)) return readStatusText(value, at);
  return retryWords.find((word) => word === value) ?? refuseWord(value, at);
};

function refuseWord(value: string, at: Place): null {
  if (simplified(value) === 'http3postconnectfailure') {
    return at.say(
      quote(value),
      EXPECTED,
      `${quote(value)} has nothing to do here, since HTTP/3 is not spoken`,
    );
  }
  if (value.includes(',')) return at.refuse(value, EXPECTED, '; each is an item of its own');
  const near = otherRetryWords.get(simplified(value)) ?? nearest(value, retryWords);
  const hint =
    near === undefined
      ? `; the words are ${listOf(retryWords, 'and')}`
      : `; did you mean '${near}'?`;
  return at.refuse(value, EXPECTED, hint);
}

/** A list, or one text as Istio writes it: split at commas, trimmed, empty parts dropped. */
export const readRetryOn: Reader<readonly Condition[]> = (value, at) => {
  const items =
    typeof value === 'string'
      ? value
          .split(',')
          .map((part) => part.trim())
          .filter((part) => part !== '')
      : value;
  return complete(readItems(items, at, readCondition, EXPECTED_LIST));
};
