/** The fleet as a whole: its list of endpoints, sockets of other kinds, and its end. */
import { existsSync } from 'node:fs';
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { loopbackFleet, type LoopbackFleetOptions } from '../../../src/testing/index.js';
import { addressOf, ask, codeOf, dial, fleetOf } from './plain-client.js';

test('the list of endpoints, as a client takes it', async () => {
  const fleet = await fleetOf({
    endpoints: [{ name: 'near', weight: 2, locality: 'r/z' }, {}, { unix: true, weight: 3 }],
  });
  expect(fleet.endpoints).toEqual([
    {
      url: expect.stringMatching(/^http:\/\/127.0.0.1:\d+$/) as string,
      weight: 2,
      locality: 'r/z',
    },
    { url: expect.stringMatching(/^http:\/\/127.0.0.1:\d+$/) as string },
    { url: expect.stringMatching(/^unix:\/.*\.sock$/) as string, weight: 3 },
  ]);
  expect(fleet.servers.map(({ name }) => name)).toEqual(['near', 'server-2', 'server-3']);
  expect(fleet.server('near')).toBe(fleet.server(0));
  expect(fleet.endpoints.map(({ url }) => url)).toEqual(fleet.servers.map(({ url }) => url));
  expect(() => fleet.server('far')).toThrow(
    'No server far in the fleet; it has near, server-2, server-3',
  );
  expect(fleet.seed).toBe(1);
});

test.each<[string, unknown, string]>([
  ['none', { endpoints: 0 }, 'A fleet has one server or more; found 0'],
  ['an empty list', { endpoints: [] }, 'A fleet has one server or more; found 0'],
  ['half a server', { endpoints: 1.5 }, 'A fleet has one server or more; found 1.5'],
  [
    'the same name',
    { endpoints: [{ name: 'a' }, { name: 'a' }] },
    'Two servers of the fleet are called a',
  ],
  ['an unknown option', { endpoints: 1, plna: 200 }, "found 'plna'"],
  ['an unknown option of a server', { endpoints: [{ script: 200 }] }, "found 'script'"],
  ['TLS on a unix socket', { endpoints: [{ unix: true, tls: {} }] }, 'No TLS on unix sockets'],
  ['a seed', { endpoints: 1, seed: 0.5 }, 'A seed is a safe integer'],
])('refused: %s', async (_, options, message) => {
  await expect(loopbackFleet(options as LoopbackFleetOptions)).rejects.toThrow(message);
});

test('connections of all servers together', async () => {
  const fleet = await fleetOf({ endpoints: 3 });
  const sockets = await Promise.all(fleet.servers.map(({ url }) => dial(url)));
  await fleet.connectionsAre(3);
  expect(fleet.openConnections).toBe(3);
  for (const socket of sockets) socket.destroy();
  await fleet.connectionsAre(0);
});

test('a unix socket: answers, refuses, is gone afterwards', async () => {
  const fleet = await loopbackFleet({
    endpoints: [{ unix: true }],
    plan: ['echo', 'close', { body: 'x', cut: { at: 0, by: 'close' } }],
  });
  const server = fleet.server(0);
  const path = server.url.slice('unix:'.length);
  expect(await ask(server.url, { path: '/p' })).toMatchObject({ status: 200 });
  expect(server.requests[0]).toMatchObject({ path: '/p' });
  expect(await ask(server.url)).toMatchObject({ error: 'ECONNRESET' });
  expect(await ask(server.url)).toMatchObject({ status: 200, error: 'ECONNRESET' });
  await server.refuse();
  expect(await ask(server.url)).toMatchObject({ error: 'ENOENT' });
  await server.accept();
  expect(await ask(server.url)).toMatchObject({ status: 200 });
  expect(existsSync(path)).toBe(true);
  await fleet.close();
  expect(existsSync(path)).toBe(false);
});

test('a unix socket cannot be reset, and says so', async () => {
  const fleet = await loopbackFleet({ endpoints: [{ unix: true }], plan: 'reset' });
  expect((await ask(fleet.server(0).url)).status).toBeUndefined();
  await expect(fleet.close()).rejects.toThrow('cannot be reset');
});

test('at the end of a block the fleet is gone', async () => {
  let url = '';
  {
    await using fleet = await loopbackFleet({ endpoints: 1 });
    ({ url } = fleet.server(0));
    expect((await ask(url)).status).toBe(200);
  }
  await expect(dial(url)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('a port that refuses is kept from others', async () => {
  const fleet = await fleetOf({ endpoints: 20 });
  const { servers } = fleet;
  await Promise.all(servers.map((server) => server.refuse()));
  const others = await fleetOf({ endpoints: 50 });
  const kept = new Set(servers.map(({ url }) => url));
  expect(others.servers.filter(({ url }) => kept.has(url))).toEqual([]);
  for (const { url } of servers) {
    const socket = connect(addressOf(url));
    const error: unknown = await once(socket, 'connect').catch((e: unknown) => e);
    expect(codeOf(error)).toBe('ECONNREFUSED');
  }
  await Promise.all(servers.map((server) => server.accept()));
  const answers = await Promise.all(servers.map(({ url }) => ask(url)));
  expect(answers.map(({ status }) => status)).toEqual(new Array(20).fill(200));
});
