/** The `locality` option, and the own locality from the environment. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { mergeOptions } from '../../src/options/merge.js';
import { readOptions } from '../../src/options/validate.js';
import { testRefusals } from './refusal.js';

const LOCALITY = "expected 'region/zone/subzone' without *, parts left out from the right alone";
const PATTERN =
  "expected a pattern such as 'us-west1/us-west1-a' or 'us-west1/*', with * at its end alone";
const REGION = 'expected a region, without / and *';
const APART = 'expected patterns that exclude each other';

const LABEL =
  "a label such as 'topology.kubernetes.io/zone', or one with its value such as 'version=v1'";
const CALLERS = 'an object with numbers of callers by locality';

const quoted = (text: string): string => `'${text}'`;

const shares = (to: unknown, from: unknown = 'us-west1/*') => ({
  locality: { local: 'us-west1/a', distribute: [{ from, to }] },
});
const failover = (...rules: readonly unknown[]) => ({
  locality: { local: 'us-west1/a', failover: rules },
});

const localityOf = (options: object) => readOptions(options).defaultPolicy.locality;

afterEach(() => vi.unstubAllEnvs());

describe('what is wrong', () => {
  testRefusals(readOptions, [
    ['no object', { locality: 5 }, 'locality: found 5, expected an object of options, or false'],
    [
      'a locality itself',
      { locality: 'us-west1/a' },
      "locality: found 'us-west1/a', expected an object of options, or false; did you mean { local: 'us-west1/a' }?",
    ],
    [
      'a pattern as the own one',
      { locality: { local: 'a/*' } },
      `locality.local: found 'a/*', ${LOCALITY}`,
    ],
    [
      'nothing as the own one',
      { locality: { local: '' } },
      `locality.local: found '', ${LOCALITY}`,
    ],
    [
      'shares that are not everything',
      shares({ 'us-west1/a': 70, 'us-west1/b': 20 }),
      'locality.distribute[0].to: found 90 % together, expected percentages that make 100',
    ],
    [
      'no shares',
      shares({}),
      'locality.distribute[0].to: found 0 % together, expected percentages that make 100',
    ],
    [
      'shares of nothing, and in parts',
      shares({ 'us-west1/a': 0, 'us-west1/b': 99.5, 'us-west1/c': '1' }),
      "locality.distribute[0].to['us-west1/a']: found 0, expected a whole number from 1 to 100",
      "locality.distribute[0].to['us-west1/b']: found 99.5, expected a whole number from 1 to 100",
      "locality.distribute[0].to['us-west1/c']: found '1', expected a whole number from 1 to 100; did you mean 1?",
    ],
    ...['*/a', 'a/*/b', 'a//b', 'a/', '**', 'a/b/c/d', 'a b', ''].map(
      (pattern) =>
        [
          `the pattern '${pattern}'`,
          shares({ '*': 100 }, pattern),
          `locality.distribute[0].from: found '${pattern}', ${PATTERN}`,
        ] as const,
    ),
    [
      'a wrong pattern among the shares',
      shares({ '*/a': 100 }),
      `locality.distribute[0].to['*/a']: found '*/a', ${PATTERN}`,
    ],
    ...(
      [
        ['a', 'a/b'],
        ['a/*', 'a/b/c'],
        ['a', 'a/*'],
        ['*', 'a'],
        ['a/b/c', 'a/b'],
      ] as const
    ).map(
      ([one, other]) =>
        [
          `shares for '${one}' and '${other}'`,
          shares({ [one]: 50, [other]: 50 }),
          `locality.distribute[0].to: found '${one}' beside '${other}', ${APART}`,
        ] as const,
    ),
    [
      'two entries from the same place',
      {
        locality: {
          distribute: [
            { from: 'a/*', to: { a: 100 } },
            { from: 'a/b', to: { b: 100 } },
          ],
        },
      },
      `locality.distribute: found 'a/*' beside 'a/b' in 'from', ${APART}`,
    ],
    [
      'half an entry',
      { locality: { distribute: [{ from: 'a' }], failover: [] } },
      'locality.distribute[0].to: found nothing, expected an object with percentages by pattern',
    ],
    [
      'failover to itself, and to more than a region',
      failover({ from: 'a', to: 'a' }, { from: 'a/b', to: '*' }),
      "locality.failover[0].to: found 'a', expected another region than 'from'",
      `locality.failover[1].from: found 'a/b', ${REGION}`,
      `locality.failover[1].to: found '*', ${REGION}`,
    ],
    [
      'two regions to fail over to',
      failover({ from: 'a', to: 'b' }, { from: 'a', to: 'c' }),
      "locality.failover: found 'a' again in 'from', expected each region once",
    ],
    [
      'the place of an endpoint in parts',
      { service: 'http://a', endpoints: [{ url: 'http://b', zone: 'z' }] },
      "unknown option 'endpoints[0].zone'; here it is 'endpoints[].locality'",
    ],
    ['its own place', { region: 'a' }, "unknown option 'region'; here it is 'locality.local'"],
    [
      'both',
      {
        locality: {
          failover: [{ from: 'a', to: 'b' }],
          distribute: [{ from: 'a', to: { a: 100 } }],
        },
      },
      'locality: failover and distribute exclude each other',
    ],
    [
      'shares beside labels, which Istio would ignore',
      {
        locality: {
          failoverPriority: ['version'],
          distribute: [{ from: 'a', to: { a: 100 } }],
        },
      },
      'locality: failoverPriority and distribute exclude each other',
    ],
    ...(
      [
        ['failover', { failover: [{ from: 'a', to: 'b' }] }],
        ['failoverPriority', { failoverPriority: ['version'] }],
        ['distribute', { distribute: [{ from: 'a', to: { a: 100 } }] }],
      ] as const
    ).map(
      ([kind, given]) =>
        [
          `zones beside ${kind}`,
          { locality: { ...given, zoneAware: { callers: { a: 1, b: 1 } } } },
          `locality: ${kind} and zoneAware exclude each other`,
        ] as const,
    ),
    [
      'regions beside labels of a place',
      {
        locality: {
          failover: [{ from: 'a', to: 'b' }],
          failoverPriority: ['version', 'topology.kubernetes.io/zone=a'],
        },
      },
      "locality: failover and 'topology.kubernetes.io/zone' in failoverPriority exclude each other: both say which place comes first",
    ],
    [
      'labels that are none',
      { locality: { failoverPriority: ['', '=v1', 'a b', 'a=b=c', 5, 'a', 'a='] } },
      ...['', '=v1', 'a b', 'a=b=c']
        .map(quoted)
        .concat('5')
        .map(
          (found, index) =>
            `locality.failoverPriority[${index}]: found ${found}, expected ${LABEL}`,
        ),
    ],
    [
      'a label twice',
      { locality: { failoverPriority: ['version', 'a', 'version=v1'] } },
      "locality.failoverPriority: found 'version' again, expected each label once",
    ],
    [
      'one label, without a list',
      { locality: { failoverPriority: 'version' } },
      "locality.failoverPriority: found 'version', expected a list of labels",
    ],
    [
      'own labels that are none',
      { locality: { labels: { version: 5 } } },
      'locality.labels.version: found 5, expected text',
    ],
    [
      'zones without callers',
      { locality: { zoneAware: {} } },
      `locality.zoneAware.callers: found nothing, expected ${CALLERS}`,
    ],
    [
      'zones without any caller',
      { locality: { zoneAware: { callers: { a: 0 } } } },
      `locality.zoneAware.callers: found nobody, expected ${CALLERS}, at least one caller in all`,
    ],
    [
      'zones switched on without more',
      { locality: { zoneAware: true } },
      'locality.zoneAware: found true, expected an object with callers, or false',
    ],
    [
      'callers in parts, or nowhere',
      { locality: { zoneAware: { callers: { 'a/*': 1, b: 0.5, c: -1, d: '2' } } } },
      `locality.zoneAware.callers['a/*']: found 'a/*', ${LOCALITY}`,
      'locality.zoneAware.callers.b: found 0.5, expected a whole number from 0 to 4294967295',
      'locality.zoneAware.callers.c: found -1, expected a whole number from 0 to 4294967295',
      "locality.zoneAware.callers.d: found '2', expected a whole number from 0 to 4294967295; did you mean 2?",
    ],
    [
      'the rest of zones',
      {
        locality: {
          zoneAware: {
            callers: { a: 1 },
            minClusterSize: -1,
            routingEnabled: 101,
            forceLocalZone: { minSize: 0 },
            min_cluster_size: 1,
          },
        },
      },
      'locality.zoneAware.minClusterSize: found -1, expected a whole number from 0 to 4294967295',
      'locality.zoneAware.routingEnabled: found 101, expected a whole number from 0 to 100',
      'locality.zoneAware.forceLocalZone.minSize: found 0, expected a whole number from 1 to 4294967295',
      "unknown option 'locality.zoneAware.min_cluster_size'; did you mean 'minClusterSize'?",
    ],
    [
      "Envoy's name for zones",
      { zoneAwareLbConfig: {} },
      "unknown option 'zoneAwareLbConfig'; here it is 'locality.zoneAware'",
    ],
    [
      'a priority that is none',
      {
        service: 'http://a',
        endpoints: [
          { url: 'http://b', priority: 128 },
          { url: 'http://c', priority: -1 },
        ],
      },
      'endpoints[0].priority: found 128, expected a whole number from 0 to 127',
      'endpoints[1].priority: found -1, expected a whole number from 0 to 127',
    ],
  ]);
});

