/** What a server tells of the requests it has received. */
import { expect, test } from 'vitest';
import { ask, dial, fleetOf, get, keepingAgent, serverOf, talk } from './plain-client.js';

test('a request as it arrived', async () => {
  const server = await serverOf(200);
  await talk(
    server.url,
    'POST /a?b=c HTTP/1.1\r\nHOST: shop\r\nx-Two: 2\r\nX-ONE: 1\r\nconnection: close\r\ncontent-length: 4\r\n\r\nbody',
  );
  expect(server.requests).toHaveLength(1);
  const request = await server.requestReceived();
  expect(request).toMatchObject({
    server: 'server-1',
    index: 0,
    connection: 0,
    indexOnConnection: 0,
    method: 'POST',
    path: '/a?b=c',
    httpVersion: '1.1',
    tls: undefined,
  });
  expect(request.rawHeaders).toEqual([
    ['HOST', 'shop'],
    ['x-Two', '2'],
    ['X-ONE', '1'],
    ['connection', 'close'],
    ['content-length', '4'],
  ]);
  expect(request.headers['x-two']).toBe('2');
  expect(request.body.toString()).toBe('body');
  expect(await request.bodyReceived).toBe(true);
  expect(await request.answered).toBe(true);
});

test('a body in chunks, with all its bytes', async () => {
  const server = await serverOf(200);
  const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 256));
  const socket = await dial(server.url);
  socket.write('PUT / HTTP/1.1\r\nhost: shop\r\ntransfer-encoding: chunked\r\n\r\n');
  for (let at = 0; at < bytes.length; at += 30_000) {
    const piece = bytes.subarray(at, at + 30_000);
    socket.write(`${piece.length.toString(16)}\r\n`);
    socket.write(piece);
    socket.write('\r\n');
  }
  socket.write('0\r\n\r\n');
  const request = await server.requestReceived();
  expect(await request.bodyReceived).toBe(true);
  expect(request.body.equals(bytes)).toBe(true);
});

test('the echo says what arrived', async () => {
  const { url } = await serverOf('echo');
  const answer = await ask(url, {
    method: 'POST',
    path: '/x',
    headers: { 'X-Case': 'Kept' },
    body: 'ä',
  });
  expect(answer.headers.slice(0, 2)).toEqual(['content-type', 'application/json']);
  const echo = JSON.parse(answer.body) as { headers: [string, string][] };
  expect(echo).toMatchObject({
    server: 'server-1',
    method: 'POST',
    path: '/x',
    httpVersion: '1.1',
    body: 'ä',
  });
  expect(echo.headers).toContainEqual(['X-Case', 'Kept']);
});

test('which connection a request came on', async () => {
  const server = await serverOf(200);
  const agent = keepingAgent();
  await ask(server.url, { agent });
  await ask(server.url);
  await ask(server.url, { agent });
  const places = server.requests.map(({ connection, indexOnConnection }) => [
    connection,
    indexOnConnection,
  ]);
  expect(places).toEqual([
    [0, 0],
    [1, 0],
    [0, 1],
  ]);
  expect(server.requestsPerConnection).toEqual([2, 1]);
  await server.connectionsAre(1);
  agent.destroy();
  await server.connectionsAre(0);
});

test('a connection without a request counts', async () => {
  const server = await serverOf(200);
  const socket = await dial(server.url);
  await server.connectionsAre(1);
  expect(server.requestsPerConnection).toEqual([0]);
  socket.destroy();
  await server.connectionsAre(0);
});

test('each request is given out once, whether it has come before or not', async () => {
  const fleet = await fleetOf({ endpoints: [{ name: 'a' }, { name: 'b' }] });
  const b = fleet.server('b');
  const coming = [b.requestReceived(), b.requestReceived()];
  await ask(b.url, { path: '/1' });
  await ask(b.url, { path: '/2' });
  await ask(b.url, { path: '/3' });
  await ask(fleet.server(0).url, { path: '/4' });
  const paths = async (requests: Promise<{ path: string }>[]) =>
    (await Promise.all(requests)).map(({ path }) => path);
  expect(await paths([...coming, b.requestReceived()])).toEqual(['/1', '/2', '/3']);
  const any = () => fleet.requestReceived();
  expect(await paths([any(), any(), any(), any()])).toEqual(['/1', '/2', '/3', '/4']);
  expect(fleet.servers.map(({ requests }) => requests.length)).toEqual([1, 3]);
});

test('what the client gave up is not answered', async () => {
  const server = await serverOf({ body: { size: 50_000_000 } });
  const socket = await dial(server.url);
  socket.write(get('/'));
  const request = await server.requestReceived();
  socket.destroy();
  expect(await request.answered).toBe(false);
});
