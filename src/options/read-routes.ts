/** The `routes` option: matches brought into the form that the route table is made of. */
import { types } from 'node:util';
import { listOf, quote } from './describe.js';
import {
  didYouMean,
  meantByObject,
  meantByPath,
  parameterAsSent,
  pathAsSent,
} from './meant-match.js';
import { nearest } from './nearest.js';
import type { FieldMatch, NormalizedRoute, PathMatch, RouteMatch, Share } from './normalized.js';
import { overrideFields, overridesOf } from './overrides.js';
import type { Reader } from './place.js';
import { HEAVIEST } from './read-endpoints.js';
import { isPlainObject, itemsOf } from './plain-object.js';
import { fieldMatches, readHeaderMatches } from './read-field-matches.js';
import { readMethod, readMethods } from './read-tokens.js';
import { list, object, orFalse, text, wholeNumber } from './readers.js';

const A_PATH =
  "a path such as '/orders', '/reports/*' with * at its end alone, or a regular expression";
const A_METHOD = "the name of a method, such as 'POST', or a list of them";
const A_DESTINATION = 'the name of a subset, or a list of objects with subset and weight';

const readPath: Reader<PathMatch> = (value, at) => {
  // One of our own: the user's may be of another realm (jest, vm).
  if (types.isRegExp(value))
    return { kind: 'pattern', pattern: new RegExp(value.source, value.flags) };
  if (typeof value !== 'string' || !/^(?:\/[^\s?#*]*)?\*?$/.test(value) || value === '') {
    return at.refuse(value, A_PATH, hintForPath(value));
  }
  const isBeginning = value.endsWith('*');
  const path = isBeginning ? value.slice(0, -1) : value;
  const sent = path === '' ? '' : pathAsSent(path, isBeginning);
  if (sent !== path) {
    return at.refuse(
      value,
      'a path as it is sent',
      didYouMean(quote(isBeginning ? `${sent}*` : sent)),
    );
  }
  return isBeginning ? { kind: 'prefix', text: path } : { kind: 'exact', text: path };
};

function hintForPath(value: unknown): string {
  return typeof value === 'string'
    ? meantByPath(value)
    : meantByObject(value, (prefix) => quote(`${prefix}*`));
}

/** One, or several. */
const readMethodOrMethods: Reader<readonly string[]> = (value, at) => {
  if (isPlainObject(value)) return at.refuse(value, A_METHOD, meantByObject(value));
  if (typeof value !== 'string') return readMethods(value, at);
  const method = readMethod(value, at);
  return method === null ? null : [method];
};

/** Nothing is decoded. */
const readParameter: Reader<string> = (value, at) => {
  const sent = typeof value === 'string' ? parameterAsSent(value) : '';
  return value === sent ? sent : at.refuse(value, 'text as it is sent', didYouMean(quote(sent)));
};

const readParameterName: Reader<string> = (value, at) =>
  text(/^[^&#\s]+$/, 'the name of a parameter')(value, at) && readParameter(value, at);

const readQueryMatches = fieldMatches(readParameterName, 'parameter', readParameter);

const matchObject = object(
  {
    path: readPath,
    method: readMethodOrMethods,
    headers: readHeaderMatches,
    query: readQueryMatches,
  },
  'an object with path, method, headers and query, or a list of them',
);

const readMatch: Reader<RouteMatch> = (value, at) => {
  const read = matchObject(value, at);
  if (read === null) return null;
  return {
    path: read.path,
    methods: read.method && new Set(read.method),
    headers: fieldsOf(read.headers),
    query: fieldsOf(read.query),
  };
};

function fieldsOf(matches: ReadonlyMap<string, FieldMatch['value']> = new Map()): FieldMatch[] {
  return [...matches].map(([name, value]) => ({ name, value }));
}

/** Those of which one must fit. */
const readMatches: Reader<readonly RouteMatch[]> = (value, at) => {
  if (itemsOf(value) !== undefined) {
    const matches = list(readMatch, 'a list of matches')(value, at);
    return matches?.length === 0 ? at.refuse(value, 'at least one match') : matches;
  }
  const match = readMatch(value, at);
  return match === null ? null : [match];
};

/** One name, or a share for each of several: of the subsets that there are. */
function readShares(subsets: readonly string[]): Reader<readonly Share[]> {
  const readSubset = nameAmong(subsets);
  const shareObject = object(
    { subset: readSubset, weight: wholeNumber(0, HEAVIEST) },
    'an object with subset and weight',
    { required: { subset: 'the name of a subset', weight: 'a whole number' } },
  );
  const readShare: Reader<Share> = (value, at) => {
    const read = shareObject(value, at);
    if (read?.subset === undefined || read.weight === undefined) return null;
    return { subset: read.subset, weight: read.weight };
  };
  return (value, at) => {
    if (itemsOf(value) === undefined) {
      if (isPlainObject(value)) return at.refuse(value, A_DESTINATION, '; did you forget the []?');
      const subset = readSubset(value, at);
      return subset === null ? null : [{ subset, weight: 1 }];
    }
    const shares = list(readShare, A_DESTINATION)(value, at);
    if (shares === null) return null;
    if (shares.every(({ weight }) => weight === 0)) {
      return at.refuseFound('no weight above 0', 'at least one subset that has a part');
    }
    const again = shares.find(({ subset }, index) =>
      shares.slice(0, index).some((one) => one.subset === subset),
    );
    return again ? at.refuseFound(`${quote(again.subset)} again`, 'each subset once') : shares;
  };
}

function nameAmong(subsets: readonly string[]): Reader<string> {
  return (value, at) => {
    const known = subsets.find((subset) => subset === value);
    if (known !== undefined) return known;
    const expected =
      subsets.length === 0
        ? 'the name of one of the subsets, of which there are none'
        : listOf(subsets);
    const near = typeof value === 'string' ? nearest(value, subsets) : undefined;
    return at.refuse(value, expected, near === undefined ? '' : `; did you mean ${quote(near)}?`);
  };
}

/** `subsets` are the names of those that there are. False: no routes. */
export function readRoutes(subsets: readonly string[]): Reader<readonly NormalizedRoute[] | false> {
  const routeObject = object(
    {
      name: text(/^\S+$/, 'a name without white space'),
      match: readMatches,
      subset: readShares(subsets),
      ...overrideFields,
    },
    'an object with the options of a route',
    { later: ['fault'] },
  );
  const readRoute: Reader<NormalizedRoute> = (value, at) => {
    const read = routeObject(value, at);
    if (read === null) return null;
    const place = at.path.slice(at.path.lastIndexOf('routes['));
    const { name = place, match = [], subset = [], timeout, retry, hedge, maxResponseBytes } = read;
    const says = [timeout, retry, hedge, maxResponseBytes].some((part) => part !== undefined);
    return {
      name,
      matches: match,
      shares: subset,
      overrides: says ? overridesOf(read) : undefined,
    };
  };
  return orFalse((value, at) => {
    const routes = list(readRoute, 'a list of routes')(value, at);
    const names = new Set<string>();
    routes?.forEach(({ name }, index) => {
      if (names.has(name)) at.item(index).key('name').refuse(name, 'a name of its own');
      names.add(name);
    });
    return routes;
  });
}
