/** Which values are read as objects and lists of options, and how: own entries, without `undefined`. */

/** An object literal, also one of another realm (jest, vm) or without a prototype; no instance of a class, no array. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  try {
    if (Array.isArray(value)) return false;
    const prototype: unknown = Object.getPrototypeOf(value);
    return prototype === null || Object.getPrototypeOf(prototype) === null;
  } catch {
    return false; // a revoked proxy, or one that throws
  }
}

/** Own enumerable entries; `undefined` counts as absent. Throws what a getter of the user's throws. */
export function entriesOf(value: object): Map<string, unknown> {
  return new Map(Object.entries(value).filter(([, entry]) => entry !== undefined));
}

/** The items of an array, holes as `undefined`; undefined when it is none, or throws when it is read. */
export function itemsOf(value: unknown): unknown[] | undefined {
  try {
    return Array.isArray(value) ? Array.from(value as unknown[]) : undefined;
  } catch {
    return undefined;
  }
}
