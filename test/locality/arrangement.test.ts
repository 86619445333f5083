/** Which priority and which weight an endpoint has by where it is, as Istio's rules say. */
import { describe, expect, test } from 'vitest';
import { arrange, distance, type Placed } from '../../src/locality/arrangement.js';
import { localityPolicy, type LocalitySettings } from '../../src/locality/locality-policy.js';
import { isCovered } from '../../src/locality/pattern.js';

const LOCAL = 'us-west1/us-west1-a/rack-1';

const at = (locality: string, ownPriority = 0, weight = 1): Placed => ({
  ownPriority,
  locality,
  labels: {},
  weight,
});

const settings = (other: Partial<LocalitySettings> = {}): LocalitySettings => ({
  local: LOCAL,
  labels: {},
  failover: [],
  failoverPriority: [],
  distribute: [],
  zoneAware: undefined,
  ...other,
});

const localitiesOf = (
  endpoints: readonly Placed[],
  given: LocalitySettings,
): (readonly string[])[] =>
  arrange(endpoints, localityPolicy(given, true)).map((priority) =>
    priority.endpoints.map(({ locality }) => locality),
  );

const distribution = (from: string, to: Readonly<Record<string, number>>): LocalitySettings =>
  settings({ distribute: [{ from, to: new Map(Object.entries(to)) }] });

describe('patterns', () => {
  test.each([
    ['us-west1/us-west1-a/rack-1', '*', true],
    ['us-west1/us-west1-a/rack-1', 'us-west1', true],
    ['us-west1/us-west1-a/rack-1', 'us-west1/*', true],
    ['us-west1/us-west1-a/rack-1', 'us-west1/us-west1-a/*', true],
    ['us-west1/us-west1-a/rack-1', 'us-west1/us-west1-a/rack-2', false],
    ['us-west1/us-west1-a', 'us-west1/us-west1-a/*', true],
    ['us-west1/us-west1-a', 'us-west1/us-west1-a/rack-1', false],
    ['us-west1', 'us-west1/us-west1-a', false],
    ['us-west10', 'us-west1', false],
    ['', '*', true],
    ['', 'us-west1', false],
  ])('%j and %j: %j', (locality, pattern, fits) => {
    expect(isCovered(locality, pattern)).toBe(fits);
  });
});

describe('nearness', () => {
  test.each([
    [LOCAL, 0],
    ['us-west1/us-west1-a/rack-2', 1],
    ['us-west1/us-west1-a', 1],
    ['us-west1/us-west1-b/rack-1', 2],
    ['us-west1', 2],
    ['eu-west1/eu-west1-a', 3],
    ['us-east1', 4],
    ['', 4],
  ])('%j: %j', (locality, degree) => {
    expect(distance(locality, LOCAL, [{ from: 'us-west1', to: 'eu-west1' }])).toBe(degree);
  });

  test('without a rule for the own region all others are alike', () => {
    for (const failover of [[], [{ from: 'us-east1', to: 'eu-west1' }]]) {
      expect(distance('eu-west1', LOCAL, failover)).toBe(3);
      expect(distance('us-east1', LOCAL, failover)).toBe(3);
    }
  });

  test('empty parts are equal to empty parts', () => {
    expect(distance('us-west1/us-west1-a', 'us-west1/us-west1-a', [])).toBe(0);
    expect(distance('us-west1', 'us-west1', [])).toBe(0);
    expect(distance('us-west1/us-west1-a', 'us-west1', [])).toBe(2);
  });
});

