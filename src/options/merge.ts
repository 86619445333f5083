/**
 * Merging options into options: objects merge deeply, arrays replace, everything else replaces, `undefined` is
 * absent. Nothing of the user's is written to, and his objects and arrays come out as copies.
 */
import { defaults } from './defaults.js';
import type { ClientOptions, UpdateOptions } from './options.js';
import { canonicalOrigin } from './origin.js';
import { entriesOf, isPlainObject, itemsOf } from './plain-object.js';

/** Options that are code of the user's: handed on as they are, never copied. */
const CODE: ReadonlySet<string> = new Set(['middleware', 'layers', 'around', 'runtime']);

/** No option lies deeper; what does is wrong, may be a circle, and is handed on for the validation to refuse. */
const DEEPEST = 6;

type Merge = (base: unknown, update: unknown, depth: number) => unknown;

/** A copy of options, so that what the user does to his own afterwards changes nothing. */
export function copyOptions(options: object): ClientOptions {
  return mergeClients({}, options, undefined);
}

/** The options that hold after an update. Validates nothing. */
export function mergeOptions(base: ClientOptions, update: UpdateOptions): ClientOptions {
  return mergeClients(base, update, base.loadBalancer ?? defaults.loadBalancer);
}

/**
 * A `loadBalancer` over another: an object without a policy, or with the same, changes the options of the other;
 * anything else replaces it.
 */
export function mergeLoadBalancers(base: unknown, update: unknown, depth = 0): unknown {
  if (!isPlainObject(update)) return update;
  const before = typeof base === 'string' ? { policy: base } : base;
  const same = isPlainObject(before) && [undefined, policyOf(before)].includes(policyOf(update));
  return mergeValues(same ? before : undefined, update, depth);
}

function policyOf(options: Readonly<Record<string, unknown>>): unknown {
  try {
    return options.policy;
  } catch {
    return undefined; // a getter that throws, which the validation will say
  }
}

/** `inForce` is the policy of a service that has none of its own. */
function mergeClients(base: ClientOptions, update: object, inForce: unknown): ClientOptions {
  const mergeServiceOption = (key: string): Merge =>
    key === 'loadBalancer'
      ? (before, after, depth) => mergeLoadBalancers(before ?? inForce, after, depth)
      : mergeValues;
  const mergeService: Merge = (before, after, depth) =>
    isPlainObject(after) ? mergeEntries(before, after, depth, mergeServiceOption) : after;
  const mergeServices: Merge = (before, after, depth) =>
    isPlainObject(after)
      ? mergeEntries(before, underKnownKeys(before, after), depth, () => mergeService)
      : after;
  return mergeEntries(base, update, 0, (key) => {
    if (CODE.has(key)) return (_before, after) => after;
    return key === 'services' ? mergeServices : mergeServiceOption(key);
  });
}

const mergeValues: Merge = (base, update, depth) => {
  if (depth > DEEPEST) return update;
  if (isPlainObject(update)) return mergeEntries(base, update, depth, () => mergeValues);
  return itemsOf(update)?.map((item) => mergeValues(undefined, item, depth + 1)) ?? update;
};

function mergeEntries(
  base: unknown,
  update: object,
  depth: number,
  mergeFor: (key: string) => Merge,
): object {
  try {
    const merged = isPlainObject(base) ? entriesOf(base) : new Map<string, unknown>();
    for (const [key, value] of entriesOf(update)) {
      merged.set(key, mergeFor(key)(merged.get(key), value, depth + 1));
    }
    return Object.fromEntries(merged);
  } catch {
    return update; // it throws when it is read, which the validation will say
  }
}

/** The services of an update under the keys that the same origins have so far: `http://a/` is `http://a`. */
function underKnownKeys(base: unknown, update: object): object {
  const known = isPlainObject(base) ? Object.keys(base) : [];
  const free = new Map(
    known.filter((key) => !Object.hasOwn(update, key)).map((key) => [canonicalOrigin(key), key]),
  );
  const renamed = [...entriesOf(update)].map(([key, value]): [string, unknown] => {
    const origin = canonicalOrigin(key);
    const knownKey = known.includes(key) ? key : (free.get(origin) ?? key);
    // A second spelling of the same origin stays what it is, and is refused as a double.
    free.delete(origin);
    return [knownKey, value];
  });
  return Object.fromEntries(renamed);
}
