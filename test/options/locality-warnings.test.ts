/** Shares for places where no endpoint is; what needs no endpoints to be seen is in `warnings.test.ts`. */
import { describe, expect, test } from 'vitest';
import { localityWarnings } from '../../src/options/locality-warnings.js';
import { readOptions } from '../../src/options/validate.js';

function warningsOf(localities: readonly string[], to: Readonly<Record<string, number>>): string[] {
  const { services } = readOptions({
    service: 'http://shop',
    endpoints: localities.map((locality, index) => ({ url: `http://10.0.0.${index}`, locality })),
    locality: { local: 'us-west1/a', distribute: [{ from: '*', to }] },
  });
  const service = services.get('http://shop');
  if (service?.locality === undefined) throw new Error('no locality');
  const { locality, endpoints } = service;
  return localityWarnings({ locality, noticesFailure: false, endpoints }).map(
    ({ option, sentence }) => `${option}: ${sentence}`,
  );
}

test('a share for nobody', () => {
  const to = { 'us-west1/a': 70, 'us-west1/b/*': 30 };
  expect(warningsOf(['us-west1/a'], to)).toEqual([
    "locality.distribute: no endpoint is in 'us-west1/b/*', so that the others share its part",
  ]);
  expect(warningsOf(['us-west1/a/r', 'us-west1/b'], to)).toEqual([]);
});

test('shares for nobody at all', () => {
  expect(warningsOf([''], { 'us-west1/a': 50, 'us-west1/b': 50 })).toEqual([
    "locality.distribute: no endpoint is in 'us-west1/a' or 'us-west1/b', so that no endpoint gets any call",
  ]);
  expect(warningsOf([], { 'us-west1/a': 100 })).toEqual([]);
});

describe('zones', () => {
  const zoneAware = { callers: { 'us-west1/a': 1, 'us-west1/b': 1 } };
  const found = (endpoints: readonly object[], own: object = {}): string[] => {
    const { services } = readOptions({
      service: 'http://shop',
      endpoints: endpoints.map((one, index) => ({ url: `http://10.0.0.${index}`, ...one })),
      locality: { local: 'us-west1/a', zoneAware: { ...zoneAware, ...own } },
    });
    const service = services.get('http://shop');
    if (service?.locality === undefined) throw new Error('no locality');
    const { locality, endpoints: list } = service;
    return localityWarnings({ locality, noticesFailure: false, endpoints: list }).map(
      ({ option, sentence }) => `${option}: ${sentence}`,
    );
  };
  const a = { locality: 'us-west1/a' };
  const b = { locality: 'us-west1/b' };

  test('of too few endpoints', () => {
    expect(found([a, a, a, b, b])).toEqual([
      'locality.zoneAware.minClusterSize: has no effect: 6 are more endpoints than there are, 5',
    ]);
    expect(found([a, a, a, b, b], { minClusterSize: 5 })).toEqual([]);
    expect(found([a, a, a, b, b, b])).toEqual([]);
    expect(found([])).toEqual([]);
  });

  test('of one place', () => {
    expect(found([a, a])).toEqual([
      "locality.zoneAware: has no effect: all endpoints are in 'us-west1/a'",
    ]);
    expect(found([{}, {}])).toEqual([
      'locality.zoneAware: has no effect: all endpoints are in no locality',
    ]);
  });

  test('of later priorities, which do not count', () => {
    expect(
      found([{ ...a, priority: 1 }, ...[a, a, a, b, b, b].map((one) => ({ ...one, priority: 3 }))]),
    ).toEqual(["locality.zoneAware: has no effect: all endpoints are in 'us-west1/a'"]);
  });
});
