import { describe, expect, test } from 'vitest';
import type { NormalizedClientOptions } from '../../src/options/normalized.js';
import type { ClientOptions, UpdateOptions } from '../../src/options/options.js';
import { NO_LIMITS } from '../../src/options/read-connection-pool.js';
import { readUpdate } from '../../src/options/update.js';
import { readOptions } from '../../src/options/validate.js';
import { deepFreeze } from './deep-freeze.js';
import { PEM, refusalOf, testRefusals } from './refusal.js';

const factory = () => ({ name: 'own', pick: () => undefined });

function updated(options: ClientOptions, ...updates: UpdateOptions[]): NormalizedClientOptions {
  return updates.reduce<NormalizedClientOptions>(
    (current, update) => readUpdate(current, deepFreeze(update)),
    readOptions(deepFreeze(options)),
  );
}

function policyAfter(...steps: [unknown, ...unknown[]]): unknown {
  const [first, ...updates] = steps.map((loadBalancer) => ({ loadBalancer }));
  return updated(first as ClientOptions, ...(updates as UpdateOptions[])).defaultPolicy
    .loadBalancer;
}

describe('an update of the policy', () => {
  const LEAST = { policy: 'least-request', choiceCount: 2, activeRequestBias: 1, fullScan: false };
  test.each<[string, [unknown, ...unknown[]], unknown]>([
    [
      'another name replaces',
      [{ policy: 'least-request', choiceCount: 3 }, 'random'],
      { policy: 'random' },
    ],
    [
      'the same name alone goes back to its defaults',
      [{ policy: 'least-request', choiceCount: 3 }, 'least-request'],
      LEAST,
    ],
    [
      'an object of the same policy merges',
      [
        { policy: 'least-request', choiceCount: 3 },
        { policy: 'least-request', fullScan: true },
      ],
      { ...LEAST, choiceCount: 3, fullScan: true },
    ],
    [
      'an object without a policy merges',
      [{ policy: 'least-request', choiceCount: 3 }, { activeRequestBias: 2 }],
      { ...LEAST, choiceCount: 3, activeRequestBias: 2 },
    ],
    [
      'a name is an object in short',
      ['peak-ewma', { decayTime: '5s' }],
      { policy: 'peak-ewma', decayTime: 5000 },
    ],
    ['the default is a policy, too', [undefined, { choiceCount: 4 }], { ...LEAST, choiceCount: 4 }],
    [
      'an object of another policy replaces',
      [{ policy: 'least-request', choiceCount: 3 }, { policy: 'peak-ewma' }],
      { policy: 'peak-ewma', decayTime: 10_000 },
    ],
    [
      'a warm-up merges',
      [{ policy: 'round-robin', warmup: { duration: 5 } }, { warmup: { aggression: 2 } }],
      { policy: 'round-robin', warmup: { duration: 5, minimumPercent: 10, aggression: 2 } },
    ],
    [
      'false switches a warm-up off',
      [{ policy: 'round-robin', warmup: { duration: 5 } }, { warmup: false }],
      { policy: 'round-robin' },
    ],
    [
      'what is hashed replaces as a whole, and the sizes stay',
      [
        { policy: 'ring-hash', hashOn: { header: 'X-User', terminal: true }, minimumRingSize: 7 },
        { hashOn: { cookie: 'sid' }, maximumRingSize: 9 },
        { policy: 'ring-hash', hashBalanceFactor: 150 },
      ],
      {
        policy: 'ring-hash',
        hashOn: [{ kind: 'cookie', name: 'sid', terminal: false }],
        hashBalanceFactor: 150,
        minimumRingSize: 7,
        maximumRingSize: 9,
      },
    ],
    ['a function replaces', [{ policy: 'peak-ewma', decayTime: 5 }, factory], factory],
    ['a function is replaced', [factory, { policy: 'random' }], { policy: 'random' }],
    ['undefined is absent', ['random', undefined], { policy: 'random' }],
    [
      'updates add up',
      ['least-request', { choiceCount: 3 }, { fullScan: true }, { choiceCount: undefined }],
      { ...LEAST, choiceCount: 3, fullScan: true },
    ],
  ])('%s', (_what, steps, policy) => {
    expect(policyAfter(...steps)).toEqual(policy);
  });
});

