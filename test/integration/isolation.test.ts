/** One client, several services: what hangs fills its own pool, and delays nobody else. */
import { expect, test } from 'vitest';
import type { ResilientClient } from '../../src/index.js';
import { hold, virtualRuntime } from '../../src/testing/index.js';
import { clientFor } from '../support/client.js';
import { fleetOf } from '../support/fleet.js';
import { outcomeOf, stat } from '../support/pool.js';
import { silentPort } from '../support/silent-port.js';

const POOL = { maxConnections: 4, maxPendingRequests: 4 };
/** As many run as wait. */
const HELD = 8;

/** A service whose pool is full of calls that hang, and its neighbour. */
async function neighbours() {
  const gate = hold();
  const slow = await fleetOf({ endpoints: 1, plan: gate.step });
  const fast = await fleetOf({ endpoints: 2 });
  const runtime = virtualRuntime();
  const client = clientFor({
    connectionPool: POOL,
    retry: { backoff: { baseInterval: 0.001 }, budget: false, maxRetries: 1 },
    services: {
      'http://slow': { endpoints: slow.endpoints },
      'http://fast': { endpoints: fast.endpoints },
    },
    runtime,
  });
  const settled: (string | number)[] = [];
  const hanging: Promise<unknown>[] = [];
  for (let call = 0; call < HELD; call++) {
    hanging.push(outcomeOf(client.fetch('http://slow/')).then((one) => settled.push(one)));
    if (call < POOL.maxConnections) await slow.requestReceived();
  }
  expect(await outcomeOf(client.fetch('http://slow/'))).toBe('OverflowError');
  return { slow, fast, client, gate, runtime, hanging, settled };
}

const gauges = (client: ResilientClient, service: string) =>
  ['remaining_cx', 'remaining_pending', 'remaining_rq'].map((name) =>
    stat(client, `circuit_breakers.default.${name}`, service),
  );

test('a service that hangs beside one that answers: all calls to this one do, none of them waits', async () => {
  const { fast, client, gate, hanging, settled } = await neighbours();
  const explained = [];
  for (let round = 0; round < 50; round++) {
    const calls = Array.from({ length: POOL.maxConnections }, () => client.fetch('http://fast/'));
    for (const response of await Promise.all(calls)) {
      expect(response.status).toBe(200);
      await response.text();
      explained.push(client.explain(response));
    }
  }
  // No time has passed for any of them: no wait, no retry, no timer stood in between.
  expect(explained).toHaveLength(200);
  for (const one of explained) {
    expect(one).toMatchObject({ duration: 0, attempts: [{ outcome: 'answered', connectedAt: 0 }] });
  }
  // And meanwhile the others hang as before.
  expect(settled).toEqual([]);
  expect(fast.servers.flatMap(({ requests }) => requests)).toHaveLength(200);
  gate.release();
  await Promise.all(hanging);
  expect(settled).toEqual(Array(HELD).fill(200));
});

test('each has its own limits, counters and gauges', async () => {
  const { client, gate, hanging } = await neighbours();
  for (let call = 0; call < 3; call++) await outcomeOf(client.fetch('http://slow/'));
  expect(gauges(client, 'slow')).toEqual([0, 0, 1020]);
  expect(gauges(client, 'fast')).toEqual([4, 4, 1024]);
  const counters = {
    upstream_rq_pending_overflow: [4, 0],
    upstream_rq_pending_active: [4, 0],
    upstream_rq_active: [4, 0],
    upstream_rq_total: [4, 0],
    upstream_cx_active: [4, 0],
  };
  const read = (name: string) => ['slow', 'fast'].map((service) => stat(client, name, service));
  for (const [name, values] of Object.entries(counters))
    expect([name, read(name)]).toEqual([name, values]);
  gate.release();
  await Promise.all(hanging);
  expect(gauges(client, 'slow').slice(1)).toEqual([4, 1024]);
});

test('each has its own places for retries', async () => {
  const { slow, fast, client, runtime, gate, hanging } = await neighbours();
  gate.release();
  await Promise.all(hanging);
  const retriesAre = (service: string, count: number) =>
    expect
      .poll(async () => {
        await runtime.advance(1);
        return stat(client, 'upstream_rq_retry', service);
      })
      .toBe(count);
  // A retry that hangs has the only place of the slow one.
  slow.plan((_index, { headers }) => (headers['x-envoy-attempt-count'] === '1' ? 503 : 'silence'));
  const first = outcomeOf(client.fetch('http://slow/'));
  await retriesAre('slow', 1);
  expect(await outcomeOf(client.fetch('http://slow/'))).toBe(503);
  fast.plan((_index, { headers }) => (headers['x-envoy-attempt-count'] === '1' ? 503 : 200));
  const call = outcomeOf(client.fetch('http://fast/'));
  await retriesAre('fast', 1);
  expect(await call).toBe(200);
  await client.destroy();
  expect(await first).toBe('ClosedError');
});

test('one that cannot be connected to holds up neither another one nor origins found on the way', async () => {
  const port = await silentPort();
  const other = await fleetOf({ endpoints: 1 });
  const client = clientFor({
    connectionPool: POOL,
    services: { 'https://gone': { endpoints: [port.url] } },
    otherOrigins: 'default-policy',
  });
  const hanging = Array.from({ length: 4 }, () => outcomeOf(client.fetch('https://gone/')));
  await port.connectionsAre(4);
  expect(await outcomeOf(client.fetch('https://gone/'))).toBe('OverflowError');
  const calls = Array.from({ length: 4 }, () => outcomeOf(client.fetch(other.server(0).url)));
  expect(await Promise.all(calls)).toEqual([200, 200, 200, 200]);
  expect(stat(client, 'upstream_rq_pending_active', 'gone:443')).toBe(4);
  await client.destroy();
  expect(await Promise.all(hanging)).toEqual(Array(4).fill('ClosedError'));
});
