/** Routes and subsets that are right in each of their options and make no difference. */
import { listOf, pathOf } from './describe.js';
import type { NormalizedService, PathMatch, RouteMatch } from './normalized.js';

export type RouteWarningCode =
  /** Every call that fits a route fits one before it. */
  | 'OUTRIGGER_ROUTE_NEVER_TAKEN'
  /** No endpoint of the list has the labels of a subset that calls are sent to. */
  | 'OUTRIGGER_SUBSET_IS_EMPTY'
  /** No route leads to a subset. */
  | 'OUTRIGGER_SUBSET_IS_NOT_USED';

export interface RouteWarning {
  readonly code: RouteWarningCode;
  /** By its path in the options of a service. */
  readonly option: string;
  readonly sentence: string;
}

export function routeWarnings({
  routes,
  subsets,
  endpoints,
  discovery,
}: NormalizedService): RouteWarning[] {
  const found: RouteWarning[] = [];
  routes.forEach(({ matches }, index) => {
    const before = routes.slice(0, index).findIndex((route) => takesAll(route.matches, matches));
    if (before === -1) return;
    const sentence = `no call ever takes it, since routes[${before}] takes all of them before`;
    found.push({ code: 'OUTRIGGER_ROUTE_NEVER_TAKEN', option: `routes[${index}]`, sentence });
  });
  const shares = routes.flatMap((route) => route.shares);
  for (const [name, subset] of subsets) {
    const option = pathOf('subsets', name);
    const share = shares.find((one) => one.subset === name && one.weight > 0);
    const isEmpty =
      discovery === undefined && endpoints.length > 0 && subset.endpoints.length === 0;
    // One with a weight of 0 is got ready, or on its way out.
    if (!shares.some((one) => one.subset === name)) {
      const sentence = 'no call goes there, since no route leads to it';
      found.push({ code: 'OUTRIGGER_SUBSET_IS_NOT_USED', option, sentence });
    } else if (share !== undefined && isEmpty) {
      const labels = Object.entries(subset.labels).map(([label, value]) => `${label}=${value}`);
      const which =
        endpoints.length === 1 ? 'the endpoint has not' : `no endpoint of ${endpoints.length} has`;
      const sentence = `its calls fail, since ${which} ${listOf(labels, 'and')}`;
      found.push({ code: 'OUTRIGGER_SUBSET_IS_EMPTY', option, sentence });
    }
  }
  return found;
}

/** No match is every call. */
function takesAll(earlier: readonly RouteMatch[], later: readonly RouteMatch[]): boolean {
  if (earlier.length === 0) return true;
  return later.length > 0
    ? later.every((match) => earlier.some((one) => covers(one, match)))
    : earlier.some((one) => covers(one, EVERY_CALL));
}

const EVERY_CALL: RouteMatch = { path: undefined, methods: undefined, headers: [], query: [] };

/** Whatever fits the second fits the first; false where that cannot be told. */
function covers(wide: RouteMatch, narrow: RouteMatch): boolean {
  return (
    coversPath(wide.path, narrow.path) &&
    coversMethods(wide.methods, narrow.methods) &&
    coversFields(wide.headers, narrow.headers) &&
    coversFields(wide.query, narrow.query)
  );
}

function coversPath(wide: PathMatch | undefined, narrow: PathMatch | undefined): boolean {
  if (wide === undefined) return true;
  if (narrow === undefined) return wide.kind === 'prefix' && '/'.startsWith(wide.text);
  if (wide.kind === 'pattern') {
    return narrow.kind === 'pattern' && String(narrow.pattern) === String(wide.pattern);
  }
  if (narrow.kind === 'pattern') return false;
  if (wide.kind === 'prefix') return narrow.text.startsWith(wide.text);
  return narrow.kind === 'exact' && narrow.text === wide.text;
}

function coversMethods(
  wide: ReadonlySet<string> | undefined,
  narrow: ReadonlySet<string> | undefined,
): boolean {
  if (wide === undefined) return true;
  return narrow !== undefined && [...narrow].every((method) => wide.has(method));
}

function coversFields(wide: RouteMatch['headers'], narrow: RouteMatch['headers']): boolean {
  return wide.every(({ name, value }) =>
    narrow.some((field) => {
      if (field.name !== name) return false;
      if (value === true) return field.value !== false;
      return typeof field.value === typeof value && String(field.value) === String(value);
    }),
  );
}
