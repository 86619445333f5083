import { describe, expect, test } from 'vitest';
import type { OutlierPolicy } from '../../src/cluster/outlier-policy.js';
import { readOverrides } from '../../src/options/overrides.js';
import { readOptions } from '../../src/options/validate.js';
import { outlierPolicy } from '../support/virtual-cluster.js';
import { refusalOf, testRefusals } from './refusal.js';

const read = (outlierDetection: unknown): OutlierPolicy | undefined =>
  readOptions({ outlierDetection }).defaultPolicy.outlierDetection;

describe('what holds', () => {
  test("{} is Envoy's figures, and one may always go", () => {
    expect(read({})).toEqual({ ...outlierPolicy(), given: [] });
  });

  test.each([undefined, false])('%s is off', (value) => {
    expect(read(value)).toBeUndefined();
  });

  test('what is given takes the place of a default, 0 and false too', () => {
    expect(
      read({
        consecutive5xxErrors: 0,
        consecutiveLocalOriginFailures: false,
        interval: '5s',
        maxEjectionTimeJitter: false,
        maxEjectionPercent: 0,
        alwaysEjectOne: false,
        enforcingSuccessRate: 0,
        successfulActiveHealthCheckUnejectHost: false,
      }),
    ).toMatchObject({
      consecutive5xxErrors: 0,
      consecutiveLocalOriginFailures: 0,
      interval: 5000,
      maxEjectionTimeJitter: 0,
      maxEjectionPercent: 0,
      alwaysEjectOne: false,
      enforcingSuccessRate: 0,
      successfulActiveHealthCheckUnejectHost: false,
    });
  });

  test.each([
    [{}, 300_000],
    [{ baseEjectionTime: '10m' }, 600_000],
    [{ baseEjectionTime: '10m', maxEjectionTime: '11m' }, 660_000],
    [{ maxEjectionTime: '30s' }, 30_000],
  ])('the longest ejection: %j', (given, longest) => {
    expect(read(given)?.maxEjectionTime).toBe(longest);
  });

  test.each([
    [{}, 5, 0],
    [{ consecutiveGatewayErrors: 5 }, 5, 100],
    [{ consecutiveGatewayErrors: 3, enforcingConsecutiveGatewayFailure: 20 }, 3, 20],
    [{ enforcingConsecutiveGatewayFailure: 100 }, 5, 100],
    [{ consecutiveGatewayErrors: undefined }, 5, 0],
  ])('gateway errors: %j', (given, errors, percent) => {
    expect(read(given)).toMatchObject({
      consecutiveGatewayErrors: errors,
      enforcingConsecutiveGatewayFailure: percent,
    });
  });

  test.each([
    [{}, 0, 0],
    [{ failurePercentageThreshold: 50 }, 100, 100],
    [{ failurePercentageMinimumHosts: 2 }, 100, 100],
    [{ failurePercentageRequestVolume: 10 }, 100, 100],
    [{ failurePercentageThreshold: 50, enforcingFailurePercentage: 10 }, 10, 100],
    [{ failurePercentageThreshold: 50, enforcingFailurePercentageLocalOrigin: 0 }, 100, 0],
    [{ enforcingFailurePercentage: 10 }, 10, 0],
  ])('the failure percentage: %j', (given, percent, local) => {
    expect(read(given)).toMatchObject({
      enforcingFailurePercentage: percent,
      enforcingFailurePercentageLocalOrigin: local,
    });
  });
});

describe('services', () => {
  const of = (service: unknown, client: unknown = { consecutive5xxErrors: 3, interval: '1s' }) =>
    readOptions({
      outlierDetection: client,
      services: { 'http://a': { outlierDetection: service } },
    }).services.get('http://a')?.outlierDetection;

  test('have what the client says, and their own', () => {
    expect(of(undefined)).toMatchObject({ consecutive5xxErrors: 3, interval: 1000 });
    expect(of({ interval: '2s' })).toMatchObject({ consecutive5xxErrors: 3, interval: 2000 });
    expect(of({ interval: '2s' }, false)).toMatchObject({ consecutive5xxErrors: 5 });
  });

  test('may do without', () => {
    expect(of(false)).toBeUndefined();
  });
});

