/** Each fault, seen by clients that know nothing of Outrigger. */
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { ask, dial, fleetOf, get, hear, keepingAgent, serverOf, talk } from './plain-client.js';

describe('in place of an answer', () => {
  test('a reset: the client gets ECONNRESET and not a byte', async () => {
    const { url } = await serverOf('reset');
    expect(await ask(url)).toMatchObject({ status: undefined, error: 'ECONNRESET' });
    expect(await talk(url)).toEqual({ text: '', end: 'reset' });
  });

  test('a close: an orderly end and not a byte', async () => {
    const { url } = await serverOf('close');
    // What node:http says of it is "socket hang up".
    expect(await ask(url)).toMatchObject({ status: undefined, error: 'ECONNRESET' });
    expect(await talk(url)).toEqual({ text: '', end: 'close' });
  });

  test('silence: the request is received, the connection stays, nothing comes', async () => {
    const server = await serverOf('silence');
    const socket = await dial(server.url);
    const heard = hear(socket);
    socket.write(get('/'));
    const request = await server.requestReceived();
    expect(await request.bodyReceived).toBe(true);
    expect(server.openConnections).toBe(1);
    socket.destroy();
    expect((await heard).text).toBe('');
    await server.connectionsAre(0);
    expect(await request.answered).toBe(false);
  });

  test('garbage: a client of HTTP cannot read it; the seed decides what it is', async () => {
    const texts: string[] = [];
    for (const seed of [1, 1, 2]) {
      const fleet = await fleetOf({ endpoints: 1, plan: 'garbage', seed });
      const { text, end } = await talk(fleet.server(0).url);
      expect([text.length, end]).toEqual([256, 'close']);
      texts.push(text);
    }
    expect(texts[0]).toBe(texts[1]);
    expect(texts[0]).not.toBe(texts[2]);
    const { url } = await serverOf('garbage');
    expect((await ask(url)).error).toMatch(/^HPE_/);
  });

  test('bytes of one’s own, and what follows them', async () => {
    const server = await serverOf([
      { raw: 'HTTP/1.1 2x0 OK\r\n\r\n' },
      { raw: 'HTTP/1.1 200 OK\r\ncontent-le', end: 'reset' },
      { raw: Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'), end: 'silence' },
    ]);
    expect(await talk(server.url)).toEqual({ text: 'HTTP/1.1 2x0 OK\r\n\r\n', end: 'close' });
    expect(await talk(server.url)).toEqual({ text: 'HTTP/1.1 200 OK\r\ncontent-le', end: 'reset' });
    expect(await ask(server.url)).toMatchObject({ status: 200, body: 'ok', error: undefined });
  });
});

describe('an answer that breaks off', () => {
  test.each(['reset', 'close'] as const)('right after the head, by a %s', async (by) => {
    const { url } = await serverOf({ body: 'hello', cut: { at: 0, by } });
    expect(await ask(url)).toMatchObject({ status: 200, body: '', error: 'ECONNRESET' });
    const { text, end } = await talk(url);
    expect(end).toBe(by);
    expect(text).toMatch(/^HTTP\/1.1 200 OK\r\ncontent-length: 5\r\n[^]*\r\n\r\n$/);
  });

  test.each(['reset', 'close'] as const)('half a body of known length, by a %s', async (by) => {
    const { url } = await serverOf({ body: 'hello, world', cut: { at: 5, by } });
    expect(await ask(url)).toMatchObject({ status: 200, body: 'hello', error: 'ECONNRESET' });
    const { text, end } = await talk(url);
    expect(end).toBe(by);
    expect(text).toMatch(/content-length: 12\r\n[^]*\r\n\r\nhello$/);
  });

  test.each(['reset', 'close'] as const)('half a body in chunks, by a %s', async (by) => {
    const { url } = await serverOf({ body: { pieces: ['hello', ', world'] }, cut: { at: 7, by } });
    expect(await ask(url)).toMatchObject({ status: 200, body: 'hello, ', error: 'ECONNRESET' });
    const { text, end } = await talk(url);
    expect(end).toBe(by);
    expect(text).toMatch(/\r\n\r\n5\r\nhello\r\n2\r\n, \r\n$/);
  });

  test('a whole body in chunks whose last chunk is missing', async () => {
    const { url } = await serverOf({
      body: 'all',
      framing: 'chunked',
      cut: { at: 3, by: 'close' },
    });
    expect(await ask(url)).toMatchObject({ body: 'all', error: 'ECONNRESET' });
  });

  test('half a body, then silence', async () => {
    const server = await serverOf({ body: 'hello, world', cut: { at: 5, by: 'silence' } });
    const socket = await dial(server.url);
    const first = once(socket, 'data');
    let text = '';
    socket.on('data', (bytes) => (text += bytes.toString()));
    socket.write(get('/'));
    await first;
    while (!text.endsWith('hello')) await once(socket, 'data');
    expect(server.openConnections).toBe(1);
    socket.destroy();
    await server.connectionsAre(0);
  });

  test('a body that ends with the connection cannot be told from one that was cut', async () => {
    const { url } = await serverOf({
      body: 'hello, world',
      framing: 'until-close',
      cut: { at: 5, by: 'close' },
    });
    expect(await ask(url)).toMatchObject({ status: 200, body: 'hello', error: undefined });
  });
});

describe('a closed port', () => {
  test('refuses until it is opened again, at the same address', async () => {
    const server = await serverOf(200);
    const { url } = server;
    for (let round = 0; round < 3; round++) {
      await server.refuse();
      expect(await ask(url)).toMatchObject({ status: undefined, error: 'ECONNREFUSED' });
      await server.accept();
      expect(await ask(url)).toMatchObject({ status: 200 });
    }
    expect(server.url).toBe(url);
  });

  test('refusing twice and accepting twice is as once', async () => {
    const server = await serverOf(200);
    await Promise.all([server.refuse(), server.refuse()]);
    await expect(dial(server.url)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await Promise.all([server.accept(), server.accept()]);
    await Promise.all([server.refuse(), server.accept()]);
    expect((await ask(server.url)).status).toBe(200);
  });

  test('connections that are open stay and are answered', async () => {
    const server = await serverOf(200);
    const agent = keepingAgent();
    expect((await ask(server.url, { agent })).status).toBe(200);
    await server.refuse();
    expect((await ask(server.url, { agent })).status).toBe(200);
    expect(server.requestsPerConnection).toEqual([2]);
  });
});

describe('the end of a connection', () => {
  test('announced by a header', async () => {
    const { url } = await serverOf({ headers: { connection: 'close' }, body: 'bye' });
    const { text, end } = await talk(url);
    expect(end).toBe('close');
    expect(text).toMatch(/connection: close\r\n[^]*\r\n\r\nbye$/);
  });

  test.each(['close', 'reset'] as const)(
    'not announced: a %s after a whole answer',
    async (after) => {
      const server = await serverOf({ body: 'bye', after });
      const { text, end } = await talk(server.url);
      expect(end).toBe(after);
      expect(text).toMatch(/Connection: keep-alive\r\n\r\nbye$/);
      expect(await server.requests[0]?.answered).toBe(true);
    },
  );

  test.each(['close', 'reset'] as const)(
    'by the test: a %s of all, or of idle ones',
    async (how) => {
      const server = await serverOf((_, { path }) => (path === '/busy' ? 'silence' : 200));
      const idle = await dial(server.url);
      const busy = await dial(server.url);
      const idleHeard = hear(idle);
      const busyHeard = hear(busy);
      idle.write(get('/'));
      busy.write(get('/busy'));
      await server.requestReceived();
      await server.requestReceived();
      await server.requests.find(({ path }) => path === '/')?.answered;
      server.dropConnections(how, 'idle');
      expect((await idleHeard).end).toBe(how);
      await server.connectionsAre(1);
      server.dropConnections(how);
      expect(await busyHeard).toEqual({ text: '', end: how });
      await server.connectionsAre(0);
    },
  );
});

test('what a client does wrong is its own affair', async () => {
  const server = await serverOf(200);
  const { text } = await talk(server.url, 'this is not HTTP\r\n\r\n');
  expect(text).toContain('400 Bad Request');
  expect(server.requests).toHaveLength(0);
  const socket = await dial(server.url);
  socket.write('POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: 10\r\n\r\nhalf');
  const request = await server.requestReceived();
  socket.resetAndDestroy();
  expect(await request.bodyReceived).toBe(false);
  expect(await request.answered).toBe(false);
  await server.connectionsAre(0);
});
