/** Degraded endpoints and health hints on real sockets: who gets calls, what stays as it was, and how it is seen. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  custom,
  file,
  NoHealthyEndpointError,
  type ClientOptions,
  type EndpointOptions,
  type HealthEvent,
  type HealthHint,
  type ResilientClient,
} from '../../src/index.js';
import type { LoopbackFleet, ReceivedRequest, Step } from '../../src/testing/index.js';
import { clientFor } from '../support/client.js';
import { ManualDiscovery } from '../support/discovery.js';
import { fleetOf } from '../support/fleet.js';

/** The calls that each server has had, checks left out. */
function callsOf(fleet: LoopbackFleet): number[] {
  return fleet.servers.map(
    ({ requests }) => requests.filter(({ path }) => path !== '/healthz').length,
  );
}

/** How many calls each server gets of so many. */
async function spread(client: ResilientClient, fleet: LoopbackFleet, calls: number) {
  const before = callsOf(fleet);
  for (let call = 0; call < calls; call++) await (await client.fetch('/')).text();
  return callsOf(fleet).map((count, index) => count - (before[index] ?? 0));
}

describe('x-envoy-degraded of a health check', () => {
  const SAYS_SO: Step = { status: 200, headers: { 'x-envoy-degraded': 'true' } };

  async function checked(count: number) {
    const checks: Step[] = Array<Step>(count).fill(200);
    const fleet = await fleetOf({
      endpoints: checks.map((_, index) => ({
        plan: (_number: number, { path }: ReceivedRequest) =>
          path === '/healthz' ? (checks[index] ?? 200) : 200,
      })),
    });
    const client = clientFor({
      service: 'http://shop',
      endpoints: fleet.endpoints,
      loadBalancer: 'round-robin',
      retry: false,
      healthCheck: {
        path: '/healthz',
        interval: 10,
        noTrafficInterval: 10,
        unhealthyInterval: 10,
        timeout: '10s',
      },
    });
    /** What is told of one of them when its checks find something else. */
    const change = (index: number, step: Step): Promise<HealthEvent> =>
      new Promise((resolve) => {
        const listening = client.onHealthChange((event) => {
          if (event.endpoint !== fleet.server(index).url) return;
          listening[Symbol.dispose]();
          resolve(event);
        });
        checks[index] = step;
      });
    return { fleet, client, change };
  }

  test('calls only while the others are out, and back again', async () => {
    const { fleet, client, change } = await checked(4);
    expect(await spread(client, fleet, 8)).toEqual([2, 2, 2, 2]);
    expect(await change(3, SAYS_SO)).toEqual({
      service: 'shop',
      endpoint: fleet.server(3).url,
      healthy: true,
      degraded: true,
      reason: '200, degraded',
    });
    expect(client.endpoints()[3]).toMatchObject({
      healthy: false,
      degraded: true,
      hint: 'healthy',
      failedCheck: false,
      lastCheck: '200, degraded',
      connections: { open: 1 },
    });
    expect(client.stats()).toMatchObject({
      'cluster.shop.membership_healthy': 3,
      'cluster.shop.membership_degraded': 1,
      'cluster.shop.health_check.healthy': 4,
      'cluster.shop.health_check.degraded': 1,
    });
    expect(await spread(client, fleet, 9)).toEqual([3, 3, 3, 0]);
    for (const index of [0, 1, 2]) {
      expect(await change(index, 503)).toMatchObject({ healthy: false, degraded: false });
    }
    expect(await spread(client, fleet, 6)).toEqual([0, 0, 0, 6]);
    for (const index of [0, 1, 2]) {
      expect(await change(index, 200)).toMatchObject({ healthy: true, degraded: false });
    }
    expect(await spread(client, fleet, 9)).toEqual([3, 3, 3, 0]);
    expect(await change(3, 200)).toMatchObject({ healthy: true, degraded: false, reason: '200' });
    expect(await spread(client, fleet, 8)).toEqual([2, 2, 2, 2]);
    expect(client.stats()).toMatchObject({
      'cluster.shop.membership_degraded': 0,
      'cluster.shop.health_check.degraded': 0,
    });
  });
});