describe('priorities', () => {
  const everywhere = [
    at('eu-west1/eu-west1-a'),
    at('us-west1/us-west1-b'),
    at(LOCAL),
    at('us-east1/us-east1-a'),
    at('us-west1/us-west1-a/rack-2'),
  ];

  test('the nearest first, without gaps', () => {
    expect(localitiesOf(everywhere, settings())).toEqual([
      [LOCAL],
      ['us-west1/us-west1-a/rack-2'],
      ['us-west1/us-west1-b'],
      ['eu-west1/eu-west1-a', 'us-east1/us-east1-a'],
    ]);
    expect(localitiesOf(everywhere.slice(0, 2), settings())).toEqual([
      ['us-west1/us-west1-b'],
      ['eu-west1/eu-west1-a'],
    ]);
  });

  test('the region to fail over to before the others, which are not dropped', () => {
    const failover = [{ from: 'us-west1', to: 'us-east1' }];
    expect(localitiesOf(everywhere, settings({ failover })).slice(3)).toEqual([
      ['us-east1/us-east1-a'],
      ['eu-west1/eu-west1-a'],
    ]);
  });

  test('a priority that is given counts before nearness', () => {
    const endpoints = [at('eu-west1', 0), at(LOCAL, 7), at('us-west1/us-west1-b', 7)];
    expect(localitiesOf(endpoints, settings())).toEqual([
      ['eu-west1'],
      [LOCAL],
      ['us-west1/us-west1-b'],
    ]);
    expect(localitiesOf(endpoints, settings({ local: '' }))).toEqual([
      ['eu-west1'],
      [LOCAL, 'us-west1/us-west1-b'],
    ]);
  });

  test('without a way to notice failure, or an own locality, there are none', () => {
    expect(localityPolicy(settings(), false)).toBeUndefined();
    expect(localityPolicy(settings({ local: '' }), true)).toBeUndefined();
    expect(localityPolicy(undefined, true)).toBeUndefined();
    const zoneAware = {
      callers: new Map([['a', 1]]),
      minClusterSize: 6,
      routingEnabled: 100,
      forceLocalZone: undefined,
    };
    expect(localityPolicy(settings({ local: '', zoneAware }), true)).toBeUndefined();
    // Zones and shares count where nothing notices failure, too.
    expect(localityPolicy(settings({ zoneAware }), false)).toEqual({
      kind: 'zone-aware',
      local: LOCAL,
      ...zoneAware,
    });
  });

  test('the list itself where nothing is to be ordered', () => {
    expect(arrange(everywhere, undefined)[0]?.endpoints).toBe(everywhere);
    expect(arrange([], localityPolicy(settings(), true))).toHaveLength(1);
  });
});

describe('weights of localities', () => {
  const weightsOf = (endpoints: readonly Placed[], given: LocalitySettings) =>
    arrange(endpoints, localityPolicy(given, true)).map(({ localities }) =>
      localities?.map(({ name, weight }) => [name, weight]),
    );

  test('none where only nearness is looked at', () => {
    expect(weightsOf([at(LOCAL)], settings())).toEqual([undefined]);
  });

  test('with failover spelt out: those of the endpoints together', () => {
    const endpoints = [at('eu-west1', 0, 3), at('eu-west1'), at('us-east1')];
    const failover = [{ from: 'us-west1', to: 'asia1' }];
    expect(weightsOf(endpoints, settings({ failover }))).toEqual([
      [
        ['eu-west1', 4],
        ['us-east1', 1],
      ],
    ]);
  });

  test('distribute: percent, in one priority; who is not named gets nothing', () => {
    const endpoints = [
      at('us-west1/us-west1-a'),
      at('us-west1/us-west1-b'),
      at('us-west1/us-west1-c'),
    ];
    const given = distribution('us-west1/us-west1-a/*', {
      'us-west1/us-west1-a/*': 70,
      'us-west1/us-west1-b/*': 30,
    });
    expect(weightsOf(endpoints, given)).toEqual([
      [
        ['us-west1/us-west1-a', 70],
        ['us-west1/us-west1-b', 30],
      ],
    ]);
    expect(localitiesOf(endpoints, given)).toEqual([
      ['us-west1/us-west1-a', 'us-west1/us-west1-b'],
    ]);
  });

  test('localities under one pattern share it by their weights, rounded up; the first pattern claims', () => {
    const endpoints = [at('a/1'), at('b/1'), at('b/2', 0, 2), at('c')];
    expect(weightsOf(endpoints, distribution('us-west1/*', { 'b/*': 70, '*': 30 }))).toEqual([
      [
        ['b/1', 24],
        ['b/2', 47],
        ['a/1', 15],
        ['c', 15],
      ],
    ]);
  });

  test('the first entry that fits the own locality counts, also without outlier detection', () => {
    const other = { from: 'eu-west1/*', to: new Map([['eu-west1', 100]]) };
    const own = { from: '*', to: new Map([['us-east1', 100]]) };
    expect(localityPolicy(settings({ distribute: [other, own] }), false)).toEqual({
      kind: 'distribute',
      to: own.to,
    });
    expect(localityPolicy(settings({ distribute: [other] }), true)).toBeUndefined();
  });

  test('where nobody is meant there is one priority, of nobody', () => {
    expect(localitiesOf([at('c')], distribution('*', { a: 100 }))).toEqual([[]]);
  });
});
