import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { systemRuntime } from '../../src/core/runtime.js';
import type { NormalizedService } from '../../src/options/normalized.js';
import type { ClientOptions } from '../../src/options/options.js';
import { defaultConnectionPool } from '../../src/options/read-connection-pool.js';
import { readOptions } from '../../src/options/validate.js';
import { deepFreeze } from './deep-freeze.js';
import { DEFAULT_RETRY } from './default-retry.js';
import { KEY, PEM } from './refusal.js';

const LEAST_REQUEST = {
  policy: 'least-request',
  choiceCount: 2,
  activeRequestBias: 1,
  fullScan: false,
} as const;

function serviceOf(options: ClientOptions, origin?: string): NormalizedService | undefined {
  const { services } = readOptions(options);
  return origin === undefined ? [...services.values()][0] : services.get(origin);
}

describe('a client without a service', () => {
  const nothing = {
    service: undefined,
    services: new Map(),
    otherOrigins: 'default-policy',
    maxOrigins: 1024,
    originIdleTimeout: 300_000,
    defaultPolicy: {
      loadBalancer: LEAST_REQUEST,
      timeout: { response: 0, idle: 0, total: 0 },
      retry: DEFAULT_RETRY,
      hedge: undefined,
      connectionPool: defaultConnectionPool(),
      outlierDetection: undefined,
      rateLimitHold: undefined,
      circuitBreaker: undefined,
      healthCheck: undefined,
      discoveryTimeout: 10_000,
      fallback: undefined,
      envoyHeaders: true,
      tls: {},
      proxy: undefined,
      maxResponseBytes: 0,
    },
    localReplies: 'throw',
    middleware: [],
    callLayers: [],
    attemptLayers: [],
    around: undefined,
    runtime: systemRuntime,
    transport: undefined,
    given: {},
  };

  test('no options at all', () => {
    expect(readOptions()).toEqual(nothing);
    expect(readOptions({})).toEqual(nothing);
    expect(readOptions(Object.create(null))).toEqual(nothing);
  });

  test('undefined is the same as absent, everywhere', () => {
    const keys = [
      'service',
      'endpoints',
      'services',
      'tls',
      'otherOrigins',
      'unheardOf',
      'retry',
      'hedge',
      'timeout',
    ];
    expect(readOptions(Object.fromEntries(keys.map((key) => [key, undefined])))).toEqual(nothing);
    const endpoints = [{ url: 'http://b', weight: undefined, labels: undefined }];
    expect(serviceOf({ service: 'http://a', endpoints })?.endpoints[0]?.weight).toBe(1);
  });

  test('objects of another realm are objects', () => {
    const options: unknown = runInNewContext(
      `({ service: 'http://a', endpoints: [{ url: 'http://b' }], tls: {}, loadBalancer: { policy: 'random' } })`,
    );
    expect(readOptions(options).services.get('http://a')?.loadBalancer).toEqual({
      policy: 'random',
    });
  });
});

