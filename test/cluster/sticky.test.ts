/** Calls of one hash in a whole cluster: where their retries and hedges go, and what happens as endpoints come and go. */
import { describe, expect, test } from 'vitest';
import type { Endpoint } from '../../src/cluster/endpoint.js';
import { retryPolicy } from '../core/scripted-upstream.js';
import { maglevPolicy, ringHashPolicy } from '../support/sticky.js';
import { answers, hedgePolicy, SILENT, VirtualCluster } from '../support/virtual-cluster.js';

const user = (id: number | string): { headers: string[] } => ({
  headers: ['host', 'shop', 'x-user-id', String(id)],
});
const users = Array.from({ length: 60 }, (_, id) => user(id));

async function placesOf(virtual: VirtualCluster): Promise<(number | undefined)[]> {
  const places = [];
  for (const request of users) places.push((await virtual.finish(request)).endpoints[0]);
  return places;
}

describe.each([ringHashPolicy(), maglevPolicy()])('$policy', (loadBalancer) => {
  test('each user has an endpoint, and each endpoint has users', async () => {
    const virtual = new VirtualCluster(answers(200), { loadBalancer });
    const places = await placesOf(virtual);
    expect(await placesOf(virtual)).toEqual(places);
    expect(new Set(places)).toEqual(new Set([0, 1, 2]));
  });

  test('retries stay with their endpoint', async () => {
    const retry = retryPolicy({ attempts: 3 });
    const virtual = new VirtualCluster(answers(503), { loadBalancer, policy: { retry } });
    for (const request of users.slice(0, 20)) {
      const { endpoints } = await virtual.finish(request);
      expect(endpoints).toHaveLength(4);
      expect(new Set(endpoints).size).toBe(1);
    }
  });

  test('so do hedges', async () => {
    const virtual = new VirtualCluster([SILENT, answers(200)], {
      loadBalancer,
      policy: { hedge: hedgePolicy({ delay: 10 }) },
    });
    const { endpoints } = await virtual.finish(users[0]);
    expect(endpoints).toHaveLength(2);
    expect(endpoints[1]).toBe(endpoints[0]);
  });

  test('retries of a call without a hash go elsewhere', async () => {
    const retry = retryPolicy({ attempts: 2 });
    const virtual = new VirtualCluster(answers(503), { loadBalancer, policy: { retry } });
    for (let call = 0; call < 20; call++) {
      const { endpoints } = await virtual.finish();
      expect(new Set(endpoints)).toEqual(new Set([0, 1, 2]));
    }
  });

  test('an ejected endpoint hands its users on, and has them back afterwards', async () => {
    const virtual = new VirtualCluster(answers(200), { loadBalancer });
    const places = await placesOf(virtual);
    const out = virtual.cluster.endpoints[1] as Endpoint;
    out.ejected = true;
    virtual.cluster.healthChanged();
    const meanwhile = await placesOf(virtual);
    expect(meanwhile).not.toContain(1);
    expect(new Set(meanwhile)).toEqual(new Set([0, 2]));
    out.ejected = false;
    virtual.cluster.healthChanged();
    expect(await placesOf(virtual)).toEqual(places);
  });

  test('a retry goes to the endpoint that has the user by then', async () => {
    const virtual = new VirtualCluster(answers(503), {
      loadBalancer,
      policy: { retry: retryPolicy({ attempts: 1 }) },
    });
    const call = virtual.start(users[0]);
    const [first = -1] = call.endpoints;
    (virtual.cluster.endpoints[first] as Endpoint).ejected = true;
    virtual.cluster.healthChanged();
    await virtual.runtime.runUntilIdle();
    expect(call.endpoints).toHaveLength(2);
    expect(call.endpoints[1]).not.toBe(first);
  });

  test('gauges are there while it is in force', async () => {
    const { cluster } = new VirtualCluster(answers(200), { loadBalancer });
    const prefix = loadBalancer.policy === 'maglev' ? 'maglev_lb.' : 'ring_hash_lb.';
    const gauges = (): string[] =>
      Object.keys(cluster.stats()).filter((name) => name.startsWith(prefix));
    expect(gauges()).not.toEqual([]);
    cluster.setBalancer(() => ({ name: 'none', pick: () => undefined }));
    expect(gauges()).toEqual([]);
  });

  test('has no endpoint to offer when there is none', async () => {
    const virtual = new VirtualCluster(answers(200), { loadBalancer, endpoints: 0 });
    const { call } = await virtual.finish(users[0]);
    expect(call.failure?.kind).toBe('no-healthy-endpoint');
  });
});

test('bounded loads spread the calls of one user while they run, and no longer', async () => {
  const loadBalancer = ringHashPolicy({ hashBalanceFactor: 125 });
  const virtual = new VirtualCluster(answers(200, 100), { loadBalancer });
  const calls = Array.from({ length: 30 }, () => virtual.start(users[0]));
  const most = Math.max(...virtual.cluster.endpoints.map(({ active }) => active));
  // Of 30 active: floor((30 * 125 + 99) / 100) = 38 slots, a third of which is 13, and one more comes before it is full.
  expect(most).toBeLessThanOrEqual(14);
  expect(calls.every(({ endpoints }) => endpoints.length === 1)).toBe(true);
  await virtual.runtime.runUntilIdle();
  const [own] = (await virtual.finish(users[0])).endpoints;
  expect(own).toBe(calls[0]?.endpoints[0]);
});
