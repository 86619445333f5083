/** Shares of a split, over many draws. */
import { expect, test } from 'vitest';
import type { Cluster } from '../../src/cluster/cluster.js';
import { routerFor } from '../../src/routing/router.js';
import { seededRandom } from '../../src/testing/index.js';

/** Of a cluster the router uses no more. */
function cluster(name: string, random: () => number): Cluster {
  return { name, runtime: { random } } as unknown as Cluster;
}

test.each([[[90, 10]], [[1, 1, 1]], [[7, 0, 3]], [[1]], [[99, 1]]])(
  '%j come within half a percentage point over 100,000 calls',
  (weights) => {
    const seed = 11;
    const random = seededRandom(seed);
    const names = weights.map((_, index) => `v${index}`);
    const subsets = new Map(names.map((name) => [name, cluster(name, random)]));
    const shares = names.map((subset, index) => ({ subset, weight: weights[index] ?? 0 }));
    const route = { name: 'split', matches: [], shares, overrides: undefined };
    const router = routerFor([route], cluster('whole', random), subsets);
    const counts = new Map<string | undefined, number>();
    for (let call = 0; call < 100_000; call++) {
      const name = router?.wayOf('GET', '/', [])?.cluster.name;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    const all = weights.reduce((sum, weight) => sum + weight, 0);
    names.forEach((name, index) => {
      const percent = (counts.get(name) ?? 0) / 1000;
      expect(Math.abs(percent - (100 * (weights[index] ?? 0)) / all), `seed ${seed}`).toBeLessThan(
        0.5,
      );
    });
  },
);
