/** Subsets that come, change and go while calls wait or are in flight, the client closes, or a load balancer throws. */
import { expect, test } from 'vitest';
import type {
  BalancerFactory,
  ClientOptions,
  ResilientClient,
  UpdateOptions,
} from '../../src/index.js';
import { hold, virtualRuntime } from '../../src/testing/index.js';
import { clientFor } from '../support/client.js';
import { ManualDiscovery } from '../support/discovery.js';
import { afterThisTurn, fleetOf } from '../support/fleet.js';
import { outcomeOf } from '../support/pool.js';

const V1 = { labels: { version: 'v1' } };
const V2 = { labels: { version: 'v2' } };

const BY_PATH = [
  { match: { path: '/v1' }, subset: 'v1' },
  { match: { path: '/v2' }, subset: 'v2' },
];

/** Two servers, of which the first is v1; nobody knows them yet. */
async function discovered(options: ClientOptions = {}) {
  const fleet = await fleetOf({ endpoints: 2 });
  const [one = '', other = ''] = fleet.servers.map(({ url }) => url);
  const runtime = virtualRuntime();
  const discovery = new ManualDiscovery();
  const client = clientFor({
    service: 'http://shop',
    endpoints: discovery,
    discoveryTimeout: '10s',
    subsets: { v1: V1 },
    routes: [{ match: { path: '/v1' }, subset: 'v1' }],
    runtime,
    ...options,
  });
  const list = [
    { url: one, ...V1 },
    { url: other, ...V2 },
  ];
  return { fleet, runtime, discovery, client, list, one, other };
}

async function endpointOf(client: ResilientClient, path: string): Promise<string | undefined> {
  const response = await client.fetch(path);
  await response.text();
  return client.explain(response)?.attempts[0]?.endpoint;
}

function ofCluster(client: ResilientClient, name: string): string[] {
  return client.endpoints().flatMap(({ service, url }) => (service === name ? [url] : []));
}

test('a subset that comes after close() takes no calls either', async () => {
  const fleet = await fleetOf({ endpoints: 1 });
  const client = clientFor({ service: 'http://shop', endpoints: fleet.endpoints });
  await client.close();
  client.update({
    subsets: { all: { labels: {}, healthCheck: { path: '/health' } } },
    routes: [{ subset: 'all' }],
  });
  expect(await outcomeOf(client.fetch('/'))).toBe('ClosedError');
  await afterThisTurn();
  expect(fleet.servers[0]?.requests).toEqual([]);
});

test('an origin that is first called after close() is not remembered', async () => {
  const client = clientFor({});
  await client.close();
  expect(await outcomeOf(client.fetch('http://somewhere.test/'))).toBe('ClosedError');
  expect(client.endpoints()).toEqual([]);
});

test('a call to a subset that waits for the first list says why there is none', async () => {
  const { runtime, discovery, client } = await discovered({ discoveryTimeout: '1s' });
  discovery.fail(new Error('no such host'));
  const reason = 'since the test has not answered yet: no such host';
  const early = expect(client.fetch('/v1')).rejects.toMatchObject({
    message: `no healthy upstream: shop|v1 has no endpoint, ${reason}`,
    cause: { message: 'no such host' },
  });
  // Of one that comes after the failure as well.
  client.update({ subsets: { v2: V2 }, routes: BY_PATH });
  const late = expect(client.fetch('/v2')).rejects.toThrow(`shop|v2 has no endpoint, ${reason}`);
  await runtime.advance(1000);
  await Promise.all([early, late]);
});

test('a subset that is taken away while its calls wait for the first list still gets it', async () => {
  const { discovery, client, list, runtime, fleet } = await discovered();
  const waiting = outcomeOf(client.fetch('/v1'));
  client.update({ subsets: { v1: false }, routes: false });
  discovery.update(list);
  expect(await waiting).toBe(200);
  await fleet.connectionsAre(0);
  await client.close();
  expect(runtime.pendingTimers).toBe(0);
});

test('as it does when a list of the user’s takes the place of the discovery', async () => {
  const { client, list } = await discovered();
  const waiting = outcomeOf(client.fetch('/v1'));
  client.update({ subsets: { v1: false }, routes: false });
  client.update({ endpoints: list });
  expect(await waiting).toBe(200);
});

test('until a new discovery has answered, subsets are those of the list before', async () => {
  const { discovery, client, list, one, other } = await discovered();
  client.update({ endpoints: list });
  expect(await endpointOf(client, '/v1')).toBe(one);
  const next = new ManualDiscovery();
  client.update({ endpoints: next, subsets: { v1: V2, v2: V2 }, routes: BY_PATH });
  expect(await endpointOf(client, '/v1')).toBe(other);
  expect(await endpointOf(client, '/v2')).toBe(other);
  next.update([{ url: one, ...V2 }]);
  expect(await endpointOf(client, '/v2')).toBe(one);
  // And the other way round: one discovery after another.
  client.update({ endpoints: discovery, subsets: { v3: V2 }, routes: [{ subset: 'v3' }] });
  expect(await endpointOf(client, '/')).toBe(one);
});