describe('a service', () => {
  test('alone is its own endpoint', () => {
    expect(readOptions({ service: 'HTTP://Simple-Backend:80/' })).toMatchObject({
      service: 'http://simple-backend',
      otherOrigins: 'refuse',
      services: new Map([
        [
          'http://simple-backend',
          {
            origin: 'http://simple-backend',
            name: 'simple-backend',
            endpoints: [
              {
                url: 'http://simple-backend',
                weight: 1,
                locality: '',
                priority: 0,
                labels: {},
                health: 'healthy',
              },
            ],
            loadBalancer: LEAST_REQUEST,
            tls: {},
          },
        ],
      ]),
    });
  });

  test.each([
    ['http://a', 'a'],
    ['http://a:8080', 'a:8080'],
    ['https://a', 'a:443'],
    ['https://a:8443', 'a:8443'],
    ['http://[::1]:80', '[::1]'],
    ['http://bücher.example', 'xn--bcher-kva.example'],
  ])('%s is called %s', (service, name) => {
    expect(serviceOf({ service })?.name).toBe(name);
  });

  test('a name and a policy for other origins', () => {
    const read = readOptions({ service: 'http://a', name: 'b', otherOrigins: 'default-policy' });
    expect(read.services.get('http://a')?.name).toBe('b');
    expect(read.otherOrigins).toBe('default-policy');
  });

  test('endpoints in every form', () => {
    const endpoints = [
      'http://10.0.0.1:8080',
      { url: 'HTTPS://B:443/', weight: 4_294_967_295, locality: 'r/z/s', priority: 3 },
      { url: 'unix:/run/app.sock', locality: '', priority: 0 },
      'UNIX:///run/other app?.sock',
      'http://[::1]:80',
    ];
    expect(serviceOf({ service: 'https://a', endpoints })?.endpoints).toEqual([
      {
        url: 'http://10.0.0.1:8080',
        weight: 1,
        locality: '',
        priority: 0,
        labels: {},
        health: 'healthy',
      },
      {
        url: 'https://b',
        weight: 4_294_967_295,
        locality: 'r/z/s',
        priority: 3,
        labels: {},
        health: 'healthy',
      },
      {
        url: 'unix:/run/app.sock',
        weight: 1,
        locality: '',
        priority: 0,
        labels: {},
        health: 'healthy',
      },
      {
        url: 'unix:/run/other app?.sock',
        weight: 1,
        locality: '',
        priority: 0,
        labels: {},
        health: 'healthy',
      },
      { url: 'http://[::1]', weight: 1, locality: '', priority: 0, labels: {}, health: 'healthy' },
    ]);
  });

  test('an empty list stays empty', () => {
    expect(serviceOf({ service: 'http://a', endpoints: [] })?.endpoints).toEqual([]);
  });
});

test('what stands beside retries', () => {
  const fallback = () => undefined;
  const services: ClientOptions['services'] = {
    'http://a': {},
    'http://b': { fallback: false, envoyHeaders: true },
  };
  const read = readOptions({ fallback, envoyHeaders: false, services });
  expect(read.defaultPolicy).toMatchObject({ fallback, envoyHeaders: false });
  expect(read.services.get('http://a')).toMatchObject({ fallback, envoyHeaders: false });
  expect(read.services.get('http://b')).toMatchObject({ fallback: undefined, envoyHeaders: true });
});

describe('loadBalancer', () => {
  const factory = () => ({ name: 'own', pick: () => undefined });
  test.each([
    ['least-request', LEAST_REQUEST],
    ['round-robin', { policy: 'round-robin' }],
    ['random', { policy: 'random' }],
    ['peak-ewma', { policy: 'peak-ewma', decayTime: 10_000 }],
    [{ policy: 'round-robin' }, { policy: 'round-robin' }],
    [{ policy: 'random' }, { policy: 'random' }],
    [
      { policy: 'peak-ewma', decayTime: '1m30s' },
      { policy: 'peak-ewma', decayTime: 90_000 },
    ],
    [
      { policy: 'peak-ewma', decayTime: 5 },
      { policy: 'peak-ewma', decayTime: 5 },
    ],
    [
      { policy: 'least-request', choiceCount: 100, activeRequestBias: 0, fullScan: true },
      { policy: 'least-request', choiceCount: 100, activeRequestBias: 0, fullScan: true },
    ],
    [
      { policy: 'least-request', activeRequestBias: 10 },
      { ...LEAST_REQUEST, activeRequestBias: 10 },
    ],
    [
      { policy: 'round-robin', warmup: { duration: '1m' } },
      {
        policy: 'round-robin',
        warmup: { duration: 60_000, minimumPercent: 10, aggression: 1 },
      },
    ],
    [
      {
        policy: 'peak-ewma',
        warmup: { duration: 500, minimumPercent: 0, aggression: 2.5 },
      },
      {
        policy: 'peak-ewma',
        decayTime: 10_000,
        warmup: { duration: 500, minimumPercent: 0, aggression: 2.5 },
      },
    ],
    [{ policy: 'least-request', warmup: false }, LEAST_REQUEST],
    [factory, factory],
  ] as [ClientOptions['loadBalancer'], unknown][])('%j', (loadBalancer, policy) => {
    expect(readOptions({ loadBalancer }).defaultPolicy.loadBalancer).toEqual(policy);
    expect(serviceOf({ service: 'http://a', loadBalancer })?.loadBalancer).toEqual(policy);
  });
});

