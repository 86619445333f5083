/** Active health checks on real sockets: who gets calls, how it is seen, and that they end with their client. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ClientOptions, HealthEvent, ResilientClient } from '../../src/index.js';
import type { LoopbackFleet, ReceivedRequest, Step } from '../../src/testing/index.js';
import { certificateAuthority } from '../support/certificates.js';
import { clientFor } from '../support/client.js';
import { fleetOf } from '../support/fleet.js';

const OFTEN = {
  path: '/healthz',
  interval: 10,
  noTrafficInterval: 10,
  unhealthyInterval: 10,
  timeout: '10s',
} as const;

/** Servers whose answers to checks and to calls can be changed. */
async function checkedShop(count: number, options: ClientOptions = {}) {
  const checks: Step[] = Array<Step>(count).fill(200);
  const calls: Step[] = Array<Step>(count).fill(200);
  const fleet = await fleetOf({
    endpoints: checks.map((_, index) => ({
      plan: (_number: number, { path }: ReceivedRequest) =>
        (path === '/healthz' ? checks[index] : calls[index]) ?? 200,
    })),
  });
  const client = clientFor({
    service: 'http://shop',
    endpoints: fleet.endpoints,
    loadBalancer: 'round-robin',
    retry: false,
    healthCheck: OFTEN,
    ...options,
  });
  return { fleet, client, checks, calls };
}

/** The next events about these endpoints, once all of them have come. */
function changes(client: ResilientClient, ...endpoints: readonly string[]): Promise<HealthEvent[]> {
  return new Promise((resolve) => {
    const found = new Map<string, HealthEvent>();
    const listening = client.onHealthChange((event) => {
      if (endpoints.includes(event.endpoint)) found.set(event.endpoint, event);
      if (found.size < endpoints.length) return;
      listening[Symbol.dispose]();
      resolve(endpoints.map((url) => found.get(url) as HealthEvent));
    });
  });
}

/** How many calls each server gets of so many. */
async function spread(client: ResilientClient, fleet: LoopbackFleet, calls: number) {
  const before = fleet.servers.map(callsAt);
  for (let call = 0; call < calls; call++) await (await client.fetch('/')).text();
  return fleet.servers.map((server, index) => callsAt(server) - (before[index] ?? 0));
}

function callsAt({ requests }: { readonly requests: readonly ReceivedRequest[] }): number {
  return requests.filter(({ path }) => path === '/').length;
}

/** Waits for so many further checks of this client, which alone asks these servers. */
async function checkedAgain(
  client: ResilientClient,
  fleet: LoopbackFleet,
  times = 2,
): Promise<void> {
  const attempts = (): number =>
    Object.entries(client.stats())
      .filter(([name]) => name.endsWith('health_check.attempt'))
      .reduce((sum, [, count]) => sum + count, 0);
  const enough = attempts() + times;
  while (attempts() < enough) await fleet.requestReceived();
}

