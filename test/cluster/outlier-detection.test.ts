import { describe, expect, test } from 'vitest';
import { outlierPolicy } from '../support/virtual-cluster.js';
import { OutlierHost } from './outlier-host.js';

const BASE = { interval: 10_000, baseEjectionTime: 10_000 };

describe('errors in a row', () => {
  test('the fifth 5xx ejects, not the fourth', () => {
    const host = new OutlierHost();
    host.answer(0, 500, 502, 599, 500);
    expect(host.ejected).toEqual([]);
    host.answer(0, 500);
    expect(host.ejected).toEqual([0]);
    expect(host.log).toEqual(['0 out: consecutive_5xx, 30000 ms, 1']);
    expect(host.changes).toBe(1);
    expect(host.drained).toEqual([0]);
  });

  test.each([200, 204, 301, 404, 429, 499, 600, 999])('%i ends the row', (status) => {
    const host = new OutlierHost();
    host.answer(0, 500, 500, 500, 500, status, 500, 500, 500, 500);
    expect(host.ejected).toEqual([]);
    host.answer(0, 500);
    expect(host.ejected).toEqual([0]);
  });

  test('rows of different endpoints have nothing to do with each other', () => {
    const host = new OutlierHost({ consecutive5xxErrors: 2 });
    host.answer(0, 500);
    host.answer(1, 500);
    host.answer(0, 200, 500);
    expect(host.ejected).toEqual([]);
    host.answer(1, 500);
    expect(host.ejected).toEqual([1]);
  });

  test.each([502, 503, 504])('%i is a gateway error', (status) => {
    const host = new OutlierHost({
      consecutiveGatewayErrors: 2,
      enforcingConsecutiveGatewayFailure: 100,
    });
    host.answer(0, status, status);
    expect(host.log).toEqual(['0 out: consecutive_gateway_failure, 30000 ms, 1']);
  });

  test.each([500, 501, 505, 200])('%i ends a row of gateway errors', (status) => {
    const host = new OutlierHost({
      consecutiveGatewayErrors: 2,
      enforcingConsecutiveGatewayFailure: 100,
    });
    host.answer(0, 503, status, 503);
    expect(host.ejected).toEqual([]);
  });

  test('gateway errors are only counted by default', () => {
    const host = new OutlierHost({ consecutive5xxErrors: 0 });
    host.answers(0, 503, 11);
    expect(host.ejected).toEqual([]);
    expect(host.counted).toEqual({ detected_consecutive_gateway_failure: 2 });
  });

  test('a gateway error is a 5xx as well', () => {
    const host = new OutlierHost({ consecutive5xxErrors: 3 });
    host.answer(0, 503, 500, 504);
    expect(host.ejected).toEqual([0]);
  });

  test('a threshold of 0 is off', () => {
    const host = new OutlierHost({ consecutive5xxErrors: 0, consecutiveGatewayErrors: 0 });
    host.answers(0, 503, 1000);
    expect(host.counted).toEqual({});
  });

  test('whether or not it ejects, the row begins anew', () => {
    const host = new OutlierHost({ enforcingConsecutive5xx: 0, consecutive5xxErrors: 3 });
    host.answers(0, 500, 8);
    expect(host.count('ejections_detected_consecutive_5xx')).toBe(2);
    host.answer(0, 500);
    expect(host.count('ejections_detected_consecutive_5xx')).toBe(3);
    expect(host.ejected).toEqual([]);
  });

  test('an endpoint that is out is not found again', () => {
    const host = new OutlierHost({ consecutive5xxErrors: 2, maxEjectionPercent: 100 });
    host.answers(0, 503, 20);
    expect(host.count('ejections_detected_consecutive_5xx')).toBe(1);
    expect(host.log).toHaveLength(1);
  });

  test('once it is back it needs a whole row again', async () => {
    const host = new OutlierHost({ ...BASE, consecutive5xxErrors: 3 });
    host.answers(0, 500, 5);
    await host.runtime.advance(10_000);
    expect(host.ejected).toEqual([]);
    host.answer(0, 500, 500);
    expect(host.ejected).toEqual([]);
    host.answer(0, 500);
    expect(host.ejected).toEqual([0]);
  });
});

