/** Origins that the options do not name: how many are remembered, and for how long; on real sockets. */
import { describe, expect, test } from 'vitest';
import type { ClientOptions } from '../../src/index.js';
import { hold, virtualRuntime } from '../../src/testing/index.js';
import { clientFor } from '../support/client.js';
import { afterThisTurn, fleetOf } from '../support/fleet.js';
import { outcomeOf } from '../support/pool.js';

/** Each server of the fleet is an origin. */
async function origins(count: number, options: ClientOptions = {}) {
  const gate = hold();
  const fleet = await fleetOf({
    endpoints: count,
    plan: (_, { path }) => (path === '/held' ? gate.step : 200),
  });
  const runtime = virtualRuntime();
  const client = clientFor({ runtime, ...options });
  const urls = fleet.servers.map(({ url }) => url);
  const call = async (index: number, path = '/') => {
    await runtime.advance(1);
    return outcomeOf(client.fetch(`${urls[index]}${path}`));
  };
  const known = () => client.endpoints().map(({ url }) => urls.indexOf(url));
  return { fleet, gate, runtime, client, urls, call, known };
}

describe('when there are too many', () => {
  test('the one that has not been called for longest is forgotten, with its connections', async () => {
    const { call, known, fleet, client, urls } = await origins(4, { maxOrigins: 2 });
    await call(0);
    await call(1);
    await call(0);
    expect(known()).toEqual([0, 1]);
    expect(await call(2)).toBe(200);
    expect(known().sort()).toEqual([0, 2]);
    await fleet.connectionsAre(2);
    expect(
      Object.keys(client.stats()).some((name) => name.includes(new URL(urls[1] ?? '').host)),
    ).toBe(false);
    // It may come back, as if it were new.
    expect(await call(1)).toBe(200);
    expect(known()).toHaveLength(2);
    expect(known()).toContain(1);
  });

  test('those with calls in flight stay', async () => {
    const { call, known, gate, fleet } = await origins(3, { maxOrigins: 1 });
    const held = call(0, '/held');
    await fleet.requestReceived();
    await call(1);
    expect(known()).toEqual([0, 1]);
    await call(2);
    expect(known()).toEqual([0, 2]);
    gate.release();
    expect(await held).toBe(200);
    expect(await call(1)).toBe(200);
    // Those that had been too many go when the next one comes.
    expect(known()).toEqual([1]);
  });

  test('a smaller limit holds at once', async () => {
    const { client, call, known, fleet } = await origins(3);
    for (const index of [0, 1, 2]) await call(index);
    client.update({ maxOrigins: 1 });
    expect(known()).toEqual([2]);
    await fleet.connectionsAre(1);
  });
});

describe('with time', () => {
  test('one that is not called is forgotten', async () => {
    const { call, known, runtime, fleet } = await origins(2, { originIdleTimeout: '10s' });
    await call(0);
    await call(1);
    await runtime.advance(9000);
    await call(1);
    await runtime.advance(3000);
    expect(known()).toEqual([1]);
    await fleet.connectionsAre(1);
    await runtime.advance(10_000);
    expect(known()).toEqual([]);
    await fleet.connectionsAre(0);
    expect(await call(0)).toBe(200);
  });

  test('one whose call takes long is not', async () => {
    const { call, known, runtime, gate, fleet } = await origins(1, { originIdleTimeout: '10s' });
    const held = call(0, '/held');
    await fleet.requestReceived();
    await runtime.advance(60_000);
    expect(known()).toEqual([0]);
    gate.release();
    expect(await held).toBe(200);
  });

  test('never, where that is switched off; an update changes it', async () => {
    const { client, call, known, runtime } = await origins(1, { originIdleTimeout: false });
    await call(0);
    await runtime.advance(3_600_000);
    expect(known()).toEqual([0]);
    client.update({ originIdleTimeout: '1s' });
    await runtime.advance(1200);
    expect(known()).toEqual([]);
  });

  test('services that are named stay, and what is named by an update does', async () => {
    const { client, runtime, urls } = await origins(2);
    const shop = clientFor({
      runtime,
      services: { [urls[0] ?? '']: {} },
      otherOrigins: 'default-policy',
      originIdleTimeout: '1s',
    });
    await outcomeOf(shop.fetch(urls[1] ?? ''));
    shop.update({ services: { [urls[1] ?? '']: {} } });
    await runtime.advance(10_000);
    expect(shop.endpoints()).toHaveLength(2);
    await client.close();
  });
});

test('one that is named by an update has that name', async () => {
  const fleet = await fleetOf({ endpoints: 1 });
  const [url = ''] = fleet.endpoints.map((endpoint) => endpoint.url);
  const client = clientFor({ services: {}, otherOrigins: 'default-policy' });
  expect(await outcomeOf(client.fetch(url))).toBe(200);
  client.update({
    services: {
      [url]: { name: 'shop', subsets: { all: { labels: {} } }, routes: [{ subset: 'all' }] },
    },
  });
  await fleet.connectionsAre(0);
  expect(await outcomeOf(client.fetch(url))).toBe(200);
  expect(client.endpoints().map(({ service }) => service)).toEqual(['shop', 'shop|all']);
});

test('close() waits for the calls of all, and no timer is left', async () => {
  const { client, call, gate, fleet, runtime } = await origins(2, { originIdleTimeout: '1s' });
  const held = call(0, '/held');
  await fleet.requestReceived();
  let isClosed = false;
  const closing = client.close().then(() => (isClosed = true));
  await afterThisTurn();
  expect(isClosed).toBe(false);
  gate.release();
  expect(await held).toBe(200);
  await closing;
  await fleet.connectionsAre(0);
  expect(runtime.pendingTimers).toBe(0);
});
