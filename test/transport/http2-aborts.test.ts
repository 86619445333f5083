/** Calls over HTTP/2 that are given up: their stream ends, and nothing else does. */
import type { ServerHttp2Stream } from 'node:http2';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { seededRandom } from '../../src/testing/index.js';
import { builtClient, type BuiltClient } from '../support/built-client.js';
import { answer, certificates, http2Client, serveHttp2 } from '../support/http2.js';
import { serveFrames, TYPES } from '../support/http2-frames.js';
import { http2Process } from '../support/http2-process.js';
import { expectNothingHeld, outcomeOf, stat } from '../support/pool.js';

const CANCEL = 8;

/** Resets, refuses, cuts off, leaves, answers with much and late. */
const UNRELIABLE = `
  let seed = 5;
  const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  const answer = (stream, body, status = 200) => {
    if (stream.destroyed) return;
    stream.respond({ ':status': status });
    stream.end(body);
  };
  server.on('stream', (stream) => {
    stream.on('error', () => {}).resume();
    const dice = random();
    if (dice < 0.1) stream.close(2);
    else if (dice < 0.2) stream.close(7);
    else if (dice < 0.25) {
      stream.respond({ ':status': 200, 'content-length': '50' });
      stream.write('some', () => stream.close(${CANCEL}));
    } else if (dice < 0.27) {
      stream.session.close();
      answer(stream, 'ok');
    } else if (dice < 0.35) answer(stream, 'x'.repeat(100000), 503);
    else setTimeout(() => answer(stream, 'y'.repeat(2000)), 5 * random());
  });
`;

/** A server that keeps the streams of `/kept`, and answers the others. */
async function keeping() {
  const kept: ServerHttp2Stream[] = [];
  const server = await serveHttp2((stream, { ':path': path }) => {
    if (path === '/kept') kept.push(stream);
    else answer(stream);
  });
  return { server, kept };
}

test('while it waits: nothing of it is ever sent', async () => {
  const { server, kept } = await keeping();
  const limits = { maxConnections: 1, maxConcurrentStreams: 1 };
  const client = await http2Client([server], { connectionPool: limits });
  const running = outcomeOf(client.fetch('/kept'));
  await expect.poll(() => kept.length).toBe(1);
  const controller = new AbortController();
  const given = outcomeOf(client.fetch('/', { signal: controller.signal }));
  const next = outcomeOf(client.fetch('/'));
  controller.abort();
  expect(await given).toBe('AbortError');
  expect(stat(client, 'upstream_rq_cancelled')).toBe(1);
  answer(kept[0] as ServerHttp2Stream);
  expect(await Promise.all([running, next])).toEqual([200, 200]);
  expect(server.counts).toMatchObject({ sessions: 1, streams: 2 });
  await expectNothingHeld(client);
});

test('before the head: the stream is cancelled, the others go on', async () => {
  const { server, kept } = await keeping();
  const client = await http2Client([server]);
  const running = outcomeOf(client.fetch('/kept'));
  await expect.poll(() => kept.length).toBe(1);
  const controller = new AbortController();
  const given = outcomeOf(client.fetch('/kept', { signal: controller.signal }));
  await expect.poll(() => kept.length).toBe(2);
  controller.abort();
  expect(await given).toBe('AbortError');
  await expect.poll(() => server.resets).toEqual([CANCEL]);
  expect(client.endpoints()[0]).toMatchObject({ active: 1, connections: { open: 1, idle: 0 } });
  answer(kept[0] as ServerHttp2Stream);
  expect(await running).toBe(200);
  expect(server.counts.sessions).toBe(1);
  await expectNothingHeld(client);
});

test.each(['signal', 'reader', 'paused reader'])('in the body, by its %s', async (how) => {
  const server = await serveHttp2((stream) => {
    stream.respond({ ':status': 200 });
    stream.write(how === 'paused reader' ? Buffer.alloc(500_000) : 'some');
  });
  const client = await http2Client([server]);
  const controller = new AbortController();
  const response = await client.fetch('/', { signal: controller.signal });
  if (how === 'paused reader') {
    await new Promise((resolve) => setTimeout(resolve, 50));
    controller.abort();
  } else if (how === 'signal') {
    const text = response.text();
    controller.abort();
    await expect(text).rejects.toThrow('aborted');
  } else {
    await response.body?.cancel();
  }
  await expect.poll(() => server.resets).toEqual([CANCEL]);
  await expectNothingHeld(client);
  expect(server.counts.sessions).toBe(1);
  expect(stat(client, 'upstream_rq_rx_reset')).toBe(0);
});

// Node's own way of closing a stream would end the body first: half an upload would look like a whole one.
test('while its body is sent: what has come of it does not look complete', async () => {
  const server = await serveFrames();
  const client = await http2Client([server], { retry: false });
  let closed = 0;
  async function* endless() {
    try {
      for (;;) yield await Promise.resolve(Buffer.alloc(1000));
    } finally {
      closed += 1;
    }
  }
  const controller = new AbortController();
  const init = { method: 'POST', body: endless as never, signal: controller.signal };
  const call = outcomeOf(client.fetch('/', init));
  await expect
    .poll(() => server.frames.filter(({ type }) => type === TYPES.data).length)
    .toBeGreaterThan(3);
  controller.abort();
  expect(await call).toBe('AbortError');
  await expect.poll(() => server.frames.some(({ type }) => type === TYPES.rst)).toBe(true);
  const frames = server.frames.filter(({ type }) => type !== TYPES.ping);
  expect(frames.some(({ type, flags }) => type === TYPES.data && (flags & 1) === 1)).toBe(false);
  expect(frames.at(-1)).toMatchObject({ type: TYPES.rst, payload: Buffer.from([0, 0, 0, CANCEL]) });
  expect(closed).toBe(1);
  await expectNothingHeld(client);
});

