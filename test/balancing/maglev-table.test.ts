import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MaglevTable } from '../../src/balancing/maglev-table.js';
import type { Endpoint } from '../../src/cluster/endpoint.js';
import { endpointsOf, hostsOf, namedHosts } from './fleet.js';
import { halves, plainHashOf, plainMaglev } from './plain-hash.js';

const DEFAULT_SIZE = 65_537;

function lookUp(table: MaglevTable, hash: bigint): number {
  const { high, low } = halves(hash);
  return table.lookUp(high, low);
}

const slots = (table: MaglevTable, size: number): number[] =>
  Array.from({ length: size }, (_, slot) => lookUp(table, BigInt(slot)));

const counts = (owners: readonly number[], size: number): number[] =>
  Array.from({ length: size }, (_, host) => owners.filter((owner) => owner === host).length);

describe('the Maglev table', () => {
  test("has the slots of Envoy's worked example", () => {
    const names = ['90', '91', '92', '93', '94', '95'];
    const table = new MaglevTable(namedHosts(...names), 7);
    const owners = slots(table, 7).map((host) => names[host]);
    expect(owners).toEqual(['92', '95', '90', '93', '94', '91', '90']);
    expect(table.stats()).toEqual({
      'maglev_lb.min_entries_per_host': 1,
      'maglev_lb.max_entries_per_host': 2,
    });
  });

  test.each([
    ['ten alike', Array.from({ length: 10 }, () => 1)],
    ['weights', [1, 2, 3, 5, 7, 1, 1]],
    ['one alone', [3]],
  ])("equals Envoy's rule slot by slot: %s", (_what, weights) => {
    const endpoints = endpointsOf(...weights);
    const owners = slots(new MaglevTable(endpoints, DEFAULT_SIZE), DEFAULT_SIZE);
    expect(owners).toEqual(plainMaglev(hostsOf(endpoints), DEFAULT_SIZE));
  });

  test("equals Envoy's rule for whatever weights, more hosts than slots included", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 20 }),
        fc.constantFrom(2, 3, 7, 11, 101, 499),
        (weights, size) => {
          const endpoints = endpointsOf(...weights);
          const owners = slots(new MaglevTable(endpoints, size), size);
          expect(owners).toEqual(plainMaglev(hostsOf(endpoints), size));
        },
      ),
    );
  });

  test('gives a host of double weight twice as many slots', () => {
    const table = new MaglevTable(endpointsOf(1, 2), DEFAULT_SIZE);
    expect(counts(slots(table, DEFAULT_SIZE), 2)).toEqual([21_846, 43_691]);
    expect(table.stats()).toEqual({
      'maglev_lb.min_entries_per_host': 21_846,
      'maglev_lb.max_entries_per_host': 43_691,
    });
  });

  test('takes a hash modulo its size exactly, also where that is large', () => {
    const size = 4_999_999;
    const table = new MaglevTable(endpointsOf(1, 1, 1), size);
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), (hash) => {
        expect(lookUp(table, hash)).toBe(lookUp(table, hash % BigInt(size)));
      }),
    );
  });

  test('does not depend on the order of the list', () => {
    const endpoints = endpointsOf(1, 2, 3, 1, 1);
    const mixed = [3, 0, 4, 2, 1].map((index) => endpoints[index] as Endpoint);
    const owners = slots(new MaglevTable(endpoints, 499), 499);
    const same = slots(new MaglevTable(mixed, 499), 499);
    expect(same.map((host) => mixed[host])).toEqual(owners.map((host) => endpoints[host]));
  });

  test('of ten has shares within 1 % of even, and the loss of one moves little more than its share', () => {
    const ten = endpointsOf(...Array.from({ length: 10 }, () => 1));
    const before = slots(new MaglevTable(ten, DEFAULT_SIZE), DEFAULT_SIZE);
    const even = DEFAULT_SIZE / 10;
    for (const count of counts(before, 10)) {
      expect(Math.abs(count - even) / even).toBeLessThanOrEqual(0.01);
    }
    const hashes = Array.from({ length: 20_000 }, (_, i) => plainHashOf(`user-${i}`));
    const all = new MaglevTable(ten, DEFAULT_SIZE);
    const owners = hashes.map((hash) => ten[lookUp(all, hash)]);
    for (const gone of ten) {
      const rest = ten.filter((endpoint) => endpoint !== gone);
      const after = new MaglevTable(rest, DEFAULT_SIZE);
      const share = owners.filter((owner) => owner === gone).length / hashes.length;
      const moved = hashes.filter((hash, i) => rest[lookUp(after, hash)] !== owners[i]).length;
      expect(moved / hashes.length).toBeLessThanOrEqual(share + 0.01);
    }
  });
});
