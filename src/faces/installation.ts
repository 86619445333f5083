/** `client.install()`: the client in place of the process's fetch and dispatchers, until that is undone. */
import type { Dispatcher } from 'undici';
import Agent from 'undici/lib/dispatcher/agent.js';
import { InstallError } from '../core/errors.js';
import type { DispatchOptions } from './dispatcher.js';
import type { ResilientFetch } from './fetch.js';
import {
  dispatcherIn,
  isIn,
  isPlainAgent,
  isWrapperOfSecond,
  PLATFORM_SLOT,
  putInto,
  SLOTS,
  type Slot,
} from './global-dispatchers.js';
import { InstalledDispatcher, installedIn, type InstalledHost } from './installed-dispatcher.js';
import { installedFetch } from './installed-fetch.js';

/** Where an installed fetch has its installation. */
const INSTALLATION = Symbol.for('outrigger.installation');

/** What it needs of the client. */
export interface InstallationHost extends Omit<InstalledHost, 'isInstalled'> {
  /** Attempts go through a dispatcher from now on; undefined: as the client's options say. */
  relayThrough(dispatcher: Dispatcher | undefined): void;
}

/** One time of being installed. Whatever is still asked of it after its end goes to what was there before. */
export class Installation implements Disposable {
  readonly #host: InstallationHost;
  readonly #dispatchers: ReadonlyMap<Slot, InstalledDispatcher>;
  readonly #fetch: typeof fetch;
  readonly #fetchBefore: typeof fetch;
  #isActive = true;
  /** What has been looked at last in the platform's slot, and whether global fetch is the client's with that. */
  #seen: Dispatcher | undefined = undefined;
  #hasFetch = true;
  /** The application's own, through which attempts go. */
  #relayed: Dispatcher | undefined = undefined;

  /** @throws InstallError, and nothing has changed */
  constructor(host: InstallationHost, ours: ResilientFetch) {
    this.#host = host;
    this.#fetchBefore = globalThis.fetch;
    if (typeof (this.#fetchBefore as unknown) !== 'function') {
      throw new InstallError('there is no global fetch to take the place of');
    }
    const installed: InstalledHost = {
      ...host,
      isInstalled: () => this.#isActive,
      isInForce: () => this.#isActive && host.isInForce(),
    };
    this.#dispatchers = new Map(
      SLOTS.filter(isToBeReplaced).map((slot) => [
        slot,
        new InstalledDispatcher(installed, dispatcherIn(slot) ?? new Agent()),
      ]),
    );
    this.#fetch = installedFetch({
      ours,
      before: this.#fetchBefore,
      isInForce: () => installed.isInForce() && this.#isWithPlatform(),
      serves: (origin) => host.serves(origin),
    });
    Object.defineProperty(this.#fetch, INSTALLATION, { value: this });
    this.#begin();
  }

  /** What stood in the place of fetch. */
  get fetchBefore(): typeof fetch {
    return this.#fetchBefore;
  }

  get isActive(): boolean {
    return this.#isActive;
  }

  /** Sends what the platform's fetch has asked for where it would have gone without the client. */
  passOn(options: DispatchOptions, handler: object): boolean {
    return this.#platformDispatcher.passOn(options, handler);
  }

  /** What others have put in its place stays, and what they still hand on to it passes through. */
  [Symbol.dispose](): void {
    if (!this.#isActive) return;
    this.#isActive = false;
    for (const [slot, dispatcher] of this.#dispatchers) {
      if (isIn(slot, dispatcher)) putInto(slot, inForce(dispatcher.before));
    }
    if (globalThis.fetch === this.#fetch) globalThis.fetch = fetchInForce(this.#fetchBefore);
    this.#relay(undefined);
  }

  get #platformDispatcher(): InstalledDispatcher {
    return this.#dispatchers.get(PLATFORM_SLOT) as InstalledDispatcher;
  }

  #begin(): void {
    try {
      globalThis.fetch = this.#fetch;
      if (globalThis.fetch !== this.#fetch) throw new TypeError('it keeps its value');
      for (const [slot, dispatcher] of this.#dispatchers) putInto(slot, dispatcher);
    } catch (error) {
      this[Symbol.dispose]();
      throw new InstallError('the global fetch or dispatcher cannot be replaced', error);
    }
    this.#isWithPlatform();
  }

  /**
   * The application may set a dispatcher at any time: attempts go through that one from then on. False where it has
   * composed one around the client's, whose part in global fetch comes first.
   */
  #isWithPlatform(): boolean {
    if (this.#seen !== undefined && isIn(PLATFORM_SLOT, this.#seen)) return this.#hasFetch;
    this.#seen = dispatcherIn(PLATFORM_SLOT);
    this.#hasFetch =
      stack(PLATFORM_SLOT).includes(this.#platformDispatcher) ||
      installedIn(this.#seen) === undefined;
    if (this.#hasFetch) this.#relay(isUsual(PLATFORM_SLOT) ? undefined : beneath(PLATFORM_SLOT));
    return this.#hasFetch;
  }

  #relay(dispatcher: Dispatcher | undefined): void {
    if (dispatcher === this.#relayed) return;
    this.#relayed = dispatcher;
    this.#host.relayThrough(dispatcher);
  }
}

/** One that the application has set for others than the platform's fetch stays where it is. */
function isToBeReplaced(slot: Slot): boolean {
  if (slot === PLATFORM_SLOT || (isUsual(slot) && isUsual(PLATFORM_SLOT))) return true;
  const dispatcher = beneath(slot);
  if (dispatcher === undefined) return false;
  const [first, second] = [beneath(SLOTS[0]), beneath(SLOTS[1])];
  return first === second || (first !== undefined && isWrapperOfSecond(first));
}

/** Nothing, or what the platform or undici puts there by itself. */
function isUsual(slot: Slot): boolean {
  const dispatcher = beneath(slot);
  if (dispatcher === undefined || isPlainAgent(dispatcher)) return true;
  return slot === SLOTS[0] && isWrapperOfSecond(dispatcher) && isUsual(SLOTS[1]);
}

/** What stands in a slot, beneath the clients that are installed. */
function beneath(slot: Slot): Dispatcher | undefined {
  return stack(slot).at(-1);
}

/** Clients that are installed, the last first, and then what was there before them. */
function stack(slot: Slot): readonly (Dispatcher | undefined)[] {
  const found = [dispatcherIn(slot)];
  for (;;) {
    const lowest = found.at(-1);
    const installed = installedIn(lowest);
    // Composed around it is something of somebody's own.
    if (installed === undefined || installed !== lowest) return found;
    found.push(installed.before);
  }
}

/** What comes back into its place: not what has been uninstalled in the meantime. */
function inForce(dispatcher: Dispatcher): Dispatcher {
  const installed = installedIn(dispatcher);
  return installed === dispatcher && !installed.isInstalled
    ? inForce(installed.before)
    : dispatcher;
}

function fetchInForce(before: typeof fetch): typeof fetch {
  const installation = (before as { [INSTALLATION]?: Installation })[INSTALLATION];
  return installation?.isActive === false ? fetchInForce(installation.fetchBefore) : before;
}
