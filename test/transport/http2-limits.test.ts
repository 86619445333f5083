/** The limits and times of the connection pool over HTTP/2: connections are few, requests on them many. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { answer, certificates, http2Client, keepingHttp2, serveHttp2 } from '../support/http2.js';
import { serveFrames, TYPES } from '../support/http2-frames.js';
import { callsAtOnce, expectNothingHeld, outcomeOf, stat } from '../support/pool.js';

test('maxRequests counts exchanges; who comes later is refused', async () => {
  const { server, streams, answerAll } = await keepingHttp2();
  const client = await http2Client([server], { connectionPool: { maxRequests: 5 } });
  const calls = callsAtOnce(client, 8);
  await expect.poll(() => streams.length).toBe(5);
  calls.push(outcomeOf(client.fetch('/')));
  await expect.poll(() => stat(client, 'upstream_rq_active_overflow')).toBe(4);
  answerAll();
  const outcomes = await Promise.all(calls);
  expect(outcomes.slice(0, 5)).toEqual(Array(5).fill(200));
  expect(outcomes.slice(5)).toEqual(Array(4).fill('OverflowError'));
  await expectNothingHeld(client, { maxRequests: 5 });
});

test('maxPendingRequests counts those who wait for a stream', async () => {
  const { server, streams, answerAll } = await keepingHttp2();
  const limits = { maxConnections: 1, maxConcurrentStreams: 2, maxPendingRequests: 3 };
  const client = await http2Client([server], { connectionPool: limits });
  const first = callsAtOnce(client, 2);
  await expect.poll(() => streams.length).toBe(2);
  const others = callsAtOnce(client, 5);
  expect(await Promise.all(others.slice(3))).toEqual(['OverflowError', 'OverflowError']);
  answerAll();
  await expect.poll(() => streams.length).toBe(2);
  answerAll();
  await expect.poll(() => streams.length).toBe(1);
  answerAll();
  expect(await Promise.all([...first, ...others.slice(0, 3)])).toEqual(Array(5).fill(200));
  await expectNothingHeld(client, { maxPendingRequests: 3 });
});

test('maxPendingRequests: 0 lets through those for whom a connection is made, and has room', async () => {
  const { server, streams, answerAll } = await keepingHttp2();
  const limits = { maxConnections: 1, maxConcurrentStreams: 3, maxPendingRequests: 0 };
  const client = await http2Client([server], { connectionPool: limits });
  const calls = callsAtOnce(client, 5);
  expect(await Promise.all(calls.slice(3))).toEqual(['OverflowError', 'OverflowError']);
  await expect.poll(() => streams.length).toBe(3);
  answerAll();
  expect(await Promise.all(calls.slice(0, 3))).toEqual([200, 200, 200]);
  await expectNothingHeld(client, { maxPendingRequests: 0 });
});

test.each([1, 2, 10])('maxRequestsPerConnection: %i, exactly', async (most) => {
  const server = await serveHttp2((stream) => setTimeout(() => answer(stream), 2));
  const client = await http2Client([server], {
    connectionPool: { maxRequestsPerConnection: most, maxConnections: 3 },
    retry: false,
  });
  expect(await Promise.all(callsAtOnce(client, 40))).toEqual(Array(40).fill(200));
  expect(server.perSession).toEqual(Array(40 / most).fill(most));
  expect(stat(client, 'upstream_cx_max_requests')).toBe(40 / most);
  await expect.poll(() => server.sessions.size).toBe(0);
  expect(server.goaways).toEqual(Array(40 / most).fill(0));
  await expectNothingHeld(client);
});

test('a limit that is lowered below what a connection has served', async () => {
  const server = await serveHttp2();
  const client = await http2Client([server]);
  for (let call = 0; call < 5; call++) await outcomeOf(client.fetch('/'));
  client.update({ connectionPool: { http2: true, maxRequestsPerConnection: 2 } });
  for (let call = 0; call < 5; call++) await outcomeOf(client.fetch('/'));
  expect(server.perSession).toEqual([6, 2, 2]);
});

describe('times', () => {
  test('maxConnectionDuration: exchanges under way end, those that come later go elsewhere', async () => {
    const { server, streams, answerAll } = await keepingHttp2();
    const client = await http2Client([server], { connectionPool: { maxConnectionDuration: 60 } });
    const first = outcomeOf(client.fetch('/'));
    await expect.poll(() => stat(client, 'upstream_cx_max_duration_reached')).toBe(1);
    const second = outcomeOf(client.fetch('/'));
    await expect.poll(() => streams.length).toBe(2);
    expect(server.perSession).toEqual([1, 1]);
    answerAll();
    expect(await Promise.all([first, second])).toEqual([200, 200]);
    await expect.poll(() => server.sessions.size).toBe(0);
    expect(server.goaways).toEqual([0, 0]);
  });

  test('idleTimeout closes one without streams, and no other', async () => {
    const { server, streams, answerAll } = await keepingHttp2();
    const client = await http2Client([server], { connectionPool: { idleTimeout: 50 } });
    const call = outcomeOf(client.fetch('/'));
    await expect.poll(() => streams.length).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect(server.sessions.size).toBe(1);
    expect(client.endpoints()[0]?.connections).toEqual({ open: 1, idle: 0 });
    answerAll();
    expect(await call).toBe(200);
    expect(client.endpoints()[0]?.connections).toEqual({ open: 1, idle: 1 });
    await expect.poll(() => server.sessions.size).toBe(0);
    expect(server.goaways).toEqual([0]);
    expect(stat(client, 'upstream_cx_idle_timeout')).toBe(1);
    expect(client.endpoints()[0]?.connections).toEqual({ open: 0, idle: 0 });
  });

  test('connectTimeout answers those who wait for a server that never greets', async () => {
    const server = await serveFrames(undefined, false);
    const client = await http2Client([server], {
      retry: false,
      connectionPool: { connectTimeout: 150 },
    });
    const started = performance.now();
    const errors = await Promise.all(
      Array.from({ length: 3 }, () => client.fetch('/').catch((error: unknown) => error)),
    );
    expect(performance.now() - started).toBeLessThan(300);
    for (const error of errors) {
      expect(error).toMatchObject({ flag: 'UF', cause: { code: 'UND_ERR_CONNECT_TIMEOUT' } });
    }
    expect(server.counts.accepted).toBe(1);
    expect(server.frames.filter(({ type }) => type === TYPES.headers)).toEqual([]);
    expect(stat(client, 'upstream_cx_connect_timeout')).toBe(1);
    expect(stat(client, 'upstream_cx_connect_fail')).toBe(1);
    expect(stat(client, 'upstream_rq_pending_failure_eject')).toBe(3);
    await expect.poll(() => server.sockets.size).toBe(0);
    await expectNothingHeld(client);
  });

  test('a client closes although the server does not', async () => {
    const server = await serveFrames((_, socket) => (socket.allowHalfOpen = true));
    const client = await http2Client([server], {
      retry: false,
    });
    const call = outcomeOf(client.fetch('/', { signal: AbortSignal.timeout(60) }));
    expect(await call).toBe('TimeoutError');
    await client.close();
    await expect.poll(() => server.frames.at(-1)?.type).toBe(TYPES.goaway);
  });
});

describe('changes while calls run and wait: none fails', () => {
  const busy = async () => {
    const { server, streams, answerAll } = await keepingHttp2({
      settings: { maxConcurrentStreams: 4 },
    });
    const client = await http2Client([server], {
      retry: false,
      connectionPool: { maxConnections: 1 },
    });
    const calls = callsAtOnce(client, 10);
    await expect.poll(() => streams.length).toBe(4);
    const timer = setInterval(answerAll, 20);
    onTestFinished(() => clearInterval(timer));
    return { server, client, calls };
  };

  test('the endpoint leaves', async () => {
    const { server, client, calls } = await busy();
    const other = await serveHttp2();
    client.update({ endpoints: [other.url] });
    expect(await outcomeOf(client.fetch('/'))).toBe(200);
    expect(await Promise.all(calls)).toEqual(Array(10).fill(200));
    expect(other.counts.streams).toBe(1);
    await expect.poll(() => server.sessions.size).toBe(0);
    await expectNothingHeld(client);
  });

  test('its certificates are changed', async () => {
    const { server, client, calls } = await busy();
    const { ca } = await certificates();
    client.update({ tls: { ca: [ca.cert] } });
    expect(await Promise.all(calls)).toEqual(Array(10).fill(200));
    expect(server.counts.sessions).toBeGreaterThan(1);
    await expect.poll(() => server.sessions.size).toBeLessThan(2);
    await expectNothingHeld(client);
  });
});
