/**
 * Merging options into options: objects merge deeply, arrays replace, everything else replaces, `undefined` is
 * absent. Nothing of the user's is written to, and his objects and arrays come out as copies.
 */
import { isOfPlace } from '../locality/labels.js';
import { defaults } from './defaults.js';
import type { ClientOptions, UpdateOptions } from './options.js';
import { canonicalOrigin } from './origin.js';
import { entriesOf, isPlainObject, itemsOf } from './plain-object.js';
import { isDiscovery } from './read-discovery.js';
import { labelIn } from './read-failover-priority.js';
import { NO_LIMITS } from './read-connection-pool.js';

/** Options that are code of the user's: handed on as they are, never copied. */
const CODE: ReadonlySet<string> = new Set([
  'middleware',
  'layers',
  'around',
  'runtime',
  'fetch',
  'dispatcher',
]);

/** No option lies deeper; what does is wrong, may be a circle, and is handed on for the validation to refuse. */
const DEEPEST = 8;

type Merge = (base: unknown, update: unknown, depth: number) => unknown;

/** What of a service's policy merges with the client's. */
export const POLICY_OPTIONS = [
  'loadBalancer',
  'locality',
  'timeout',
  'retry',
  'hedge',
  'circuitBreaker',
  'connectionPool',
  'outlierDetection',
  'healthCheck',
  'rateLimitHold',
] as const;

/** A copy of options, so that what the user does to his own afterwards changes nothing. */
export function copyOptions(options: object): ClientOptions {
  return mergeClients({}, options, undefined);
}

/** The options that hold after an update. Validates nothing. */
export function mergeOptions(base: ClientOptions, update: UpdateOptions): ClientOptions {
  return mergeClients(base, update, base.loadBalancer ?? defaults.loadBalancer);
}

/** An option of a service's policy over the client's, of the same name. */
export function mergePolicyOption(
  key: (typeof POLICY_OPTIONS)[number],
  base: unknown,
  update: unknown,
): unknown {
  return mergeFor(key)(base, update, 0);
}

function mergeFor(key: string): Merge {
  switch (key) {
    case 'loadBalancer':
      return mergeLoadBalancers;
    case 'timeout':
      return mergeTimeouts;
    case 'retry':
      return mergeRetries;
    case 'locality':
      return mergeLocalities;
    case 'healthCheck':
      return mergeHealthChecks;
    case 'endpoints':
      return mergeEndpoints;
    case 'connectionPool':
      return mergePools;
    case 'subsets':
      return mergeSubsets;
    default:
      return mergeValues;
  }
}

/**
 * A `loadBalancer` over another: an object without a policy, or with the same, changes the options of the other;
 * anything else replaces it.
 */
function mergeLoadBalancers(base: unknown, update: unknown, depth: number): unknown {
  if (!isPlainObject(update)) return update;
  const before = typeof base === 'string' ? { policy: base } : base;
  const policy = read(update, 'policy');
  const same = isPlainObject(before) && [undefined, read(before, 'policy')].includes(policy);
  return mergeEntries(same ? before : undefined, update, depth, (key) =>
    key === 'hashOn' ? replace : mergeValues,
  );
}

/** A header and a cookie are two ways to the same end: the newer one takes the place of the other. */
const replace: Merge = (_before, update, depth) => mergeValues(undefined, update, depth);

function read(options: Readonly<Record<string, unknown>>, key: string): unknown {
  try {
    return options[key];
  } catch {
    return undefined; // a getter that throws, which the validation will say
  }
}

/** A duration is the whole call's, so an object over it leaves it that. */
const mergeTimeouts: Merge = (base, update, depth) => {
  const isDuration = typeof base === 'number' || typeof base === 'string';
  return mergeValues(isDuration ? { total: base } : base, update, depth);
};

const mergeRetries: Merge = (base, update, depth) => {
  if (!isPlainObject(update)) return mergeValues(base, update, depth);
  const mergeRetryOption = (key: string): Merge =>
    key === 'retriableHeaders' ? mergeHeaders : mergeValues;
  return mergeEntries(withoutOldLimit(base, update), update, depth, mergeRetryOption);
};

/** `maxRetries` stands in for a budget, so a budget over it takes its place. */
function withoutOldLimit(base: unknown, update: Readonly<Record<string, unknown>>): unknown {
  if (!isPlainObject(base) || !isPlainObject(read(update, 'budget'))) return base;
  return { ...base, maxRetries: undefined };
}

