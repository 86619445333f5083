/** Where endpoints come from when they are not listed in the options: what a discovery is, and what it is given. */
import type { Runtime } from '../core/runtime.js';
import type { EndpointOptions } from './options.js';

/** A list of endpoints as the option `endpoints` takes it. */
export type EndpointList = readonly (EndpointOptions | string)[];

/**
 * Finds the endpoints of a service and follows their changes. `dns()`, `file()` and `custom()` make one; an object of
 * your own will do as well. It may be given to several services and clients: each of them starts it for itself.
 */
export interface Discovery {
  /** For messages and `describe()`: `dns backend.internal`. */
  readonly name: string;
  /** Begins to look; what it throws counts as a failure. */
  start(host: DiscoveryHost): RunningDiscovery;
}

/** What a discovery gets from the service that it works for. */
export interface DiscoveryHost {
  /** The client's clock, timers and chance; a timer of a discovery is a background timer. */
  readonly runtime: Runtime;
  /** The origin of the service: `http://simple-backend`. */
  readonly service: string;
  /**
   * A new list, in place of the one before: endpoints that stay keep their connections and everything that is known of
   * them. Lists that come faster than ten a second are gathered, and the latest wins. A wrong one is warned of, and
   * changes nothing.
   */
  update(list: EndpointList): void;
  /** There is no list now, and why: the last one stays. Said once as a warning, `OUTRIGGER_DISCOVERY_FAILED`. */
  failed(reason: unknown): void;
}

/** A discovery at work for one service. */
export interface RunningDiscovery {
  /** Ends it: it gives back its timers, sockets and watchers. What it still reports is ignored. */
  stop(): void;
  /** Looks again soon: no endpoint could be connected to. Called once a second at the most. */
  refresh?(): void;
}
