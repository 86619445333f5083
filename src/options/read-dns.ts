/** Reads the options of `dns()`. */
import { isIP, isIPv4, isIPv6 } from 'node:net';
import { discoveryDefaults } from './discovery-defaults.js';
import type { RecordType } from './dns.js';
import { parseDuration, readPositiveDuration } from './duration.js';
import type { Reader } from './place.js';
import { complete, object, oneOf, readItems, text, wholeNumber } from './readers.js';

/** Times in milliseconds. */
export interface DnsSettings {
  readonly hostname: string;
  readonly port: number | undefined;
  readonly type: RecordType | undefined;
  readonly resolver: 'lookup' | 'resolve';
  readonly refresh: number;
  readonly minTtl: number;
  readonly servers: readonly string[] | undefined;
}

const readServer: Reader<string> = (value, at) => {
  const isServer = typeof value === 'string' && hasAddress(value);
  return isServer
    ? value
    : at.refuse(value, "an IP address such as '10.0.0.2', or one with a port");
};

/** Node checks the address alone: a port of 0 would end the process, and one beyond 65535 becomes another. */
function hasAddress(server: string): boolean {
  if (isIP(server) !== 0) return true;
  const [, six = '', four = '', port = '53'] =
    /^(?:\[([\da-f:.]+)\]|([\d.]+))(?::(\d{1,5}))?$/i.exec(server) ?? [];
  const isPort = Number(port) >= 1 && Number(port) <= 65_535;
  return isPort && (isIPv6(six) || isIPv4(four));
}

const readServers: Reader<readonly string[]> = (value, at) => {
  const servers = readItems(value, at, readServer, 'a list of IP addresses');
  return servers?.length === 0 ? at.refuse(value, 'at least one server') : complete(servers);
};

const readDnsOptions = object(
  {
    hostname: text(/^[^\s:/]+$/, 'a host name'),
    port: wholeNumber(1, 65_535),
    type: oneOf('A', 'AAAA', 'SRV'),
    resolver: oneOf('lookup', 'resolve'),
    refresh: readPositiveDuration,
    minTtl: readPositiveDuration,
    servers: readServers,
  },
  'an object with options',
  { required: { hostname: 'a host name' } },
);

/** As long as the answers of most servers hold. */
const LONGEST_TTL = '60s';

/** Options that do not go together are refused. */
export const readDns: Reader<DnsSettings> = (value, at) => {
  const read = readDnsOptions(value, at);
  if (read === null) return null;
  const { type, port, servers } = read;
  const usualResolver = type === 'SRV' ? 'resolve' : discoveryDefaults['dns.resolver'];
  const { resolver = usualResolver } = read;
  const asksDns = resolver === 'resolve';
  if (type === 'SRV' && !asksDns) {
    at.key('resolver').refuse(
      'lookup',
      "'resolve', since the system's resolver has no SRV records",
    );
  }
  if (type === 'SRV' && port !== undefined) {
    at.key('port').refuse(port, 'none, since SRV records have their own');
  }
  for (const key of ['minTtl', 'servers'] as const) {
    if (read[key] === undefined || asksDns) continue;
    at.key(key).say('it', "resolver: 'resolve'", "of use only together with resolver: 'resolve'");
  }
  const usualRefresh = asksDns ? LONGEST_TTL : discoveryDefaults['dns.refresh'];
  const { refresh = parseDuration(usualRefresh, 'refresh') } = read;
  const { minTtl = parseDuration(discoveryDefaults['dns.minTtl'], 'minTtl') } = read;
  if (read.minTtl !== undefined && minTtl > refresh) {
    at.key('minTtl').refuse(minTtl, `at most refresh, which is ${refresh}`);
  }
  // Without a name there is a problem.
  return { hostname: read.hostname ?? '', port, type, resolver, refresh, minTtl, servers };
};