test('a negative zero is zero', () => {
  const loadBalancer = { policy: 'least-request', activeRequestBias: -0 };
  const read = readOptions({ loadBalancer }).defaultPolicy.loadBalancer;
  expect(Object.entries(read).find(([key]) => key === 'activeRequestBias')?.[1]).toBe(0);
});

describe('tls', () => {
  test('is handed on as it was given', () => {
    const tls = {
      ca: [PEM, Buffer.from(PEM)],
      cert: PEM,
      key: new Uint8Array(Buffer.from(KEY)),
      passphrase: '',
      servername: 'backend.internal',
      alpn: ['http/1.1'],
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.3',
      ciphers: 'TLS_AES_128_GCM_SHA256:HIGH',
    } as const;
    expect(serviceOf({ service: 'https://a', tls })?.tls).toEqual(tls);
    expect(readOptions({ tls }).defaultPolicy.tls).toEqual(tls);
  });

  test.each([
    [{ service: 'http://a', endpoints: ['https://b'] }],
    [{ service: 'https://a', endpoints: ['unix:/s'] }],
    [{ service: 'https://a', endpoints: [] }],
    [{ service: 'http://a', otherOrigins: 'default-policy' }],
    [{ services: { 'http://a': {}, 'https://b': {} } }],
  ] as [ClientOptions][])('is of use to %j', (options) => {
    expect(readOptions({ ...options, tls: { ca: PEM } }).defaultPolicy.tls).toEqual({ ca: PEM });
  });

  test('an empty object does no harm', () => {
    expect(serviceOf({ service: 'http://a', tls: {} })?.tls).toEqual({});
  });

  test.each(['::1', '10.0.0.1', 'a-b.example'])('servername %s', (servername) => {
    expect(readOptions({ tls: { servername } }).defaultPolicy.tls).toEqual({ servername });
  });
});

describe('services', () => {
  test('take over what the client says, and merge their own into it', () => {
    const options: ClientOptions = {
      loadBalancer: { policy: 'least-request', choiceCount: 5 },
      tls: { ca: PEM, servername: 'x' },
      services: {
        'https://as-the-client': {},
        'https://merges/': {
          loadBalancer: { policy: 'least-request', activeRequestBias: 2 },
          tls: { servername: 'y' },
        },
        'https://another-policy': { loadBalancer: { policy: 'peak-ewma' }, tls: false },
        'https://short:8443': { name: 's', loadBalancer: 'least-request', endpoints: ['unix:/s'] },
      },
    };
    const read = readOptions(options);
    expect(read.service).toBeUndefined();
    expect(read.otherOrigins).toBe('refuse');
    expect([...read.services.keys()]).toEqual([
      'https://as-the-client',
      'https://merges',
      'https://another-policy',
      'https://short:8443',
    ]);
    expect(read.services.get('https://as-the-client')).toMatchObject({
      name: 'as-the-client:443',
      loadBalancer: { ...LEAST_REQUEST, choiceCount: 5 },
      tls: { ca: PEM, servername: 'x' },
    });
    expect(read.services.get('https://merges')).toMatchObject({
      loadBalancer: { ...LEAST_REQUEST, choiceCount: 5, activeRequestBias: 2 },
      tls: { ca: PEM, servername: 'y' },
    });
    const another = read.services.get('https://another-policy');
    expect(another?.loadBalancer).toEqual({ policy: 'peak-ewma', decayTime: 10_000 });
    expect(another?.tls).toEqual({});
    expect(read.services.get('https://short:8443')).toMatchObject({
      name: 's',
      loadBalancer: LEAST_REQUEST,
      endpoints: [
        { url: 'unix:/s', weight: 1, locality: '', priority: 0, labels: {}, health: 'healthy' },
      ],
      tls: { ca: PEM, servername: 'x' },
    });
  });

  test('with the same host and different schemes have different names', () => {
    const { services } = readOptions({ services: { 'http://a': {}, 'https://a': {} } });
    expect([...services.values()].map(({ name }) => name)).toEqual(['a', 'a:443']);
  });
});

