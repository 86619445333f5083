import { describe, expect, it } from 'vitest';
import { balancerFactory, type LoadBalancerPolicy } from '../../src/balancing/policies.js';
import {
  answersIn,
  ClosedLoop,
  failsIn,
  quantile,
  rate,
  seededChance,
  shareOf,
  type Service,
} from './fleet.js';

const roundRobin = { policy: 'round-robin' } as const;
const random = { policy: 'random' } as const;
const leastRequest = {
  policy: 'least-request',
  choiceCount: 2,
  activeRequestBias: 1,
  fullScan: false,
} as const;
const peakEwma = { policy: 'peak-ewma', decayTime: 10_000 } as const;

const minute = 60_000;
const seeds = [1, 2, 3, 4, 5];

/** One endpoint answers after a second, the others after 150 ms. */
const chapter: Service = (endpoint) => answersIn(endpoint === 0 ? 1000 : 150);

const fleet = (
  policy: LoadBalancerPolicy,
  service: Service,
  { size = 3, workers = 10, seed = 1 } = {},
) => new ClosedLoop(balancerFactory(policy), size, service, workers, seed);

describe.each(seeds)('one slow endpoint of three, ten workers, a minute, seed %d', (seed) => {
  const measure = (policy: LoadBalancerPolicy) => {
    const finished = fleet(policy, chapter, { seed }).run(minute);
    const quantiles = [0.5, 0.75, 0.9].map((share) => quantile(finished, share));
    return { qps: rate(finished, minute), quantiles };
  };

  // Through Envoy: 22.7, 23.4 and 36.1 a second.
  it.each([roundRobin, random])('$policy meets the slow one in every third attempt', (policy) => {
    const { qps, quantiles } = measure(policy);
    expect(qps).toBeGreaterThan(21.5);
    expect(qps).toBeLessThan(24.5);
    expect(quantiles).toEqual([150, 1000, 1000]);
  });

  it('least-request meets it less often', () => {
    const { qps, quantiles } = measure(leastRequest);
    expect(qps).toBeGreaterThan(34.5);
    expect(qps).toBeLessThan(38.5);
    expect(quantiles).toEqual([150, 150, 1000]);
  });

  it('peak-ewma comes close to the 66.7 of a fleet without it', () => {
    const { qps, quantiles } = measure(peakEwma);
    expect(qps).toBeGreaterThan(57);
    expect(quantiles).toEqual([150, 150, 150]);
  });
});

describe('peak-ewma', () => {
  it.each([1, 0.75])('keeps away from an endpoint that fails fast, failures %d', (failures) => {
    const chance = seededChance(21);
    const service: Service = (endpoint) => {
      if (endpoint > 0) return answersIn(150);
      return chance() < failures ? failsIn(1) : answersIn(1);
    };
    for (const workers of [1, 10, 100]) {
      for (const seed of seeds) {
        const finished = fleet(peakEwma, service, { workers, seed }).run(minute);
        const failed = finished.filter(({ result }) => !result.ok).length;
        expect(failed / finished.length, `seed ${seed}, ${workers} workers`).toBeLessThan(0.03);
      }
    }
  });

  it('does not let failures everywhere drown the latencies', () => {
    for (const seed of seeds) {
      const chance = seededChance(seed + 100);
      const service: Service = (endpoint) => {
        const time = endpoint === 0 ? 1000 : 150;
        return chance() < 0.1 ? failsIn(time) : answersIn(time);
      };
      const finished = fleet(peakEwma, service, { seed }).run(minute);
      expect(rate(finished, minute), `seed ${seed}`).toBeGreaterThan(52);
    }
  });

  it.each([
    { size: 2, most: 1 },
    { size: 3, most: 2 / 3 },
    { size: 10, most: 2 / 10 },
  ])('moves to the one of $size that recovers after all have failed', ({ size, most }) => {
    for (const seed of seeds) {
      const service: Service = (endpoint, now) =>
        endpoint === 0 && now > 30_000 ? answersIn(20) : failsIn(5);
      const loop = fleet(peakEwma, service, { size, seed });
      loop.run(30_000);
      // Two choices compare it with another in that part of the picks, and then it must win.
      const share = shareOf(loop.run(2000).slice(-1000), 0);
      expect(share, `seed ${seed}`).toBeGreaterThan(most * 0.85);
    }
  });

  it('finds an endpoint that has recovered from failures', () => {
    for (const seed of seeds) {
      const service: Service = (endpoint, now) =>
        endpoint === 0 && now < 20_000 ? failsIn(1) : answersIn(150);
      const loop = fleet(peakEwma, service, { seed });
      expect(shareOf(loop.run(20_000), 0), `seed ${seed}`).toBeLessThan(0.02);
      loop.run(20_000);
      expect(shareOf(loop.run(10_000), 0), `seed ${seed}`).toBeCloseTo(1 / 3, 1);
    }
  });

  it('gives an endpoint that was slow its share back', () => {
    for (const seed of seeds) {
      const service: Service = (endpoint, now) =>
        answersIn(endpoint === 0 && now < 20_000 ? 1000 : 150);
      const loop = fleet(peakEwma, service, { seed });
      expect(shareOf(loop.run(20_000), 0), `seed ${seed}`).toBeLessThan(0.05);
      loop.run(40_000);
      expect(shareOf(loop.run(10_000), 0), `seed ${seed}`).toBeGreaterThan(0.25);
    }
  });

  it('sends one attempt to a new endpoint that is slow', () => {
    for (const seed of seeds) {
      const service: Service = (endpoint) => answersIn(endpoint === 3 ? 1000 : 150);
      const loop = fleet(peakEwma, service, { seed });
      loop.run(10_000);
      loop.join();
      loop.run(990);
      expect(loop.endpoints[3]?.active, `seed ${seed}`).toBe(1);
    }
  });

  it('gives a new endpoint that is as fast as the others its share within two seconds', () => {
    for (const seed of seeds) {
      const loop = fleet(peakEwma, () => answersIn(150), { seed });
      loop.run(10_000);
      loop.join();
      loop.run(2000);
      const share = shareOf(loop.run(10_000), 3);
      expect(share, `seed ${seed}`).toBeGreaterThan(0.2);
      expect(share, `seed ${seed}`).toBeLessThan(0.3);
    }
  });

  it('does not lose all its workers to an endpoint that hangs, even if nothing times out', () => {
    for (const seed of seeds) {
      const service: Service = (endpoint, now) =>
        answersIn(endpoint === 0 && now > 5000 ? 1e9 : 150);
      const loop = fleet(peakEwma, service, { workers: 30, seed });
      loop.run(10 * minute);
      expect(loop.endpoints[0]?.active, `seed ${seed}`).toBeLessThan(18);
    }
  });
});
