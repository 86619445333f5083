/** The options of the sticky load-balancing policies: what calls are hashed on, and the sizes of their tables. */
import type { HashSource } from '../balancing/request-hash.js';
import { defaults } from './defaults.js';
import { describe } from './describe.js';
import type { Place, Reader } from './place.js';
import { isPlainObject, itemsOf } from './plain-object.js';
import { boolean, complete, object, readItems, text, wholeNumber } from './readers.js';
import { readHeaderName } from './read-tokens.js';

export const HASH_ON =
  "{ header: 'x-user-id' }, { cookie: 'sid' }, { query: 'user' }, a function (request) => text, or a list of them";

/** Envoy's. */
const LARGEST_RING = 8_388_608;
/** Istio's. */
const TABLE_LIMIT = 5_000_011;
/** Ten thousand times the mean: further than any load will ever be from it. */
const LOOSEST_BOUND = 1_000_000;

const KINDS = ['header', 'cookie', 'query'] as const;

const sourceObject = object(
  {
    header: readHeaderName,
    cookie: text(/^[^\s=;,"]+$/, "the name of a cookie, such as 'sid'"),
    query: text(
      /^[^\s&=#]+$/,
      "the name of a query parameter, such as 'user', as it is written in the URL",
    ),
    terminal: boolean,
  },
  HASH_ON,
);

const readSource: Reader<HashSource> = (value, at) => {
  if (typeof value === 'function') {
    const read = value as (HashSource & { kind: 'function' })['read'];
    return { kind: 'function', read, terminal: false };
  }
  if (!isPlainObject(value)) return at.refuse(value, HASH_ON, meant(value));
  const problems = at.problems.length;
  const source = sourceObject(value, at);
  if (source === null || at.problems.length > problems) return null;
  const terminal = source.terminal ?? defaults['loadBalancer.hashOn.terminal'];
  const [found, another] = KINDS.flatMap((kind) => {
    const name = source[kind];
    return name === undefined ? [] : [{ kind, name, terminal }];
  });
  if (found === undefined) return at.refuseFound('nothing to hash', HASH_ON);
  if (another === undefined) return found;
  return at.refuseFound(
    `'${found.kind}' and '${another.kind}'`,
    `one of them; did you mean [{ ${found.kind}: ${describe(found.name)} }, { ${another.kind}: ${describe(another.name)} }]?`,
  );
};

export const readHashOn: Reader<readonly HashSource[]> = (value, at) => {
  if (itemsOf(value) === undefined) {
    const source = readSource(value, at);
    return source && [source];
  }
  const sources = complete(readItems(value, at, readSource, HASH_ON));
  return sources?.length === 0 ? at.refuse(value, HASH_ON) : sources;
};

function meant(value: unknown): string {
  return typeof value === 'string' && /^[\w-]+$/.test(value)
    ? `; did you mean { header: ${describe(value)} }?`
    : '';
}

export const readRingSize = wholeNumber(1, LARGEST_RING);

/** The sizes of a ring, if they go together. */
export function checkRingSizes(
  minimum: number,
  maximum: number,
  isGiven: boolean,
  at: Place,
): void {
  if (minimum <= maximum) return;
  if (isGiven) {
    at.key('minimumRingSize').refuse(minimum, `at most ${maximum}, which is 'maximumRingSize'`);
  } else {
    at.key('maximumRingSize').refuse(
      maximum,
      `at least ${minimum}, which 'minimumRingSize' is unless it is given`,
    );
  }
}

const numberBelowLimit = wholeNumber(2, TABLE_LIMIT - 1);

export const readTableSize: Reader<number> = (value, at) => {
  const size = numberBelowLimit(value, at);
  if (size === null || isPrime(size)) return size;
  let next = size + 1;
  while (next < TABLE_LIMIT && !isPrime(next)) next += 1;
  const hint = next < TABLE_LIMIT ? `; did you mean ${next}?` : '';
  return at.refuse(size, `a prime below ${TABLE_LIMIT}`, hint);
};

function isPrime(number: number): boolean {
  for (let divisor = 2; divisor * divisor <= number; divisor++) {
    if (number % divisor === 0) return false;
  }
  return number > 1;
}

export const readBalanceFactor: Reader<number> = (value, at) => {
  const isFactor = typeof value === 'number' && Number.isInteger(value);
  if (isFactor && (value === 0 || (value >= 100 && value <= LOOSEST_BOUND))) return value + 0;
  const percent = typeof value === 'number' ? Math.round(value * 100) : NaN;
  const isRatio = percent >= 100 && percent <= 1000;
  return at.refuse(
    value,
    `0, or a whole number of percent from 100 to ${LOOSEST_BOUND}`,
    isRatio ? `; did you mean ${percent}?` : '',
  );
};
