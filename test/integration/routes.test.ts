/** Routes and subsets on real sockets, through each face, as a user calls them. */
import { request } from 'undici';
import { describe, expect, test } from 'vitest';
import type { ClientOptions, ResilientClient } from '../../src/index.js';
import { hold, virtualRuntime, type LoopbackFleetOptions } from '../../src/testing/index.js';
import { clientFor } from '../support/client.js';
import { ManualDiscovery } from '../support/discovery.js';
import { afterThisTurn, fleetOf } from '../support/fleet.js';
import { outcomeOf, stat } from '../support/pool.js';

const SUBSETS = {
  v1: { labels: { version: 'v1' } },
  v2: { labels: { version: 'v2' } },
} as const;

const FIRST = { version: 'v1', stage: 'live' };
const SECOND = { version: 'v2', stage: 'live' };

/** Server 1 is v1, servers 2 and 3 are v2. */
async function shop(options: ClientOptions, fleetOptions: Partial<LoopbackFleetOptions> = {}) {
  const fleet = await fleetOf({ endpoints: 3, ...fleetOptions });
  const endpoints = fleet.servers.map(({ url }, index) => ({
    url,
    labels: index === 0 ? FIRST : SECOND,
  }));
  const client = clientFor({
    service: 'http://shop',
    endpoints,
    subsets: SUBSETS,
    loadBalancer: 'round-robin',
    ...options,
  });
  const spread = (): number[] => fleet.servers.map(({ requests }) => requests.length);
  return { fleet, client, endpoints, spread };
}

async function call(client: ResilientClient, path: string, init: RequestInit = {}) {
  const response = await client.fetch(path, init);
  await response.text();
  return client.explain(response);
}

function total(client: ResilientClient, cluster: string): number | undefined {
  return client.stats()[`cluster.${cluster}.upstream_rq_completed`];
}

describe('the first route that fits', () => {
  const routes = [
    { name: 'reports', match: { path: '/reports/*', method: 'get' }, subset: 'v2' },
    { match: { headers: { 'X-Canary': /^y/ } }, subset: 'v2' },
    { name: 'old', match: [{ path: '/old' }, { query: { api: '1' } }], subset: 'v1' },
  ] as const;

  test('says where a call goes; what none takes goes to the whole service', async () => {
    const { client, spread } = await shop({ routes });
    const taken = async (path: string, init?: RequestInit) => {
      const story = await call(client, path, init);
      return [story?.route, story?.service];
    };
    expect(await taken('/reports/7?x=1')).toEqual(['reports', 'shop|v2']);
    expect(await taken('/reports')).toEqual([undefined, 'shop']);
    expect(await taken('/reports/7', { method: 'POST' })).toEqual([undefined, 'shop']);
    expect(await taken('/', { headers: { 'x-canary': 'yes' } })).toEqual(['routes[1]', 'shop|v2']);
    expect(await taken('/', { headers: { 'x-canary': 'no' } })).toEqual([undefined, 'shop']);
    expect(await taken('/old')).toEqual(['old', 'shop|v1']);
    expect(await taken('/?a=b&api=1')).toEqual(['old', 'shop|v1']);
    expect(spread().reduce((sum, count) => sum + count, 0)).toBe(7);
    expect([total(client, 'shop'), total(client, 'shop|v1'), total(client, 'shop|v2')]).toEqual([
      3, 2, 2,
    ]);
  });

  test('through every face', async () => {
    const { client, spread } = await shop({ routes: [{ match: { path: '/a' }, subset: 'v1' }] });
    for (const path of ['/a', '/b']) {
      await (await client.request(path)).body.dump();
      const viaDispatcher = await request(`http://shop${path}`, { dispatcher: client.dispatcher });
      await viaDispatcher.body.dump();
      // A Request goes the full path of fetch.
      await (await client.fetch(new Request(`http://shop${path}`))).text();
    }
    expect([total(client, 'shop'), total(client, 'shop|v1')]).toEqual([3, 3]);
    expect(spread()[0]).toBeGreaterThanOrEqual(3);
  });

  test('what a dispatcher is wrongly handed is refused as without routes', async () => {
    const { client } = await shop({ routes: [{ match: { path: '*', method: 'GET' } }] });
    const wrong = [{ path: '/' }, { method: 'GET' }, { path: 5, method: 'GET' }];
    for (const options of wrong) {
      const error = await new Promise<Error>((resolve) => {
        client.dispatcher.dispatch({ origin: 'http://shop', ...options } as never, {
          onRequestStart() {},
          onResponseError: (_, reason) => resolve(reason),
        });
      });
      expect(error.cause).toMatchObject({ code: 'UND_ERR_INVALID_ARG' });
    }
  });

  test('each hop of a redirect is routed by its own path, under the policy of the first', async () => {
    const { client } = await shop(
      {
        retry: { retryOn: [503], backoff: { baseInterval: 1 } },
        routes: [{ match: { path: '/there' }, subset: 'v2', retry: false }],
      },
      {
        plan: (_, { path, headers }) => {
          if (path !== '/there') return { status: 302, headers: { location: '/there' } };
          return headers['x-envoy-attempt-count'] === '1' ? 503 : 200;
        },
      },
    );
    const story = await call(client, '/here');
    expect(story).toMatchObject({ service: 'shop|v2', route: 'routes[0]', retriesLeft: 1 });
    expect(story?.redirects).toMatchObject([{ service: 'shop', route: undefined }]);
  });

  test('is in describe()', async () => {
    const { client } = await shop({
      routes: [
        { name: 'reports', match: { path: '/r/*', method: 'GET' }, timeout: '30s', retry: false },
        {
          match: [{ headers: { a: true, b: false } }, { query: { c: /d/ } }],
          subset: [
            { subset: 'v1', weight: 9 },
            { subset: 'v2', weight: 1 },
          ],
        },
      ],
    });
    const text = client.describe();
    expect(text).toContain(
      [
        '  route:    reports: GET /r/* → shop',
        '            call:    observe → deadline (30000 ms)',
        '            attempt: observe → envoy headers',
        '  route:    routes[1]: header a, header b absent or query c=/d/ → 90 % shop|v1, 10 % shop|v2',
        'shop|v1 (http://shop)',
      ].join('\n'),
    );
    expect(client.endpoints().map(({ service }) => service)).toEqual([
      ...['shop', 'shop', 'shop'],
      ...['shop|v1', 'shop|v2', 'shop|v2'],
    ]);
  });
});