describe('failures on the way', () => {
  test('two connections that failed and a 500 are three errors', () => {
    const host = new OutlierHost({ consecutive5xxErrors: 3 });
    host.fail(0, 503, 503);
    expect(host.ejected).toEqual([]);
    host.answer(0, 500);
    expect(host.log).toEqual(['0 out: consecutive_5xx, 30000 ms, 1']);
  });

  test('they are gateway errors', () => {
    const host = new OutlierHost({ consecutive5xxErrors: 0 });
    host.fail(0, 503, 504, 503, 504, 503);
    expect(host.count('ejections_detected_consecutive_gateway_failure')).toBe(1);
  });

  test('a connection is no success', () => {
    const host = new OutlierHost({ consecutive5xxErrors: 2 });
    host.fail(0, 503);
    host.outliers.connected(host.at(0));
    host.fail(0, 503);
    expect(host.ejected).toEqual([0]);
  });

  describe('with the split', () => {
    const split = { splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailures: 3 };

    test('are counted apart from answers', () => {
      const host = new OutlierHost({ ...split, consecutive5xxErrors: 3 });
      host.fail(0, 503, 503);
      host.answer(0, 500, 500);
      expect(host.ejected).toEqual([]);
      host.fail(0, 504);
      expect(host.log).toEqual(['0 out: consecutive_local_origin_failure, 30000 ms, 1']);
    });

    test('an answer does not end their row, and they do not end one of errors', () => {
      const host = new OutlierHost({ ...split, consecutive5xxErrors: 2, maxEjectionPercent: 100 });
      host.fail(0, 503, 503);
      host.answer(0, 200);
      host.fail(0, 503);
      host.answer(1, 500);
      host.fail(1, 503);
      host.answer(1, 500);
      expect(host.ejected).toEqual([0, 1]);
    });

    test('a connection ends their row', () => {
      const host = new OutlierHost(split);
      host.fail(0, 503, 503);
      host.outliers.connected(host.at(0));
      host.fail(0, 503, 503);
      expect(host.ejected).toEqual([]);
    });

    test('the row begins anew when it was found', () => {
      const host = new OutlierHost({ ...split, enforcingConsecutiveLocalOriginFailure: 0 });
      host.fail(0, 503, 503, 503, 503, 503);
      expect(host.count('ejections_detected_consecutive_local_origin_failure')).toBe(1);
      host.fail(0, 503);
      expect(host.count('ejections_detected_consecutive_local_origin_failure')).toBe(2);
    });
  });
});

