/** Reads list after list of a discovery, of which most is as before: only what is new is looked at. */
import type { EndpointAddress } from '../cluster/endpoint.js';
import type { Place, Reader } from '../options/place.js';
import { isPlainObject } from '../options/plain-object.js';
import { readEndpoint, readEndpointsBy } from '../options/read-endpoints.js';

interface Known {
  /** A copy of what was read, where it is an object. */
  readonly given: Readonly<Record<string, unknown>> | undefined;
  readonly address: EndpointAddress;
  /** The number of the latest list that had it. */
  list: number;
}

export class EndpointMemory {
  /** By the URLs as they were given. One map for all lists: to fill another takes longer than all the rest. */
  readonly #known = new Map<string, Known>();
  #lists = 0;

  /** As the option `endpoints` is read. */
  read(list: unknown, at: Place): readonly EndpointAddress[] | null {
    this.#lists += 1;
    const addresses = readEndpointsBy(this.#readItem, list, at);
    // A list that is wrong leaves nothing behind either.
    if (addresses === null || this.#known.size > addresses.length) this.#forget();
    return addresses;
  }

  readonly #readItem: Reader<EndpointAddress> = (item, place) => {
    const given = isPlainObject(item) ? item : undefined;
    const url = given === undefined ? item : urlOf(given);
    if (typeof url !== 'string') return readEndpoint(item, place);
    const before = this.#known.get(url);
    if (before !== undefined && isSame(before.given, given)) {
      before.list = this.#lists;
      return before.address;
    }
    const { length } = place.problems;
    const address = readEndpoint(item, place);
    // One that is wrong in part is read all the same.
    if (address !== null && place.problems.length === length) this.#learn(url, given, address);
    return address;
  };

  #learn(url: string, given: Known['given'], address: EndpointAddress): void {
    try {
      this.#known.set(url, { given: given && copyOf(given), address, list: this.#lists });
    } catch {
      // A getter of the user's that throws the second time: the next list reads it anew.
      this.#known.delete(url);
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

function isSame(before: Known['given'], given: Known['given']): boolean {
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