describe('what a route says', () => {
  test('holds in place of what the service says; what a call says comes before it', async () => {
    const { client, spread } = await shop(
      {
        subsets: {},
        retry: { attempts: 1, retryOn: [503], backoff: { baseInterval: 1 } },
        routes: [
          { match: { path: '/twice' }, retry: { attempts: 2 } },
          { match: { path: '/once' }, retry: false },
        ],
      },
      { plan: 503, endpoints: 3 },
    );
    const attempts = async (path: string, resilience?: object) => {
      const before = spread().reduce((sum, count) => sum + count, 0);
      expect(await outcomeOf(client.fetch(path, { ...(resilience && { resilience }) }))).toBe(503);
      return spread().reduce((sum, count) => sum + count, 0) - before;
    };
    expect(await attempts('/')).toBe(2);
    expect(await attempts('/twice')).toBe(3);
    expect(await attempts('/once')).toBe(1);
    expect(await attempts('/once', { retry: { attempts: 1, retryOn: [503] } })).toBe(2);
    expect(await attempts('/twice', { retry: false })).toBe(1);
  });

  test('its timeout is its own', async () => {
    const runtime = virtualRuntime();
    const { client, fleet } = await shop(
      { runtime, timeout: '5s', routes: [{ match: { path: '/fast' }, timeout: '1s' }] },
      { plan: 'silence' },
    );
    const fast = outcomeOf(client.fetch('/fast'));
    const slow = outcomeOf(client.fetch('/slow'));
    await fleet.requestReceived();
    await fleet.requestReceived();
    await runtime.advance(1000);
    expect(await fast).toBe('TimeoutError');
    expect(stat(client, 'upstream_rq_timeout')).toBe(1);
    await runtime.advance(4000);
    expect(await slow).toBe('TimeoutError');
  });

  test('update() changes it from the next call on', async () => {
    const { client } = await shop({ routes: [{ subset: 'v1' }] });
    expect((await call(client, '/'))?.service).toBe('shop|v1');
    client.update({ routes: [{ match: { path: '/x' }, subset: 'v1' }, { subset: 'v2' }] });
    expect((await call(client, '/'))?.service).toBe('shop|v2');
    client.update({ retry: { attempts: 7 } });
    expect(await call(client, '/')).toMatchObject({ service: 'shop|v2', retriesLeft: 7 });
    client.update({ routes: false });
    expect(await call(client, '/')).toMatchObject({ service: 'shop', route: undefined });
  });
});

