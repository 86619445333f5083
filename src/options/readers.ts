/** The readers from which the schema of the options is put together. Each checks and normalises in one pass. */
import { describe, listOf } from './describe.js';
import { nearest } from './nearest.js';
import { Place, type Reader } from './place.js';
import { entriesOf, isPlainObject, itemsOf } from './plain-object.js';
import { isMerePart, refuseUnknown } from './unknown-option.js';

/** Anything: whoever asks for it reads it. */
export const asGiven: Reader<unknown> = (value) => value;

export const boolean: Reader<boolean> = (value, at) =>
  typeof value === 'boolean' ? value : at.refuse(value, 'true or false');

/** Text that matches; `expected` says in words what does. */
export function text(pattern: RegExp, expected: string): Reader<string> {
  return (value, at) =>
    typeof value === 'string' && pattern.test(value) ? value : at.refuse(value, expected);
}

export function wholeNumber(least: number, most: number): Reader<number> {
  return numeric(
    (value) => Number.isInteger(value) && value >= least && value <= most,
    `a whole number from ${least} to ${most}`,
    numberIn,
  );
}

export function number(least: number, most: number): Reader<number> {
  return numeric(
    (value) => value >= least && value <= most,
    `a number from ${least} to ${most}`,
    numberIn,
  );
}

/** Percent, from 1 or 0: elsewhere it is a ratio, which would be next to nothing here. */
export function percent(least: 0 | 1 = 0): Reader<number> {
  const expected = least === 1 ? 'a number from 1 to 100' : 'a number from 1 to 100, or 0';
  return numeric(
    (value) => (value >= 1 && value <= 100) || value === least,
    expected,
    (value) => outOfRatio(percentIn(value)),
  );
}

/** The same without parts of a percent. */
export const wholePercent: Reader<number> = numeric(
  (value) => Number.isInteger(value) && value >= 0 && value <= 100,
  'a whole number from 0 to 100',
  (value) => Math.round(outOfRatio(percentIn(value))),
);

/** `meant` is the number that another value most likely stands for; NaN: none. */
function numeric(
  isRight: (value: number) => boolean,
  expected: string,
  meant: (value: unknown) => number,
): Reader<number> {
  return (value, at) => {
    // Adding zero makes a negative zero an ordinary one.
    if (typeof value === 'number' && isRight(value)) return value + 0;
    const other = meant(value);
    const isHint = other !== value && isRight(other);
    return at.refuse(value, expected, isHint ? `; did you mean ${other}?` : '');
  };
}

/** A number that was written as text. */
function numberIn(value: unknown): number {
  const isNumber = typeof value === 'string' && /^\s*[+-]?\d+(?:\.\d+)?\s*$/.test(value);
  return isNumber ? Number(value) : NaN;
}

function percentIn(value: unknown): number {
  if (typeof value === 'number') return value;
  return numberIn(typeof value === 'string' ? value.replace(/%\s*$/, '') : value);
}

/** Half is fifty of a hundred. */
function outOfRatio(value: number): number {
  return value > 0 && value < 1 ? Math.round(value * 1e6) / 1e4 : value;
}

export function oneOf<const T extends string>(...known: readonly T[]): Reader<T> {
  return (value, at) => {
    const found = known.find((name) => name === value);
    if (found !== undefined) return found;
    const near = typeof value === 'string' ? nearest(value, known) : undefined;
    return at.refuse(value, listOf(known), near === undefined ? '' : `; did you mean '${near}'?`);
  };
}

export function orFalse<T>(reader: Reader<T>): Reader<T | false> {
  return (value, at) => (value === false ? value : reader(value, at));
}

/** False switches off what would hold otherwise. */
export function switched<T>(own: T | false | undefined, otherwise: T | undefined): T | undefined {
  if (own === undefined) return otherwise;
  return own === false ? undefined : own;
}

export function functionOf<T>(expected: string): Reader<T> {
  return (value, at) => (typeof value === 'function' ? (value as T) : at.refuse(value, expected));
}

