/** The `routes` option: inside a service, which calls go under another policy, or to another subset. */
import type { RequestOverrides } from './options.js';

/** One way of a service. What it does not say is as the service has it. */
export interface RouteOptions extends RequestOverrides {
  /**
   * What `explain` and `describe` call it.
   * @default its place: `routes[0]`
   */
  readonly name?: string | undefined;
  /**
   * Which calls take it: those that fit every part of the match; or, with a list, those that fit one of the matches. A route
   * without it takes every call that comes so far.
   * @default {} (every call)
   */
  readonly match?: RouteMatchOptions | readonly RouteMatchOptions[] | undefined;
  /**
   * Where its calls go: the name of a subset; or several of them, each with its share of the calls, as it was drawn for each
   * call at its start: further attempts of a call stay in the subset.
   * @default the service as a whole
   */
  readonly subset?: string | readonly SubsetShare[] | undefined;
}

/** What must hold of a call; each part that is there. */
export interface RouteMatchOptions {
  /**
   * The path without its query, as it stands in the URL: the very text; or everything that begins with it, where `*` is its
   * end: `/reports/*`; or what the regular expression finds something in, which says by `^` and `$` that it means the whole.
   * @default any
   */
  readonly path?: string | RegExp | undefined;
  /**
   * A method, or several of them.
   * @default any
   */
  readonly method?: string | readonly string[] | undefined;
  /**
   * Headers of the request by name, whatever its case: the very value, a regular expression, true for one that is there
   * whatever its value, false for one that is not. Several values of a name count as one, with commas between them.
   * @default {}
   */
  readonly headers?: Readonly<Record<string, boolean | string | RegExp>> | undefined;
  /**
   * Parameters of the query by name, as `headers`. Names and values are as they stand in the URL, nothing is decoded, as in
   * Envoy; of several values the first counts.
   * @default {}
   */
  readonly query?: Readonly<Record<string, boolean | string | RegExp>> | undefined;
}

/** A part of a route's calls. */
export interface SubsetShare {
  /** The name of a subset. */
  readonly subset: string;
  /** In relation to the other weights of the route; a whole number from 0, not all of them 0. */
  readonly weight: number;
}