describe('what is refused', () => {
  testRefusals(read, [
    [
      'no object',
      5,
      'outlierDetection: found 5, expected an object of outlier detection options, or false',
    ],
    [
      'true',
      true,
      'outlierDetection: found true, expected an object of outlier detection options, or false; did you mean {}, which has all defaults?',
    ],
    [
      'a ratio',
      { maxEjectionPercent: 0.5 },
      'outlierDetection.maxEjectionPercent: found 0.5, expected a whole number from 0 to 100; did you mean 50?',
    ],
    [
      'more than all',
      { minHealthPercent: 101 },
      'outlierDetection.minHealthPercent: found 101, expected a whole number from 0 to 100',
    ],
    [
      'a factor that is not in thousandths',
      { successRateStdevFactor: 1.9 },
      'outlierDetection.successRateStdevFactor: found 1.9, expected a whole number, in thousandths; did you mean 1900?',
    ],
    [
      'no time',
      { interval: 0 },
      'outlierDetection.interval: found 0, expected a duration above zero',
    ],
    [
      'a longest time below the default of the first',
      { maxEjectionTime: '20s' },
      "outlierDetection.maxEjectionTime: found 20000 ms, expected at least 30000 ms, which is the default of 'baseEjectionTime'",
    ],
    [
      'a longest time below the first',
      { baseEjectionTime: '2s', maxEjectionTime: '1s' },
      "outlierDetection.maxEjectionTime: found 1000 ms, expected at least 2000 ms, which is 'baseEjectionTime'",
    ],
    [
      'no endpoint',
      { successRateMinimumHosts: 0 },
      'outlierDetection.successRateMinimumHosts: found 0, expected a whole number from 1 to 4294967295',
    ],
    [
      'null',
      { consecutive5xxErrors: null },
      'outlierDetection.consecutive5xxErrors: found null, expected a whole number from 0 to 4294967295',
    ],
  ]);

  test('of one call it cannot be said', () => {
    expect(refusalOf(() => readOverrides({ outlierDetection: {} }))).toContain(
      'resilience.outlierDetection: belongs to the service and cannot be said for one call',
    );
  });
});

describe('names from elsewhere', () => {
  test.each([
    ['consecutive_5xx', "here it is 'outlierDetection.consecutive5xxErrors'"],
    ['consecutiveGatewayFailure', "here it is 'outlierDetection.consecutiveGatewayErrors'"],
    ['consecutive_local_origin_failure', "'outlierDetection.consecutiveLocalOriginFailures'"],
    ['always_eject_one_host', "here it is 'outlierDetection.alwaysEjectOne'"],
    ['max_ejection_time_jitter', "did you mean 'maxEjectionTimeJitter'?"],
    ['jitterRatio', "here it is 'outlierDetection.maxEjectionTimeJitter'"],
    ['healthyPanicThreshold', "here it is 'outlierDetection.minHealthPercent'"],
    ['maxFailures', "here it is 'outlierDetection.consecutive5xxErrors'"],
    ['minPenalty', "here it is 'outlierDetection.baseEjectionTime'"],
    ['successRateEjection', "here the figures stand in 'outlierDetection' directly"],
    ['consecutiveErrors', 'which in Istio meant gateway errors alone'],
    ['consecutive5xxError', "did you mean 'consecutive5xxErrors'?"],
  ])('%s', (name, hint) => {
    expect(refusalOf(() => read({ [name]: 5 }))).toContain(hint);
  });

  test.each(['outliers', 'outlierEjection', 'passiveHealthCheck', 'failureAccrual'])(
    '%s is the option as a whole',
    (name) => {
      expect(refusalOf(() => readOptions({ [name]: {} }))).toContain(
        "here it is 'outlierDetection'",
      );
    },
  );
});