describe('an endpoint that is not well', () => {
  test('gets no calls, loses its connections, is shown as such, and comes back', async () => {
    const { fleet, client, checks } = await checkedShop(2);
    const { url } = fleet.server(1);
    expect(await spread(client, fleet, 10)).toEqual([5, 5]);
    const out = changes(client, url);
    checks[1] = 503;
    const told = { service: 'shop', endpoint: url, degraded: false };
    expect(await out).toEqual([{ ...told, healthy: false, reason: '503' }]);
    expect(client.endpoints()[1]).toMatchObject({
      healthy: false,
      failedCheck: true,
      lastCheck: '503',
    });
    // One whose answer has just ended rests for a turn before it closes.
    await expect.poll(() => client.endpoints()[1]?.connections).toEqual({ open: 0, idle: 0 });
    expect(client.stats()).toMatchObject({
      'cluster.shop.membership_healthy': 1,
      'cluster.shop.health_check.healthy': 1,
    });
    expect(await spread(client, fleet, 10)).toEqual([10, 0]);
    const back = changes(client, url);
    checks[1] = 200;
    expect(await back).toEqual([{ ...told, healthy: true, reason: '200' }]);
    expect(client.endpoints()[1]).toMatchObject({
      healthy: true,
      failedCheck: false,
      lastCheck: '200',
    });
    expect(await spread(client, fleet, 10)).toEqual([5, 5]);
  });

  test('that refuses connections is out after the threshold, and the calls of that time are not its checks', async () => {
    const { fleet, client } = await checkedShop(2);
    await spread(client, fleet, 2);
    await checkedAgain(client, fleet, 4);
    const out = changes(client, fleet.server(1).url);
    await fleet.server(1).refuse();
    expect(await out).toMatchObject([{ healthy: false, reason: 'connection refused' }]);
    expect(client.stats()['cluster.shop.health_check.network_failure']).toBeGreaterThanOrEqual(3);
    expect(await spread(client, fleet, 4)).toEqual([4, 0]);
    expect(client.stats()['cluster.shop.upstream_rq_total']).toBe(6);
  });

  test('that never answers a check times out', async () => {
    const { fleet, client } = await checkedShop(1, {
      healthCheck: { ...OFTEN, timeout: 20, unhealthyThreshold: 2 },
    });
    const out = changes(client, fleet.server(0).url);
    fleet.server(0).plan('silence');
    expect(await out).toMatchObject([{ healthy: false, reason: 'timeout' }]);
  });

  test('is not alone: with all of them out, there is none to call', async () => {
    const { fleet, client, checks } = await checkedShop(2);
    const out = changes(client, ...fleet.servers.map(({ url }) => url));
    checks.fill(500);
    await out;
    await expect(client.fetch('/')).rejects.toMatchObject({
      name: 'NoHealthyEndpointError',
      flag: 'UH',
    });
    const back = changes(client, fleet.server(0).url);
    checks[0] = 200;
    await back;
    expect(await spread(client, fleet, 3)).toEqual([3, 0]);
  });

  test('takes calls in panic, where a threshold is set', async () => {
    const { fleet, client, checks } = await checkedShop(2, {
      outlierDetection: { consecutive5xxErrors: 0, minHealthPercent: 60 },
    });
    const out = changes(client, ...fleet.servers.map(({ url }) => url));
    checks.fill(500);
    await out;
    expect(await spread(client, fleet, 4)).toEqual([2, 2]);
    expect(client.stats()['cluster.shop.lb_healthy_panic']).toBe(4);
  });
});

describe('together with outlier detection', () => {
  const outlierDetection = { consecutive5xxErrors: 1, interval: '1h', baseEjectionTime: '1h' };

  test('a good check ends an ejection', async () => {
    const { fleet, client, calls } = await checkedShop(2, { outlierDetection });
    const back = new Promise((resolve) => client.onReturn(resolve));
    calls[1] = 500;
    await spread(client, fleet, 2);
    expect(await back).toMatchObject({ endpoint: fleet.server(1).url, reason: 'health-check' });
    expect(client.endpoints()[1]).toMatchObject({ healthy: true });
  });

  test('or not, if so set', async () => {
    const { fleet, client, calls } = await checkedShop(2, {
      outlierDetection: { ...outlierDetection, successfulActiveHealthCheckUnejectHost: false },
    });
    calls[1] = 500;
    await spread(client, fleet, 2);
    await checkedAgain(client, fleet, 6);
    expect(client.endpoints()[1]).toMatchObject({ healthy: false, failedCheck: false });
  });
});

describe('what is asked', () => {
  test('each endpoint, at once, before there is any call', async () => {
    const { fleet } = await checkedShop(3, { healthCheck: { path: '/healthz' } });
    for (const server of fleet.servers) {
      expect((await server.requestReceived()).headers).toMatchObject({
        host: 'shop',
        'user-agent': 'outrigger-health-check',
      });
    }
  });

  test('by a connection alone', async () => {
    const { fleet, client } = await checkedShop(1, { healthCheck: { ...OFTEN, ...tcp() } });
    const out = changes(client, fleet.server(0).url);
    await fleet.server(0).refuse();
    expect(await out).toMatchObject([{ reason: 'connection refused' }]);
    const back = changes(client, fleet.server(0).url);
    await fleet.server(0).accept();
    expect(await back).toMatchObject([{ reason: 'connected' }]);
    expect(fleet.server(0).requests).toHaveLength(0);
  });

  test('endpoints that join; those that leave no more', async () => {
    const { fleet, client } = await checkedShop(3, { endpoints: [] });
    const [first, second, third] = fleet.servers;
    if (first === undefined || second === undefined || third === undefined) return;
    client.update({ endpoints: [first.url] });
    await checkedAgain(client, fleet, 2);
    await second.refuse();
    client.update({ endpoints: [first.url, second.url] });
    expect(client.endpoints().map(({ healthy }) => healthy)).toEqual([true, false]);
    const back = changes(client, second.url);
    await second.accept();
    await back;
    client.update({ endpoints: [third.url] });
    await first.connectionsAre(0);
    await second.connectionsAre(0);
    const seen = [first, second].map(({ requests }) => requests.length);
    await checkedAgain(client, fleet, 4);
    expect([first, second].map(({ requests }) => requests.length)).toEqual(seen);
    expect(client.stats()['cluster.shop.health_check.healthy']).toBe(1);
  });

  test('outside of the call that has made the cluster', async () => {
    const store = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const note = (): void => void seen.push(store.getStore());
    subscribe('http.client.request.start', note);
    onTestFinished(() => void unsubscribe('http.client.request.start', note));
    const fleet = await fleetOf({ endpoints: 1 });
    const client = clientFor({ healthCheck: OFTEN });
    await store.run('a call', () => client.fetch(fleet.server(0).url));
    store.run('an update', () => client.update({ healthCheck: { interval: 5 } }));
    await checkedAgain(client, fleet, 4);
    expect(seen.length).toBeGreaterThanOrEqual(4);
    expect(new Set(seen)).toEqual(new Set([undefined]));
  });
});

