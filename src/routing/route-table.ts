/** Finds the first route that fits a call: by its path first, in a map and a tree, not by trying one route after the other. */
import { headerValues, queryValue } from '../core/request-fields.js';
import type { FieldMatch, NormalizedRoute, RouteMatch } from '../options/normalized.js';
import { PrefixTree } from './prefix-tree.js';

/** A match, and which route it belongs to. */
interface Entry {
  readonly route: number;
  readonly match: RouteMatch;
}

/** Entries whose paths are told in the same way, in the order of their routes. */
type Entries = readonly Entry[];

const ANYTHING: RouteMatch = { path: undefined, methods: undefined, headers: [], query: [] };
const NONE: Entries = [];

export class RouteTable {
  readonly #exact = new Map<string, Entry[]>();
  readonly #prefixes = new PrefixTree<Entry>();
  readonly #patterns: Entry[] = [];
  readonly #anywhere: Entry[] = [];
  readonly #length: number;

  constructor(routes: readonly Pick<NormalizedRoute, 'matches'>[]) {
    this.#length = routes.length;
    routes.forEach(({ matches }, route) => {
      for (const match of matches.length === 0 ? [ANYTHING] : matches) this.#add({ route, match });
    });
  }

  /** Its place among the routes; -1 when none fits. */
  find(method: string, target: string, headers: readonly string[]): number {
    const question = target.indexOf('?');
    const path = question === -1 ? target : target.slice(0, question);
    const request = { method, target, path, headers };
    let best = firstFit(this.#anywhere, request, this.#length);
    best = firstFit(this.#exact.get(path) ?? NONE, request, best);
    best = this.#prefixes.fold(path, firstFit, request, best);
    // Last, since these are dear: those behind the best are not tried.
    best = firstFit(this.#patterns, request, best);
    return best === this.#length ? -1 : best;
  }

  #add(entry: Entry): void {
    const { path } = entry.match;
    if (path === undefined) this.#anywhere.push(entry);
    else if (path.kind === 'pattern') this.#patterns.push(entry);
    else if (path.kind === 'prefix') this.#prefixes.add(path.text, entry);
    else {
      const others = this.#exact.get(path.text);
      if (others === undefined) this.#exact.set(path.text, [entry]);
      else others.push(entry);
    }
  }
}

interface RoutedRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly path: string;
  readonly headers: readonly string[];
}

/** The first of them that fits, if it is before the best so far. */
function firstFit(entries: Entries, request: RoutedRequest, best: number): number {
  for (const { route, match } of entries) {
    if (route >= best) return best;
    if (fits(match, request)) return route;
  }
  return best;
}

/** Text of a path has been looked at already. */
function fits({ path, methods, headers, query }: RouteMatch, request: RoutedRequest): boolean {
  if (methods !== undefined && !methods.has(request.method.toUpperCase())) return false;
  if (path?.kind === 'pattern' && request.path.search(path.pattern) === -1) return false;
  for (const field of headers) {
    if (!isMet(field, headerValues(request.headers, field.name)?.join(','))) return false;
  }
  for (const field of query) {
    if (!isMet(field, queryValue(request.target, field.name))) return false;
  }
  return true;
}

function isMet({ value }: FieldMatch, found: string | undefined): boolean {
  if (typeof value === 'boolean') return value === (found !== undefined);
  if (found === undefined) return false;
  return typeof value === 'string' ? value === found : found.search(value) !== -1;
}
