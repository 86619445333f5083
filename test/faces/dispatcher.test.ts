import type { ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type * as Undici from 'undici';
import { expect, test } from 'vitest';
import { ConnectionError } from '../../src/index.js';
import { clientFor } from '../support/client.js';
import { serve } from '../support/server.js';

// Loaded by require and after a look at the platform's Response, so that the process keeps its own dispatcher.
globalThis.Response;
const undici = createRequire(import.meta.url)('undici') as typeof Undici;

async function shop(
  handler: Parameters<typeof serve>[0] = (request, response) => response.end(request.text),
) {
  const server = await serve(handler);
  const client = clientFor({ service: 'http://shop', endpoints: [server.url] });
  return { server, client };
}

test('the platform’s fetch over it', async () => {
  const { server, client } = await shop();
  const init = { method: 'POST', body: 'hello', dispatcher: client.dispatcher };
  const response = await fetch('http://shop/path?q=1', init as unknown as RequestInit);
  expect(await response.text()).toBe('hello');
  expect(response.url).toBe('http://shop/path?q=1');
  expect(server.seen[0]).toMatchObject({ method: 'POST', path: '/path?q=1', body: 'hello' });
  expect(server.seen[0]?.headers).toContain('shop');
});

// The fetch of Node 20 and 22 doubles a length that was given, which undici 7 would refuse.
test('the platform’s fetch with an explicit content-length', async () => {
  const { client } = await shop();
  const init = {
    method: 'POST',
    body: 'hello',
    headers: { 'content-length': '5' },
    dispatcher: client.dispatcher,
  };
  expect(await (await fetch('http://shop/', init as unknown as RequestInit)).text()).toBe('hello');
});

test('undici’s own fetch, request, stream and compose', async () => {
  const { client } = await shop();
  const { dispatcher } = client;
  const fetched = await undici.fetch('http://shop/', {
    method: 'POST',
    body: 'fetched',
    dispatcher,
  });
  expect(await fetched.text()).toBe('fetched');
  const requested = await undici.request('http://shop/', {
    method: 'PUT',
    body: 'requested',
    dispatcher,
  });
  expect(await requested.body.text()).toBe('requested');
  let streamed = '';
  await undici.stream('http://shop/', { method: 'POST', body: 'streamed', dispatcher }, () => {
    return new Writable({
      write(chunk: Buffer, _encoding: string, callback: () => void) {
        streamed += chunk.toString();
        callback();
      },
    });
  });
  expect(streamed).toBe('streamed');
  const composed = dispatcher.compose(undici.interceptors.dump());
  const dumped = await undici.request('http://shop/', {
    method: 'POST',
    body: 'dumped',
    dispatcher: composed,
  });
  expect(dumped.statusCode).toBe(200);
});

test('a handler of each generation hears the whole story', async () => {
  const { client } = await shop((_, response) => {
    response.writeHead(201, 'Made', { 'X-Two': ['a', 'b'] });
    response.end('body');
  });
  const options = { origin: 'http://shop', path: '/', method: 'GET' as const };
  const old: unknown[] = [];
  await new Promise<void>((resolve) => {
    client.dispatcher.dispatch(options, {
      onConnect: () => old.push('connect'),
      onHeaders(status: number, headers: Buffer[], _resume: () => void, statusText: string) {
        const at = headers.findIndex((name) => name.toString() === 'X-Two');
        old.push(status, statusText, Buffer.isBuffer(headers[0]), headers[at + 1]?.toString());
        return true;
      },
      onData: (chunk: Buffer) => Boolean(old.push(chunk.toString())),
      onComplete() {
        old.push('complete');
        resolve();
      },
      onError: (error: Error) => old.push(error),
    });
  });
  expect(old).toEqual(['connect', 201, 'Made', true, 'a', 'body', 'complete']);

  const recent: unknown[] = [];
  await new Promise<void>((resolve) => {
    client.dispatcher.dispatch(options, {
      onRequestStart: (controller) => recent.push('start', controller.aborted),
      onResponseStart(controller, status, headers, statusText) {
        const { rawHeaders } = controller as { rawHeaders?: Buffer[] };
        recent.push(status, statusText, headers['x-two'], Buffer.isBuffer(rawHeaders?.[0]));
      },
      onResponseData: (_, chunk) => recent.push(chunk.toString()),
      onResponseEnd() {
        recent.push('end');
        resolve();
      },
      onResponseError: (_, error) => recent.push(error),
    });
  });
  expect(recent).toEqual(['start', false, 201, 'Made', ['a', 'b'], true, 'body', 'end']);
});

test('back-pressure: what nobody reads stays where it is', async () => {
  const size = 20_000_000;
  let sending: ServerResponse | undefined;
  const { client } = await shop((_, response) => {
    sending = response;
    response.end('x'.repeat(size));
  });
  const { body } = await client.request('/');
  await expect.poll(() => body.readableLength).toBeGreaterThan(0);
  // The server is stuck with most of it, because nothing is taken in ahead of the reader.
  expect(sending?.writableLength).toBeGreaterThan(size / 4);
  expect(body.readableLength).toBeLessThan(300_000);
  expect(await text(body)).toHaveLength(size);
});

test('an abort inside onRequestStart sends nothing', async () => {
  const { server, client } = await shop();
  const reason = new Error('enough');
  const error = await new Promise((resolve) => {
    client.dispatcher.dispatch(
      { origin: 'http://shop', path: '/', method: 'GET' },
      {
        onRequestStart: (controller) => controller.abort(reason),
        onResponseError: (_, failure) => resolve(failure),
      },
    );
  });
  expect(error).toBe(reason);
  expect(server.seen).toHaveLength(0);
  expect(client.endpoints()[0]).toMatchObject({ total: 0, connections: { open: 0 } });
});

test('a handler that throws has aborted, and hears of it', async () => {
  const { client } = await shop();
  const boom = new Error('boom');
  const error = await new Promise((resolve) => {
    client.dispatcher.dispatch(
      { origin: 'http://shop', path: '/', method: 'GET' },
      {
        onRequestStart() {},
        onResponseStart() {
          throw boom;
        },
        onResponseError: (_, failure) => resolve(failure),
      },
    );
  });
  expect(error).toBe(boom);
  expect(client.endpoints()[0]?.active).toBe(0);
});

test('what is wrong reaches the handler: upgrade, CONNECT, an origin that is refused', async () => {
  const { client } = await shop();
  const refusal = async (options: object): Promise<string> =>
    new Promise((resolve) => {
      client.dispatcher.dispatch(
        { path: '/', method: 'GET', origin: 'http://shop', ...options },
        { onRequestStart() {}, onResponseError: (_, error) => resolve(error.message) },
      );
    });
  expect(await refusal({ upgrade: 'websocket' })).toContain('upgrade does not pass');
  expect(await refusal({ method: 'CONNECT' })).toContain('CONNECT does not pass');
  expect(await refusal({ origin: 'http://elsewhere' })).toContain('http://elsewhere is not served');
  expect(await refusal({ path: '/?a', query: { b: 1 } })).toContain('query cannot be added');
});

test('query, headers in every form, and a host of the caller’s', async () => {
  const { server, client } = await shop();
  await (await client.request('/q', { query: { a: 1, b: ['x', 'y'] } })).body.dump();
  expect(server.seen[0]?.path).toBe('/q?a=1&b=x&b=y');
  for (const headers of [
    ['X-One', '1', 'host', 'mine'],
    { 'X-One': '1', Host: 'mine' },
    new Map([
      ['X-One', '1'],
      ['host', 'mine'],
    ]),
    new Headers({ 'X-One': '1', host: 'mine' }),
  ]) {
    await (await client.request('/', { headers: headers as Record<string, string> })).body.dump();
    const seen = server.seen.at(-1)?.headers.map((text) => text.toLowerCase()) ?? [];
    expect(seen.slice(0, 2)).toEqual(['host', 'mine']);
    expect(seen[seen.indexOf('x-one') + 1]).toBe('1');
  }
});

test('client.request has the shape of undici’s', async () => {
  const { client } = await shop((request, response) => {
    response.setHeader('x-seen', request.method ?? '');
    response.end('{"a":1}');
  });
  const { statusCode, headers, trailers, body } = await client.request('/json');
  expect([statusCode, headers['x-seen'], trailers, await body.json()]).toEqual([
    200,
    'GET',
    {},
    { a: 1 },
  ]);
  expect((await client.request('http://shop/', { body: 'x' })).headers['x-seen']).toBe('PUT');
  const controller = new AbortController();
  controller.abort(new Error('enough'));
  await expect(client.request('/', { signal: controller.signal })).rejects.toThrow('enough');
});

test('client.request fails with the errors of this package', async () => {
  const client = clientFor({ service: 'http://shop', endpoints: ['http://127.0.0.1:1'] });
  const error = await client.request('/').catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ConnectionError);
  expect(error).toMatchObject({ flag: 'UF', cause: { code: 'ECONNREFUSED' } });
});
