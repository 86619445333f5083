/** The answer to a key that is no option: why not, and which one was most likely meant. */
import { defaults } from './defaults.js';
import { describe, listOf, quote } from './describe.js';
import { nearest, simplified } from './nearest.js';
import {
  mereParts,
  namesInPlace,
  otherConcepts,
  otherNames,
  otherNamesOfNumbers,
} from './other-names.js';
import type { Place } from './place.js';

const NOT_YET = 'not available in this version';

/** What can be said of one call; the rest is said once. */
const OF_ONE_CALL = ['timeout', 'retry', 'hedge', 'maxResponseBytes'];
const OF_THE_CLIENT = [
  'services',
  'otherOrigins',
  'maxOrigins',
  'originIdleTimeout',
  'localReplies',
  'middleware',
  'layers',
  'around',
  'runtime',
  'fetch',
  'dispatcher',
];

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
  if (isOfOneCall(at) && Object.hasOwn(defaults, key)) {
    at.say(describe(value), 'nothing', notOfOneCall(key));
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
  const { owner, name } = nameOf(key, at);
  const wanted = simplified(name);
  const inPlace = namesInPlace.get(`${owner.replace(/\[\d+\]$/, '')}.${wanted}`);
  if (inPlace !== undefined) return { hint: hereItIs(inPlace, at), meant: lastPart(inPlace) };
  const same = [...known, ...later].find((option) => simplified(option) === wanted);
  const answer = otherConcepts.get(`${owner}.${wanted}`) ?? otherConcepts.get(wanted);
  if (same === undefined && answer !== undefined) return { hint: answer };
  const here =
    (typeof value === 'number' ? otherNamesOfNumbers.get(wanted) : undefined) ??
    otherNames.get(wanted);
  if (same === undefined && here !== undefined) {
    return { hint: hereItIs(here, at), meant: lastPart(here) };
  }
  const elsewhere = optionElsewhere(name);
  const near = same ?? nearest(name, [...known, ...later]);
  // One letter is a slip of the pen; more of them may be the name of another option.
  const isSlip = near !== undefined && Math.abs(near.length - name.length) <= 1;
  if (same === undefined && elsewhere !== undefined && !isSlip) {
    const place = elsewhere.includes('.') ? quote(elsewhere) : 'the top level';
    return { hint: `its place is ${place}${butNotHere(elsewhere, at)}` };
  }
  if (near === undefined) return {};
  const absent = later.includes(near) ? ` (${NOT_YET})` : '';
  return { hint: `did you mean ${quote(near)}${absent}?`, meant: near };
}

function hereItIs(option: string, at: Place): string {
  return `here it is ${quote(option)}${butNotHere(option, at)}`;
}

/** The end of a hint to an option that would be refused where the hint is read. */
function butNotHere(option: string, at: Place): string {
  const [head = ''] = option.split('.');
  return isOfOneCall(at) && !OF_ONE_CALL.includes(head) ? `, which ${notOfOneCall(head)}` : '';
}

function notOfOneCall(option: string): string {
  const owner = OF_THE_CLIENT.includes(option) ? 'client' : 'service';
  return `belongs to the ${owner} and cannot be said for one call`;
}

function isOfOneCall({ path }: Place): boolean {
  return /^resilience[.[]/.test(path);
}

/** An option of that very name in another place of the options. */
function optionElsewhere(key: string): string | undefined {
  return Object.keys(defaults).find((path) => simplified(lastPart(path)) === simplified(key));
}

/**
 * A part that there is elsewhere, and that is none here: `tcp` of `connectionPool.tcp`. Not inside another one, so that
 * a circle ends.
 */
export function isMerePart({ path }: Place): boolean {
  const above = withoutLast(path);
  return (
    isPart(lastPart(above), lastPart(path)) &&
    !isPart(lastPart(withoutLast(above)), lastPart(above))
  );
}

function isPart(owner: string, name: string): boolean {
  const part = simplified(withoutIndex(name));
  return part === 'trafficpolicy' || mereParts.has(`${owner}.${part}`);
}

/** The name, and the option it is in: `retry` for `services.shop.retry.delay`; Hystrix writes both in one key. */
function nameOf(key: string, { path }: Place): { owner: string; name: string } {
  if (/^\w+(?:\.\w+)+$/.test(key))
    return { owner: lastPart(withoutLast(key)), name: lastPart(key) };
  const above = withoutLast(path);
  const owner = lastPart(above);
  const further = lastPart(withoutLast(above));
  return { owner: isPart(further, owner) ? further : owner, name: key };
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}

function withoutLast(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('.'), 0));
}

function withoutIndex(name: string): string {
  return name.replace(/\[\d+\]$/, '');
}
