/** Success rates and failure percentages, as the sweep looks at them. */
import { describe, expect, test } from 'vitest';
import type { OutlierPolicy } from '../../src/cluster/outlier-policy.js';
import { successRateThreshold } from '../../src/cluster/outlier-statistics.js';
import { outlierPolicy } from '../support/virtual-cluster.js';
import { OutlierHost } from './outlier-host.js';

/** No rows, and of the two detectors only what is given. */
const QUIET: Partial<OutlierPolicy> = {
  consecutive5xxErrors: 0,
  consecutiveGatewayErrors: 0,
  consecutiveLocalOriginFailures: 0,
  enforcingSuccessRate: 0,
  maxEjectionPercent: 100,
};
const RATES: Partial<OutlierPolicy> = { ...QUIET, enforcingSuccessRate: 100 };
const SHARES: Partial<OutlierPolicy> = { ...QUIET, enforcingFailurePercentage: 100 };

/** So many results of each endpoint, and so many of them good. */
function results(
  host: OutlierHost,
  ...of: readonly (readonly [total: number, good: number])[]
): void {
  of.forEach(([total, good], index) => {
    host.answers(index, 200, good);
    host.answers(index, 500, total - good);
  });
}

function localResults(
  host: OutlierHost,
  ...of: readonly (readonly [total: number, good: number])[]
) {
  of.forEach(([total, good], index) => {
    for (let time = 0; time < good; time++) host.outliers.connected(host.at(index));
    for (let time = good; time < total; time++) host.fail(index, 503);
  });
}

const sweep = (host: OutlierHost): Promise<void> => host.runtime.advance(10_000);

describe('the threshold of success rates', () => {
  test('of 50, 100, 100, 100, 100 it is 52', () => {
    expect(successRateThreshold([50, 100, 100, 100, 100], 1.9)).toBeCloseTo(52, 9);
  });

  test('of equal rates it is that rate', () => {
    expect(successRateThreshold([70, 70, 70], 1.9)).toBe(70);
  });
});

describe('success rates', () => {
  const one = [100, 50] as const;
  const full = [100, 100] as const;

  test('the one that stands out is ejected at the sweep, not before', async () => {
    const host = new OutlierHost(RATES, 5);
    results(host, full, one, full, full, full);
    await host.runtime.advance(9999);
    expect(host.ejected).toEqual([]);
    await host.runtime.advance(1);
    expect(host.log).toEqual(['1 out: success_rate, 30000 ms, 1']);
    expect(host.counted).toMatchObject({
      detected_success_rate: 1,
      enforced_success_rate: 1,
      success_rate: 1,
      total: 1,
    });
  });

  test('an endpoint at the threshold stays', async () => {
    // 60, 100, 100, 100, 100 has a mean of 92 and a deviation of 16: with a factor of 2 the threshold is 60.
    const host = new OutlierHost({ ...RATES, successRateStdevFactor: 2000 }, 5);
    results(host, [100, 60], full, full, full, full);
    await sweep(host);
    expect(host.ejected).toEqual([]);
    const lower = new OutlierHost({ ...RATES, successRateStdevFactor: 1999 }, 5);
    results(lower, [100, 60], full, full, full, full);
    await sweep(lower);
    expect(lower.ejected).toEqual([0]);
  });

  test('where all are equally bad nobody stands out, whatever the factor', async () => {
    const host = new OutlierHost({ ...RATES, successRateStdevFactor: 0 }, 7);
    results(host, ...Array.from({ length: 7 }, () => [300, 199] as const));
    await sweep(host);
    expect(host.ejected).toEqual([]);
  });

  test('the population is divided by its size, not by one less', async () => {
    // With the deviation of a sample (21.9) the threshold of these would be 48.6.
    const host = new OutlierHost(RATES, 5);
    results(host, [100, 51], full, full, full, full);
    await sweep(host);
    expect(host.ejected).toEqual([0]);
  });

  test('nobody is compared below the number of endpoints', async () => {
    const host = new OutlierHost(RATES, 5);
    results(host, [100, 0], full, full, full, [99, 99]);
    await sweep(host);
    expect(host.ejected).toEqual([]);
  });

  test('those with fewer results are neither found nor compared with', async () => {
    const host = new OutlierHost(RATES, 7);
    results(host, one, full, full, full, full, [99, 0], [0, 0]);
    await sweep(host);
    expect(host.ejected).toEqual([0]);
  });

  test('only the last interval counts', async () => {
    const host = new OutlierHost(RATES, 5);
    results(host, [60, 0], [60, 60], [60, 60], [60, 60], [60, 60]);
    await sweep(host);
    results(host, [60, 0], [60, 60], [60, 60], [60, 60], [60, 60]);
    await sweep(host);
    expect(host.ejected).toEqual([]);
    await sweep(host);
    expect(host.count('ejections_detected_success_rate')).toBe(0);
  });

  test('those that are out are not compared', async () => {
    const host = new OutlierHost({ ...RATES, consecutive5xxErrors: 1000 }, 6);
    host.answers(5, 500, 1000);
    expect(host.ejected).toEqual([5]);
    results(host, one, full, full, full, full);
    await sweep(host);
    // With the rate of the one that is out the threshold would be below 50.
    expect(host.ejected).toEqual([0, 5]);
  });

  test('one that returns at this sweep is compared', async () => {
    const host = new OutlierHost({ ...RATES, baseEjectionTime: 10_000 }, 5);
    results(host, one, full, full, full, full);
    await sweep(host);
    // In panic, or what was on its way.
    results(host, one, full, full, full, full);
    await sweep(host);
    expect(host.log.map((line) => line.slice(0, 6))).toEqual(['0 out:', '0 back', '0 out:']);
    expect(host.drained).toEqual([0, 0]);
  });

  test('0 percent finds and ejects nobody', async () => {
    const host = new OutlierHost({ ...RATES, enforcingSuccessRate: 0 }, 5);
    results(host, one, full, full, full, full);
    await sweep(host);
    expect(host.counted).toEqual({ detected_success_rate: 1, success_rate: 1, total: 1 });
  });
});

