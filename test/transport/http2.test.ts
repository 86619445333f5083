/** HTTP/2 over TLS, on real sockets: who speaks it, and how many attempts share a connection. */
import { randomUUID } from 'node:crypto';
import type { ServerHttp2Stream } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ResilientClient } from '../../src/index.js';
import { clientFor } from '../support/client.js';
import { afterThisTurn, fleetOf, shop } from '../support/fleet.js';
import { answer, certificates, http2Client, keepingHttp2, serveHttp2 } from '../support/http2.js';
import { callsAtOnce, expectNothingHeld, outcomeOf, stat } from '../support/pool.js';

const later = (stream: ServerHttp2Stream): unknown => setTimeout(() => answer(stream), 5);

function openNotIdle(client: ResilientClient): number {
  const { open = 0, idle = 0 } = client.endpoints()[0]?.connections ?? {};
  return open - idle;
}

describe('which protocol', () => {
  test('h2 where the server chooses it', async () => {
    const server = await serveHttp2();
    const client = await http2Client([server]);
    for (let call = 0; call < 3; call++) {
      const response = await client.fetch('/');
      expect([response.status, response.statusText, await response.text()]).toEqual([
        200,
        '',
        'ok',
      ]);
      expect(client.explain(response)?.attempts).toMatchObject([{ reused: call > 0 }]);
    }
    expect(server.counts).toMatchObject({ sessions: 1, streams: 3 });
    expect(stat(client, 'upstream_cx_http2_total')).toBe(1);
    expect(stat(client, 'upstream_cx_http1_total')).toBe(0);
    expect(client.endpoints()[0]?.connections).toEqual({ open: 1, idle: 1 });
    await client.close();
    await expect.poll(() => [server.sessions.size, ...server.goaways]).toEqual([0, 0]);
  });

  test('HTTP/1.1 where it does not, one exchange at a time', async () => {
    const { ca, own } = await certificates();
    let [now, most] = [0, 0];
    const fleet = await fleetOf({
      endpoints: 1,
      tls: own,
      plan: async () => {
        most = Math.max(most, (now += 1));
        await new Promise((resolve) => setTimeout(resolve, 20));
        now -= 1;
        return 200;
      },
    });
    const client = clientFor({
      service: 'https://shop',
      name: 'shop',
      endpoints: fleet.endpoints,
      tls: { ca: ca.cert },
      connectionPool: { http2: true, maxConnections: 4 },
    });
    expect(await Promise.all(callsAtOnce(client, 12))).toEqual(Array(12).fill(200));
    expect(most).toBe(4);
    expect(fleet.server(0).requestsPerConnection).toEqual([3, 3, 3, 3]);
    expect(stat(client, 'upstream_cx_http1_total')).toBe(4);
    expect(stat(client, 'upstream_cx_http2_total')).toBe(0);
    await expectNothingHeld(client);
  });

  test('HTTP/1.1 without TLS', async () => {
    const { client } = await shop({ endpoints: 1 }, { connectionPool: { http2: true } });
    expect((await client.fetch('/')).status).toBe(200);
    expect(stat(client, 'upstream_cx_http1_total')).toBe(1);
  });

  test('a unix socket', async () => {
    const path = join(tmpdir(), `outrigger-${randomUUID().slice(0, 13)}.sock`);
    const server = await serveHttp2(
      (stream, headers) => answer(stream, headers[':authority']),
      {},
      path,
    );
    const client = await http2Client([server]);
    expect(await (await client.fetch('/')).text()).toBe('shop');
    expect(stat(client, 'upstream_cx_http2_total')).toBe(1);
  });

  test('off by default', async () => {
    const server = await serveHttp2(undefined, { allowHTTP1: true });
    const client = await http2Client([server], { connectionPool: { http2: false }, retry: false });
    expect(await outcomeOf(client.fetch('/'))).toBe(200);
    expect(server.counts.streams).toBe(0);
  });

  test('switched on and off while calls run: none fails', async () => {
    const server = await serveHttp2(later, { allowHTTP1: true });
    const client = await http2Client([server], { retry: false });
    const calls: Promise<string | number>[] = [];
    for (let round = 0; round < 20; round++) {
      calls.push(...callsAtOnce(client, 10));
      await new Promise((resolve) => setTimeout(resolve, 3));
      client.update({ connectionPool: { http2: round % 2 === 1 } });
    }
    expect(new Set(await Promise.all(calls))).toEqual(new Set([200]));
    expect(stat(client, 'upstream_cx_http1_total')).toBeGreaterThan(0);
    // One may still be on its way, for nobody.
    await expect.poll(() => openNotIdle(client)).toBe(0);
    await expectNothingHeld(client);
  });
});

