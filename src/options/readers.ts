/** The readers from which the schema of the options is put together. Each checks and normalises in one pass. */
import { describe, listOf } from './describe.js';
import { nearest } from './nearest.js';
import type { Place, Reader } from './place.js';
import { entriesOf, isPlainObject, itemsOf } from './plain-object.js';
import { refuseUnknown } from './unknown-option.js';

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
  return (value, at) =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most
      ? (value as number)
      : at.refuse(value, `a whole number from ${least} to ${most}`);
}

export function number(least: number, most: number): Reader<number> {
  return (value, at) =>
    // Adding zero makes a negative zero an ordinary one.
    typeof value === 'number' && value >= least && value <= most
      ? value + 0
      : at.refuse(value, `a number from ${least} to ${most}`);
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
      meant.add(refuseUnknown(key, value, at.key(key), [...known.keys()], later));
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

/** A hint for a value given in place of an object: it was most likely meant for this option of it. */
export function meantFor(
  option: string,
  ...kinds: readonly ('number' | 'string')[]
): (value: unknown) => string {
  return (value) =>
    kinds.some((kind) => kind === typeof value)
      ? `; did you mean { ${option}: ${describe(value)} }?`
      : '';
}
