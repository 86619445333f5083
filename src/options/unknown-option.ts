/** The answer to a key that is no option: why not, and which one was most likely meant. */
import { defaults } from './defaults.js';
import { listOf, quote } from './describe.js';
import { nearest, simplified } from './nearest.js';
import { namesInPlace, otherConcepts, otherNames, otherNamesOfNumbers } from './other-names.js';
import type { Place } from './place.js';

const NOT_YET = 'not available in this version';

/**
 * Reports the key at its place and gives the known key that was meant, if one was. `later` are the options that
 * this version does not have yet.
 */
export function refuseUnknown(
  key: string,
  value: unknown,
  at: Place,
  known: readonly string[],
  later: readonly string[],
): string | undefined {
  const expected = known.length === 0 ? 'no option here' : listOf(known);
  if (later.includes(key)) {
    at.say(`the option ${quote(key)}`, expected, NOT_YET);
    return undefined;
  }
  const { hint, meant } = suggestion(key, value, at, known, later);
  // A path that has quotes of its own is clear without more of them.
  const shown = at.path.includes("'") ? at.path : `'${at.path}'`;
  const knownOnes =
    known.length === 0 ? 'there is none here' : `known here: ${listOf(known, 'and')}`;
  at.report(
    `the unknown option ${quote(key)}`,
    expected,
    `unknown option ${shown}; ${hint ?? knownOnes}`,
  );
  return meant;
}

function suggestion(
  key: string,
  value: unknown,
  at: Place,
  known: readonly string[],
  later: readonly string[],
): { hint?: string; meant?: string } {
  const inPlace = namesInPlace.get(`${parentOf(at)}.${simplified(key)}`);
  if (inPlace !== undefined) return { hint: `here it is ${quote(inPlace)}`, meant: inPlace };
  const same = [...known, ...later].find((name) => simplified(name) === simplified(key));
  const answer = otherConcepts.get(simplified(key));
  if (same === undefined && answer !== undefined) return { hint: answer };
  const here =
    (typeof value === 'number' ? otherNamesOfNumbers.get(simplified(key)) : undefined) ??
    otherNames.get(simplified(key));
  if (same === undefined && here !== undefined) {
    const absent = Object.hasOwn(defaults, here) ? '' : ` (${NOT_YET})`;
    return { hint: `here it is ${quote(here)}${absent}`, meant: lastPart(here) };
  }
  const elsewhere = optionElsewhere(key);
  const near = same ?? nearest(key, [...known, ...later]);
  // One letter is a slip of the pen; more of them may be the name of another option.
  const isSlip = near !== undefined && Math.abs(near.length - key.length) <= 1;
  if (same === undefined && elsewhere !== undefined && !isSlip) {
    const place = elsewhere.includes('.') ? quote(elsewhere) : 'the top level';
    return { hint: `its place is ${place}` };
  }
  if (near === undefined) return {};
  const absent = later.includes(near) ? ` (${NOT_YET})` : '';
  return { hint: `did you mean ${quote(near)}${absent}?`, meant: near };
}

/** An option of that very name in another place of the options. */
function optionElsewhere(key: string): string | undefined {
  return Object.keys(defaults).find((path) => simplified(lastPart(path)) === simplified(key));
}

/** The option that has the key: `retry` of `services.shop.retry.delay`. */
function parentOf({ path }: Place): string {
  return lastPart(path.slice(0, Math.max(path.lastIndexOf('.'), 0)));
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}
