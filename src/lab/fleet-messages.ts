/** What the lab and its fleet process say to each other. */
import type { Behaviour, FakeServiceOptions } from './fake-service/options.js';

/** A backend that runs. */
export interface Backend {
  readonly name: string;
  /** `http://127.0.0.1:40213` */
  readonly url: string;
}

/** What the lab may ask for: the argument, and what is answered. */
export interface FleetVerbs {
  /** Starts backends beside those that run. */
  start: { takes: readonly FakeServiceOptions[]; gives: readonly Backend[] };
  /** The backend of that name behaves differently from its next request on. */
  change: { takes: { readonly name: string; readonly behaviour: Behaviour }; gives: null };
  /** The backend of that name stops: connections to it are refused. It is counted still. */
  halt: { takes: { readonly name: string }; gives: null };
  /** How many requests each backend has received, in the order of their starts. */
  received: { takes: null; gives: readonly number[] };
  /** How many connections to each are open, in the same order. */
  connections: { takes: null; gives: readonly number[] };
  /** The counts of all backends begin anew. */
  resetCounts: { takes: null; gives: null };
  /** Stops all backends, and forgets them. */
  clear: { takes: null; gives: null };
}

export type FleetVerb = keyof FleetVerbs;

export type FleetRequest = {
  [V in FleetVerb]: {
    readonly id: number;
    readonly verb: V;
    readonly argument: FleetVerbs[V]['takes'];
  };
}[FleetVerb];

/** The process says `ready` once, then answers each request by its id. */
export type FleetReply =
  | { readonly ready: true }
  | { readonly id: number; readonly value: FleetVerbs[FleetVerb]['gives'] }
  | { readonly id: number; readonly error: string };
