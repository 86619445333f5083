/** Endpoints that come and go while calls are made, on real sockets. */
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { custom, file, type EndpointList } from '../../src/index.js';
import { loopbackFleet } from '../../src/testing/index.js';
import { clientFor } from '../support/client.js';
import { ManualDiscovery } from '../support/discovery.js';
import { fleetOf } from '../support/fleet.js';
import { expectNothingHeld, outcomeOf, stat } from '../support/pool.js';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('all endpoints are replaced three times under load, and no call fails without retries', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'outrigger-roll-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'endpoints.json');
  // Four generations of three; an answer takes longer than a replacement of one.
  const plan = { wait: 15, step: 200 } as const;
  const generations = await Promise.all(
    Array.from({ length: 4 }, () => fleetOf({ endpoints: 3, plan })),
  );
  const urlsOf = (fleet: (typeof generations)[number] | undefined): string[] =>
    fleet?.endpoints.map(({ url }) => url) ?? [];
  const write = async (list: readonly string[]): Promise<void> => {
    await writeFile(`${path}.new`, JSON.stringify(list));
    await rename(`${path}.new`, path);
  };
  let list = urlsOf(generations[0]);
  await write(list);
  const client = clientFor({ service: 'http://shop', endpoints: file({ path }), retry: false });
  await client.ready();

  const outcomes: Promise<string | number>[] = [];
  let isOver = false;
  const load = (async () => {
    while (!isOver) {
      for (let count = 0; count < 5; count++) outcomes.push(outcomeOf(client.fetch('/')));
      await pause(10);
    }
  })();
  for (const next of generations.slice(1)) {
    for (const url of urlsOf(next)) {
      list = [...list.slice(1), url];
      await write(list);
      await expect
        .poll(() => client.endpoints().map((endpoint) => endpoint.url), {
          interval: 5,
          timeout: 5000,
        })
        .toEqual(list);
    }
  }
  await pause(50);
  isOver = true;
  await load;
  const ended = await Promise.all(outcomes);
  expect(ended.length).toBeGreaterThan(300);
  expect(ended.filter((outcome) => outcome !== 200)).toEqual([]);
  // Whoever has left has no socket any more, and has had its calls.
  for (const fleet of generations.slice(0, 3)) {
    await fleet.connectionsAre(0);
    for (const server of fleet.servers) expect(server.requests.length).toBeGreaterThan(0);
  }
  await expectNothingHeld(client);
  expect(stat(client, 'upstream_cx_active')).toBe(generations[3]?.openConnections);
  await client.close();
  await generations[3]?.connectionsAre(0);
});

test('an endpoint that stays keeps its connection and what is known of it', async () => {
  const fleet = await fleetOf({ endpoints: 2 });
  const [one = '', other = ''] = fleet.endpoints.map(({ url }) => url);
  const discovery = new ManualDiscovery();
  const client = clientFor({ service: 'http://shop', endpoints: discovery });
  discovery.update([one]);
  expect(await outcomeOf(client.fetch('/'))).toBe(200);
  discovery.update([other, one]);
  await expect.poll(() => client.endpoints().length).toBe(2);
  expect(client.endpoints()).toMatchObject([
    { url: other, total: 0, connections: { open: 0 } },
    { url: one, total: 1, connections: { open: 1 } },
  ]);
});

test('one that comes back after it has left begins anew', async () => {
  const fleet = await fleetOf({ endpoints: 2 });
  const [one = '', other = ''] = fleet.endpoints.map(({ url }) => url);
  const client = clientFor({ service: 'http://shop', endpoints: [one] });
  for (const url of [one, other, one]) {
    client.update({ endpoints: [url] });
    expect(await outcomeOf(client.fetch('/'))).toBe(200);
    expect(await outcomeOf(client.fetch('/'))).toBe(200);
    expect(client.endpoints()).toMatchObject([{ url, total: 2, connections: { open: 1 } }]);
  }
});

test('where no endpoint can be connected to, the discovery is asked again, once a second', async () => {
  const closed = await loopbackFleet({ endpoints: 1 });
  const dead = closed.server(0).url;
  await closed.close();
  const fleet = await fleetOf({ endpoints: 1 });
  const discovery = new ManualDiscovery();
  const client = clientFor({ service: 'http://shop', endpoints: discovery, retry: false });
  discovery.update([dead]);
  for (let count = 0; count < 5; count++) {
    expect(await outcomeOf(client.fetch('/'))).toBe('TypeError');
  }
  expect(discovery.refreshes).toBe(1);
  await pause(1050);
  expect(await outcomeOf(client.fetch('/'))).toBe('TypeError');
  expect(discovery.refreshes).toBe(2);
  // Now somebody can be reached.
  discovery.update([fleet.server(0).url, dead]);
  while (fleet.server(0).requests.length === 0) await outcomeOf(client.fetch('/'));
  const { refreshes } = discovery;
  await pause(1050);
  const failed = async (): Promise<boolean> => (await outcomeOf(client.fetch('/'))) !== 200;
  while (!(await failed()));
  expect(discovery.refreshes).toBe(refreshes);
});

test('a generator replaces the list while calls are in flight', async () => {
  const fleets = await Promise.all([1, 2].map(() => fleetOf({ endpoints: 1 })));
  let next = (): void => {};
  const client = clientFor({
    service: 'http://shop',
    endpoints: custom(async function* (): AsyncGenerator<EndpointList> {
      for (const fleet of fleets) {
        yield fleet.endpoints;
        await new Promise<void>((resolve) => (next = resolve));
      }
    }),
  });
  expect(await outcomeOf(client.fetch('/'))).toBe(200);
  expect(fleets[0]?.server(0).requests).toHaveLength(1);
  next();
  await expect.poll(() => client.endpoints()[0]?.url).toBe(fleets[1]?.server(0).url);
  expect(await outcomeOf(client.fetch('/'))).toBe(200);
  expect(fleets[1]?.server(0).requests).toHaveLength(1);
});

test('many that leave at once give every connection back, also when the client is gone before their turn', async () => {
  for (const isDestroyed of [false, true]) {
    const fleet = await fleetOf({ endpoints: 40 });
    const urls = fleet.endpoints.map(({ url }) => url);
    const client = clientFor({
      service: 'http://shop',
      endpoints: urls,
      loadBalancer: 'round-robin',
    });
    for (const _ of urls) expect(await outcomeOf(client.fetch('/'))).toBe(200);
    await fleet.connectionsAre(40);
    client.update({ endpoints: [] });
    if (isDestroyed) await client.destroy();
    await fleet.connectionsAre(0);
  }
});
