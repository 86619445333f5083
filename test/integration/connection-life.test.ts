/** How long connections live, and how many requests they serve, counted at the server. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { ClientOptions, ResilientClient, ResilientRequestInit } from '../../src/index.js';
import { hold, virtualRuntime, type LoopbackFleet, type Plan } from '../../src/testing/index.js';
import { afterThisTurn, shop } from '../support/fleet.js';
import { clientFor } from '../support/client.js';
import { callsAtOnce, expectNothingHeld, outcomeOf, stat } from '../support/pool.js';
import { silentPort } from '../support/silent-port.js';

const AT_ONCE = { backoff: { baseInterval: 0.001 } };

/** Each connection has served exactly so many; what is left over, one that is still open. */
function expectExactly(most: number, fleet: LoopbackFleet, requests: number): void {
  const perConnection = fleet.servers.flatMap((server) => server.requestsPerConnection);
  expect(perConnection.reduce((sum, each) => sum + each, 0)).toBe(requests);
  const unfinished = perConnection.filter((each) => each !== most);
  for (const each of unfinished) expect(each).toBeLessThan(most);
  expect(unfinished.length).toBeLessThanOrEqual(fleet.openConnections);
}

describe.each([1, 2, 10])('maxRequestsPerConnection: %d', (most) => {
  const connectionPool = { maxRequestsPerConnection: most, maxConnections: 3 };

  test.each<[string, ResilientRequestInit | undefined]>([
    ['GET', undefined],
    ['HEAD', { method: 'HEAD' }],
    ['POST', { method: 'POST', body: 'order' }],
    [
      'POST from a stream',
      { method: 'POST', body: () => new Blob(['order']).stream(), duplex: 'half' },
    ],
  ])('one after the other: %s', async (_what, init) => {
    const { fleet, client } = await shop({ endpoints: 1 }, { connectionPool });
    for (let call = 0; call < 3 * most; call++)
      expect(await outcomeOf(client.fetch('/', init))).toBe(200);
    expect(fleet.server(0).requestsPerConnection).toEqual([most, most, most]);
    await fleet.connectionsAre(0);
    expect(stat(client, 'upstream_cx_max_requests')).toBe(3);
    await expectNothingHeld(client);
  });

  test('many at once', async () => {
    const { fleet, client } = await shop({ endpoints: 1 }, { connectionPool });
    expect(await Promise.all(callsAtOnce(client, 60))).toEqual(Array(60).fill(200));
    await expectNothingHeld(client);
    expectExactly(most, fleet, 60);
  });

  test('at several endpoints, with retries after answers, resets and closes', async () => {
    const plan: Plan = (index) =>
      index % 4 === 1 ? 503 : index % 7 === 3 ? { body: 'bye', after: 'close' } : 200;
    const { fleet, client } = await shop(
      { endpoints: 2, plan },
      { connectionPool, retry: { ...AT_ONCE, attempts: 5, budget: false } },
    );
    expect(await Promise.all(callsAtOnce(client, 60))).toEqual(Array(60).fill(200));
    const perConnection = fleet.servers.flatMap((server) => server.requestsPerConnection);
    expect(Math.max(...perConnection)).toBe(most);
    expect(stat(client, 'upstream_rq_retry')).toBeGreaterThan(5);
    await expectNothingHeld(client);
  });

  // It has its connection already, which rests until the turn is over, and nothing of it is ever written.
  test('a call that is aborted before it is written does not count', async () => {
    const { fleet, client } = await shop({ endpoints: 1 }, { connectionPool });
    for (let call = 0; call < 2 * most; call++) {
      expect(await outcomeOf(client.fetch('/'))).toBe(200);
      const controller = new AbortController();
      const aborted = outcomeOf(client.fetch('/', { signal: controller.signal }));
      controller.abort();
      expect(await aborted).toBe('AbortError');
      await afterThisTurn();
    }
    // The last one had none, so that one was made for it.
    const used = fleet.server(0).requestsPerConnection.filter((requests) => requests > 0);
    expect(used).toEqual([most, most]);
  });
});

test('a limit that is lowered holds for connections that have served more: they serve one and close', async () => {
  const { fleet, client } = await shop({ endpoints: 1 });
  for (let call = 0; call < 4; call++) await outcomeOf(client.fetch('/'));
  client.update({ connectionPool: { maxRequestsPerConnection: 2 } });
  for (let call = 0; call < 3; call++) await outcomeOf(client.fetch('/'));
  expect(fleet.server(0).requestsPerConnection).toEqual([5, 2]);
});