describe('a split', () => {
  test('gives each subset its part of the calls, and a call stays where it began', async () => {
    const { client } = await shop(
      {
        runtime: virtualRuntime({ seed: 5 }),
        retry: { attempts: 1, retryOn: [503], backoff: { baseInterval: 0.001 }, budget: false },
        routes: [
          {
            subset: [
              { subset: 'v1', weight: 3 },
              { subset: 'v2', weight: 1 },
            ],
          },
        ],
      },
      {
        plan: (index) =>
          index % 50 === 0 ? { status: 503, headers: { 'retry-after': '0' } } : 200,
      },
    );
    for (let count = 0; count < 400; count++) {
      const story = await call(client, '/');
      const wanted = story?.service === 'shop|v1' ? 1 : 2;
      for (const { endpoint } of story?.attempts ?? []) {
        const isFirst = client.endpoints()[0]?.url === endpoint;
        expect(isFirst).toBe(wanted === 1);
      }
    }
    // Four standard deviations of 400 calls.
    expect(total(client, 'shop|v1')).toBeGreaterThan(265);
    expect(total(client, 'shop|v1')).toBeLessThan(335);
    expect(total(client, 'shop')).toBe(0);
  });
});

describe('a subset', () => {
  test('has limits of its own: one that is full leaves the others alone', async () => {
    const gate = hold();
    const { client, fleet } = await shop(
      {
        retry: false,
        subsets: {
          v1: { ...SUBSETS.v1, connectionPool: { maxRequests: 1 } },
          v2: SUBSETS.v2,
        },
        routes: [{ match: { path: '/v1' }, subset: 'v1' }, { subset: 'v2' }],
      },
      { plan: (_, { path }) => (path === '/v1' ? gate.step : 200) },
    );
    const first = outcomeOf(client.fetch('/v1'));
    await fleet.requestReceived();
    expect(await outcomeOf(client.fetch('/v1'))).toBe('OverflowError');
    expect(await outcomeOf(client.fetch('/'))).toBe(200);
    gate.release();
    expect(await first).toBe(200);
  });

  test('without endpoints fails its calls at once, and says whose they are', async () => {
    const { client } = await shop({
      subsets: { v3: { labels: { version: 'v3' } } },
      routes: [{ subset: 'v3' }],
    });
    await expect(client.fetch('/')).rejects.toMatchObject({
      name: 'NoHealthyEndpointError',
      service: 'shop|v3',
    });
  });

  test('ejects for itself', async () => {
    const { client } = await shop(
      {
        retry: false,
        runtime: virtualRuntime(),
        subsets: {
          v1: SUBSETS.v1,
          v2: {
            ...SUBSETS.v2,
            outlierDetection: { consecutive5xxErrors: 1, maxEjectionPercent: 100 },
          },
        },
        routes: [{ match: { path: '/v2' }, subset: 'v2' }],
      },
      { plan: (_, { path }) => (path === '/v2' ? 503 : 200) },
    );
    expect(await outcomeOf(client.fetch('/v2'))).toBe(503);
    expect(await outcomeOf(client.fetch('/v2'))).toBe(503);
    expect(await outcomeOf(client.fetch('/v2'))).toBe('NoHealthyEndpointError');
    expect(await outcomeOf(client.fetch('/'))).toBe(200);
    const ejected = client.endpoints().filter((endpoint) => endpoint.ejected);
    expect(ejected.map(({ service }) => service)).toEqual(['shop|v2', 'shop|v2']);
  });

  test('that is taken away lets its calls finish, and then closes its connections', async () => {
    const gate = hold();
    const { client, fleet } = await shop(
      { routes: [{ subset: 'v1' }] },
      { plan: (_, { path }) => (path === '/held' ? gate.step : 200) },
    );
    const held = outcomeOf(client.fetch('/held'));
    await fleet.requestReceived();
    client.update({ subsets: { v1: false }, routes: [] });
    expect(client.endpoints().some(({ service }) => service === 'shop|v1')).toBe(false);
    expect(await outcomeOf(client.fetch('/'))).toBe(200);
    let isClosed = false;
    const closed = client.close().then(() => (isClosed = true));
    await afterThisTurn();
    expect(isClosed).toBe(false);
    gate.release();
    expect(await held).toBe(200);
    await closed;
    await fleet.connectionsAre(0);
  });

  test('that is taken away in peace gives its connections back', async () => {
    const { client, fleet } = await shop({ routes: [{ subset: 'v1' }] });
    await call(client, '/');
    await fleet.connectionsAre(1);
    client.update({ subsets: { v1: false }, routes: [] });
    await fleet.connectionsAre(0);
    expect(Object.keys(client.stats()).some((name) => name.includes('|v1'))).toBe(false);
  });

  test('has other endpoints when its labels change, and keeps what it knows of those that stay', async () => {
    const { client, fleet } = await shop({ routes: [{ subset: 'v2' }] });
    await call(client, '/');
    await call(client, '/');
    await fleet.connectionsAre(2);
    client.update({ subsets: { v2: { labels: { stage: 'live' } } } });
    for (let count = 0; count < 3; count++) await call(client, '/');
    await fleet.connectionsAre(3);
    const ofSubset = client.endpoints().filter(({ service }) => service === 'shop|v2');
    expect(ofSubset.map(({ total: attempts }) => attempts).sort()).toEqual([1, 2, 2]);
  });
});