describe('further attempts', () => {
  test('a try whose time is over is cancelled, and its session serves the next', async () => {
    const server = await serveHttp2((stream, { 'x-envoy-attempt-count': count }) => {
      if (count === '2') answer(stream);
    });
    const client = await http2Client([server], {
      retry: { perTryTimeout: 60, backoff: { baseInterval: 1 } },
    });
    const response = await client.fetch('/');
    expect(await response.text()).toBe('ok');
    expect(client.explain(response)?.attempts.map(({ outcome }) => outcome)).toMatchObject([
      'try-timeout',
      'answered',
    ]);
    await expect.poll(() => server.resets).toEqual([CANCEL]);
    expect(server.counts.sessions).toBe(1);
    await expectNothingHeld(client);
  });

  test('the loser of two is cancelled', async () => {
    const { server, kept } = await keeping();
    const fast = await serveHttp2();
    const client = await http2Client([server, fast], { hedge: { delay: 20 } });
    const outcomes = [];
    for (let call = 0; call < 4; call++) outcomes.push(await outcomeOf(client.fetch('/kept')));
    expect(outcomes).toEqual([200, 200, 200, 200]);
    await expect.poll(() => server.resets.length).toBe(kept.length);
    expect(kept.length).toBeGreaterThan(0);
    await expectNothingHeld(client);
  });

  test.each([
    ['short, read on', 1000, []],
    ['long, cut', 5_000_000, [CANCEL]],
  ])('an answer that is retried is %s', async (_what, size, resets) => {
    const server = await serveHttp2((stream, { 'x-envoy-attempt-count': count }) => {
      if (count === '1') answer(stream, 'x'.repeat(size), 503);
      else answer(stream);
    });
    const client = await http2Client([server], { retry: { backoff: { baseInterval: 20 } } });
    expect(await (await client.fetch('/')).text()).toBe('ok');
    await expect.poll(() => server.counts.open).toBe(0);
    expect(server.resets).toEqual(resets);
    expect(server.counts).toMatchObject({ sessions: 1, streams: 2 });
    await expectNothingHeld(client);
  });
});

test('2,000 calls with aborts, resets and cuts of every kind leave nothing behind', async () => {
  const warnings: Error[] = [];
  const note = (warning: Error) => warnings.push(warning);
  process.on('warning', note);
  onTestFinished(() => void process.off('warning', note));
  const random = seededRandom(5);
  const client = await http2Client([await http2Process(UNRELIABLE)], {
    connectionPool: { maxConnections: 4, maxRequestsPerConnection: 300 },
    retry: { attempts: 1, perTryTimeout: 500, backoff: { baseInterval: 1 } },
    hedge: { delay: 8 },
  });
  let settled = 0;
  const worker = async (calls: number) => {
    for (let call = 0; call < calls; call++) {
      const isUpload = random() < 0.3;
      const signal = random() < 0.2 ? AbortSignal.timeout(Math.ceil(7 * random())) : null;
      await outcomeOf(
        client.fetch(
          '/',
          isUpload ? { method: 'PUT', body: Buffer.alloc(80_000), signal } : { signal },
        ),
      );
      settled += 1;
    }
  };
  await Promise.all(Array.from({ length: 50 }, () => worker(40)));
  expect(settled).toBe(2000);
  await expect
    .poll(() => client.endpoints().map(({ connections: { open, idle } }) => open - idle))
    .toEqual([0]);
  await expectNothingHeld(client);
  expect(warnings).toEqual([]);
  await client.close();
  expect(stat(client, 'upstream_cx_active')).toBe(0);
}, 60_000);

describe('a process', () => {
  let built: BuiltClient;
  beforeAll(async () => {
    built = await builtClient();
  }, 60_000);
  afterAll(() => built.remove());

  const program = async (url: string, rest: string, pool: object = {}) => {
    const { ca } = await certificates();
    const options = { service: 'https://shop', endpoints: [url], tls: { ca: ca.cert } };
    const connectionPool = { http2: true, ...pool };
    return `const client = createResilientClient(${JSON.stringify({ ...options, connectionPool })});\n${rest}`;
  };

  test('ends with its last call, although the session is open', async () => {
    const { server } = await keeping();
    const code = await program(server.url, "console.log(await (await client.fetch('/')).text());");
    expect(await built.run(code)).toBe('ok');
    expect(server.counts.sessions).toBe(1);
  });

  test('stays for one that waits, or runs', async () => {
    const server = await serveHttp2((stream) => setTimeout(() => answer(stream), 100));
    const code = await program(
      server.url,
      `for (const path of ['/1', '/2', '/3']) client.fetch(path).then((r) => r.text()).then(console.log);`,
      { maxConcurrentStreams: 1, maxConnections: 1 },
    );
    expect(await built.run(code)).toBe('ok\nok\nok');
  });

  test('ends although nobody greets the connection that nobody waits for any more', async () => {
    const server = await serveFrames(undefined, false);
    const code = await program(
      server.url,
      `await client.fetch('/', { signal: AbortSignal.timeout(200) }).catch((error) => console.log(error.name));`,
      { connectTimeout: '1m' },
    );
    expect(await built.run(code)).toBe('TimeoutError');
  });
});