describe('the own locality', () => {
  test('is that of the option', () => {
    vi.stubEnv('OUTRIGGER_LOCALITY', 'eu-west1');
    expect(localityOf({ locality: { local: 'us-west1/a' } })?.local).toBe('us-west1/a');
  });

  test('or that of the environment, whole or in parts', () => {
    vi.stubEnv('OUTRIGGER_REGION', 'us-west1');
    vi.stubEnv('OUTRIGGER_ZONE', 'us-west1-a');
    expect(localityOf({})?.local).toBe('us-west1/us-west1-a');
    expect(localityOf({ locality: {} })?.local).toBe('us-west1/us-west1-a');
    vi.stubEnv('OUTRIGGER_LOCALITY', 'eu-west1/b/c');
    expect(localityOf({})?.local).toBe('eu-west1/b/c');
    expect(localityOf({ locality: false })).toBeUndefined();
  });

  test('or unknown', () => {
    expect(localityOf({})).toBeUndefined();
    expect(localityOf({ locality: { failover: [{ from: 'a', to: 'b' }] } })?.local).toBe('');
  });

  test('is refused where the environment has none', () => {
    vi.stubEnv('OUTRIGGER_ZONE', 'us-west1-a');
    const found =
      "locality.local: found '/us-west1-a' in OUTRIGGER_LOCALITY, or OUTRIGGER_REGION, _ZONE and _SUBZONE, of the environment";
    expect(() => readOptions({})).toThrow(`${found}, ${LOCALITY}`);
    expect(() => readOptions({ locality: {} })).toThrow(`${found}, ${LOCALITY}`);
    expect(() => readOptions({ locality: { local: 'a' } })).not.toThrow();
    expect(() => readOptions({ locality: false })).not.toThrow();
  });
});