describe('the lists of a discovery', () => {
  test('are for all subsets; calls wait for the first one', async () => {
    const fleet = await fleetOf({ endpoints: 2 });
    const [one = '', other = ''] = fleet.endpoints.map(({ url }) => url);
    const discovery = new ManualDiscovery();
    const runtime = virtualRuntime();
    const client = clientFor({
      service: 'http://shop',
      endpoints: discovery,
      runtime,
      subsets: SUBSETS,
      routes: [{ match: { path: '/v2' }, subset: 'v2' }, { subset: 'v1' }],
    });
    const waiting = call(client, '/v2');
    const ready = client.ready();
    discovery.update([
      { url: one, labels: { version: 'v1' } },
      { url: other, labels: { version: 'v2' } },
    ]);
    await ready;
    expect((await waiting)?.attempts[0]?.endpoint).toBe(other);
    expect((await call(client, '/'))?.attempts[0]?.endpoint).toBe(one);
    await runtime.advance(100);
    discovery.update([
      { url: one, labels: { version: 'v2' } },
      { url: other, labels: { version: 'v1' } },
    ]);
    expect((await call(client, '/'))?.attempts[0]?.endpoint).toBe(other);
    // A subset that comes later has the latest list.
    client.update({ subsets: { all: { labels: {} } }, routes: [{ subset: 'all' }] });
    expect((await call(client, '/'))?.service).toBe('shop|all');
    expect(client.endpoints().filter(({ service }) => service === 'shop|all')).toHaveLength(2);
    // As has one whose labels change.
    client.update({ subsets: { all: { labels: { version: 'v2' } } } });
    expect((await call(client, '/'))?.attempts[0]?.endpoint).toBe(one);
  });

  test('a subset that cannot connect asks for an early one, unless another is connected', async () => {
    const fleet = await fleetOf({ endpoints: 1 });
    const [live = ''] = fleet.endpoints.map(({ url }) => url);
    const discovery = new ManualDiscovery();
    const runtime = virtualRuntime();
    const client = clientFor({
      service: 'http://shop',
      endpoints: discovery,
      runtime,
      retry: false,
      subsets: SUBSETS,
      routes: [{ match: { path: '/v2' }, subset: 'v2' }, { subset: 'v1' }],
    });
    discovery.update([
      { url: live, labels: { version: 'v1' } },
      { url: 'http://127.0.0.1:1', labels: { version: 'v2' } },
    ]);
    await call(client, '/');
    expect(await outcomeOf(client.fetch('/v2'))).toBe('TypeError');
    expect(discovery.refreshes).toBe(0);
    await fleet.close();
    await expect
      .poll(() => client.endpoints().some(({ connections }) => connections.open > 0))
      .toBe(false);
    await runtime.advance(1000);
    expect(await outcomeOf(client.fetch('/v2'))).toBe('TypeError');
    expect(discovery.refreshes).toBe(1);
  });
});
