import { describe, expect, it } from 'vitest';
import { AliasTable } from '../../src/balancing/alias-table.js';
import type { Balancer } from '../../src/balancing/balancer.js';
import { RandomChoice } from '../../src/balancing/random.js';
import type { Endpoint } from '../../src/cluster/endpoint.js';
import { anyCall, countPicks, endpointsOf, seededChance, StillRuntime } from './fleet.js';

const random = (endpoints: readonly Endpoint[], runtime: StillRuntime): Balancer =>
  new RandomChoice(endpoints, { runtime, previous: undefined });

describe('RandomChoice', () => {
  it('picks nothing from an empty list, and the only one from a list of one', () => {
    expect(random([], new StillRuntime()).pick(anyCall)).toBeUndefined();
    const endpoints = endpointsOf(3);
    expect(random(endpoints, new StillRuntime()).pick(anyCall)).toBe(endpoints[0]);
  });

  it('divides the range of chance evenly among equal weights', () => {
    const endpoints = endpointsOf(2, 2, 2, 2);
    const chances = [0, 0.249, 0.25, 0.5, 0.749, 0.75, 0.999_999];
    const balancer = random(endpoints, new StillRuntime(() => chances.shift() ?? 1));
    const picked = Array.from({ length: 7 }, () =>
      endpoints.indexOf(balancer.pick(anyCall) as Endpoint),
    );
    expect(picked).toEqual([0, 0, 1, 2, 2, 3, 3]);
  });

  it.each([[[1, 1, 1]], [[1, 2, 7]], [[5, 1, 1, 1, 1, 1]], [[1, 1000]], [[3, 3, 2]]])(
    'gives 100,000 picks in proportion to the weights %j',
    (weights) => {
      const seed = 11;
      const endpoints = endpointsOf(...weights);
      const balancer = random(endpoints, new StillRuntime(seededChance(seed)));
      const counts = countPicks(balancer, endpoints, 100_000);
      const sum = weights.reduce((a, b) => a + b);
      counts.forEach((count, i) => {
        const share = (weights[i] ?? 0) / sum;
        // Five standard deviations.
        const tolerance = 5 * Math.sqrt(share * (1 - share) * 100_000);
        expect(Math.abs(count - share * 100_000), `seed ${seed}, endpoint ${i}`).toBeLessThan(
          tolerance,
        );
      });
    },
  );
});

describe('AliasTable', () => {
  it.each([[[1]], [[1, 2]], [[3, 1, 4, 1, 5, 9, 2, 6]], [[1, 4_294_967_294]], [[7, 7, 7]]])(
    'draws each entry from its share of the range of chance, weights %j',
    (weights) => {
      const table = new AliasTable(weights);
      const sum = weights.reduce((a, b) => a + b);
      const steps = 100_000;
      const counts = weights.map(() => 0);
      for (let i = 0; i < steps; i++) {
        const drawn = table.draw((i + 0.5) / steps);
        counts[drawn] = (counts[drawn] ?? Number.NaN) + 1;
      }
      // Each column can be off by a step at either end.
      counts.forEach((count, i) => {
        const expected = ((weights[i] ?? 0) * steps) / sum;
        expect(Math.abs(count - expected)).toBeLessThanOrEqual(2 * weights.length);
      });
    },
  );
});
