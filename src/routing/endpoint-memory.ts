/** Reads list after list of a discovery, of which most is as before: only what is new is looked at. */
import type { EndpointAddress } from '../cluster/endpoint.js';
import { Place, type Reader } from '../options/place.js';
import { isPlainObject } from '../options/plain-object.js';
import { HEAVIEST, readEndpoint, readEndpointsBy } from '../options/read-endpoints.js';

interface Known {
  /** A copy of what was read, where it is an object. */
  readonly given: Given;
  readonly address: EndpointAddress;
  /** The number of the latest list that had it. */
  list: number;
}

type Given = Readonly<Record<string, unknown>> | undefined;

export class EndpointMemory {
  /** By the URLs as they were given. One map for all lists: to fill another takes longer than all the rest. */
  readonly #known = new Map<string, Known>();
  #lists = 0;

  /** As the option `endpoints` is read. */
  read(list: unknown, at: Place): readonly EndpointAddress[] | null {
    this.#lists += 1;
    const addresses = this.#readQuickly(list) ?? readEndpointsBy(this.#readItem, list, at);
    // A list that is wrong leaves nothing behind either.
    if (addresses === null || this.#known.size > addresses.length) this.#forget();
    return addresses;
  }

  /**
   * Most lists are right, and nearly as the one before: then nothing is made but the list itself. Undefined where that
   * cannot be told for sure.
   */
  #readQuickly(list: unknown): readonly EndpointAddress[] | undefined {
    if (!Array.isArray(list)) return undefined;
    const addresses: EndpointAddress[] = [];
    let weights = 0;
    for (const item of list as unknown[]) {
      const known = this.#knownOf(item) ?? this.#readNew(item);
      // It is there already; or another spelling of its URL may be.
      if (known === undefined || known.list === this.#lists) return undefined;
      if (known.address.url !== (known.given?.url ?? item)) return undefined;
      known.list = this.#lists;
      weights += known.address.weight;
      addresses.push(known.address);
    }
    return weights <= HEAVIEST ? addresses : undefined;
  }

  readonly #readItem: Reader<EndpointAddress> = (item, place) => {
    const known = this.#knownOf(item);
    if (known === undefined) {
      const { length } = place.problems;
      const address = readEndpoint(item, place);
      // One that is wrong in part is read all the same.
      const learnt =
        address !== null && place.problems.length === length
          ? this.#learn(item, address)
          : undefined;
      if (learnt !== undefined) learnt.list = this.#lists;
      return address;
    }
    known.list = this.#lists;
    return known.address;
  };

  #readNew(item: unknown): Known | undefined {
    const scratch = new Place('', []);
    const address = readEndpoint(item, scratch);
    if (address === null || scratch.problems.length > 0) return undefined;
    return this.#learn(item, address);
  }

  /** What was read of the very same item before. */
  #knownOf(item: unknown): Known | undefined {
    const given = isPlainObject(item) ? item : undefined;
    const url = given === undefined ? item : urlOf(given);
    const before = typeof url === 'string' ? this.#known.get(url) : undefined;
    return before !== undefined && isSame(before.given, given) ? before : undefined;
  }

  #learn(item: unknown, address: EndpointAddress): Known | undefined {
    const given = isPlainObject(item) ? item : undefined;
    const url = given === undefined ? item : urlOf(given);
    if (typeof url !== 'string') return undefined;
    try {
      // In another form it may be in this very list.
      const list = this.#known.get(url)?.list ?? 0;
      const known = { given: given && copyOf(given), address, list };
      this.#known.set(url, known);
      return known;
    } catch {
      // A getter of the user's that throws the second time: the next list reads it anew.
      this.#known.delete(url);
      return undefined;
    }
  }

  /** What the latest list does not have. */
  #forget(): void {
    for (const [url, { list }] of this.#known) if (list !== this.#lists) this.#known.delete(url);
  }
}

/** A getter of the user's may throw, which the reader will say. */
function urlOf(item: Readonly<Record<string, unknown>>): unknown {
  try {
    return item.url;
  } catch {
    return undefined;
  }
}

/** What lies deeper may be changed within. */
function copyOf(given: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { labels } = given;
  return isPlainObject(labels) ? { ...given, labels: { ...labels } } : { ...given };
}

function isSame(before: Given, given: Given): boolean {
  if (before === undefined || given === undefined) return before === given;
  try {
    const keys = Object.keys(given);
    if (keys.length !== Object.keys(before).length) return false;
    return keys.every((key) => isSameValue(before[key], given[key]));
  } catch {
    return false;
  }
}

/** Labels are the one option of an endpoint that is an object. */
function isSameValue(before: unknown, given: unknown): boolean {
  if (typeof given !== 'object') return given === before;
  if (!isPlainObject(given) || !isPlainObject(before)) return false;
  const names = Object.keys(given);
  return (
    names.length === Object.keys(before).length &&
    names.every((name) => typeof given[name] !== 'object' && given[name] === before[name])
  );
}
