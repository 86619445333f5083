import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HashRing } from '../../src/balancing/hash-ring.js';
import type { Endpoint } from '../../src/cluster/endpoint.js';
import { endpointsOf, hostsOf, namedHosts } from './fleet.js';
import { halves, plainHashOf, plainRing, plainRingLookUp } from './plain-hash.js';

const LAST = (1n << 64n) - 1n;

const DEFAULTS = { minimumRingSize: 1024, maximumRingSize: 8_388_608 };

function lookUp(ring: HashRing, hash: bigint): number {
  const { high, low } = halves(hash);
  return ring.lookUp(high, low);
}

/** That the places are those of the plain ring, and that there are no others between them. */
function expectPlain(endpoints: readonly Endpoint[], minimum: number, maximum: number): void {
  const ring = new HashRing(endpoints, { minimumRingSize: minimum, maximumRingSize: maximum });
  const plain = plainRing(hostsOf(endpoints), minimum, maximum);
  plain.forEach(({ hash, host }, index) => {
    expect(lookUp(ring, hash)).toBe(host);
    const next = plain[(index + 1) % plain.length];
    expect(lookUp(ring, (hash + 1n) & LAST)).toBe(next?.host);
  });
  const counts = endpoints.map((_, host) => plain.filter((entry) => entry.host === host).length);
  expect(ring.stats()).toMatchObject({
    'ring_hash_lb.min_hashes_per_host': Math.min(...counts),
    'ring_hash_lb.max_hashes_per_host': Math.max(...counts),
  });
}

describe('the ring', () => {
  test("has the places of Envoy's worked example", () => {
    const names = ['90', '91', '92', '93', '94', '95'];
    const ring = new HashRing(namedHosts(...names), { ...DEFAULTS, minimumRingSize: 12 });
    const nameAt = (hash: bigint) => names[lookUp(ring, hash)];
    const places: [string, bigint][] = [
      ['95', 1975508444536362413n],
      ['95', 2376063919839173711n],
      ['93', 2386806903309390596n],
      ['94', 6749904478991551885n],
      ['93', 6803900775736438537n],
      ['92', 7225015537174310577n],
      ['90', 8787465352164086522n],
      ['92', 11282020843382717940n],
      ['91', 13723418369486627818n],
      ['90', 13776502110861797421n],
      ['91', 14338313586354474791n],
      ['94', 15364271037087512980n],
    ];
    places.forEach(([name, hash], index) => {
      expect(nameAt(hash)).toBe(name);
      expect(nameAt(hash + 1n)).toBe(places[(index + 1) % places.length]?.[0]);
    });
    expect([0n, LAST, 7225015537174310577n, 6803900775736438538n].map(nameAt)).toEqual([
      '95',
      '95',
      '92',
      '92',
    ]);
    expect(ring.stats()).toEqual({
      'ring_hash_lb.size': 12,
      'ring_hash_lb.min_hashes_per_host': 2,
      'ring_hash_lb.max_hashes_per_host': 2,
    });
  });

  test.each([
    ['ten alike', Array.from({ length: 10 }, () => 1)],
    ['weights', [1, 2, 3, 5, 7, 1, 1]],
    ['one alone', [3]],
    ['many', Array.from({ length: 300 }, (_, i) => 1 + (i % 5))],
  ])("equals Envoy's rule entry by entry: %s", (_what, weights) => {
    expectPlain(endpointsOf(...weights), 1024, 8_388_608);
  });

  test("equals Envoy's rule for whatever weights and sizes", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 0, max: 100 }),
        (weights, minimum, more) => expectPlain(endpointsOf(...weights), minimum, minimum + more),
      ),
      { numRuns: 60 },
    );
  });

  test('finds the place of any hash', () => {
    const endpoints = endpointsOf(1, 2, 3, 1);
    const ring = new HashRing(endpoints, DEFAULTS);
    const plain = plainRing(hostsOf(endpoints));
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: LAST }), (hash) => {
        expect(lookUp(ring, hash)).toBe(plainRingLookUp(plain, hash));
      }),
    );
  });

  test('gives equals as many places, save for one where the running sums of Envoy round up', () => {
    for (let size = 1; size <= 200; size++) {
      const endpoints = endpointsOf(...Array.from({ length: size }, () => 1));
      const stats = new HashRing(endpoints, DEFAULTS).stats();
      const each = Math.ceil(1024 / size);
      expect(stats['ring_hash_lb.size']).toBe(each * size);
      expect(stats['ring_hash_lb.min_hashes_per_host']).toBe(each);
      expect(stats['ring_hash_lb.max_hashes_per_host']).toBeLessThanOrEqual(each + 1);
    }
  });

  test('loses one of ten: at most its share and ten points of the keys move', () => {
    const ten = endpointsOf(...Array.from({ length: 10 }, () => 1));
    const before = new HashRing(ten, DEFAULTS);
    const hashes = Array.from({ length: 20_000 }, (_, i) => plainHashOf(`user-${i}`));
    const owners = hashes.map((hash) => ten[lookUp(before, hash)]);
    for (const gone of ten) {
      const rest = ten.filter((endpoint) => endpoint !== gone);
      const after = new HashRing(rest, DEFAULTS);
      const share = owners.filter((owner) => owner === gone).length / hashes.length;
      const moved = hashes.filter((hash, i) => rest[lookUp(after, hash)] !== owners[i]).length;
      expect(moved / hashes.length).toBeLessThanOrEqual(share + 0.1);
    }
  });
});
