/** Sticky policies on real sockets, through `client.fetch` as a user calls it; time moves only when it is told. */
import { describe, expect, test } from 'vitest';
import type { ClientOptions, LoadBalancerOptions, ResilientClient } from '../../src/index.js';
import { virtualRuntime } from '../../src/testing/index.js';
import { clientFor } from '../support/client.js';
import { shop } from '../support/fleet.js';

const users = Array.from({ length: 200 }, (_, id) => `user-${id}`);
const three = { endpoints: 3 } as const;

/** The name of the server that each user's call was answered by. */
async function serversOf(
  client: ResilientClient,
  request: (user: string) => [path: string, init?: RequestInit] = (user) => [
    '/',
    { headers: { 'X-User-Id': user } },
  ],
): Promise<string[]> {
  const servers = [];
  for (const user of users) servers.push(await (await client.fetch(...request(user))).text());
  return servers;
}

describe.each(['ring-hash', 'maglev'] as const)('%s', (policy) => {
  const loadBalancer: LoadBalancerOptions = { policy, hashOn: { header: 'x-user-id' } };

  test('keeps 200 users where they are, while an endpoint is ejected and when it returns', async () => {
    const runtime = virtualRuntime();
    const options: ClientOptions = {
      loadBalancer,
      runtime,
      retry: false,
      outlierDetection: {
        consecutive5xxErrors: 1,
        interval: '1s',
        baseEjectionTime: '5s',
        maxEjectionPercent: 100,
      },
    };
    const { fleet, client } = await shop(three, options);
    const servers = await serversOf(client);
    expect(new Set(servers).size).toBe(3);
    expect(await serversOf(client)).toEqual(servers);

    const [gone] = servers;
    fleet.server(gone ?? '').plan(503);
    await (await client.fetch('/', { headers: { 'x-user-id': users[0] ?? '' } })).text();
    expect(
      client
        .endpoints()
        .map(({ ejected }) => ejected)
        .filter(Boolean),
    ).toHaveLength(1);
    const meanwhile = await serversOf(client);
    expect(meanwhile).not.toContain(gone);
    expect(await serversOf(client)).toEqual(meanwhile);
    const stayed = servers.filter((server, i) => server !== gone && server === meanwhile[i]);
    expect(stayed.length).toBeGreaterThan(servers.filter((server) => server !== gone).length * 0.7);

    fleet.server(gone ?? '').plan(200);
    await runtime.advance(7000);
    expect(client.endpoints().every(({ healthy }) => healthy)).toBe(true);
    expect(await serversOf(client)).toEqual(servers);
  });

  test('two clients agree', async () => {
    const { fleet, client } = await shop(three, { loadBalancer });
    const other = clientFor({
      service: 'http://shop',
      endpoints: [...fleet.endpoints],
      loadBalancer,
    });
    expect(await serversOf(other)).toEqual(await serversOf(client));
  });

  test('hashes a cookie, a query parameter or what a function says alike', async () => {
    const { client } = await shop(three, { loadBalancer });
    const byHeader = await serversOf(client);
    client.update({ loadBalancer: { hashOn: { cookie: 'sid' } } });
    const byCookie = await serversOf(client, (user) => [
      '/',
      { headers: { cookie: `a=b; sid=${user}` } },
    ]);
    client.update({ loadBalancer: { hashOn: [{ query: 'user' }] } });
    const byQuery = await serversOf(client, (user) => [`/orders?a=b&user=${user}`]);
    client.update({
      loadBalancer: { hashOn: ({ headers }) => headers.get('authorization')?.slice(7) },
    });
    const byFunction = await serversOf(client, (user) => [
      '/',
      { headers: { Authorization: `Bearer ${user}` } },
    ]);
    expect([byCookie, byQuery, byFunction]).toEqual([byHeader, byHeader, byHeader]);
  });

  test('what the function throws, or says wrongly, fails the call', async () => {
    const throwing = () => {
      throw new Error('no tenant');
    };
    const { client } = await shop(three, { loadBalancer: { policy, hashOn: throwing } });
    await expect(client.fetch('/')).rejects.toThrow('no tenant');
    client.update({ loadBalancer: { hashOn: (() => 5) as unknown as () => string } });
    await expect(client.fetch('/')).rejects.toThrow(/loadBalancer\.hashOn gave number/);
  });
});

test('a size that an update changes takes effect', () => {
  const hashOn = { header: 'x-user-id' };
  const client = clientFor({
    service: 'http://shop',
    endpoints: ['http://10.0.0.1', 'http://10.0.0.2'],
    loadBalancer: { policy: 'ring-hash', hashOn },
  });
  const size = (): number | undefined => client.stats()['cluster.shop.ring_hash_lb.size'];
  expect(size()).toBe(1024);
  client.update({ loadBalancer: { minimumRingSize: 2048 } });
  expect(size()).toBe(2048);
  client.update({ loadBalancer: { policy: 'maglev', hashOn, tableSize: 7 } });
  expect(size()).toBeUndefined();
  expect(client.stats()['cluster.shop.maglev_lb.max_entries_per_host']).toBe(4);
});