describe("code of the user's", () => {
  class OwnLayer {
    readonly name = 'own';
    start(): undefined {
      return undefined;
    }
  }

  test('comes out as the very same', () => {
    const middleware = [
      (request: Request, next: (r: Request) => Promise<Response>) => next(request),
    ];
    const call = new OwnLayer();
    const attempt = { name: 'literal', end() {}, state: new Map() };
    const around = (_attempt: unknown, dispatch: () => void) => {
      dispatch();
    };
    const runtime = { ...systemRuntime };
    const layers = { call: [call], attempt: [attempt] };
    const read = readOptions({ middleware, layers, around, runtime, localReplies: 'respond' });
    expect(read.middleware[0]).toBe(middleware[0]);
    expect(read.callLayers[0]).toBe(call);
    expect(read.attemptLayers[0]).toBe(attempt);
    expect(read.around).toBe(around);
    expect(read.runtime).toBe(runtime);
    expect(read.localReplies).toBe('respond');
  });

  test('a list may be empty, or left out', () => {
    const read = readOptions({ layers: { call: undefined }, middleware: [] });
    expect(read.callLayers).toEqual([]);
    expect(read.attemptLayers).toEqual([]);
  });
});

describe("the user's objects", () => {
  const options = () => ({
    service: 'https://a',
    endpoints: [{ url: 'https://b', weight: 2 }, 'https://c'],
    loadBalancer: { policy: 'least-request' as const, choiceCount: 3 },
    tls: { ca: [PEM] },
    layers: { call: [], attempt: [] },
    middleware: [],
  });

  test('may be frozen', () => {
    expect(() => readOptions(deepFreeze(options()))).not.toThrow();
  });

  test('may change afterwards without any effect', () => {
    const mine = options();
    const read = readOptions(mine);
    const before = structuredClone({ ...read, runtime: undefined });
    mine.endpoints.push('https://d');
    (mine.endpoints[0] as { weight: number }).weight = 9;
    mine.loadBalancer.choiceCount = 9;
    mine.tls.ca.push(PEM);
    mine.service = 'https://z';
    mine.middleware.push((() => undefined) as never);
    mine.layers.call.push({} as never);
    expect({ ...read, runtime: undefined, given: undefined }).toEqual({
      ...before,
      given: undefined,
    });
    expect(read.given.endpoints).toEqual(before.given.endpoints);
    expect(read.given.tls).toEqual(before.given.tls);
  });

  test('may change afterwards inside services, too', () => {
    const ca = [PEM];
    const endpoint = { url: 'https://b', weight: 2 };
    const read = readOptions({ services: { 'https://a': { endpoints: [endpoint], tls: { ca } } } });
    ca.push(PEM);
    endpoint.weight = 9;
    expect(read.services.get('https://a')?.tls).toEqual({ ca: [PEM] });
    expect(read.given.services?.['https://a']?.endpoints).toEqual([
      { url: 'https://b', weight: 2 },
    ]);
  });

  test('a getter is asked once', () => {
    let asked = 0;
    const tricky = {
      get service() {
        asked += 1;
        return asked === 1 ? 'http://a' : 'nonsense';
      },
    };
    expect(readOptions(tricky).service).toBe('http://a');
    expect(asked).toBe(1);
  });
});
