/** What outlier detection cannot do as it is set. */
import { describe, expect, test } from 'vitest';
import type { ClientOptions } from '../../src/options/options.js';
import type { OutlierDetectionOptions } from '../../src/options/outlier-detection.js';
import { readOptions } from '../../src/options/validate.js';
import { policyWarnings } from '../../src/options/warnings.js';

function warningsOf(outlierDetection: OutlierDetectionOptions, endpoints: number): string[] {
  const list = Array.from({ length: endpoints }, (_, index) => `http://e${index}`);
  const { services } = readOptions({ service: 'http://a', endpoints: list, outlierDetection });
  const service = services.get('http://a');
  if (service === undefined) throw new Error('there is no service');
  return policyWarnings(service, '').map(({ code, message }) => `${code} ${message}`);
}

const NONE = { alwaysEjectOne: false };
const ROWS_OFF = { consecutive5xxErrors: 0, consecutiveGatewayErrors: 0 } as const;

describe('a share that can never be one endpoint', () => {
  test.each([
    [{ ...NONE }, 3, 10, 34],
    [{ ...NONE }, 9, 10, 12],
    [{ ...NONE, maxEjectionPercent: 33 }, 3, 33, 34],
    [{ ...NONE, maxEjectionPercent: 0 }, 1, 0, 100],
  ])('%j of %i', (given, endpoints, percent, needed) => {
    const count = endpoints === 1 ? '1 endpoint' : `${endpoints} endpoints`;
    expect(warningsOf(given, endpoints)).toEqual([
      `OUTRIGGER_EJECTION_CANNOT_HAPPEN outlierDetection.maxEjectionPercent: ${percent} % of ${count} is less than one, so none is ever ejected; that takes ${needed}, or alwaysEjectOne`,
    ]);
  });

  test.each([
    [{}, 3],
    [{ ...NONE }, 10],
    [{ ...NONE, maxEjectionPercent: 34 }, 3],
    [{ ...NONE }, 0],
  ])('%j of %i is right', (given, endpoints) => {
    expect(warningsOf(given, endpoints)).toEqual([]);
  });
});

describe('nothing that ejects', () => {
  const SET =
    'set consecutive5xxErrors, or consecutiveGatewayErrors, which is only counted unless it is given';
  const nothing = (endpoints: string, wayOut = SET) => [
    `OUTRIGGER_EJECTION_CANNOT_HAPPEN outlierDetection: with ${endpoints} no detector that is enforced can find an outlier, so none is ever ejected; ${wayOut}`,
  ];

  test('all off', () => {
    expect(warningsOf({ ...ROWS_OFF, enforcingSuccessRate: 0 }, 10)).toEqual(
      nothing('10 endpoints'),
    );
  });

  test('too few endpoints to compare', () => {
    expect(warningsOf(ROWS_OFF, 4)).toEqual(nothing('4 endpoints'));
    expect(warningsOf(ROWS_OFF, 5)).toEqual([]);
    expect(warningsOf({ ...ROWS_OFF, failurePercentageMinimumHosts: 2 }, 1)).toEqual(
      nothing('1 endpoint'),
    );
    expect(warningsOf({ ...ROWS_OFF, failurePercentageMinimumHosts: 2 }, 2)).toEqual([]);
  });

  test('what is detected and not enforced', () => {
    const given = { enforcingConsecutive5xx: 0, enforcingSuccessRate: 0 };
    expect(warningsOf(given, 3)).toEqual(
      nothing('3 endpoints', 'set enforcingConsecutive5xx above 0'),
    );
  });

  test('the split alone is something', () => {
    expect(warningsOf({ ...ROWS_OFF, splitExternalLocalOriginErrors: true }, 1)).toEqual([]);
  });
});