describe('connectTimeout', () => {
  /** An endpoint that is connected to and never answers the TLS handshake. */
  async function hanging(options: ClientOptions = {}) {
    const port = await silentPort();
    const runtime = virtualRuntime();
    const client = clientFor({
      service: 'https://shop',
      endpoints: [port.url],
      connectionPool: { connectTimeout: '250ms' },
      runtime,
      ...options,
    });
    return { port, client, runtime };
  }
  const count = (client: ResilientClient, name: string) => stat(client, name, 'shop:443');

  test('is over when it is over, for all who wait', async () => {
    const { port, client, runtime } = await hanging({ retry: false });
    const calls = callsAtOnce(client, 3);
    await port.connectionsAre(3);
    await runtime.advance(249.9);
    expect(count(client, 'upstream_rq_pending_active')).toBe(3);
    const late = client.fetch('/late').catch((reason: unknown) => reason);
    await runtime.advance(0.1);
    expect(await Promise.all(calls)).toEqual(['TypeError', 'TypeError', 'TypeError']);
    // As in Envoy: the first failure answers everybody who waits at that endpoint, however late he came.
    expect(await late).toMatchObject({
      code: 'ERR_OUTRIGGER_CONNECTION',
      flag: 'UF',
      cause: {
        code: 'UND_ERR_CONNECT_TIMEOUT',
        message: expect.stringContaining('within 250 ms') as string,
      },
    });
    expect(count(client, 'upstream_rq_pending_failure_eject')).toBe(4);
    expect(count(client, 'upstream_cx_connect_timeout')).toBe(3);
    expect(count(client, 'upstream_cx_connect_fail')).toBe(3);
    // The connection of the late one goes on being made for whoever comes next, until its own time is over.
    expect(count(client, 'upstream_cx_active')).toBe(1);
    await runtime.advance(249.9);
    expect(count(client, 'upstream_cx_active')).toBe(0);
    expect(count(client, 'upstream_cx_connect_timeout')).toBe(4);
    await port.connectionsAre(0);
    expect(runtime.pendingTimers).toBe(0);
  });

  test("is told by localReplies in Envoy's words", async () => {
    const { port, client, runtime } = await hanging({ retry: false, localReplies: 'respond' });
    const call = client.fetch('/');
    await port.connectionsAre(1);
    await runtime.advance(250);
    const response = await call;
    expect([response.status, response.headers.get('x-envoy-overloaded')]).toEqual([503, null]);
    expect(await response.text()).toBe(
      'upstream connect error or disconnect/reset before headers. reset reason: connection timeout',
    );
  });

  test('is changed by an update for connections made from then on', async () => {
    const { port, client, runtime } = await hanging({ retry: false });
    client.update({ connectionPool: { connectTimeout: '1s' } });
    const call = outcomeOf(client.fetch('/'));
    await port.connectionsAre(1);
    await runtime.advance(999);
    expect(count(client, 'upstream_rq_pending_active')).toBe(1);
    await runtime.advance(1);
    expect(await call).toBe('TypeError');
  });
});

describe('idleTimeout', () => {
  test('closes what has had nothing to do for so long', async () => {
    const gate = hold();
    const runtime = virtualRuntime();
    const { fleet, client } = await shop(
      { endpoints: 1, plan: gate.step },
      { runtime, connectionPool: { idleTimeout: '5s' } },
    );
    const calls = callsAtOnce(client, 2);
    for (let call = 0; call < 2; call++) await fleet.requestReceived();
    // However long they are busy.
    await runtime.advance(60_000);
    gate.release();
    expect(await Promise.all(calls)).toEqual([200, 200]);
    await runtime.advance(3000);
    await outcomeOf(client.fetch('/'));
    await runtime.advance(1999);
    expect(fleet.openConnections).toBe(2);
    await runtime.advance(1);
    await fleet.connectionsAre(1);
    expect(stat(client, 'upstream_cx_idle_timeout')).toBe(1);
    // The other one was used at 3 s.
    await runtime.advance(2999);
    expect(client.endpoints()[0]?.connections).toEqual({ open: 1, idle: 1 });
    await runtime.advance(1);
    expect(client.endpoints()[0]?.connections).toEqual({ open: 0, idle: 0 });
    await fleet.connectionsAre(0);
    expect(stat(client, 'upstream_cx_idle_timeout')).toBe(2);
    expect(runtime.pendingTimers).toBe(0);
  });

  test('false never closes, and an update brings it to those that idle', async () => {
    const runtime = virtualRuntime();
    const { fleet, client } = await shop(
      { endpoints: 1 },
      { runtime, connectionPool: { idleTimeout: false } },
    );
    await outcomeOf(client.fetch('/'));
    await runtime.advance(10 * 3_600_000);
    expect(fleet.openConnections).toBe(1);
    client.update({ connectionPool: { idleTimeout: '12h' } });
    await runtime.advance(2 * 3_600_000 - 1);
    expect(fleet.openConnections).toBe(1);
    await runtime.advance(1);
    await fleet.connectionsAre(0);
  });

  // Undici leaves two of the announced seconds to be on the safe side.
  test('what the server says of its own patience is heeded', async () => {
    const { fleet, client } = await shop({
      endpoints: 1,
      plan: { headers: { 'keep-alive': 'timeout=3' }, body: 'x' },
    });
    await outcomeOf(client.fetch('/'));
    await afterThisTurn();
    expect(fleet.openConnections).toBe(1);
    await expect.poll(() => fleet.openConnections, { timeout: 4000 }).toBe(0);
    expect(stat(client, 'upstream_cx_idle_timeout')).toBe(1);
    fleet.plan({ headers: { 'keep-alive': 'timeout=1' }, body: 'x' });
    for (let call = 0; call < 3; call++) await outcomeOf(client.fetch('/'));
    expect(fleet.server(0).requestsPerConnection).toEqual([1, 1, 1, 1]);
  });
});