describe('an update of lists and TLS', () => {
  const service = 'https://a';
  const tlsOf = (...steps: [ClientOptions, ...UpdateOptions[]]) =>
    updated(...steps).services.get(service)?.tls;

  test('a list of endpoints replaces the whole list', () => {
    const given = [{ url: 'http://b', weight: 5, locality: 'r' }, 'http://c'];
    const read = updated({ service, endpoints: given }, { endpoints: [{ url: 'http://b' }] });
    expect(read.services.get(service)?.endpoints).toEqual([
      { url: 'http://b', weight: 1, locality: '', priority: 0, labels: {}, health: 'healthy' },
    ]);
  });

  test('a list can be given to a service that had none, and can be emptied', () => {
    const given = updated({ service }, { endpoints: ['http://b'] });
    expect(given.services.get(service)?.endpoints).toHaveLength(1);
    expect(given.services.get(service)?.endpoints[0]?.url).toBe('http://b');
    expect(readUpdate(given, { endpoints: [] }).services.get(service)?.endpoints).toEqual([]);
  });

  test('TLS options merge, lists in them replace', () => {
    const tls = { ca: [PEM, PEM], servername: 'x' };
    expect(tlsOf({ service, tls }, { tls: { ca: [PEM] } })).toEqual({ ca: [PEM], servername: 'x' });
    expect(tlsOf({ service, tls }, { tls: { ca: undefined } })).toEqual(tls);
  });

  test('bytes replace bytes, whatever is in them', () => {
    const [before, after] = [Buffer.from(`${PEM}\n1`), Buffer.from(`${PEM}\n2`)];
    expect(tlsOf({ service, tls: { ca: before } }, { tls: { ca: after } })).toEqual({ ca: after });
  });

  test('false lifts the limits of a pool, and one that comes later leaves the others lifted', () => {
    const connectionPool = { maxRequests: 5, connectTimeout: '2s', http2: true };
    const lifted = readUpdate(readOptions({ service, connectionPool }), { connectionPool: false });
    const later = readUpdate(lifted, { connectionPool: { maxConnections: 7 } });
    const rest = { connectTimeout: 2000, http2: true };
    expect(lifted.services.get(service)?.connectionPool).toMatchObject({ ...NO_LIMITS, ...rest });
    expect(later.services.get(service)?.connectionPool).toMatchObject({
      ...NO_LIMITS,
      ...rest,
      maxConnections: 7,
    });
  });

  test('false takes TLS options away, and an object brings new ones', () => {
    const tls = { ca: PEM, servername: 'x' };
    expect(tlsOf({ service, tls }, { tls: false })).toEqual({});
    expect(tlsOf({ service, tls }, { tls: false }, { tls: { ca: PEM } })).toEqual({ ca: PEM });
  });
});

describe('an update of services', () => {
  const base: ClientOptions = {
    loadBalancer: 'random',
    services: { 'http://a': { name: 'one', endpoints: ['http://a1'] }, 'http://b:80/': {} },
  };

  test('changes one and leaves the others alone', () => {
    const before = readOptions(base);
    const after = readUpdate(before, { services: { 'http://a': { endpoints: ['http://a2'] } } });
    expect(after.services.get('http://a')).toEqual({
      ...before.services.get('http://a'),
      endpoints: [
        { url: 'http://a2', weight: 1, locality: '', priority: 0, labels: {}, health: 'healthy' },
      ],
    });
    expect(after.services.get('http://b')).toEqual(before.services.get('http://b'));
  });

  test('finds a service under any spelling of its origin', () => {
    const services = { 'HTTP://B': { endpoints: ['http://b1'] }, 'http://a/': { endpoints: [] } };
    const after = updated(base, { services });
    expect([...after.services.keys()]).toEqual(['http://a', 'http://b']);
    expect(after.services.get('http://b')?.endpoints[0]?.url).toBe('http://b1');
    expect(after.services.get('http://a')).toMatchObject({ name: 'one', endpoints: [] });
  });

  test("changes options of the client's policy for one service alone", () => {
    const given = updated(
      { ...base, loadBalancer: { policy: 'least-request', choiceCount: 4 } },
      { services: { 'http://a': { loadBalancer: { fullScan: true } } } },
    );
    const policyOf = (origin: string) => given.services.get(origin)?.loadBalancer;
    expect(policyOf('http://a')).toMatchObject({ choiceCount: 4, fullScan: true });
    expect(policyOf('http://b')).toMatchObject({ choiceCount: 4, fullScan: false });
  });

  test('a new policy of the client reaches the services that have none of their own', () => {
    const services = { 'http://a': {}, 'http://b': { loadBalancer: 'round-robin' as const } };
    const after = updated({ services }, { loadBalancer: 'random' });
    expect(after.services.get('http://a')?.loadBalancer).toEqual({ policy: 'random' });
    expect(after.services.get('http://b')?.loadBalancer).toEqual({ policy: 'round-robin' });
  });

  test('adds a service', () => {
    const after = updated(base, { services: { 'https://c': { name: 'three' } } });
    expect(after.services.get('https://c')).toMatchObject({
      name: 'three',
      loadBalancer: { policy: 'random' },
      endpoints: [
        { url: 'https://c', weight: 1, locality: '', priority: 0, labels: {}, health: 'healthy' },
      ],
    });
  });
});