/** In place of the options of HTTP. */
function tcp() {
  return { path: undefined, tcp: true } as const;
}

describe('an update', () => {
  test('switches them on and off', async () => {
    const { fleet, client, checks } = await checkedShop(1, { healthCheck: false });
    checks[0] = 503;
    expect(client.stats()).not.toHaveProperty(['cluster.shop.health_check.attempt']);
    const out = changes(client, fleet.server(0).url);
    client.update({ healthCheck: OFTEN });
    await out;
    const back = changes(client, fleet.server(0).url);
    client.update({ healthCheck: false });
    expect(await back).toMatchObject([{ healthy: true, reason: 'switched-off' }]);
    expect(client.endpoints()).toMatchObject([{ healthy: true, lastCheck: undefined }]);
    expect(await spread(client, fleet, 1)).toEqual([1]);
    expect(client.describe()).not.toContain('health:');
  });

  test('of something else leaves them alone', async () => {
    const { fleet, client } = await checkedShop(1, {
      healthCheck: { ...OFTEN, interval: '1h', noTrafficInterval: '1h' },
    });
    await fleet.requestReceived();
    client.update({ timeout: '1s', healthCheck: { path: '/healthz' } });
    await spread(client, fleet, 1);
    expect(client.stats()['cluster.shop.health_check.attempt']).toBe(1);
  });

  test('of TLS holds for the next check', async () => {
    const ca = await certificateAuthority();
    const certificate = await ca.issue({ names: ['shop.test'] });
    const fleet = await fleetOf({ endpoints: 1, tls: certificate });
    const client = clientFor({
      service: 'https://shop.test',
      endpoints: fleet.endpoints,
      healthCheck: OFTEN,
    });
    expect(await changes(client, fleet.server(0).url)).toMatchObject([{ healthy: false }]);
    const back = changes(client, fleet.server(0).url);
    client.update({ tls: { ca: ca.cert } });
    expect(await back).toMatchObject([{ healthy: true, reason: '200' }]);
  });
});

describe('the end of the client', () => {
  const endings: [string, (client: ResilientClient) => Promise<void>][] = [
    ['close()', (client) => client.close()],
    ['destroy()', (client) => client.destroy()],
  ];

  test.each(endings)('ask 104: %s does not wait for a late check', async (_what, end) => {
    const { fleet, client, checks } = await checkedShop(2, {
      healthCheck: { ...OFTEN, timeout: '1h' },
    });
    checks.fill('silence');
    await fleet.server(0).requestReceived();
    await fleet.server(1).requestReceived();
    await end(client);
    await fleet.server(0).connectionsAre(0);
    await fleet.server(1).connectionsAre(0);
    client.update({ healthCheck: { interval: 5 }, endpoints: [fleet.server(0).url] });
    const { ['cluster.shop.health_check.attempt']: attempts } = client.stats();
    await new Promise((resolve) => setImmediate(resolve));
    expect(client.stats()['cluster.shop.health_check.attempt']).toBe(attempts);
  });
});

test('describe() has a line of them', () => {
  const lineOf = (options: ClientOptions): string | undefined =>
    clientFor({ service: 'http://127.0.0.1:9', ...options })
      .describe()
      .split('\n')
      .find((line) => line.startsWith('  health:'));
  expect(lineOf({})).toBe(undefined);
  expect(lineOf({ healthCheck: { path: '/healthz' } })).toBe(
    '  health:   GET /healthz every 10000 ms (timeout 1000 ms; unhealthy after 3, healthy after 1)',
  );
  expect(lineOf({ healthCheck: { tcp: true, interval: '1s', healthyThreshold: 2 } })).toBe(
    '  health:   TCP every 1000 ms (timeout 1000 ms; unhealthy after 3, healthy after 2)',
  );
});