/** Each item read; one with a problem is null, so that the others keep their numbers. */
export function readItems<T>(
  value: unknown,
  at: Place,
  item: Reader<T>,
  expected: string,
): readonly (T | null)[] | null {
  const items = itemsOf(value);
  if (items === undefined) return at.refuse(value, expected);
  return items.map((one, index) => item(one, at.item(index)));
}

/** The items, if all of them are there. */
export function complete<T>(items: readonly (T | null)[] | null): readonly T[] | null {
  if (items === null) return null;
  const right = items.filter((item) => item !== null);
  return right.length === items.length ? right : null;
}

export function list<T>(item: Reader<T>, expected: string): Reader<readonly T[]> {
  return (value, at) => complete(readItems(value, at, item, expected));
}

/** The entries of an object of options; null when it is none, which has been reported. */
export function readEntries(
  value: unknown,
  at: Place,
  expected: string,
  hintFor?: (value: unknown) => string,
): Map<string, unknown> | null {
  if (!isPlainObject(value)) return at.refuse(value, expected, hintFor?.(value));
  try {
    return entriesOf(value);
  } catch {
    return at.refuseFound(`${describe(value)} that throws when it is read`, expected);
  }
}

export type Fields = Readonly<Record<string, Reader<unknown>>>;

/** What the readers of the fields give; undefined: absent, or reported. */
export type Read<F extends Fields> = {
  [K in keyof F]: (F[K] extends Reader<infer T> ? T : never) | undefined;
};

export interface FieldRules {
  /** Fields that must be there, with what is expected of them. */
  readonly required?: Readonly<Record<string, string>>;
  /** Options that this version does not have yet. */
  readonly later?: readonly string[];
  /** The end of the message about a value that is no object. */
  readonly hintFor?: (value: unknown) => string;
}

/** Reads each entry by the field of its name, and refuses what has no field. */
export function readFields<F extends Fields>(
  entries: ReadonlyMap<string, unknown>,
  at: Place,
  fields: F,
  { required = {}, later = [] }: FieldRules = {},
): Read<F> {
  const known = new Map(Object.entries(fields));
  const read = new Map<string, unknown>();
  const meant = new Set<string | undefined>();
  for (const [key, value] of entries) {
    const reader = known.get(key);
    if (reader === undefined) {
      const place = at.key(key);
      meant.add(refuseUnknown(key, value, place, [...known.keys()], later));
      if (isMerePart(place)) readInside(value, place, fields, later);
      continue;
    }
    const normal = reader(value, at.key(key));
    if (normal !== null) read.set(key, normal);
  }
  for (const [key, expected] of Object.entries(required)) {
    // A misspelt key is one problem, not also a missing one.
    if (!entries.has(key) && !meant.has(key)) at.key(key).refuseFound('nothing', expected);
  }
  return Object.fromEntries(read) as Read<F>;
}

/** What stands in a part that is none here: read all the same, so that all its problems are said at once. */
function readInside(value: unknown, at: Place, fields: Fields, later: readonly string[]): void {
  if (isPlainObject(value)) {
    const entries = readEntries(value, at, 'options');
    if (entries !== null) readFields(entries, at, fields, { later });
    return;
  }
  itemsOf(value)?.forEach((item, index) => {
    if (isPlainObject(item)) readInside(item, at.item(index), fields, later);
  });
}

/** An object of options with these fields. */
export function object<F extends Fields>(
  fields: F,
  expected: string,
  rules?: FieldRules,
): Reader<Read<F>> {
  return (value, at) => {
    const entries = readEntries(value, at, expected, rules?.hintFor);
    return entries && readFields(entries, at, fields, rules);
  };
}

/** A hint for a value given in place of an object: it was most likely meant for this option, which would take it. */
export function meantFor(option: string, reader: Reader<unknown>): (value: unknown) => string {
  return (value) =>
    reader(value, new Place('', [])) === null
      ? ''
      : `; did you mean { ${option}: ${describe(value)} }?`;
}

export function onByDefault(value: unknown): string {
  return value === true ? '; leave it out, it is on by default' : '';
}
