/** Ranks by labels, as Istio's `failoverPriority` gives them. */
import { describe, expect, test } from 'vitest';
import { arrange, type Placed } from '../../src/locality/arrangement.js';
import { labelOf, mismatch } from '../../src/locality/labels.js';
import { localityPolicy, type LocalitySettings } from '../../src/locality/locality-policy.js';
import { readOptions } from '../../src/options/validate.js';

const REGION = 'topology.kubernetes.io/region';
const ZONE = 'topology.kubernetes.io/zone';
const SUBZONE = 'topology.istio.io/subzone';

const at = (locality: string, labels: Placed['labels'] = {}, ownPriority = 0): Placed => ({
  ownPriority,
  locality,
  labels,
  weight: 1,
});

function settingsOf(locality: object): LocalitySettings {
  const settings = readOptions({ locality }).defaultPolicy.locality;
  if (settings === undefined) throw new Error('no settings');
  return settings;
}

/** The priority of each endpoint. */
function prioritiesOf(endpoints: readonly Placed[], locality: object): number[] {
  const priorities = arrange(endpoints, localityPolicy(settingsOf(locality), true));
  return endpoints.map((endpoint) =>
    priorities.findIndex((priority) => priority.endpoints.includes(endpoint)),
  );
}

describe('a label', () => {
  const endpoint = at('r/z', { version: 'v1', [ZONE]: 'other', empty: '' });

  test.each([
    ['version', 'v1'],
    ['empty', ''],
    ['absent', ''],
    ['constructor', ''],
    [REGION, 'r'],
    // One that is carried counts before the locality.
    [ZONE, 'other'],
    [SUBZONE, ''],
  ])('%s is %j', (label, value) => {
    expect(labelOf(endpoint, label)).toBe(value);
  });

  test('of a place is a part of the locality', () => {
    expect([REGION, ZONE, SUBZONE].map((label) => labelOf(at('a/b/c'), label))).toEqual([
      'a',
      'b',
      'c',
    ]);
    expect([REGION, ZONE, SUBZONE].map((label) => labelOf(at(''), label))).toEqual(['', '', '']);
  });
});

describe('the rank', () => {
  const three = ['a', 'b', 'c'].map((label) => ({ label, value: '1' }));

  test.each([
    [{ a: '1', b: '1', c: '1' }, 0],
    [{ a: '1', b: '1' }, 1],
    [{ a: '1', c: '1' }, 2],
    // What matches after a mismatch does not help.
    [{ b: '1', c: '1' }, 3],
    [{}, 3],
  ])('of %j by three labels is %i', (labels, rank) => {
    expect(mismatch(at('', labels), three)).toBe(rank);
  });

  test('the example of the reference: [network, cluster], the caller n1/test', () => {
    const matches = [
      { label: 'network', value: 'n1' },
      { label: 'cluster', value: 'test' },
    ];
    const endpoints = [
      at('', { network: 'n1', cluster: 'c1' }),
      at('', { network: 'n2', cluster: 'c2' }),
    ];
    expect(endpoints.map((endpoint) => mismatch(endpoint, matches))).toEqual([1, 2]);
    const locality = {
      labels: { network: 'n1', cluster: 'test' },
      failoverPriority: ['network', 'cluster'],
    };
    expect(prioritiesOf(endpoints, locality)).toEqual([0, 1]);
  });
});

describe('priorities by labels', () => {
  test('region, zone and a version that is given', () => {
    const endpoints = [
      at('us-west1/a', { version: 'v1' }),
      at('us-west1/a', { version: 'v2' }),
      at('us-west1/b', { version: 'v1' }),
      at('us-east1/a', { version: 'v1' }),
      at('us-west1/a'),
      at(''),
    ];
    const failoverPriority = [REGION, ZONE, 'version=v1'];
    expect(prioritiesOf(endpoints, { local: 'us-west1/a', failoverPriority })).toEqual([
      0, 1, 2, 3, 1, 3,
    ]);
    // The same client by its labels.
    const labels = { [REGION]: 'us-west1', [ZONE]: 'a' };
    expect(prioritiesOf(endpoints, { labels, failoverPriority })).toEqual([0, 1, 2, 3, 1, 3]);
  });

  test('an absent label is empty, and equal to an absent one', () => {
    const endpoints = [at('', { tier: 'gold' }), at(''), at('', { tier: '' })];
    const labels = { version: 'v1' };
    expect(prioritiesOf(endpoints, { labels, failoverPriority: ['tier'] })).toEqual([1, 0, 0]);
    expect(prioritiesOf(endpoints, { failoverPriority: ['tier='] })).toEqual([1, 0, 0]);
    expect(prioritiesOf(endpoints, { failoverPriority: ['tier=gold'] })).toEqual([0, 1, 1]);
  });

  test('ranks that nobody has leave no gap', () => {
    const endpoints = [at('', { a: '1' }), at('')];
    const failoverPriority = ['a=1', 'b=1', 'c=1', 'd=1'];
    expect(prioritiesOf(endpoints, { failoverPriority })).toEqual([0, 1]);
  });

  test('an own priority counts first', () => {
    const endpoints = [at('', { a: '1' }, 1), at('', {}, 0), at('', {}, 1), at('', { a: '1' }, 0)];
    expect(prioritiesOf(endpoints, { failoverPriority: ['a=1', 'b='] })).toEqual([2, 1, 3, 0]);
  });

  test('failover orders those that match equally far: five times the rank, and nearness', () => {
    const local = 'us-west1/a/rack-1';
    const places = [local, 'us-west1/a', 'us-west1/b', 'us-east1/a', 'eu-west1/a'];
    const endpoints = [
      ...places.map((place) => at(place, { version: 'v2' })),
      ...places.map((place) => at(place, { version: 'v1' })),
    ];
    const locality = {
      local,
      failoverPriority: ['version=v1'],
      failover: [{ from: 'us-west1', to: 'us-east1' }],
    };
    expect(prioritiesOf(endpoints, locality)).toEqual([5, 6, 7, 8, 9, 0, 1, 2, 3, 4]);
    // Without it places do not count.
    const alone = { ...locality, failover: [] };
    expect(prioritiesOf(endpoints, alone)).toEqual([1, 1, 1, 1, 1, 0, 0, 0, 0, 0]);
    // Where nobody knows where this is, labels count alone.
    const nowhere = { ...locality, local: undefined };
    expect(prioritiesOf(endpoints, nowhere)).toEqual([1, 1, 1, 1, 1, 0, 0, 0, 0, 0]);
  });

  test('localities share a priority by their weights', () => {
    const endpoints = [at('a'), at('b'), at('b')];
    const [first] = arrange(
      endpoints,
      localityPolicy(settingsOf({ failoverPriority: ['version='] }), true),
    );
    expect(first?.localities?.map(({ name, weight }) => [name, weight])).toEqual([
      ['a', 1],
      ['b', 2],
    ]);
  });
});

describe('there is none', () => {
  test('without a way to notice failure', () => {
    expect(localityPolicy(settingsOf({ failoverPriority: ['a=1'] }), false)).toBeUndefined();
  });

  test('for a client of which nothing is known', () => {
    expect(localityPolicy(settingsOf({ failoverPriority: [REGION, 'a'] }), true)).toBeUndefined();
    expect(localityPolicy(settingsOf({ failoverPriority: [REGION, 'a=1'] }), true)).toBeDefined();
  });
});
