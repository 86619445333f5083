/** Redirects that the fast path follows by itself, and what becomes of them when the platform has to go on. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConnectionError, createResilientClient, type ClientOptions } from '../../src/index.js';

let server: Server;
let url: string;
let asked: string[];
let sockets: number;
const clients: ReturnType<typeof createResilientClient>[] = [];

beforeEach(async () => {
  asked = [];
  sockets = 0;
  server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push(`${request.method} ${path} ${String(request.headers['x-own'] ?? '')}`.trim());
    const left = Number(/^\/chain\/(\d+)$/.exec(path)?.[1]);
    if (left > 0) response.writeHead(302, { location: String(left - 1) }).end('moved');
    else if (path === '/twice') {
      response.writeHead(302, [...['location', '/end'], ...['location', '/other']]);
      response.end();
    } else if (path === '/to-gzip') response.writeHead(307, { location: '/gzip' }).end();
    else if (path === '/gzip') {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('packed'));
    } else if (path === '/to-silence') response.writeHead(301, { location: '/silence' }).end();
    else if (path === '/endless') response.writeHead(302, { location: '/end' }).write('so much');
    else if (path === '/short') {
      response.socket?.end('HTTP/1.1 302 Found\r\nlocation: /end\r\ncontent-length: 9\r\n\r\nabc');
    } else if (path !== '/silence') response.end('the end');
  });
  server.on('connection', () => (sockets += 1));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  for (const client of clients.splice(0)) await client.destroy();
  server.closeAllConnections();
  server.close();
});

function clientWith(options: ClientOptions = {}): ReturnType<typeof createResilientClient> {
  const client = createResilientClient(options);
  clients.push(client);
  return client;
}

test('each hop is a call, over one connection, and all of them are explained', async () => {
  const { fetch, explain, stats } = clientWith();
  const response = await fetch(`${url}/chain/3`, { headers: { 'x-own': '1' } });
  expect(await response.text()).toBe('the end');
  expect(response).toMatchObject({ status: 200, redirected: true, type: 'basic' });
  expect(response.url).toBe(`${url}/chain/0`);
  expect(asked).toEqual([3, 2, 1, 0].map((left) => `GET /chain/${left} 1`));
  expect(sockets).toBe(1);
  expect(explain(response)?.attempts).toHaveLength(1);
  expect(explain(response)?.redirects).toHaveLength(3);
  expect(stats()[`cluster.${new URL(url).host}.upstream_rq_302`]).toBe(3);
});

test('what is compressed at the end is the platform’s, with every hop', async () => {
  const { fetch, explain } = clientWith();
  const response = await fetch(`${url}/to-gzip`);
  expect(await response.text()).toBe('packed');
  expect(response).toMatchObject({ redirected: true, url: `${url}/gzip` });
  expect(asked).toEqual(['GET /to-gzip', 'GET /gzip']);
  expect(explain(response)?.redirects).toHaveLength(1);
});

test.each([20, 21])('%i in a row end as they do on the platform', async (hops) => {
  const seen = async (fetch: typeof globalThis.fetch): Promise<unknown> => {
    asked.length = 0;
    const text = await fetch(`${url}/chain/${hops}`).then(
      (response) => response.text(),
      (error: Error) => `${error.message}: ${String(error.cause)}`,
    );
    return [text, asked.length];
  };
  expect(await seen(clientWith().fetch)).toEqual(await seen(globalThis.fetch));
});

test('two locations are left to the platform', async () => {
  const seen = async (fetch: typeof globalThis.fetch): Promise<unknown> => {
    const response = await fetch(`${url}/twice`);
    return [response.url, await response.text()];
  };
  expect(await seen(clientWith().fetch)).toEqual(await seen(globalThis.fetch));
});

test('one deadline for all hops', async () => {
  const { fetch } = clientWith({ timeout: 100 });
  await expect(fetch(`${url}/to-silence`)).rejects.toMatchObject({ name: 'TimeoutError' });
  expect(asked).toEqual(['GET /to-silence', 'GET /silence']);
});

test.each(['in init', 'of a Request'])('a signal %s ends a later hop', async (where) => {
  const { fetch } = clientWith();
  const control = new AbortController();
  const { signal } = control;
  const input = `${url}/to-silence`;
  const answer =
    where === 'in init' ? fetch(input, { signal }) : fetch(new Request(input, { signal }));
  const reason = new Error('enough');
  answer.catch(() => {});
  while (asked.length < 2) await new Promise((resolve) => setImmediate(resolve));
  control.abort(reason);
  await expect(answer).rejects.toBe(reason);
});

test('the body of a redirect that goes on is not waited for', async () => {
  const { fetch } = clientWith();
  expect(await (await fetch(`${url}/endless`)).text()).toBe('the end');
});

test('a HEAD stays one', async () => {
  const { fetch } = clientWith();
  const response = await fetch(`${url}/chain/1`, { method: 'HEAD' });
  expect(await response.text()).toBe('');
  expect(asked).toEqual(['HEAD /chain/1', 'HEAD /chain/0']);
});

test('a fallback is asked when the last hop fails', async () => {
  server.removeAllListeners('request');
  server.on('request', (request, response) => {
    if (request.url === '/') response.writeHead(302, { location: '/broken' }).end();
    else response.writeHead(500).end();
  });
  const { fetch } = clientWith({ fallback: () => new Response('instead') });
  expect(await (await fetch(url)).text()).toBe('instead');
});

test('an answer that never ends holds no place which the next hop needs', async () => {
  const { fetch } = clientWith({ connectionPool: { maxConnections: 1, maxRequests: 1 } });
  expect(await (await fetch(`${url}/endless`)).text()).toBe('the end');
  expect(await (await fetch(`${url}/endless`, { method: 'POST' })).text()).toBe('the end');
});

test('an answer that breaks off as its head comes fails the call, with what broke it', async () => {
  const { fetch, explain } = clientWith({ retry: { attempts: 2 } });
  for (const init of [{}, { method: 'POST', body: 'text' }]) {
    const error: unknown = await fetch(`${url}/short`, init).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({ message: 'fetch failed', flag: 'UPE', attempts: [{}] });
    expect(error).toMatchObject({ cause: { code: 'UND_ERR_SOCKET' } });
  }
  expect(asked).toEqual(['GET /short', 'POST /short']);
  expect(explain(await fetch(url))?.attempts).toHaveLength(1);
});