describe('maxConnectionDuration', () => {
  const connectionPool = { maxConnectionDuration: '1m' };

  test('closes an idle connection, and one that is busy after its request', async () => {
    const gate = hold();
    const runtime = virtualRuntime();
    const { fleet, client } = await shop(
      { endpoints: 1, plan: [200, gate.step, 200] },
      { runtime, connectionPool },
    );
    await outcomeOf(client.fetch('/'));
    await runtime.advance(59_000);
    expect(fleet.openConnections).toBe(1);
    await runtime.advance(1000);
    await fleet.connectionsAre(0);
    expect(stat(client, 'upstream_cx_max_duration_reached')).toBe(1);

    const call = outcomeOf(client.fetch('/'));
    await fleet.requestReceived();
    await fleet.requestReceived();
    await runtime.advance(120_000);
    expect(fleet.openConnections).toBe(1);
    expect(stat(client, 'upstream_cx_max_duration_reached')).toBe(2);
    gate.release();
    expect(await call).toBe(200);
    await fleet.connectionsAre(0);
    await outcomeOf(client.fetch('/'));
    expect(fleet.server(0).requestsPerConnection).toEqual([1, 1, 1]);
  });

  test('who waits for a busy connection that is too old gets a new one', async () => {
    const gate = hold();
    const runtime = virtualRuntime();
    const { fleet, client } = await shop(
      { endpoints: 1, plan: [gate.step, 200] },
      { runtime, connectionPool: { ...connectionPool, maxConnections: 1 } },
    );
    const calls = callsAtOnce(client, 3);
    await fleet.requestReceived();
    await runtime.advance(60_000);
    gate.release();
    expect(await Promise.all(calls)).toEqual([200, 200, 200]);
    expect(fleet.server(0).requestsPerConnection).toEqual([1, 2]);
  });
});

// The kernel shows which timer runs for a socket: 02 is the keep-alive, with the time that is left of it.
describe.runIf(existsSync('/proc/net/tcp'))('tcpKeepalive', () => {
  // An earlier server may have had the same port: what is left of its connections waits here too.
  const ESTABLISHED = '01';

  function timerTowards(url: string): { kind: string; seconds: number } | undefined {
    const port = Number(new URL(url).port).toString(16).toUpperCase().padStart(4, '0');
    const rows = readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1);
    const towards = rows
      .map((row) => row.trim().split(/\s+/))
      .find(([, , remote, state]) => state === ESTABLISHED && remote?.endsWith(`:${port}`));
    const [kind = '', ticks = ''] = towards?.[5]?.split(':') ?? [];
    return towards && { kind, seconds: Number.parseInt(ticks, 16) / 100 };
  }

  test.each([
    ['is on by default, after 60 s', undefined, '02', 60],
    ['as given', { time: '300s' }, '02', 300],
    ['in whole seconds', { time: 120_900 }, '02', 120],
    ['is off', false as const, '00', 0],
  ])('%s', async (_what, tcpKeepalive, kind, seconds) => {
    const { fleet, client } = await shop({ endpoints: 1 }, { connectionPool: { tcpKeepalive } });
    await outcomeOf(client.fetch('/'));
    await expect.poll(() => timerTowards(fleet.server(0).url)?.kind).toBe(kind);
    const left = timerTowards(fleet.server(0).url)?.seconds ?? 0;
    expect(left).toBeLessThanOrEqual(seconds);
    expect(left).toBeGreaterThanOrEqual(seconds - 1);
  });
});
