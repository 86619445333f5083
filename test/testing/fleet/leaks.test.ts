/** That a closed fleet leaves nothing behind. In a process of its own, so that nobody else's handles count. */
import { getActiveResourcesInfo } from 'node:process';
import { expect, test } from 'vitest';
import { hold, loopbackFleet } from '../../../src/testing/index.js';
import { dial, get, hear, talk } from './plain-client.js';

test('closing ends everything: what is held, waited for, half sent, idle or parked', async () => {
  const before = timers();
  const never = hold();
  const fleet = await loopbackFleet({
    endpoints: [
      { plan: never.step },
      { plan: 'silence' },
      { plan: { body: { size: 100_000_000 } } },
      { plan: { wait: 1_000_000, step: 200 } },
      { plan: { body: { pieces: ['a', 'b'], pause: 1_000_000 } } },
      { plan: { early: 'silence' } },
      { unix: true },
      {},
    ],
  });
  const ends = fleet.servers.slice(0, 6).map(async ({ url }) => {
    const socket = await dial(url);
    socket.write(get('/'));
    return hear(socket);
  });
  for (let i = 0; i < 6; i++) await fleet.requestReceived();
  const idle = await dial(fleet.server(7).url);
  const idleEnd = hear(idle);
  await fleet.server(7).connectionsAre(1);
  await fleet.server(7).refuse();
  const waiting = [
    fleet.requestReceived(),
    fleet.connectionsAre(99),
    fleet.server(7).requestReceived(),
  ];
  const rejections = Promise.allSettled(waiting);
  const closed = fleet.close();
  expect(fleet.close()).toBe(closed);
  await closed;
  expect(fleet.openConnections).toBe(0);
  for (const { status } of await rejections) expect(status).toBe('rejected');
  await Promise.all([...ends, idleEnd]);
  for (const { url } of fleet.servers.slice(0, 6)) {
    await expect(dial(url)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  }
  await expect(fleet.requestReceived()).rejects.toThrow('The fleet was closed');
  never.release();
  await turn();
  expectNothingLeft(before);
});

test('a thousand random exchanges leave nothing behind', { timeout: 60_000 }, async () => {
  const before = timers();
  const words = ['reset', 'close', 'garbage', 'echo', 200, 503] as const;
  const fleet = await loopbackFleet({
    endpoints: 3,
    plan: (_, __, random) => words[Math.floor(random() * words.length)] ?? 200,
  });
  let asked = 0;
  await Promise.all(
    Array.from({ length: 10 }, async () => {
      while (asked < 1000) await talkOnce(fleet.servers[asked++ % 3]?.url ?? '');
    }),
  );
  expect(fleet.servers.map(({ requests }) => requests.length)).toEqual([334, 333, 333]);
  await fleet.connectionsAre(0);
  await fleet.close();
  await turn();
  expectNothingLeft(before);
});

async function talkOnce(url: string): Promise<void> {
  await talk(url, get('/').replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n'));
}

/** Timers are also the test runner's own: no more of them than before. Sockets and servers: none. */
function expectNothingLeft(timersBefore: number): void {
  expect(getActiveResourcesInfo().filter((kind) => /TCP|TLS|Immediate/.test(kind))).toEqual([]);
  expect(timers()).toBeLessThanOrEqual(timersBefore);
}

function timers(): number {
  return getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
}

async function turn(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}