test('one kind over the other takes its place', () => {
  const distribute = [{ from: 'us-west1/*', to: { 'us-west1/a': 100 } }];
  const rules = [{ from: 'us-west1', to: 'us-east1' }];
  const { services } = readOptions({
    locality: { local: 'us-west1/a', failover: rules },
    services: { 'http://a': { locality: { distribute } } },
  });
  expect(services.get('http://a')?.locality).toMatchObject({ local: 'us-west1/a', failover: [] });
  const merged = mergeOptions(
    { locality: { local: 'us-west1/a', distribute } },
    { locality: { failover: rules } },
  );
  expect(merged.locality).toEqual({ local: 'us-west1/a', failover: rules, distribute: undefined });
});

describe('kinds merge', () => {
  const rules = [{ from: 'us-west1', to: 'us-east1' }];
  const distribute = [{ from: '*', to: { a: 100 } }];
  const zoneAware = { callers: { a: 1, b: 1 }, minClusterSize: 2 };
  const kinds = { failover: rules, failoverPriority: ['version'], distribute, zoneAware };

  /** The kinds that are left. */
  const kindsAfter = (base: object, update: object): string[] => {
    const { locality } = mergeOptions({ locality: base }, { locality: update });
    if (typeof locality !== 'object') throw new Error('no locality');
    const left = Object.entries(locality).filter(([, value]) => value !== undefined);
    return left.map(([kind]) => kind).sort();
  };

  test.each(Object.keys(kinds) as (keyof typeof kinds)[])('%s over the others', (kind) => {
    const update = { [kind]: kinds[kind] };
    const isOfFailover = kind.startsWith('failover');
    expect(kindsAfter(kinds, update)).toEqual(
      isOfFailover ? ['failover', 'failoverPriority'] : [kind],
    );
  });

  test('labels of a place and failover take the place of each other', () => {
    const places = { failoverPriority: ['topology.kubernetes.io/zone=a'] };
    expect(kindsAfter({ failover: rules }, places)).toEqual(['failoverPriority']);
    expect(kindsAfter(places, { failover: rules })).toEqual(['failover']);
  });

  test('what says nothing of a kind leaves it', () => {
    expect(kindsAfter({ distribute }, { local: 'a', labels: { version: 'v1' } })).toEqual([
      'distribute',
      'labels',
      'local',
    ]);
    expect(kindsAfter({ distribute }, { zoneAware: false })).toEqual(['distribute', 'zoneAware']);
  });

  test('callers are replaced as a whole, the rest of zones and labels merge', () => {
    const { locality } = mergeOptions(
      { locality: { zoneAware, labels: { version: 'v1', tier: 'gold' } } },
      { locality: { zoneAware: { callers: { c: 2 } }, labels: { version: 'v2' } } },
    );
    expect(locality).toEqual({
      zoneAware: { callers: { c: 2 }, minClusterSize: 2 },
      labels: { version: 'v2', tier: 'gold' },
    });
    const off = mergeOptions({ locality: { zoneAware } }, { locality: { zoneAware: false } });
    expect(readOptions(off).defaultPolicy.locality?.zoneAware).toBeUndefined();
  });
});

