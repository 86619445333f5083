/** What stands in the global dispatcher's place while a client is installed: undici's own functions go through the client. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect as connectTo, type AddressInfo, type Socket } from 'node:net';
import {
  Agent,
  connect,
  EventSource,
  fetch as undiciFetch,
  getGlobalDispatcher,
  request,
  setGlobalDispatcher,
  stream,
  upgrade,
  WebSocket as UndiciWebSocket,
} from 'undici';
import { expect, onTestFinished, test } from 'vitest';
import { installed, MARK, places, restoredAfterwards } from '../support/installed.js';
import { serve, type TestServer } from '../support/server.js';
import { webSocketServer } from '../support/web-socket-server.js';

async function marking(): Promise<TestServer> {
  return serve((request, response) => response.end(request.headers[MARK] ?? 'untouched'));
}

test("undici's fetch, request and stream go through the client", async () => {
  const { url, seen } = await marking();
  const client = installed();
  expect(await (await undiciFetch(url)).text()).toBe('1');
  expect(await (await request(url, { method: 'POST', body: 'text' })).body.text()).toBe('1');
  expect(seen.at(-1)?.body).toBe('text');
  const chunks: string[] = [];
  await stream(url, { method: 'GET' }, () => {
    const { PassThrough } = process.getBuiltinModule('node:stream');
    return new PassThrough().on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
  });
  expect(chunks).toEqual(['1']);
  expect(client.endpoints()).toHaveLength(1);
});

test('a fetch that was taken before goes through it as well', async () => {
  const { url } = await marking();
  const taken = globalThis.fetch;
  installed();
  expect(await (await taken(url)).text()).toBe('1');
});

test('other origins go to the dispatcher that was there', async () => {
  const [own, other] = [await marking(), await marking()];
  installed({ service: own.url });
  expect(await (await undiciFetch(own.url)).text()).toBe('1');
  expect(await (await undiciFetch(other.url)).text()).toBe('untouched');
  expect(await (await request(other.url)).body.text()).toBe('untouched');
});

test('each of the two places has the client', async () => {
  const { url } = await marking();
  installed();
  for (const dispatcher of places().slice(1) as ReturnType<typeof getGlobalDispatcher>[]) {
    expect(await (await request(url, { dispatcher })).body.text()).toBe('1');
  }
});

test('Expect passes', async () => {
  const { url } = await marking();
  installed();
  const options = { method: 'POST', body: 'text', expectContinue: true } as const;
  expect(await (await request(url, options)).body.text()).toBe('untouched');
  for (const headers of [{ Expect: 'x' }, ['a', 'b', 'expect', 'x'], new Map([['expect', 'x']])]) {
    await expect(request(url, { headers: headers as never })).rejects.toThrow(/expect header/);
  }
  expect(await (await request(url, { headers: ['a', 'expect'] })).body.text()).toBe('1');
});

test.each([
  ['the platform’s', () => (globalThis as { WebSocket?: typeof UndiciWebSocket }).WebSocket],
  ['undici’s', () => UndiciWebSocket],
])('%s WebSocket works', async (_whose, get) => {
  const WebSocket = get();
  // Node 20 has none.
  if (WebSocket === undefined) return;
  const { url, handshakes } = await webSocketServer();
  installed();
  const socket = new WebSocket(url);
  const answer = new Promise((resolve, reject) => {
    socket.onopen = () => socket.send('hello');
    socket.onmessage = ({ data }) => resolve(data);
    socket.onerror = (event) => reject(event.error);
  });
  expect(await answer).toBe('hello');
  const closed = new Promise((resolve) => (socket.onclose = resolve));
  socket.close();
  await closed;
  expect(handshakes).toHaveLength(1);
  expect(handshakes[0]).not.toHaveProperty(MARK);
});

test("undici's upgrade() and connect() pass", async () => {
  const target = await marking();
  const server = createServer();
  const sockets = new Set<Socket>();
  server.on('upgrade', (_, socket: Socket) => {
    sockets.add(socket);
    socket.end(
      'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: own\r\n\r\nraw',
    );
  });
  server.on('connect', (_, socket: Socket) => {
    const tunnel = connectTo(Number(new URL(target.url).port), '127.0.0.1');
    for (const one of [socket, tunnel]) sockets.add(one.on('error', () => {}));
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    socket.pipe(tunnel).pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  installed();
  const upgraded = await upgrade(url, { protocol: 'own' });
  expect(String(await once(upgraded.socket, 'data'))).toBe('raw');
  const { socket } = await connect(url);
  socket.write('GET / HTTP/1.1\r\nhost: inside\r\nconnection: close\r\n\r\n');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toContain('200 OK');
  expect(target.seen[0]?.headers).toEqual(['host', 'inside', 'connection', 'close']);
  socket.destroy();
});

test('EventSource works', async () => {
  const { url } = await serve((request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`data: ${String(request.headers[MARK])}\n\n`);
  });
  installed();
  const source = new EventSource(url);
  onTestFinished(() => source.close());
  const data = await new Promise((resolve) => (source.onmessage = (event) => resolve(event.data)));
  expect(data).toBe('1');
});

test.each(['close', 'destroy'] as const)('%s() of the global dispatcher means all', async (end) => {
  restoredAfterwards();
  const { url } = await marking();
  setGlobalDispatcher(new Agent());
  const client = installed();
  const there = getGlobalDispatcher();
  expect(await (await fetch(url)).text()).toBe('1');
  await there[end]();
  expect(getGlobalDispatcher()).not.toBe(there);
  await expect(request(url)).rejects.toThrow(/closed|destroyed/);
  await expect(client.fetch(url)).rejects.toThrow('closed');
});

test('what WebSockets are limited to is read from the dispatcher that was there', () => {
  const [, before] = places() as [
    unknown,
    { webSocketOptions?: unknown; eventSourceOptions?: unknown },
  ];
  installed();
  expect(getGlobalDispatcher()).toHaveProperty('webSocketOptions', before.webSocketOptions);
  expect(getGlobalDispatcher()).toHaveProperty('eventSourceOptions', before.eventSourceOptions);
});
