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
  const earlier = new EarlierRoutes();
  routes.forEach(({ matches }, index) => {
    const before = earlier.takingAll(matches);
    earlier.add(index, matches);
    if (before === undefined) return;
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

interface EarlierRoute {
  readonly index: number;
  readonly matches: readonly RouteMatch[];
}

/** By their paths, so that each of thousands of routes is held against few. */
class EarlierRoutes {
  readonly #byPath = new Map<string, EarlierRoute[]>();

  add(index: number, matches: readonly RouteMatch[]): void {
    for (const key of new Set(orEvery(matches).map(({ path }) => keyOf(path)))) {
      const others = this.#byPath.get(key);
      if (others === undefined) this.#byPath.set(key, [{ index, matches }]);
      else others.push({ index, matches });
    }
  }

  /** The first that takes all calls which fit these matches. */
  takingAll(matches: readonly RouteMatch[]): number | undefined {
    const [first] = orEvery(matches);
    const found = keysOfWider(first?.path).flatMap(
      (key) => this.#byPath.get(key)?.find((route) => takesAll(route.matches, matches)) ?? [],
    );
    return found.length === 0 ? undefined : Math.min(...found.map(({ index }) => index));
  }
}

function keyOf(path: PathMatch | undefined): string {
  if (path === undefined) return '';
  if (path.kind === 'pattern') return `~${String(path.pattern)}`;
  return path.kind === 'exact' ? `=${path.text}` : `*${path.text}`;
}

/** Of all paths that cover this one. */
function keysOfWider(path: PathMatch | undefined): string[] {
  if (path === undefined) return ['', '*', '*/'];
  if (path.kind === 'pattern') return ['', keyOf(path)];
  const { text } = path;
  const beginnings = Array.from({ length: text.length + 1 }, (_, end) => `*${text.slice(0, end)}`);
  return ['', keyOf(path), ...beginnings];
}

/** No match is every call. */
function takesAll(earlier: readonly RouteMatch[], later: readonly RouteMatch[]): boolean {
  return orEvery(later).every((match) => orEvery(earlier).some((one) => covers(one, match)));
}

function orEvery(matches: readonly RouteMatch[]): readonly RouteMatch[] {
  return matches.length === 0 ? [EVERY_CALL] : matches;
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
