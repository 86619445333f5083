/** `dns()`, `file()` and `custom()`: where endpoints come from, for the option `endpoints`. */
import { resolve } from 'node:path';
import { OptionsError } from './core/errors.js';
import { CustomDiscovery, type EndpointSource } from './discovery/custom.js';
import { DnsDiscovery } from './discovery/dns.js';
import { FileDiscovery } from './discovery/file.js';
import type { ParseEndpoints } from './discovery/parse-file.js';
import { dnsAddresses, systemAddresses } from './discovery/resolve.js';
import { discoveryDefaults } from './options/discovery-defaults.js';
import type { Discovery } from './options/discovery.js';
import type { DnsOptions } from './options/dns.js';
import { parseDuration, readPositiveDuration } from './options/duration.js';
import { Place, type Reader } from './options/place.js';
import { readDns } from './options/read-dns.js';
import { functionOf, object, text } from './options/readers.js';

export interface CustomOptions {
  /**
   * For messages and `describe()`.
   * @default 'custom discovery'
   */
  readonly name?: string | undefined;
}

const readCustomOptions = object({ name: text(/\S/, 'a name') }, 'an object with options');

/**
 * Endpoint lists of your own: an async generator function, any other function `(signal) => AsyncIterable` (or a promise of
 * one), or an async iterable. Each list replaces the one before. When it ends, its last list stays; when it throws, too, and
 * a function is called again after a back-off from 0.5 to 30 s. The signal is aborted when the client is closed, or another
 * discovery takes over.
 * For a source that calls back, an object `{ name, start(host) }` will do: see `Discovery`.
 * @throws OptionsError for anything else
 */
export function custom(source: EndpointSource, options: CustomOptions = {}): Discovery {
  const at = new Place('custom()', []);
  const isSource =
    typeof source === 'function' ||
    (typeof source === 'object' &&
      (source as object | null) !== null &&
      Symbol.asyncIterator in source);
  if (!isSource) {
    at.refuse(
      source,
      'an async iterable of lists of endpoints, or a function (signal) that returns one',
    );
  }
  const read = readCustomOptions(options, at);
  if (at.problems.length > 0) throw new OptionsError(at.problems);
  return new CustomDiscovery(source, read?.name ?? discoveryDefaults['custom.name']);
}

export interface FileOptions {
  /** The file, from the working directory. `.yaml` and `.yml` are YAML, by the package `yaml`; anything else is JSON. */
  readonly path: string;
  /**
   * The file is also looked at from time to time, for changes that the system does not tell of.
   * @default '5s'
   */
  readonly poll?: number | string | undefined;
  /**
   * Reads the text in place of JSON and YAML. It gives a list of endpoints, or an object with the list `endpoints`.
   * @default by the ending of the file
   */
  readonly parse?: ParseEndpoints | undefined;
}

const readFileOptions = object(
  {
    path: text(/^[^\0]+$/, 'the path of a file'),
    poll: readPositiveDuration,
    parse: functionOf<ParseEndpoints>('a function (text) => list of endpoints'),
  },
  'an object with options',
  { required: { path: 'the path of a file' } },
);

/**
 * Endpoint lists out of a file that is watched: a list of what the option `endpoints` takes, or an object with the list
 * `endpoints`. A file that is broken, or gone, leaves the last list and is warned of.
 * @throws OptionsError naming every problem of the options
 */
export function file(options: FileOptions): Discovery {
  const { path, poll, parse } = checked(options, readFileOptions, 'file()');
  return new FileDiscovery({
    // The reader has made sure that it is there.
    given: path as string,
    path: resolve(path as string),
    poll: poll ?? parseDuration(discoveryDefaults['file.poll'], 'poll'),
    parse,
  });
}

function checked<T>(options: unknown, reader: Reader<T>, name: string): T {
  const at = new Place(name, []);
  const read = reader(options, at);
  if (read === null || at.problems.length > 0) throw new OptionsError(at.problems);
  return read;
}

/**
 * Strict DNS: each address behind a name is an endpoint, `scheme-of-the-service://address:port`, and the name is resolved
 * again and again. While it cannot be resolved, or has no address, the last list stays.
 * @throws OptionsError naming every problem of the options
 */
export function dns(options: DnsOptions): Discovery {
  const { resolver, servers, ...policy } = checked(options, readDns, 'dns()');
  const { hostname, type } = policy;
  return new DnsDiscovery({
    ...policy,
    source: () =>
      resolver === 'resolve' || type === 'SRV'
        ? dnsAddresses(hostname, type, servers)
        : systemAddresses(hostname, type),
  });
}