describe('streams at once', () => {
  test('no more than the server allows: the others wait', async () => {
    const server = await serveHttp2(later, { settings: { maxConcurrentStreams: 10 } });
    const client = await http2Client([server], { connectionPool: { maxConnections: 1 } });
    expect(await Promise.all(callsAtOnce(client, 40))).toEqual(Array(40).fill(200));
    expect(server.counts).toEqual({ sessions: 1, streams: 40, open: 0, most: 10 });
    expect(server.resets).toEqual([]);
    await expectNothingHeld(client);
  });

  test('with more connections, those that it takes', async () => {
    const { server, streams, answerAll } = await keepingHttp2({
      settings: { maxConcurrentStreams: 10 },
    });
    const client = await http2Client([server]);
    const calls = callsAtOnce(client, 35);
    await expect.poll(() => streams.length).toBe(35);
    expect(server.perSession).toEqual([10, 10, 10, 5]);
    expect(client.endpoints()[0]?.connections).toEqual({ open: 4, idle: 0 });
    answerAll();
    expect(await Promise.all(calls)).toEqual(Array(35).fill(200));
    await expectNothingHeld(client);
  });

  test('maxConcurrentStreams, also when it changes', async () => {
    const { server, streams, answerAll } = await keepingHttp2();
    const limits = { maxConnections: 1, maxConcurrentStreams: 3 };
    const client = await http2Client([server], { connectionPool: limits });
    const calls = callsAtOnce(client, 12);
    await expect.poll(() => streams.length).toBe(3);
    expect(stat(client, 'upstream_rq_pending_active')).toBe(9);
    client.update({ connectionPool: { ...limits, http2: true, maxConcurrentStreams: 5 } });
    await expect.poll(() => streams.length).toBe(5);
    client.update({ connectionPool: { ...limits, http2: true, maxConcurrentStreams: 1 } });
    for (let rest = 7; rest > 0; rest--) {
      answerAll();
      await expect.poll(() => streams.length).toBe(1);
      expect(server.counts.most).toBe(5);
    }
    answerAll();
    expect(await Promise.all(calls)).toEqual(Array(12).fill(200));
    await expectNothingHeld(client);
  });

  test('the server changes its mind, down to none and up again', async () => {
    const { server, streams, answerAll } = await keepingHttp2({
      settings: { maxConcurrentStreams: 4 },
    });
    const client = await http2Client([server], { connectionPool: { maxConnections: 1 } });
    const calls = callsAtOnce(client, 10);
    await expect.poll(() => streams.length).toBe(4);
    const [session] = [...server.sessions];
    const set = async (maxConcurrentStreams: number) => {
      await new Promise<void>((resolve) =>
        session?.settings({ maxConcurrentStreams }, () => resolve()),
      );
    };
    await set(0);
    answerAll();
    expect(await Promise.all(calls.slice(0, 4))).toEqual(Array(4).fill(200));
    await afterThisTurn();
    expect(streams).toHaveLength(0);
    expect(client.endpoints()[0]?.connections).toEqual({ open: 1, idle: 1 });
    await set(2);
    await expect.poll(() => streams.length).toBe(2);
    await set(6);
    await expect.poll(() => streams.length).toBe(6);
    answerAll();
    expect(await Promise.all(calls)).toEqual(Array(10).fill(200));
    expect(server.counts).toMatchObject({ sessions: 1, most: 6 });
    expect(server.resets).toEqual([]);
    await expectNothingHeld(client);
  });

  test('a server that takes none yet has not done connecting', async () => {
    const server = await serveHttp2(undefined, { settings: { maxConcurrentStreams: 0 } });
    const client = await http2Client([server], {
      retry: false,
      connectionPool: { connectTimeout: 400 },
    });
    const calls = callsAtOnce(client, 5);
    await expect.poll(() => server.sessions.size).toBe(1);
    [...server.sessions][0]?.settings({ maxConcurrentStreams: 100 });
    expect(await Promise.all(calls)).toEqual(Array(5).fill(200));
    const other = await http2Client([server], {
      retry: false,
      connectionPool: { connectTimeout: 100 },
    });
    await expect(other.fetch('/')).rejects.toMatchObject({
      flag: 'UF',
      cause: { code: 'UND_ERR_CONNECT_TIMEOUT' },
    });
    expect(server.counts.sessions).toBe(2);
    await expectNothingHeld(other);
  });
});
