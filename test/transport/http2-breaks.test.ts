/** Connections of HTTP/2 that break: none of their calls waits for nothing, and each fails once. */
import { describe, expect, test } from 'vitest';
import { http2Client } from '../support/http2.js';
import { http2Process } from '../support/http2-process.js';
import {
  answerOn,
  dataFrame,
  frame,
  goawayFrame,
  headFrame,
  serveFrames,
  TYPES,
  withHeads,
} from '../support/http2-frames.js';
import { callsAtOnce, expectNothingHeld, outcomeOf, stat } from '../support/pool.js';

const INTERNAL_ERROR = 2;

/** Ends its connection once in a hundred answers, wherever it stands. */
const CUTTING = `
  let answers = 0;
  server.on('stream', (stream) => {
    stream.on('error', () => {}).resume();
    if (++answers % 100 === 0) stream.session.destroy();
    else setTimeout(() => stream.destroyed || (stream.respond(), stream.end('y'.repeat(2000))), answers % 5);
  });
`;

describe('a connection breaks', () => {
  test('while calls run: each fails once', async () => {
    const { client, server } = await withHeads(
      (_stream, socket, number) => {
        if (number === 5) socket.destroy();
      },
      { retry: false },
    );
    const errors = await Promise.all(
      Array.from({ length: 5 }, () => client.fetch('/').catch((error: unknown) => error)),
    );
    for (const error of errors) {
      expect(error).toMatchObject({ flag: 'UC', attempts: [{ outcome: 'reset', flag: 'UC' }] });
    }
    expect(server.counts.accepted).toBe(1);
    expect(stat(client, 'upstream_rq_503')).toBe(5);
    expect(stat(client, 'upstream_rq_rx_reset')).toBe(0);
    await expectNothingHeld(client);
  });

  // Given the socket itself, Node does not notice each time: it reads nothing while it writes.
  test('while bodies are sent, by a server in a process of its own', async () => {
    const client = await http2Client([await http2Process(CUTTING)], {
      retry: false,
      connectionPool: { maxConnections: 4 },
    });
    let waited = 0;
    const worker = async () => {
      for (let call = 0; call < 20; call++) {
        const signal = AbortSignal.timeout(1000);
        const init =
          call % 3 === 0 ? { method: 'PUT', body: Buffer.alloc(80_000), signal } : { signal };
        if ((await outcomeOf(client.fetch('/', init))) === 'TimeoutError') waited += 1;
      }
    };
    await Promise.all(Array.from({ length: 50 }, worker));
    expect(waited).toBe(0);
    await expectNothingHeld(client);
  });

  test('in a body', async () => {
    const { client } = await withHeads((stream, socket) => {
      socket.write(Buffer.concat([headFrame(stream), dataFrame(stream, 'abc')]), () => {
        setTimeout(() => socket.destroy(), 20);
      });
    });
    const response = await client.fetch('/');
    await expect(response.text()).rejects.toMatchObject({ message: 'terminated' });
    expect(stat(client, 'upstream_rq_rx_reset')).toBe(0);
    await expectNothingHeld(client);
  });

  test('by a frame that must not be', async () => {
    const { client } = await withHeads(
      (_stream, socket) => socket.write(frame(TYPES.window, 0, 0, Buffer.alloc(4))),
      { retry: false },
    );
    await expect(client.fetch('/')).rejects.toMatchObject({
      flag: 'UPE',
      attempts: [{ outcome: 'protocol-error' }],
    });
    await expectNothingHeld(client);
  });

  // Node's session then neither reads nor ends, and tells nobody.
  test('by bytes that are no frame: those that gave up take it away from those that come later', async () => {
    const { client, server } = await withHeads(
      (stream, socket, number) => {
        if (number === 1) socket.write('no frame at all, surely');
        else answerOn(socket, stream);
      },
      { retry: false, timeout: 100, connectionPool: { connectTimeout: 150 } },
    );
    // Node 20 says nothing of it, later ones do.
    expect(['TimeoutError', 'TypeError']).toContain(await outcomeOf(client.fetch('/')));
    await expect.poll(() => outcomeOf(client.fetch('/')), { timeout: 5000 }).toBe(200);
    expect(server.counts.accepted).toBe(2);
    await expectNothingHeld(client);
  });

  test('without a word: a ping that nobody answers ends the connection, and what runs on it', async () => {
    const { client, server } = await withHeads(
      (stream, socket, number) => {
        if (number > 2) answerOn(socket, stream);
      },
      { retry: false, connectionPool: { connectTimeout: 100 } },
    );
    const patient = client.fetch('/').catch((error: unknown) => error);
    expect(await outcomeOf(client.fetch('/', { signal: AbortSignal.timeout(50) }))).toBe(
      'TimeoutError',
    );
    expect(await patient).toMatchObject({
      flag: 'UC',
      cause: { message: 'the server has not answered a ping within 100 ms' },
    });
    expect(server.frames.filter(({ type }) => type === TYPES.ping)).toHaveLength(1);
    expect(await outcomeOf(client.fetch('/'))).toBe(200);
    expect(server.counts.accepted).toBe(2);
    await expectNothingHeld(client);
  });

  test.each([
    ['garbage', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['a reset of the connection', goawayFrame(0, INTERNAL_ERROR)],
  ])('instead of its settings: %s', async (_what, greeting) => {
    const server = await serveFrames(undefined, greeting);
    const client = await http2Client([server], { retry: false });
    for (const outcome of await Promise.all(callsAtOnce(client, 3)))
      expect(outcome).toBe('TypeError');
    await expect(client.fetch('/')).rejects.toMatchObject({ flag: 'UF' });
    expect(server.counts.accepted).toBe(2);
    await expectNothingHeld(client);
  });

  test('before its settings', async () => {
    const server = await serveFrames((_, socket) => socket.destroy(), false);
    const client = await http2Client([server], { retry: false });
    server.sockets.forEach((socket) => socket.destroy());
    const calls = callsAtOnce(client, 3);
    await expect.poll(() => server.sockets.size).toBe(1);
    for (const socket of server.sockets) socket.destroy();
    expect(await Promise.all(calls)).toEqual(['TypeError', 'TypeError', 'TypeError']);
    expect(stat(client, 'upstream_cx_connect_fail')).toBe(1);
    await expectNothingHeld(client);
  });
});