describe('what an update refuses', () => {
  const STAYS = 'cannot be changed by an update; make a new client';
  const middleware = [() => Promise.resolve(new Response())];
  const options = { service: 'http://a', name: 'x', localReplies: 'throw', middleware } as const;
  const current = readOptions(options);
  testRefusals(
    (update) => readUpdate(current, update),
    [
      ['text', 'random', "options: found 'random', expected an object with the options to change"],
      ['null', null, 'options: found null, expected an object with the options to change'],
      [
        'what a client is built with',
        {
          service: 'http://b',
          name: 'y',
          otherOrigins: 'default-policy',
          localReplies: 'respond',
          middleware: [],
          layers: {},
          around: () => undefined,
          runtime: {},
        },
        `service: ${STAYS}`,
        `name: ${STAYS}`,
        `otherOrigins: ${STAYS}`,
        `localReplies: ${STAYS}`,
        `middleware: ${STAYS}`,
        `layers: ${STAYS}`,
        `around: ${STAYS}`,
        `runtime: ${STAYS}`,
      ],
      [
        'services where there were none',
        { services: { 'http://b': {} } },
        'services: a client made without services cannot be given any; make a new client',
      ],
      ['what is yet to come', { fault: {} }, 'fault: not available in this version'],
      [
        'everything wrong at once',
        { endpoint: ['http://b'], loadBalancer: 'fast', localReplies: 'respond' },
        `localReplies: ${STAYS}`,
        "unknown option 'endpoint'; did you mean 'endpoints'?",
        "loadBalancer: found 'fast', expected 'least-request', 'peak-ewma', 'round-robin', 'random', 'ring-hash' or 'maglev'",
      ],
      [
        'an option of a policy that is not in force',
        { loadBalancer: { decayTime: '1s' } },
        "loadBalancer.decayTime: an option of 'peak-ewma', but the policy is 'least-request'",
      ],
      [
        'endpoints that are false',
        { endpoints: false },
        'endpoints: found false, expected a list of endpoints, or a discovery',
      ],
    ],
  );

  test('not what an option is already', () => {
    expect(readUpdate(current, { ...options, localReplies: 'throw' }).services).toEqual(
      current.services,
    );
    expect(readUpdate(current, { otherOrigins: 'refuse' }).otherOrigins).toBe('refuse');
  });

  test('another name of a service, under any spelling of its origin', () => {
    const several = readOptions({ services: { 'http://a': { name: 'x' }, 'http://b': {} } });
    const services = { 'http://a/': { name: 'y' }, 'http://b': { name: 'z' } };
    expect(refusalOf(() => readUpdate(several, { services }))).toBe(
      `services['http://a/'].name: ${STAYS}\nservices['http://b'].name: ${STAYS}`,
    );
    expect(readUpdate(several, { services: { 'http://a': { name: 'x' } } }).services).toEqual(
      several.services,
    );
  });

  test('another name of a service that was made under an odd spelling', () => {
    const odd = readOptions({ services: { 'HTTP://A:80/': { name: 'x' } } });
    expect(refusalOf(() => readUpdate(odd, { services: { 'http://a': { name: 'y' } } }))).toBe(
      `services['http://a'].name: ${STAYS}`,
    );
  });

  test('taking a service away, or naming one twice', () => {
    const several = readOptions({ services: { 'http://a': {} } });
    expect(refusalOf(() => readUpdate(several, { services: { 'http://a': false } }))).toBe(
      "services['http://a']: found false, expected an object with the options of the service",
    );
    expect(
      refusalOf(() => readUpdate(several, { services: { 'http://a/': {}, 'http://a': {} } })),
    ).toBe(
      "services['http://a/']: found 'http://a' again, expected each service once; services['http://a'] is the same",
    );
    expect(
      refusalOf(() => readUpdate(several, { services: { 'http://a/': {}, 'http://A': {} } })),
    ).toContain("found 'http://a' again");
  });

  test('TLS that nothing uses any more', () => {
    const secure = readOptions({ service: 'https://a', tls: { ca: PEM } });
    const endpoints = ['http://b'];
    expect(refusalOf(() => readUpdate(secure, { endpoints }))).toBe(
      'tls: of no use, since no endpoint is https',
    );
    expect(readUpdate(secure, { endpoints, tls: false }).services.get('https://a')?.tls).toEqual(
      {},
    );
  });
});

test('the options that held stay as they are, whatever becomes of the update', () => {
  const current = readOptions({ service: 'https://a', tls: { ca: [PEM] }, loadBalancer: 'random' });
  const before = structuredClone({ ...current, runtime: undefined });
  readUpdate(current, {
    tls: { servername: 'x' },
    endpoints: ['https://b'],
    loadBalancer: 'peak-ewma',
  });
  expect(() => readUpdate(current, { endpoints: 1 })).toThrow();
  expect({ ...current, runtime: undefined }).toEqual(before);
});

test('no update changes nothing', () => {
  const current = readOptions({ service: 'http://a' });
  expect(readUpdate(current)).toEqual(current);
  expect(readUpdate(current, {})).toEqual(current);
});
