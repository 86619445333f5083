/** Localities and priorities on real sockets, through `client.fetch` as a user calls it; time moves only when told. */
import { describe, expect, test } from 'vitest';
import type { ClientOptions, ResilientClient } from '../../src/index.js';
import { virtualRuntime, type LoopbackServerOptions } from '../../src/testing/index.js';
import { clientFor } from '../support/client.js';
import { fleetOf, shop } from '../support/fleet.js';

const ZONES = ['us-west1/us-west1-a', 'us-west1/us-west1-b', 'us-east1/us-east1-a'] as const;

/** The first error ejects, for 5 s. */
const STRICT = {
  consecutive5xxErrors: 1,
  interval: '1s',
  baseEjectionTime: '5s',
  maxEjectionPercent: 100,
} as const;

/** Two endpoints in each zone; a zone whose name is in `down` answers 503. */
async function zones(options: ClientOptions = {}) {
  const down = new Set<string>();
  const runtime = virtualRuntime({ seed: 3 });
  const servers: LoopbackServerOptions[] = ZONES.flatMap((zone) => {
    const plan = () => (down.has(zone) ? 503 : 200);
    return [{ plan }, { plan }];
  });
  const made = await shop(
    { endpoints: servers },
    {
      loadBalancer: 'round-robin',
      retry: false,
      outlierDetection: STRICT,
      locality: { local: ZONES[0] },
      runtime,
      ...options,
    },
  );
  const { client, fleet } = made;
  client.update({
    endpoints: fleet.servers.map(({ url }, index) => ({
      url,
      locality: ZONES[Math.floor(index / 2)],
    })),
  });
  /** Requests that each zone has had of so many calls, and how the calls ended. */
  const spread = async (calls: number) => {
    const before = fleet.servers.map(({ requests }) => requests.length);
    const outcomes = await outcomesOf(client, calls);
    const counts = fleet.servers.map(({ requests }, i) => requests.length - (before[i] ?? 0));
    const byZone = ZONES.map((_, zone) => (counts[2 * zone] ?? 0) + (counts[2 * zone + 1] ?? 0));
    return { byZone, failed: outcomes.filter((outcome) => outcome !== 200) };
  };
  return { ...made, runtime, down, spread };
}

async function outcomesOf(client: ResilientClient, calls: number): Promise<unknown[]> {
  const all: unknown[] = [];
  for (let call = 0; call < calls; call++) {
    try {
      const response = await client.fetch('/');
      await response.text();
      all.push(response.status);
    } catch (error) {
      all.push((error as { flag?: string }).flag);
    }
  }
  return all;
}

describe('the nearest first', () => {
  test('all calls in the own zone; when it fails in the next one, then in the next region; and home again', async () => {
    const { client, runtime, down, spread } = await zones();
    expect(client.endpoints().map(({ priority }) => priority)).toEqual([0, 0, 1, 1, 2, 2]);
    expect(await spread(20)).toEqual({ byZone: [20, 0, 0], failed: [] });
    down.add(ZONES[0]);
    expect((await spread(20)).failed).toEqual([503, 503]);
    expect(await spread(20)).toEqual({ byZone: [0, 20, 0], failed: [] });
    down.add(ZONES[1]);
    expect((await spread(20)).failed).toEqual([503, 503]);
    expect(await spread(20)).toEqual({ byZone: [0, 0, 20], failed: [] });
    down.clear();
    await runtime.advance(7000);
    expect(await spread(20)).toEqual({ byZone: [20, 0, 0], failed: [] });
  });

  test('nearness plays no role without a way to notice failure, nor when it is switched off', async () => {
    for (const options of [{ outlierDetection: false }, { locality: false }] as const) {
      const { client, spread } = await zones(options);
      expect(await spread(12)).toEqual({ byZone: [4, 4, 4], failed: [] });
      expect(client.endpoints().map(({ priority }) => priority)).toEqual([0, 0, 0, 0, 0, 0]);
    }
  });

  test('an update changes it, and the connections stay', async () => {
    const { client, spread } = await zones();
    expect((await spread(4)).byZone).toEqual([4, 0, 0]);
    client.update({ locality: { local: ZONES[2] } });
    expect((await spread(4)).byZone).toEqual([0, 0, 4]);
    client.update({ outlierDetection: false });
    expect((await spread(6)).byZone).toEqual([2, 2, 2]);
    client.update({ outlierDetection: STRICT });
    expect((await spread(4)).byZone).toEqual([0, 0, 4]);
    expect(client.stats()['cluster.shop.upstream_cx_destroy']).toBe(0);
  });

  test('describe() says it', async () => {
    const { client } = await zones({
      locality: { local: ZONES[0], failover: [{ from: 'us-west1', to: 'us-east1' }] },
    });
    expect(client.describe()).toContain(
      'locality: nearest to us-west1/us-west1-a first; us-west1 fails over to us-east1',
    );
  });
});

