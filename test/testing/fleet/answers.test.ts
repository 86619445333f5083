/** Answers that are right: heads, bodies, waits. */
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { hold, type Answer, type Step } from '../../../src/testing/index.js';
import { ask, dial, get, hear, keepingAgent, serverOf, talk } from './plain-client.js';

test('a status is answered with the name of the server', async () => {
  const server = await serverOf([503, 200]);
  const agent = keepingAgent();
  expect(await ask(server.url, { agent })).toMatchObject({ status: 503, body: 'server-1' });
  expect(await ask(server.url, { agent })).toMatchObject({ status: 200, body: 'server-1' });
  expect(server.requestsPerConnection).toEqual([2]);
});

test('the head as it was written: order, spelling, repetitions, words', async () => {
  const { url } = await serverOf({
    status: 299,
    statusText: 'Strange',
    headers: [
      ['X-b', '1'],
      ['x-A', '2'],
      ['X-B', '3'],
    ],
  });
  const { text } = await talk(url, get('/').replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n'));
  expect(text).toBe(
    'HTTP/1.1 299 Strange\r\nX-b: 1\r\nx-A: 2\r\nX-B: 3\r\ncontent-length: 0\r\nConnection: close\r\n\r\n',
  );
});

test('headers as an object, with several values', async () => {
  const { url } = await serverOf({ headers: { 'Set-Cookie': ['a=1', 'b=2'], 'x-one': '1' } });
  const { headers } = await ask(url);
  expect(headers.slice(0, 6)).toEqual(['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'x-one', '1']);
});

test('a length of one’s own is sent as it stands', async () => {
  const { url } = await serverOf({
    headers: { 'Content-Length': '3' },
    body: 'hello',
    after: 'close',
  });
  const { text } = await talk(url);
  expect(text).toMatch(/^HTTP\/1.1 200 OK\r\nContent-Length: 3\r\n[^]*hello$/);
  expect(text.match(/content-length/gi)).toHaveLength(1);
});

test.each(['HEAD /', 'GET /204', 'GET /304'])('no body where none may be: %s', async (line) => {
  const server = await serverOf((_, { path }) => ({
    status: Number(path.slice(1)) || 200,
    body: 'hello',
  }));
  const { text } = await talk(
    server.url,
    `${line} HTTP/1.1\r\nconnection: close\r\nhost: shop\r\n\r\n`,
  );
  expect(text).toMatch(/\r\n\r\n$/);
  expect(text.includes('content-length: 5')).toBe(line === 'HEAD /');
});

test('heads that come before', async () => {
  const { url } = await serverOf({
    information: [{ status: 103, headers: { link: '</a.css>; rel=preload' } }, { status: 102 }],
    body: 'ok',
  });
  expect(await ask(url)).toMatchObject({ status: 200, information: [103, 102], body: 'ok' });
  const agentless = await talk(url, get('/').replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n'));
  expect(agentless.text).toMatch(
    /^HTTP\/1.1 103 [^\r]+\r\nlink: <\/a.css>; rel=preload\r\n\r\nHTTP\/1.1 102 /,
  );
});

const bodies: [string, Answer, string][] = [
  ['text', { body: 'grün' }, 'grün'],
  ['bytes', { body: Buffer.from('bytes') }, 'bytes'],
  ['pieces', { body: { pieces: ['a', Buffer.from('b'), '', 'c'] } }, 'abc'],
  ['pieces with pauses', { body: { pieces: ['a', 'b'], pause: 1 } }, 'ab'],
  ['filling', { body: { size: 25 } }, 'outrigger outrigger outri'],
  ['a generator', { body: () => ['x', 'y'] }, 'xy'],
  ['text in chunks', { body: 'abc', framing: 'chunked' }, 'abc'],
  ['text until the close', { body: 'abc', framing: 'until-close' }, 'abc'],
  ['text after a wait', { body: 'abc', delay: 1, bodyDelay: 1 }, 'abc'],
];

test.each(bodies)('a body of %s', async (_, answer, expected) => {
  const server = await serverOf(answer);
  // Twice: a plan can be carried out again.
  expect(await ask(server.url)).toMatchObject({ status: 200, body: expected, error: undefined });
  expect(await ask(server.url)).toMatchObject({ status: 200, body: expected, error: undefined });
  expect(await server.requests[1]?.answered).toBe(true);
});

test('each piece is a chunk of its own', async () => {
  const { url } = await serverOf({ body: { pieces: ['one', 'three'] }, after: 'close' });
  expect((await talk(url)).text).toMatch(
    /Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n5\r\nthree\r\n0\r\n\r\n$/,
  );
});

test('a huge body is sent as fast as it is read, and not faster', async () => {
  const size = 256 * 1024 * 1024;
  let made = 0;
  const server = await serverOf({
    headers: { 'content-length': String(size) },
    *body() {
      const piece = Buffer.alloc(64 * 1024);
      for (; made < size; made += piece.length) yield piece;
    },
  });
  const socket = await dial(server.url);
  socket.write(get('/'));
  await once(socket, 'readable');
  await server.requestReceived();
  // Whatever the kernel takes is gone at once; then it stops, long before the end.
  let before = -1;
  for (let still = 0; still < 50; still = made === before ? still + 1 : 0) {
    before = made;
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(made).toBeLessThan(size / 2);
  socket.resume();
  let received = 0;
  socket.on('data', (bytes) => (received += bytes.length));
  while (received < size) await once(socket, 'data');
  expect(made).toBe(size);
});

test('the answer goes out when the test says so', async () => {
  const head = hold({ status: 201, body: 'held' });
  const server = await serverOf(head.step);
  const answers = [ask(server.url), ask(server.url)];
  const requests = [await server.requestReceived(), await server.requestReceived()];
  let done = 0;
  for (const { answered } of requests) void answered.then(() => done++);
  await Promise.all(requests.map(({ bodyReceived }) => bodyReceived));
  expect(done).toBe(0);
  head.release();
  head.release();
  expect(await Promise.all(answers)).toMatchObject([{ status: 201 }, { status: 201 }]);
  expect(await ask(server.url)).toMatchObject({ status: 201, body: 'held' });
});

test('the body waits for the test between the head and its bytes', async () => {
  const gate = hold();
  const server = await serverOf({ body: 'later', bodyDelay: gate.released });
  const socket = await dial(server.url);
  let text = '';
  socket.on('data', (bytes) => (text += bytes.toString()));
  socket.write(get('/'));
  await once(socket, 'data');
  expect(text).toMatch(/content-length: 5\r\n[^]*\r\n\r\n$/);
  gate.release();
  await once(socket, 'data');
  expect(text).toMatch(/\r\n\r\nlater$/);
});

test('faults can be held too', async () => {
  const gate = hold('reset');
  const server = await serverOf(gate.step);
  const heard = talk(server.url);
  await server.requestReceived();
  gate.release();
  expect(await heard).toEqual({ text: '', end: 'reset' });
});

test.each<[string, Step]>([
  ['an answer', { body: 'second', after: 'close' }],
  ['bytes', { raw: 'second' }],
])('a pipelined request gets its turn after the one before it: %s', async (_, second) => {
  const gate = hold({ body: 'first' });
  const server = await serverOf((_, { path }) => (path === '/1' ? gate.step : second));
  const socket = await dial(server.url);
  const heard = hear(socket);
  socket.write(get('/1') + get('/2'));
  await server.requestReceived();
  await (
    await server.requestReceived()
  ).bodyReceived;
  gate.release();
  expect((await heard).text).toMatch(/first[^]*second$/);
});
