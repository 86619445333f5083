/** Hashes and tables stated once more with BigInt, as plainly as they are written down, to hold the fast ones against. */
import type { Hash64 } from '../../src/core/hash64.js';

const MASK = (1n << 64n) - 1n;
const P1 = 0x9e3779b185ebca87n;
const P2 = 0xc2b2ae3d27d4eb4fn;
const P3 = 0x165667b19e3779f9n;
const P4 = 0x85ebca77c2b2ae63n;
const P5 = 0x27d4eb2f165667c5n;

const rotate = (value: bigint, bits: bigint): bigint =>
  ((value << bits) | (value >> (64n - bits))) & MASK;
const round = (accumulator: bigint, lane: bigint): bigint =>
  (rotate((accumulator + lane * P2) & MASK, 31n) * P1) & MASK;
const merge = (hash: bigint, accumulator: bigint): bigint =>
  ((hash ^ round(0n, accumulator)) * P1 + P4) & MASK;

/** The specification of xxHash64, step by step. */
export function plainXxHash64(bytes: Buffer, seed = 0n): bigint {
  let at = 0;
  let hash = (seed + P5) & MASK;
  if (bytes.length >= 32) {
    let [a, b, c, d] = [seed + P1 + P2, seed + P2, seed, seed - P1].map((v) => v & MASK) as [
      bigint,
      bigint,
      bigint,
      bigint,
    ];
    for (; at + 32 <= bytes.length; at += 32) {
      a = round(a, bytes.readBigUInt64LE(at));
      b = round(b, bytes.readBigUInt64LE(at + 8));
      c = round(c, bytes.readBigUInt64LE(at + 16));
      d = round(d, bytes.readBigUInt64LE(at + 24));
    }
    hash = (rotate(a, 1n) + rotate(b, 7n) + rotate(c, 12n) + rotate(d, 18n)) & MASK;
    for (const accumulator of [a, b, c, d]) hash = merge(hash, accumulator);
  }
  hash = (hash + BigInt(bytes.length)) & MASK;
  for (; at + 8 <= bytes.length; at += 8) {
    hash = (rotate(hash ^ round(0n, bytes.readBigUInt64LE(at)), 27n) * P1 + P4) & MASK;
  }
  if (at + 4 <= bytes.length) {
    hash ^= (BigInt(bytes.readUInt32LE(at)) * P1) & MASK;
    hash = (rotate(hash, 23n) * P2 + P3) & MASK;
    at += 4;
  }
  for (; at < bytes.length; at++) {
    hash ^= (BigInt(bytes[at] ?? 0) * P5) & MASK;
    hash = (rotate(hash, 11n) * P1) & MASK;
  }
  hash = ((hash ^ (hash >> 33n)) * P2) & MASK;
  hash = ((hash ^ (hash >> 29n)) * P3) & MASK;
  return hash ^ (hash >> 32n);
}

export const plainHashOf = (text: string, seed = 0n): bigint =>
  plainXxHash64(Buffer.from(text), seed);

/** The number that the halves are. */
export const whole = ({ high, low }: Hash64): bigint =>
  (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);

/** The halves of a number. */
export const halves = (value: bigint): Hash64 => ({
  high: Number((value >> 32n) & 0xffff_ffffn),
  low: Number(value & 0xffff_ffffn),
});

/** What makes a host's part of a table. */
export interface PlainHost {
  readonly key: string;
  readonly weight: number;
}

function sharesOf(hosts: readonly PlainHost[]): number[] {
  const sum = hosts.reduce((all, { weight }) => all + weight, 0);
  return hosts.map(({ weight }) => weight / sum);
}

/** Envoy's ring: hashes and the hosts they belong to, in order. */
export function plainRing(
  hosts: readonly PlainHost[],
  minimum = 1024,
  maximum = 8_388_608,
): { readonly hash: bigint; readonly host: number }[] {
  const shares = sharesOf(hosts);
  const least = Math.min(...shares);
  const scale = Math.min(Math.ceil(least * minimum) / least, maximum);
  const ring: { hash: bigint; host: number }[] = [];
  let current = 0;
  let target = 0;
  hosts.forEach(({ key }, host) => {
    target += scale * (shares[host] ?? 0);
    for (let i = 0; current < target; i++, current++) {
      ring.push({ hash: plainHashOf(`${key}_${i}`), host });
    }
  });
  return ring.sort((a, b) => (a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : 0));
}

export function plainRingLookUp(
  ring: readonly { readonly hash: bigint; readonly host: number }[],
  hash: bigint,
): number {
  return (ring.find((entry) => entry.hash >= hash) ?? ring[0])?.host ?? -1;
}

/** Envoy's Maglev table: the host of each slot. */
export function plainMaglev(hosts: readonly PlainHost[], size: number): number[] {
  const shares = sharesOf(hosts);
  const most = Math.max(...shares);
  const m = BigInt(size);
  const builders = hosts
    .map(({ key }, host) => ({
      key,
      host,
      offset: plainHashOf(key) % m,
      skip: (plainHashOf(key, 1n) % (m - 1n)) + 1n,
      next: 0n,
      target: 0,
      weight: shares[host] ?? 0,
    }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const table: number[] = Array.from({ length: size }, () => -1);
  let free = size;
  for (let iteration = 1; free > 0; iteration++) {
    for (const builder of builders) {
      if (free === 0) break;
      if (iteration * builder.weight < builder.target) continue;
      builder.target += most;
      const slot = () => Number((builder.offset + builder.skip * builder.next++) % m);
      let place = slot();
      while (table[place] !== -1) place = slot();
      table[place] = builder.host;
      free -= 1;
    }
  }
  return table;
}