describe('how long it is out', () => {
  const failing = { ...BASE, consecutive5xxErrors: 1 };

  test('it returns on a sweep, never between two', async () => {
    const host = new OutlierHost({ ...failing, baseEjectionTime: 4000 });
    await host.runtime.advance(7000);
    host.answer(0, 500);
    await host.runtime.advance(2999);
    expect(host.ejected).toEqual([0]);
    await host.runtime.advance(1);
    expect(host.ejected, 'only 3 of 4 seconds are over at the sweep').toEqual([0]);
    await host.runtime.advance(9999);
    expect(host.ejected).toEqual([0]);
    await host.runtime.advance(1);
    expect(host.log.at(-1)).toBe('0 back: time after 13000 ms');
  });

  test('again and again it is 10, 20 and 30 s', async () => {
    const host = new OutlierHost(failing);
    for (let round = 0; round < 3; round++) {
      host.answer(0, 500);
      while (host.ejected.length > 0) await host.runtime.advance(1000);
    }
    expect(host.log).toEqual([
      '0 out: consecutive_5xx, 10000 ms, 1',
      '0 back: time after 10000 ms',
      '0 out: consecutive_5xx, 20000 ms, 2',
      '0 back: time after 20000 ms',
      '0 out: consecutive_5xx, 30000 ms, 3',
      '0 back: time after 30000 ms',
    ]);
  });

  test('it grows up to the longest time and no further', async () => {
    const host = new OutlierHost({ ...failing, maxEjectionTime: 25_000 });
    const times: number[] = [];
    host.events.ejection.add(({ ejectionTime }) => times.push(ejectionTime));
    for (let round = 0; round < 6; round++) {
      host.answer(0, 500);
      while (host.ejected.length > 0) await host.runtime.advance(10_000);
    }
    expect(times).toEqual([10_000, 20_000, 25_000, 25_000, 25_000, 25_000]);
    // While multiplier * 10 s is below 35 s.
    expect(host.at(0).outlier.multiplier).toBe(4);
  });

  test('each interval that goes well takes one step back, but for the first', async () => {
    const host = new OutlierHost(failing);
    for (let round = 0; round < 3; round++) {
      host.answer(0, 500);
      while (host.ejected.length > 0) await host.runtime.advance(10_000);
    }
    expect(host.at(0).outlier.multiplier).toBe(3);
    const seen: number[] = [];
    for (let sweep = 0; sweep < 5; sweep++) {
      await host.runtime.advance(10_000);
      seen.push(host.at(0).outlier.multiplier);
    }
    expect(seen).toEqual([2, 1, 0, 0, 0]);
    host.answer(0, 500);
    expect(host.log.at(-1)).toBe('0 out: consecutive_5xx, 10000 ms, 4');
  });

  test('a health check that ended it between two sweeps leaves the step for the sweep after next', async () => {
    const host = new OutlierHost(failing);
    host.answer(0, 500);
    await host.runtime.advance(5000);
    host.outliers.healthCheckPassed(host.at(0));
    await host.runtime.advance(5000);
    expect(host.at(0).outlier.multiplier).toBe(1);
    await host.runtime.advance(10_000);
    expect(host.at(0).outlier.multiplier).toBe(0);
  });

  test('jitter makes it longer by a random time, the longest included', async () => {
    const jitters = new Set<number>();
    const host = new OutlierHost({ ...failing, maxEjectionTimeJitter: 2, maxEjectionTime: 10_000 });
    host.events.ejection.add(({ ejectionTime }) => jitters.add(ejectionTime));
    for (let round = 0; round < 40; round++) {
      host.answer(0, 500);
      while (host.ejected.length > 0) await host.runtime.advance(10_000);
    }
    expect([...jitters].sort()).toEqual([10_000, 10_001, 10_002]);
  });

  test('fractions of a millisecond do not make it wait for another sweep', async () => {
    const host = new OutlierHost({ ...failing, interval: 0.1, baseEjectionTime: 0.1 });
    for (let sweep = 0; sweep < 50; sweep++) {
      host.answer(0, 500);
      expect(host.ejected).toEqual([0]);
      const before = host.at(0).outlier.multiplier;
      await host.runtime.advance(0.1 * before);
      expect(host.ejected).toEqual([]);
      await host.runtime.advance(0.1 * before);
      expect(host.at(0).outlier.multiplier).toBe(0);
    }
  });

  test('tells until when', async () => {
    const host = new OutlierHost({ ...failing, baseEjectionTime: 12_000 });
    expect(host.outliers.returnsIn(host.at(0))).toBeUndefined();
    await host.runtime.advance(5000);
    host.answer(0, 500);
    expect(host.outliers.returnsIn(host.at(0))).toBe(15_000);
    await host.runtime.advance(11_000);
    expect(host.outliers.returnsIn(host.at(0))).toBe(4000);
    await host.runtime.advance(4000);
    expect(host.ejected).toEqual([]);
    expect(host.outliers.returnsIn(host.at(0))).toBeUndefined();
  });
});

describe('how many', () => {
  const each = { consecutive5xxErrors: 1, alwaysEjectOne: false };

  test.each([
    [3, 33, 0],
    [3, 34, 1],
    [3, 66, 1],
    [3, 67, 2],
    [3, 100, 3],
    [10, 10, 1],
    [9, 10, 0],
    [10, 0, 0],
    [1, 100, 1],
  ])('of %i endpoints %i %% are %i', (endpoints, maxEjectionPercent, most) => {
    const host = new OutlierHost({ ...each, maxEjectionPercent }, endpoints);
    for (let index = 0; index < endpoints; index++) host.answer(index, 500);
    expect(host.ejected).toHaveLength(most);
    expect(host.count('ejections_active')).toBe(most);
    expect(host.count('ejections_overflow')).toBe(endpoints - most);
    expect(host.count('ejections_enforced_total')).toBe(most);
  });

  test('one always, where that is allowed', () => {
    const host = new OutlierHost({ ...each, alwaysEjectOne: true, maxEjectionPercent: 0 });
    host.answer(1, 500);
    host.answer(0, 500);
    expect(host.ejected).toEqual([1]);
    expect(host.count('ejections_overflow')).toBe(1);
  });

  test('one that has left makes room', () => {
    const host = new OutlierHost({ ...each, alwaysEjectOne: true, maxEjectionPercent: 0 });
    host.answer(0, 500);
    const [gone, ...rest] = host.endpoints;
    host.endpoints = rest;
    if (gone !== undefined) host.outliers.left(gone);
    expect(host.count('ejections_active')).toBe(0);
    host.answer(0, 500);
    expect(host.count('ejections_active')).toBe(1);
  });

  test('what is still to come of one that has left means nothing', () => {
    const host = new OutlierHost({ ...each, maxEjectionPercent: 100 });
    const gone = host.endpoints.pop();
    if (gone === undefined) return;
    host.outliers.left(gone);
    host.outliers.answered(gone, 500);
    host.outliers.failed(gone, 503);
    host.outliers.healthCheckPassed(gone);
    expect(host.counted).toEqual({});
    expect(gone.ejected).toBe(false);
  });

  test('a part of them, by chance', () => {
    const host = new OutlierHost(
      { ...each, enforcingConsecutive5xx: 30, maxEjectionPercent: 100 },
      1000,
    );
    for (let index = 0; index < 1000; index++) host.answer(index, 500);
    expect(host.ejected.length).toBeGreaterThan(250);
    expect(host.ejected.length).toBeLessThan(350);
    expect(host.count('ejections_detected_consecutive_5xx')).toBe(1000);
    expect(host.count('ejections_enforced_consecutive_5xx')).toBe(host.ejected.length);
    expect(host.count('ejections_overflow')).toBe(0);
  });
});