describe('failure percentages', () => {
  const few = [50, 43] as const;

  test('85 % of the results are enough, 84 % are not', async () => {
    const host = new OutlierHost(SHARES, 5);
    results(host, [100, 15], [100, 16], few, few, few);
    await sweep(host);
    expect(host.log).toEqual(['0 out: failure_percentage, 30000 ms, 1']);
    // The old total is of two other kinds.
    expect(host.counted).toEqual({
      active: 1,
      enforced_total: 1,
      detected_failure_percentage: 1,
      enforced_failure_percentage: 1,
    });
  });

  test('all of them may go, since nobody is compared', async () => {
    const host = new OutlierHost(SHARES, 5);
    results(host, ...Array.from({ length: 5 }, () => [50, 0] as const));
    await sweep(host);
    expect(host.ejected).toHaveLength(5);
  });

  test('only counted unless enforced', async () => {
    const host = new OutlierHost(QUIET, 5);
    results(host, [50, 0], few, few, few, few);
    await sweep(host);
    expect(host.counted).toMatchObject({ detected_failure_percentage: 1 });
    expect(host.ejected).toEqual([]);
  });

  test('not below the number of endpoints or of results', async () => {
    const host = new OutlierHost(SHARES, 5);
    results(host, [50, 0], [50, 0], [50, 0], [50, 0], [49, 0]);
    await sweep(host);
    expect(host.counted).toEqual({});
  });

  test('an endpoint that both find is ejected once', async () => {
    const host = new OutlierHost({ ...RATES, ...SHARES, enforcingSuccessRate: 100 }, 5);
    results(host, [100, 0], [100, 100], [100, 100], [100, 100], [100, 100]);
    await sweep(host);
    expect(host.log).toEqual(['0 out: success_rate, 30000 ms, 1']);
    expect(host.counted).toMatchObject({
      active: 1,
      enforced_total: 1,
      detected_success_rate: 1,
      detected_failure_percentage: 1,
    });
  });
});

describe('with the split', () => {
  const split = { splitExternalLocalOriginErrors: true };
  const full = [100, 100] as const;

  test('failures on the way are compared with each other', async () => {
    const host = new OutlierHost({ ...QUIET, ...split, enforcingLocalOriginSuccessRate: 100 }, 5);
    localResults(host, [100, 50], full, full, full, full);
    results(host, full, full, full, full, full);
    await sweep(host);
    expect(host.log).toEqual(['0 out: local_origin_success_rate, 30000 ms, 1']);
    expect(host.count('ejections_success_rate')).toBe(1);
    expect(host.count('ejections_total')).toBe(0);
  });

  test('and measured by themselves', async () => {
    const host = new OutlierHost(
      {
        ...QUIET,
        ...split,
        enforcingLocalOriginSuccessRate: 0,
        enforcingFailurePercentageLocalOrigin: 100,
      },
      5,
    );
    localResults(host, [100, 10], full, full, full, full);
    await sweep(host);
    expect(host.log).toEqual(['0 out: local_origin_failure_percentage, 30000 ms, 1']);
  });

  test('mean nothing any more once it is given up', async () => {
    const given = { ...QUIET, enforcingFailurePercentageLocalOrigin: 100 };
    const host = new OutlierHost({ ...given, ...split }, 5);
    localResults(host, [100, 10], full, full, full, full);
    host.outliers.setPolicy(outlierPolicy(given));
    await sweep(host);
    expect(host.counted).toEqual({});
  });

  test('do not count as answers', async () => {
    const host = new OutlierHost({ ...RATES, ...split, enforcingLocalOriginSuccessRate: 0 }, 5);
    localResults(host, [100, 0], full, full, full, full);
    results(host, full, full, full, full, full);
    await sweep(host);
    expect(host.count('ejections_detected_success_rate')).toBe(0);
    expect(host.count('ejections_detected_local_origin_success_rate')).toBe(1);
  });
});
