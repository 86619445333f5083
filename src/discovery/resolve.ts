/** Asks for the addresses behind a name: the system's resolver, or DNS itself. */
import { lookup } from 'node:dns';
import { Resolver } from 'node:dns/promises';
import type { RecordType } from '../options/dns.js';
import { codeOf } from './error-code.js';

/** Where a service can be reached. */
export interface Address {
  /** An IP address. */
  readonly address: string;
  /** Of SRV records; otherwise the same for all, and known already. */
  readonly port: number | undefined;
  readonly weight: number;
  /** 0 is the first; without gaps. */
  readonly priority: number;
}

export interface Answer {
  readonly addresses: readonly Address[];
  /** Milliseconds for which it holds, where somebody has said so. */
  readonly ttl: number | undefined;
}

/** Rejects with the resolver's error; a name without addresses is one, too, with the code ENOTFOUND or ENODATA. */
export interface AddressSource {
  resolve(): Promise<Answer>;
  /** Gives up what is under way. */
  cancel(): void;
}

/** What the tests put something else in place of. */
export type DnsQueries = Pick<
  Resolver,
  'resolve4' | 'resolve6' | 'resolveSrv' | 'setServers' | 'cancel'
>;

/** `getaddrinfo`, which knows `/etc/hosts` and search domains, and no TTL. */
export function systemAddresses(hostname: string, type: 'A' | 'AAAA' | undefined): AddressSource {
  const family = type === undefined ? 0 : type === 'A' ? 4 : 6;
  return {
    resolve: () =>
      new Promise((resolve, reject) => {
        lookup(hostname, { all: true, family }, (error, found) => {
          if (error === null) resolve({ addresses: found.map(asAddress), ttl: undefined });
          else reject(error);
        });
      }),
    // It cannot be given up, and does not hold the process for long.
    cancel() {},
  };
}

/** Milliseconds that a server of names has for its answer, and how often it is asked. */
const PATIENCE = { timeout: 2000, tries: 2 };

/** DNS, with the times for which its answers hold. */
export function dnsAddresses(
  hostname: string,
  type: RecordType | undefined,
  servers: readonly string[] | undefined,
  queries: DnsQueries = new Resolver(PATIENCE),
): AddressSource {
  if (servers !== undefined) queries.setServers(servers);
  return {
    resolve: () =>
      type === 'SRV' ? srvAddresses(hostname, queries) : ipAddresses(hostname, type, queries),
    cancel: () => queries.cancel(),
  };
}

/** Of both families, where none is named: then one of them may have nothing. */
async function ipAddresses(
  hostname: string,
  type: 'A' | 'AAAA' | undefined,
  queries: DnsQueries,
): Promise<Answer> {
  const asked = [
    ...(type === 'AAAA' ? [] : [queries.resolve4(hostname, { ttl: true })]),
    ...(type === 'A' ? [] : [queries.resolve6(hostname, { ttl: true })]),
  ];
  const answers = await Promise.allSettled(asked);
  const failures = answers.flatMap((answer) => (answer.status === 'rejected' ? answer : []));
  // With half of an answer, the endpoints of the other half would be lost.
  const failure = failures.find(({ reason }) => !isEmpty(reason)) ?? failures[asked.length - 1];
  if (failure !== undefined) throw failure.reason;
  const records = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  return { addresses: records.map(asAddress), ttl: shortest(records.map(({ ttl }) => ttl * 1000)) };
}

/** Endpoints have no later priority. */
const LAST_PRIORITY = 127;

/** Each address of each target; a weight of 0 is the least that there is here. */
async function srvAddresses(hostname: string, queries: DnsQueries): Promise<Answer> {
  const records = await queries.resolveSrv(hostname);
  // A dot says that the service is not to be had.
  const targets = records.filter(({ name }) => name !== '');
  const priorities = [...new Set(targets.map(({ priority }) => priority))].sort((a, b) => a - b);
  const answers = await Promise.all(
    targets.map(async ({ name, port, weight: given, priority: own }) => {
      const { addresses, ttl } = await targetAddresses(name, queries);
      const weight = Math.max(given, 1);
      const priority = Math.min(priorities.indexOf(own), LAST_PRIORITY);
      const found = addresses.map(({ address }) => ({ address, port, weight, priority }));
      return { addresses: found, ttl };
    }),
  );
  return {
    addresses: answers.flatMap(({ addresses }) => addresses),
    ttl: shortest(answers.flatMap(({ ttl }) => ttl ?? [])),
  };
}

/** A target without an address is left out. */
async function targetAddresses(name: string, queries: DnsQueries): Promise<Answer> {
  try {
    return await ipAddresses(name, undefined, queries);
  } catch (error) {
    if (isEmpty(error)) return { addresses: [], ttl: undefined };
    throw error;
  }
}

function asAddress({ address }: { readonly address: string }): Address {
  return { address, port: undefined, weight: 1, priority: 0 };
}

function shortest(times: readonly number[]): number | undefined {
  return times.length === 0 ? undefined : Math.min(...times);
}

/** The name has no such records, or is none. */
export function isEmpty(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'ENOTFOUND' || code === 'ENODATA';
}