describe('active health checks', () => {
  test('one that passes ends an ejection at once, and the rows', () => {
    const host = new OutlierHost({ consecutive5xxErrors: 2 });
    host.answer(0, 500, 500, 500);
    host.outliers.healthCheckPassed(host.at(0));
    expect(host.log.at(-1)).toBe('0 back: health-check after 0 ms');
    host.answer(0, 500);
    expect(host.ejected).toEqual([]);
    expect(host.count('ejections_active')).toBe(0);
  });

  test('unless that is switched off', () => {
    const host = new OutlierHost({
      consecutive5xxErrors: 1,
      successfulActiveHealthCheckUnejectHost: false,
    });
    host.answer(0, 500);
    host.outliers.healthCheckPassed(host.at(0));
    expect(host.ejected).toEqual([0]);
  });

  test('mean nothing to an endpoint that is in rotation', () => {
    const host = new OutlierHost({ consecutive5xxErrors: 2 });
    host.answer(0, 500);
    host.outliers.healthCheckPassed(host.at(0));
    host.answer(0, 500);
    expect(host.log).toEqual(['0 out: consecutive_5xx, 30000 ms, 1']);
  });
});

describe('a change of the policy', () => {
  test('keeps ejections, rows and counters', async () => {
    const host = new OutlierHost({ consecutive5xxErrors: 2, maxEjectionPercent: 100 });
    host.answer(0, 500, 500);
    host.answer(1, 500);
    host.outliers.setPolicy(outlierPolicy({ consecutive5xxErrors: 2, baseEjectionTime: 5000 }));
    expect(host.ejected).toEqual([0]);
    expect(host.count('ejections_enforced_total')).toBe(1);
    await host.runtime.advance(10_000);
    expect(host.ejected, 'by the new time').toEqual([]);
    host.answer(1, 500);
    expect(host.ejected, 'the second of the row').toEqual([1]);
  });

  test('a row that is longer than a lower threshold ends with the next error', () => {
    const host = new OutlierHost({ consecutive5xxErrors: 10 });
    host.answers(0, 500, 7);
    host.outliers.setPolicy(outlierPolicy({ consecutive5xxErrors: 3 }));
    host.answer(0, 500);
    expect(host.ejected).toEqual([0]);
  });

  test('the same interval goes on, another one begins', async () => {
    const host = new OutlierHost({ ...BASE, consecutive5xxErrors: 1 });
    host.answer(0, 500);
    await host.runtime.advance(9000);
    host.outliers.setPolicy(outlierPolicy({ ...BASE, consecutive5xxErrors: 2 }));
    await host.runtime.advance(1000);
    expect(host.ejected).toEqual([]);
    expect(host.runtime.pendingTimers).toBe(1);
    host.outliers.setPolicy(outlierPolicy({ ...BASE, interval: 1000 }));
    expect(host.runtime.pendingTimers).toBe(1);
    expect(host.outliers.returnsIn(host.at(0))).toBeUndefined();
  });

  test('switched off, all return and all is forgotten but the counters', async () => {
    const host = new OutlierHost({ consecutive5xxErrors: 2, maxEjectionPercent: 100 });
    host.answer(0, 500, 500);
    host.answer(1, 500);
    await host.runtime.advance(700);
    host.outliers.setPolicy(undefined);
    expect(host.log.at(-1)).toBe('0 back: switched-off after 700 ms');
    expect(host.runtime.pendingTimers).toBe(0);
    expect(host.at(0).outlier.multiplier).toBe(0);
    expect(host.at(0).outlier.ejections).toBe(1);
    host.answer(1, 500, 500, 500);
    host.fail(1, 503);
    expect(host.ejected).toEqual([]);
    expect(host.counted).toEqual({
      detected_consecutive_5xx: 1,
      enforced_consecutive_5xx: 1,
      enforced_total: 1,
      total: 1,
      consecutive_5xx: 1,
    });
    host.outliers.setPolicy(outlierPolicy({ consecutive5xxErrors: 2 }));
    expect(host.runtime.pendingTimers).toBe(1);
    host.answer(1, 500);
    expect(host.ejected, 'what came meanwhile means nothing').toEqual([]);
  });

  test('after the end nothing sweeps any more', () => {
    const host = new OutlierHost();
    host.outliers.stop();
    expect(host.runtime.pendingTimers).toBe(0);
    host.outliers.setPolicy(outlierPolicy({ interval: 5 }));
    expect(host.runtime.pendingTimers).toBe(0);
  });

  test('sweeps do not hold the process', () => {
    const host = new OutlierHost();
    expect(host.runtime.pendingBackgroundTimers).toBe(host.runtime.pendingTimers);
  });
});