describe('in shares', () => {
  test('by the percentages, and nobody else', async () => {
    const { client, spread } = await zones({
      outlierDetection: false,
      locality: {
        local: ZONES[0],
        distribute: [{ from: `${ZONES[0]}/*`, to: { [ZONES[0]]: 70, [ZONES[1]]: 30 } }],
      },
    });
    const { byZone, failed } = await spread(1000);
    expect(failed).toEqual([]);
    // The localities take turns by their weights: a schedule, not chance.
    expect(Math.abs((byZone[0] ?? 0) - 700)).toBeLessThanOrEqual(2);
    expect((byZone[0] ?? 0) + (byZone[1] ?? 0)).toBe(1000);
    expect(client.describe()).toContain(
      'locality: 70 % to us-west1/us-west1-a, 30 % to us-west1/us-west1-b',
    );
  });
});

describe('by labels', () => {
  const LABELS = [{ tier: 'gold' }, { tier: 'silver' }, { tier: 'gold' }];

  async function labelled(options: ClientOptions) {
    const made = await zones(options);
    const { client, fleet } = made;
    client.update({
      endpoints: fleet.servers.map(({ url }, index) => ({
        url,
        locality: ZONES[Math.floor(index / 2)],
        labels: LABELS[Math.floor(index / 2)],
      })),
    });
    return made;
  }

  const prioritiesOf = (client: ResilientClient) =>
    client.endpoints().map(({ priority }) => priority);

  test('the first label first; when those that have it fail the next ones, and back', async () => {
    const failoverPriority = ['tier', 'topology.kubernetes.io/region'];
    const { client, runtime, down, spread } = await labelled({
      locality: { local: ZONES[0], labels: { tier: 'gold' }, failoverPriority },
    });
    expect(prioritiesOf(client)).toEqual([0, 0, 2, 2, 1, 1]);
    expect(client.describe()).toContain(
      '  locality: first by tier=gold, topology.kubernetes.io/region=us-west1\n',
    );
    expect(await spread(20)).toEqual({ byZone: [20, 0, 0], failed: [] });
    down.add(ZONES[0]);
    expect((await spread(20)).failed).toEqual([503, 503]);
    expect(await spread(20)).toEqual({ byZone: [0, 0, 20], failed: [] });
    down.clear();
    await runtime.advance(7000);
    expect(await spread(20)).toEqual({ byZone: [20, 0, 0], failed: [] });
    // Another label of the client, and of an endpoint.
    client.update({ locality: { labels: { tier: 'silver' } } });
    expect(prioritiesOf(client)).toEqual([1, 1, 0, 0, 1, 1]);
    const relabelled = client.endpoints().map(({ url, locality }) => ({ url, locality }));
    client.update({ endpoints: relabelled });
    expect(prioritiesOf(client)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test('without an own locality, and beside failover with one', async () => {
    const { client, spread } = await labelled({
      locality: { labels: { tier: 'silver' }, failoverPriority: ['tier'] },
    });
    expect((await spread(8)).byZone).toEqual([0, 8, 0]);
    client.update({
      locality: { local: ZONES[2], failover: [{ from: 'us-east1', to: 'eu-west1' }] },
    });
    expect(prioritiesOf(client)).toEqual([2, 2, 0, 0, 1, 1]);
    expect(client.describe()).toContain(
      'locality: first by tier=silver; nearest to us-east1/us-east1-a first; us-east1 fails over to eu-west1',
    );
    client.update({ outlierDetection: false });
    expect(new Set(prioritiesOf(client))).toEqual(new Set([0]));
  });
});

describe('by zones', () => {
  const callers = { [ZONES[0]]: 2, [ZONES[1]]: 1, [ZONES[2]]: 1 };

  test('as many calls stay as the endpoints of the zone are to serve; and the rest follows when it fails', async () => {
    const { client, runtime, down, spread } = await zones({
      locality: { local: ZONES[0], zoneAware: { callers } },
      loadBalancer: 'random',
    });
    expect(new Set(client.endpoints().map(({ priority }) => priority))).toEqual(new Set([0]));
    expect(client.describe()).toContain(
      '  locality: zone-aware in us-west1/us-west1-a; callers 2 in us-west1/us-west1-a, 1 in us-west1/us-west1-b, 1 in us-east1/us-east1-a; from 6 healthy endpoints on\n',
    );
    const stat = (name: string) => client.stats()[`cluster.shop.${name}`];
    // A third of the endpoints for half of the callers.
    const expected = [1000, 250, 250];
    const { byZone, failed } = await spread(1500);
    expect(failed).toEqual([]);
    expect(byZone.map((count, zone) => Math.abs(count - (expected[zone] ?? 0)) < 60)).toEqual([
      true,
      true,
      true,
    ]);
    expect(stat('lb_zone_routing_sampled')).toBe(byZone[0]);
    expect(stat('lb_zone_routing_cross_zone')).toBe((byZone[1] ?? 0) + (byZone[2] ?? 0));
    client.update({ locality: { zoneAware: { callers, minClusterSize: 2 } } });
    down.add(ZONES[0]);
    expect((await spread(40)).failed).toEqual([503, 503]);
    const away = await spread(40);
    expect(away.byZone[0]).toBe(0);
    expect(away.failed).toEqual([]);
    down.clear();
    await runtime.advance(7000);
    expect((await spread(100)).byZone[0]).toBeGreaterThan(40);
    // With its part of the callers it keeps all calls.
    client.update({ locality: { zoneAware: { callers: { [ZONES[0]]: 1, [ZONES[1]]: 2 } } } });
    expect((await spread(20)).byZone).toEqual([20, 0, 0]);
    expect(stat('lb_zone_routing_all_directly')).toBe(20);
  });

  test('another kind takes its place, and hands it back', async () => {
    const { client, spread } = await zones({
      locality: { local: ZONES[0], zoneAware: { callers } },
    });
    client.update({ locality: { distribute: [{ from: '*', to: { [ZONES[2]]: 100 } }] } });
    expect((await spread(10)).byZone).toEqual([0, 0, 10]);
    client.update({ locality: { zoneAware: { callers, forceLocalZone: {} } } });
    expect((await spread(10)).byZone).toEqual([10, 0, 0]);
    expect(client.describe()).toContain('; all stay here while 1 can serve');
    client.update({ locality: { zoneAware: false } });
    // The nearest first.
    expect(client.endpoints().map(({ priority }) => priority)).toEqual([0, 0, 1, 1, 2, 2]);
  });
});

describe('a retry', () => {
  const retry = {
    attempts: 2,
    retryOn: [503],
    backoff: { baseInterval: 1, maxInterval: 1 },
  } as const;
  /** Nobody is found out. */
  const outlierDetection = { consecutive5xxErrors: 1000 };

  test('stays in its zone, which has not been found out yet', async () => {
    const { down, spread } = await zones({ retry, outlierDetection });
    down.add(ZONES[0]);
    expect(await spread(1)).toEqual({ byZone: [3, 0, 0], failed: [503] });
  });

  test('with retryRemoteLocalities goes elsewhere with the second one', async () => {
    const { client, down } = await zones({
      retry: { ...retry, retryRemoteLocalities: true },
      outlierDetection,
    });
    down.add(ZONES[0]);
    const response = await client.fetch('/');
    const asked = client.explain(response)?.attempts.map(({ locality }) => locality);
    expect(asked).toEqual([ZONES[0], ZONES[0], ZONES[1]]);
    await response.text();
  });
});

describe('endpoints without a share', () => {
  test('are told apart from those that are ill', async () => {
    const { client } = await zones({
      locality: { local: ZONES[0], distribute: [{ from: '*', to: { [ZONES[0]]: 100 } }] },
    });
    expect(client.endpoints().map(({ priority }) => priority)).toEqual([
      0,
      0,
      ...Array.from({ length: 4 }),
    ]);
    client.update({ locality: { distribute: [{ from: '*', to: { 'eu-west1': 100 } }] } });
    await expect(client.fetch('/')).rejects.toThrow(
      'has 6 endpoints, 6 without a share in locality.distribute',
    );
  });

  test('the origin itself, where no list is given, is nowhere: shares do not leave it out', async () => {
    const fleet = await fleetOf({ endpoints: 1 });
    const client = clientFor({
      locality: { local: ZONES[0], distribute: [{ from: '*', to: { [ZONES[0]]: 100 } }] },
    });
    const response = await client.fetch(fleet.server(0).url);
    expect(response.status).toBe(200);
    await response.text();
  });
});