describe('hints of a list', () => {
  async function hinted(options: ClientOptions = {}) {
    const fleet = await fleetOf({ endpoints: 3 });
    const listOf = (...hints: readonly (HealthHint | undefined)[]): EndpointOptions[] =>
      fleet.servers.map(({ url }, index) => ({ url, health: hints[index] }));
    const client = clientFor({
      service: 'http://shop',
      endpoints: listOf(),
      loadBalancer: 'round-robin',
      retry: false,
      ...options,
    });
    return { fleet, client, listOf };
  }

  test('hold from the next pick on, and touch nothing else', async () => {
    const { fleet, client, listOf } = await hinted();
    await spread(client, fleet, 6);
    // A connection whose answer has just ended rests for a turn.
    const idle = () => client.endpoints().map(({ connections }) => connections.idle);
    await expect.poll(idle).toEqual([1, 1, 1]);
    const before = client.endpoints();
    client.update({ endpoints: listOf('draining', 'degraded') });
    const [draining, degraded, healthy] = client.endpoints();
    expect(draining).toEqual({ ...before[0], healthy: false, hint: 'draining' });
    expect(degraded).toEqual({ ...before[1], healthy: false, degraded: true, hint: 'degraded' });
    expect(healthy).toEqual(before[2]);
    // One of three is healthy, and one degraded: 46 % each, so half.
    const [none, some = 0, rest = 0] = await spread(client, fleet, 60);
    expect(none).toBe(0);
    expect(some).toBeGreaterThan(10);
    expect(rest).toBeGreaterThan(10);
    client.update({ endpoints: listOf('healthy') });
    expect(await spread(client, fleet, 9)).toEqual([3, 3, 3]);
    // No connection was opened for it.
    expect(client.stats()['cluster.shop.upstream_cx_total']).toBe(3);
  });

  test('are a voice of their own beside an ejection', async () => {
    const { fleet, client, listOf } = await hinted({
      outlierDetection: { consecutive5xxErrors: 1, maxEjectionPercent: 100, interval: '1h' },
    });
    fleet.server(0).plan(503);
    await spread(client, fleet, 3);
    const [ejected] = client.endpoints();
    expect(ejected).toMatchObject({ ejected: true, hint: 'healthy', ejections: 1 });
    client.update({ endpoints: listOf('unhealthy') });
    client.update({ endpoints: listOf('healthy') });
    expect(client.endpoints()[0]).toMatchObject({
      ejected: true,
      healthy: false,
      ejections: 1,
      error: 1,
      total: ejected?.total,
    });
    expect(await spread(client, fleet, 4)).toEqual([0, 2, 2]);
  });

  test('with all of them out a call says how many are so by the list', async () => {
    const { client, listOf } = await hinted({
      outlierDetection: { consecutive5xxErrors: 1, minHealthPercent: 0 },
    });
    client.update({ endpoints: listOf('unhealthy', 'draining', 'unhealthy') });
    const error = await client.fetch('/').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(NoHealthyEndpointError);
    expect((error as Error).message).toBe(
      'no healthy upstream: shop has 3 endpoints, of which none is healthy: 3 unhealthy or draining by the list',
    );
    client.update({ endpoints: listOf('unhealthy', 'degraded', 'unhealthy') });
    expect((await client.fetch('/')).status).toBe(200);
  });

  test('in panic all are used', async () => {
    const { fleet, client, listOf } = await hinted({
      outlierDetection: { consecutive5xxErrors: 0, minHealthPercent: 50 },
    });
    client.update({ endpoints: listOf('unhealthy', 'draining') });
    expect(await spread(client, fleet, 6)).toEqual([2, 2, 2]);
    expect(client.stats()['cluster.shop.lb_healthy_panic']).toBe(6);
  });

  test('hold in a subset as in the whole', async () => {
    const fleet = await fleetOf({ endpoints: 3 });
    const client = clientFor({
      service: 'http://shop',
      endpoints: fleet.servers.map(({ url }, index) => ({
        url,
        labels: { version: index === 0 ? 'v1' : 'v2' },
        health: index === 1 ? 'draining' : 'healthy',
      })),
      subsets: { v2: { labels: { version: 'v2' } } },
      routes: [{ subset: 'v2' }],
    });
    expect(await spread(client, fleet, 4)).toEqual([0, 0, 4]);
  });

  test('an answer under way from an endpoint that begins to drain comes to its end', async () => {
    const { fleet, client, listOf } = await hinted();
    let goOn = (): void => {};
    const paused = new Promise<void>((resolve) => (goOn = resolve));
    for (const server of fleet.servers) server.plan({ bodyDelay: paused, body: 'whole' });
    const answers = await Promise.all(fleet.servers.map(() => client.fetch('/')));
    client.update({ endpoints: listOf('draining', 'draining') });
    goOn();
    expect(await Promise.all(answers.map((answer) => answer.text()))).toEqual(
      fleet.servers.map(() => 'whole'),
    );
  });

  test('come by a discovery, too, and a list that differs in nothing else is another one', async () => {
    const discovery = new ManualDiscovery();
    const { fleet, client, listOf } = await hinted({ endpoints: discovery });
    discovery.update(listOf());
    expect(await spread(client, fleet, 6)).toEqual([2, 2, 2]);
    discovery.update(listOf('healthy', 'unhealthy'));
    await expect.poll(() => client.endpoints()[1]?.hint).toBe('unhealthy');
    expect(await spread(client, fleet, 6)).toEqual([3, 0, 3]);
    discovery.update(listOf());
    await expect.poll(() => client.endpoints()[1]?.hint).toBe('healthy');
    expect(await spread(client, fleet, 6)).toEqual([2, 2, 2]);
  });

  test('a source of the own, and a file', async () => {
    const fleet = await fleetOf({ endpoints: 3 });
    const folder = await mkdtemp(join(tmpdir(), 'hints-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const path = join(folder, 'endpoints.json');
    const list = fleet.servers.map(({ url }, index) =>
      index === 1 ? { url, health: 'draining' as const } : { url },
    );
    await writeFile(path, JSON.stringify(list));
    const source = custom(async function* () {
      yield await Promise.resolve(list);
    });
    for (const endpoints of [file({ path }), source]) {
      const client = clientFor({ service: 'http://shop', endpoints, loadBalancer: 'round-robin' });
      await client.ready();
      expect(await spread(client, fleet, 6)).toEqual([3, 0, 3]);
      expect(client.endpoints().map(({ hint }) => hint)).toEqual([
        'healthy',
        'draining',
        'healthy',
      ]);
    }
  });
});