describe('what is told', () => {
  test('comes when it holds already', () => {
    const host = new OutlierHost({ consecutive5xxErrors: 1 });
    let changes = -1;
    host.events.ejection.add(() => {
      changes = host.changes;
    });
    host.answer(0, 500);
    expect(changes).toBe(1);
  });

  test('a listener may switch it off', async () => {
    const host = new OutlierHost({ ...BASE, consecutive5xxErrors: 1 });
    host.events.ejection.add(() => host.outliers.setPolicy(undefined));
    host.answer(0, 500);
    expect(host.ejected).toEqual([]);
    await host.runtime.advance(100_000);
    expect(host.count('ejections_active')).toBe(0);
  });

  test('several changes of one sweep are one change of the cluster', async () => {
    const host = new OutlierHost({ ...BASE, consecutive5xxErrors: 1, maxEjectionPercent: 100 });
    host.answer(0, 500);
    host.answer(1, 500);
    expect(host.changes).toBe(2);
    await host.runtime.advance(10_000);
    expect(host.ejected).toEqual([]);
    expect(host.changes).toBe(3);
  });
});

describe('counters', () => {
  test('has all of Envoy, also when nothing has happened', () => {
    const host = new OutlierHost();
    expect(Object.keys(host.outliers.stats())).toEqual(
      [
        'ejections_active',
        'ejections_enforced_total',
        'ejections_overflow',
        ...['detected', 'enforced'].flatMap((what) =>
          [
            'consecutive_5xx',
            'consecutive_gateway_failure',
            'consecutive_local_origin_failure',
            'success_rate',
            'local_origin_success_rate',
            'failure_percentage',
            'local_origin_failure_percentage',
          ].map((type) => `ejections_${what}_${type}`),
        ),
        'ejections_total',
        'ejections_consecutive_5xx',
        'ejections_success_rate',
      ].map((name) => `outlier_detection.${name}`),
    );
  });

  test('the old ones count what they always did', () => {
    const host = new OutlierHost({
      consecutive5xxErrors: 1,
      enforcingConsecutive5xx: 0,
      maxEjectionPercent: 0,
      alwaysEjectOne: false,
    });
    host.answer(0, 500);
    expect(host.counted).toEqual({
      detected_consecutive_5xx: 1,
      consecutive_5xx: 1,
      overflow: 1,
    });
    host.outliers.setPolicy(
      outlierPolicy({
        consecutive5xxErrors: 1,
        enforcingConsecutive5xx: 0,
        maxEjectionPercent: 100,
      }),
    );
    host.answer(0, 500);
    expect(host.count('ejections_total'), 'allowed, and not drawn').toBe(1);
    expect(host.count('ejections_enforced_total')).toBe(0);
  });
});
