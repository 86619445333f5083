/** What headers or parameters of a query must be. */
import { types } from 'node:util';
import { quote } from './describe.js';
import { didYouMean, meantByObject } from './meant-match.js';
import type { Reader } from './place.js';
import { readHeaderName } from './read-tokens.js';
import { readEntries } from './readers.js';

/** Each name, and what its value must be: true for any, false for none. Names of headers are in lower case. */
export type FieldMatches = ReadonlyMap<string, boolean | string | RegExp>;

export const readHeaderMatches = fieldMatches(readHeaderName, 'header');

/** `what` is what the names are names of; `readText` reads the values that are text. */
export function fieldMatches(
  readName: Reader<string>,
  what: string,
  readText: Reader<string> = (value) => value as string,
): Reader<FieldMatches> {
  return (value, at) => {
    const entries = readEntries(
      value,
      at,
      `an object with true, the exact value or a regular expression for each ${what}`,
    );
    if (entries === null) return null;
    const matches = new Map<string, boolean | string | RegExp>();
    for (const [name, given] of entries) {
      const place = at.key(name);
      const field = readName(name, place);
      const match = typeof given === 'string' ? readText(given, place) : readMatch(given, place);
      if (field === null || match === null) continue;
      if (matches.has(field)) place.refuseFound(`${quote(field)} again`, `each ${what} once`);
      matches.set(field, match);
    }
    return matches;
  };
}

const readMatch: Reader<boolean | RegExp> = (value, at) => {
  if (typeof value === 'boolean') return value;
  if (!types.isRegExp(value)) {
    const isNumber = typeof value === 'number';
    const hint = isNumber ? didYouMean(quote(String(value))) : meantByObject(value);
    return at.refuse(value, 'true, the exact value or a regular expression', hint);
  }
  // One of our own: the user's may be of another realm (jest, vm).
  return new RegExp(value.source, value.flags);
};
