/** What the lab and its fleet process say to each other. */
import type { FakeServiceOptions } from './fake-service.js';

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
  /** How many requests each backend has received, in the order of their starts. */
  received: { takes: null; gives: readonly number[] };
  /** Stops all backends. */
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