test('zones have their defaults, and a minimum where they are forced', () => {
  const zonesOf = (own: object) =>
    localityOf({ locality: { zoneAware: { callers: { a: 1, b: 2 }, ...own } } })?.zoneAware;
  const usual = {
    callers: new Map([
      ['a', 1],
      ['b', 2],
    ]),
    minClusterSize: 6,
    routingEnabled: 100,
    forceLocalZone: undefined,
  };
  expect(zonesOf({})).toEqual(usual);
  expect(zonesOf({ forceLocalZone: false })).toEqual(usual);
  expect(zonesOf({ forceLocalZone: {} })).toEqual({ ...usual, forceLocalZone: 1 });
  expect(zonesOf({ forceLocalZone: { minSize: 3 } })).toEqual({ ...usual, forceLocalZone: 3 });
});

test('a service changes what the client says', () => {
  const { services } = readOptions({
    locality: { local: 'us-west1/a', failover: [{ from: 'us-west1', to: 'us-east1' }] },
    services: {
      'http://a': {},
      'http://b': { locality: { failover: [] } },
      'http://c': { locality: false },
    },
  });
  const rules = [{ from: 'us-west1', to: 'us-east1' }];
  const nothing = {
    labels: {},
    failover: [],
    failoverPriority: [],
    distribute: [],
    zoneAware: undefined,
  };
  expect([...services.values()].map(({ locality }) => locality)).toEqual([
    { ...nothing, local: 'us-west1/a', failover: rules },
    { ...nothing, local: 'us-west1/a' },
    undefined,
  ]);
});