test('the same name taken away and given again at once is a subset of its own', async () => {
  const gate = hold();
  const fleet = await fleetOf({
    endpoints: 1,
    plan: (_, { path }) => (path === '/held' ? gate.step : 200),
  });
  const subsets = { all: { labels: {}, connectionPool: { maxRequests: 1 } } };
  const routes = [{ subset: 'all' }];
  const client = clientFor({
    service: 'http://shop',
    endpoints: fleet.endpoints,
    subsets,
    routes,
    retry: false,
  });
  const held = outcomeOf(client.fetch('/held'));
  await fleet.requestReceived();
  client.update({ subsets: { all: false }, routes: false });
  client.update({ subsets, routes });
  expect(await outcomeOf(client.fetch('/'))).toBe(200);
  const stats = client.stats();
  expect(stats['cluster.shop|all.upstream_rq_total']).toBe(1);
  expect(stats['cluster.shop|all.circuit_breakers.default.remaining_rq']).toBe(1);
  const closing = client.close();
  gate.release();
  expect(await held).toBe(200);
  await closing;
  await fleet.connectionsAre(0);
});

/** Refuses lists with this endpoint. */
function unless(refused: () => string): BalancerFactory {
  return (endpoints) => {
    if (endpoints.some(({ url }) => url === refused())) throw new Error('not that one');
    return { name: 'picky', pick: () => endpoints[0] };
  };
}

test('a load balancer that throws keeps the list from its own subset alone', async () => {
  let refused = '';
  const { discovery, client, list, one, other, runtime } = await discovered({
    subsets: { v1: { labels: {}, loadBalancer: unless(() => refused) }, v2: { labels: {} } },
    routes: BY_PATH,
  });
  discovery.update(list.slice(0, 1));
  refused = other;
  await runtime.advance(100);
  discovery.update(list.slice(1));
  expect(['shop', 'shop|v1', 'shop|v2'].map((name) => ofCluster(client, name))).toEqual([
    [other],
    [one],
    [other],
  ]);
  // What all but one have is no repetition of what that one has.
  await runtime.advance(100);
  discovery.update(list.slice(0, 1));
  expect(['shop', 'shop|v1', 'shop|v2'].map((name) => ofCluster(client, name))).toEqual([
    [one],
    [one],
    [one],
  ]);
});

test('a load balancer that throws keeps an update from its own service alone', () => {
  const client = clientFor({
    services: {
      'http://a': { endpoints: ['http://a1'], loadBalancer: unless(() => 'http://a2') },
      'http://b': { endpoints: ['http://b1'] },
    },
  });
  expect(() =>
    client.update({
      services: { 'http://a': { endpoints: ['http://a2'] }, 'http://b': { endpoints: [] } },
    }),
  ).toThrow('not that one');
  expect([ofCluster(client, 'a'), ofCluster(client, 'b')]).toEqual([['http://a1'], []]);
  // Until it is mended, each update says so.
  expect(() => client.update({ timeout: '1s' })).toThrow('not that one');
  client.update({ services: { 'http://a': { loadBalancer: 'random' } } });
  // The same of a service that is new.
  const loadBalancer = unless(() => 'http://c1');
  expect(() =>
    client.update({
      services: {
        'http://c': { endpoints: ['http://c1'], loadBalancer },
        'http://d': { endpoints: ['http://d1'] },
      },
    }),
  ).toThrow('not that one');
  expect([ofCluster(client, 'c'), ofCluster(client, 'd')]).toEqual([[], ['http://d1']]);
  client.update({ services: { 'http://c': { loadBalancer: 'random' } } });
  expect(ofCluster(client, 'c')).toEqual(['http://c1']);
});

test('updates of every kind, one after the other under load: not one call fails, and nothing is held', async () => {
  const fleet = await fleetOf({ endpoints: 3, plan: { status: 200, delay: 3 } });
  const endpoints = fleet.servers.map(({ url }, index) => ({
    url,
    labels: { version: index === 1 ? 'v2' : 'v1', stage: 'live' },
  }));
  const discovery = new ManualDiscovery();
  const subsets = { a: V1 };
  const routes = [{ subset: 'a' }];
  const client = clientFor({ service: 'http://shop', endpoints, retry: false, subsets, routes });
  const steps: UpdateOptions[] = [
    { subsets: { a: false, b: V2 }, routes: [{ subset: 'b' }] },
    { subsets: { b: false, a: V1 }, routes },
    { subsets: { a: { labels: { stage: 'live' } } } },
    { subsets: { a: { ...V1, connectionPool: { maxRequests: 500 }, outlierDetection: {} } } },
    { endpoints: discovery },
    { endpoints },
    { subsets: { a: { healthCheck: { path: '/health', interval: '10ms' } } } },
    { subsets: { a: { healthCheck: false, loadBalancer: 'random' } } },
    { subsets: { a: false }, routes: false },
    { subsets, routes: [{ subset: [{ subset: 'a', weight: 1 }] }] },
  ];
  const calls: Promise<string | number>[] = [];
  for (let turn = 0; turn < 5; turn++) {
    for (const step of steps) {
      for (let count = 0; count < 5; count++) calls.push(outcomeOf(client.fetch('/')));
      client.update(step);
      if (step.endpoints === discovery) discovery.update(endpoints);
      await afterThisTurn();
    }
  }
  expect(new Set(await Promise.all(calls))).toEqual(new Set([200]));
  await afterThisTurn();
  expect(client.endpoints().map(({ service, active }) => [service, active])).toEqual([
    ...[1, 2, 3].map(() => ['shop', 0]),
    ...[1, 2].map(() => ['shop|a', 0]),
  ]);
  expect(client.stats()['cluster.shop|a.circuit_breakers.default.remaining_rq']).toBe(1024);
  await client.close();
  await fleet.connectionsAre(0);
});