describe('gateway errors', () => {
  test.each([5, 6])('%i of them after five 5xx', (consecutiveGatewayErrors) => {
    expect(warningsOf({ consecutiveGatewayErrors }, 3)).toEqual([
      `OUTRIGGER_DETECTOR_HAS_NO_EFFECT outlierDetection.consecutiveGatewayErrors: ${consecutiveGatewayErrors} in a row make no difference, since each of them is a 5xx, and consecutive5xxErrors ejects after 5; set it lower, or consecutive5xxErrors: 0`,
    ]);
  });

  test.each([
    {},
    { consecutiveGatewayErrors: 4 },
    { consecutiveGatewayErrors: 9, consecutive5xxErrors: 0 },
    { consecutiveGatewayErrors: 9, enforcingConsecutive5xx: 0 },
    { consecutiveGatewayErrors: 9, enforcingConsecutiveGatewayFailure: 0 },
  ])('%j is right', (given) => {
    expect(warningsOf(given, 3)).toEqual([]);
  });
});

describe('too few endpoints for a detector that compares them', () => {
  const noEffect = (option: string, minimum: string, needed = 5) => [
    `OUTRIGGER_DETECTOR_HAS_NO_EFFECT outlierDetection.${option}: has no effect with 3 endpoints, since ${minimum} is ${needed}`,
  ];

  test.each([
    [{ failurePercentageThreshold: 50 }, 'failurePercentageThreshold'],
    [{ failurePercentageRequestVolume: 5 }, 'failurePercentageRequestVolume'],
    [{ enforcingFailurePercentage: 100 }, 'enforcingFailurePercentage'],
  ])('%j', (given, option) => {
    expect(warningsOf(given, 3)).toEqual(noEffect(option, 'failurePercentageMinimumHosts'));
    expect(warningsOf(given, 5)).toEqual([]);
    expect(warningsOf({ ...given, failurePercentageMinimumHosts: 3 }, 3)).toEqual([]);
    expect(warningsOf({ ...given, failurePercentageMinimumHosts: 4 }, 3)).toEqual(
      noEffect(option, 'failurePercentageMinimumHosts', 4),
    );
  });

  test.each([
    [{ successRateStdevFactor: 1500 }, 'successRateStdevFactor'],
    [{ successRateRequestVolume: 5, enforcingSuccessRate: 50 }, 'successRateRequestVolume'],
  ])('%j', (given, option) => {
    expect(warningsOf(given, 3)).toEqual(noEffect(option, 'successRateMinimumHosts'));
    expect(warningsOf(given, 5)).toEqual([]);
  });

  test.each([
    {},
    { successRateMinimumHosts: 100 },
    { failurePercentageMinimumHosts: 100 },
    { enforcingSuccessRate: 0 },
    {
      failurePercentageThreshold: 50,
      enforcingFailurePercentage: 0,
    },
  ])('%j says nothing that could have an effect', (given) => {
    expect(warningsOf(given, 3)).toEqual([]);
  });
});

describe('figures of the split', () => {
  test('without it', () => {
    const given = { consecutiveLocalOriginFailures: 5, enforcingLocalOriginSuccessRate: 0 };
    expect(warningsOf(given, 3)).toEqual([
      'OUTRIGGER_DETECTOR_HAS_NO_EFFECT outlierDetection.consecutiveLocalOriginFailures: has no effect without splitExternalLocalOriginErrors: true',
      'OUTRIGGER_DETECTOR_HAS_NO_EFFECT outlierDetection.enforcingLocalOriginSuccessRate: has no effect without splitExternalLocalOriginErrors: true',
    ]);
    expect(warningsOf({ ...given, splitExternalLocalOriginErrors: true }, 3)).toEqual([]);
  });
});

test('an origin that is not configured is one endpoint', () => {
  const options: ClientOptions = { outlierDetection: { alwaysEjectOne: false } };
  const [warning] = policyWarnings(readOptions(options).defaultPolicy, '');
  expect(warning?.message).toContain('10 % of 1 endpoint is less than one');
});