/** A kind that excludes others takes their place: there is but one of them. Callers are one count, which takes another's. */
const mergeLocalities: Merge = (base, update, depth) => {
  if (!isPlainObject(update) || !isPlainObject(base)) return mergeValues(base, update, depth);
  const gone = excludedBy(update, base).filter((key) => !givesKind(update, key));
  const left = { ...base, ...Object.fromEntries(gone.map((key) => [key, undefined])) };
  return mergeEntries(left, update, depth, (key) =>
    key === 'zoneAware' ? mergeZoneAware : mergeValues,
  );
};

const mergeZoneAware: Merge = (base, update, depth) =>
  isPlainObject(update)
    ? mergeEntries(base, update, depth, (key) => (key === 'callers' ? replace : mergeValues))
    : update;

type PlainObject = Readonly<Record<string, unknown>>;

const LOCALITY_KINDS = ['failover', 'failoverPriority', 'distribute', 'zoneAware'];
const OF_FAILOVER = ['failover', 'failoverPriority'];

function excludedBy(update: PlainObject, base: PlainObject): string[] {
  const given = LOCALITY_KINDS.filter((key) => givesKind(update, key));
  const rules = itemsOf(read(update, 'failoverPriority') ?? read(base, 'failoverPriority')) ?? [];
  const namesPlace = rules.some((rule) => typeof rule === 'string' && isOfPlace(labelIn(rule)));
  const together = namesPlace ? [] : OF_FAILOVER;
  return LOCALITY_KINDS.filter((key) =>
    given.some((one) => one !== key && !(together.includes(one) && together.includes(key))),
  );
}

function givesKind(update: PlainObject, key: string): boolean {
  const given = read(update, key);
  return isPlainObject(given) || itemsOf(given) !== undefined;
}

/** A check of one kind over one of the other takes its place; the paces stay. */
const mergeHealthChecks: Merge = (base, update, depth) => {
  if (!isPlainObject(update)) return mergeValues(base, update, depth);
  const mergeCheckOption = (key: string): Merge => (key === 'headers' ? mergeHeaders : mergeValues);
  return mergeEntries(withoutOtherKind(base, update), update, depth, mergeCheckOption);
};

const OF_HTTP_CHECKS = [
  'path',
  'host',
  'method',
  'headers',
  'expectedStatuses',
  'retriableStatuses',
];

function withoutOtherKind(base: unknown, update: Readonly<Record<string, unknown>>): unknown {
  if (!isPlainObject(base)) return base;
  if (read(update, 'tcp') === true) {
    return { ...base, ...Object.fromEntries(OF_HTTP_CHECKS.map((key) => [key, undefined])) };
  }
  return read(update, 'path') === undefined ? base : { ...base, tcp: undefined };
}

/** A discovery is handed on as it is: the same one goes on as before. */
const mergeEndpoints: Merge = (base, update, depth) =>
  isDiscovery(update) ? update : mergeValues(base, update, depth);

/** Each as a service; its labels say as a whole which endpoints it has. */
const mergeSubsets: Merge = (base, update, depth) =>
  isPlainObject(update) ? mergeEntries(base, update, depth, () => mergeSubset) : update;

const mergeSubset: Merge = (base, update, depth) =>
  isPlainObject(update)
    ? mergeEntries(base, update, depth, (key) => (key === 'labels' ? replace : mergeFor(key)))
    : update;

/** False is short for its limits being lifted, and says nothing of the rest. */
const mergePools: Merge = (base, update, depth) =>
  mergeValues(base, update === false ? NO_LIMITS : update, depth);

/** Names of headers are the same in any case: the update's spelling holds. */
const mergeHeaders: Merge = (base, update, depth) => {
  if (!isPlainObject(base) || !isPlainObject(update)) return mergeValues(base, update, depth);
  const renewed = new Set(Object.keys(update).map((name) => name.toLowerCase()));
  const kept = Object.entries(base).filter(([name]) => !renewed.has(name.toLowerCase()));
  return mergeValues(Object.fromEntries(kept), update, depth);
};

/** `inForce` is the policy of a service that has none of its own. */
function mergeClients(base: ClientOptions, update: object, inForce: unknown): ClientOptions {
  const mergeServiceOption = (key: string): Merge =>
    key === 'loadBalancer'
      ? (before, after, depth) => mergeLoadBalancers(before ?? inForce, after, depth)
      : mergeFor(key);
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
  mergeOf: (key: string) => Merge,
): object {
  try {
    const merged = isPlainObject(base) ? entriesOf(base) : new Map<string, unknown>();
    for (const [key, value] of entriesOf(update)) {
      merged.set(key, mergeOf(key)(merged.get(key), value, depth + 1));
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
