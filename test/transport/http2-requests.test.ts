/** What is sent over HTTP/2: the same as over HTTP/1.1, and nothing that must not be. */
import { once } from 'node:events';
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type * as Undici from 'undici';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ResilientClient } from '../../src/index.js';
import { certificates, http2Client, serveHttp2 } from '../support/http2.js';
import { expectNothingHeld, outcomeOf } from '../support/pool.js';

globalThis.Response;
const undici = createRequire(import.meta.url)('undici') as typeof Undici;

const bytes = new Uint8Array(200_000).map((_, index) => index * 7);

async function* inPieces(size = 10_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size)
    yield await Promise.resolve(bytes.subarray(at, at + size));
}

interface Seen {
  readonly version: string;
  readonly line: string;
  readonly headers: Record<string, unknown>;
  readonly body: string;
}

/** One server that speaks both, and a client of each kind: the same must arrive. */
async function both() {
  const { own } = await certificates();
  const seen: Seen[] = [];
  const server = createSecureServer({ ...own, allowHTTP1: true });
  const take = async (request: Http2ServerRequest, response: Http2ServerResponse) => {
    const { method, url, httpVersion } = request;
    const {
      host,
      ':authority': authority = host,
      connection: _,
      'transfer-encoding': _coding,
      ...all
    } = request.headers;
    const headers = Object.fromEntries(
      Object.entries(all).filter(([name]) => !name.startsWith(':')),
    );
    const body = (await buffer(request)).toString('latin1');
    seen.push({ version: httpVersion, line: `${method} ${authority} ${url}`, headers, body });
    response.end('ok');
  };
  server.on('request', (request, response) => void take(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const http1 = await http2Client([{ url }], { connectionPool: { http2: false } });
  const http2 = await http2Client([{ url }]);
  return async (send: (client: ResilientClient) => Promise<unknown>) => {
    seen.length = 0;
    await send(http1);
    await send(http2);
    const [one, two] = seen;
    expect([one?.version, two?.version]).toEqual(['1.1', '2.0']);
    const blurred = ({ headers, body, line }: Seen) => {
      const type = headers['content-type'];
      const boundary = /boundary=(.*)$/.exec(typeof type === 'string' ? type : '')?.[1] ?? 'none';
      return JSON.parse(
        JSON.stringify({ headers, body, line }).replaceAll(boundary, 'boundary'),
      ) as unknown;
    };
    expect(blurred(two as Seen)).toEqual(blurred(one as Seen));
    await expectNothingHeld(http2);
    return two as Seen;
  };
}

const form = (): FormData => {
  const data = new FormData();
  data.append('name', 'größe');
  data.append('file', new File(['contents'], 'a.txt', { type: 'text/plain' }));
  return data;
};

const bodies: Record<string, () => unknown> = {
  text: () => 'some text: größe',
  'no text': () => '',
  bytes: () => bytes,
  'no bytes': () => new Uint8Array(),
  'a blob': () => new Blob([bytes], { type: 'image/x' }),
  'an empty blob': () => new Blob([]),
  'form data': form,
  parameters: () => new URLSearchParams({ a: 'ü' }),
  'a web stream': () => new Blob([bytes]).stream(),
  'a stream': () => Readable.from(inPieces(), { objectMode: false }),
  'an async iterable': () => inPieces(),
  'a function': () => () => inPieces(),
  nothing: () => undefined,
};

describe('the same arrives as over HTTP/1.1', () => {
  test.each(Object.keys(bodies))('%s', async (name) => {
    const compare = await both();
    const body = (bodies[name] as () => unknown)() as string;
    const again = (bodies[name] as () => unknown)() as string;
    let times = 0;
    await compare(async (client) => {
      const init = { method: 'POST', duplex: 'half', body: times++ === 0 ? body : again };
      await (await client.fetch('/path?q=1', init as RequestInit)).text();
    });
    if (name === 'parameters') return;
    await compare(async (client) => {
      const { body: reply } = await client.request('/other', {
        method: 'PUT',
        body: (bodies[name] as () => unknown)() as string,
      });
      await reply.text();
    });
  });

  test('methods without bodies, names in capitals, headers that come twice, cookies', async () => {
    const compare = await both();
    for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'PROPFIND']) {
      await compare((client) => client.fetch('/', { method }));
    }
    const { headers } = await compare(async (client) => {
      const { body } = await client.request('/', {
        method: 'GET',
        headers: [
          'X-Capital',
          'A',
          'x-twice',
          '1',
          'X-Twice',
          '2',
          'cookie',
          'a=1; b=2',
          'Accept',
          ' x ',
        ],
      });
      await body.dump();
    });
    expect(headers).toMatchObject({ 'x-capital': 'A', 'x-twice': '1, 2', accept: 'x' });
    await compare((client) => client.fetch('/', { method: 'DELETE', body: 'with one' }));
  });

  test('the dispatcher: undici’s request, and the platform’s fetch', async () => {
    const compare = await both();
    const { dispatcher: _, ...none } = { dispatcher: undefined };
    await compare(async ({ dispatcher }) => {
      const reply = await undici.request('https://shop/undici', {
        ...none,
        method: 'POST',
        body: 'x',
        dispatcher,
      });
      expect(await reply.body.text()).toBe('ok');
      expect(reply.statusCode).toBe(200);
    });
    await compare(async ({ dispatcher }) => {
      const init = { ...none, method: 'POST', body: 'hello', dispatcher } as unknown as RequestInit;
      expect(await (await fetch('https://shop/platform', init)).text()).toBe(
        'hello'.replace(/.*/, 'ok'),
      );
    });
  });
});

describe('requests that cannot be written', () => {
  const refusing = async () => {
    const server = await serveHttp2();
    const client = await http2Client([server], { retry: false });
    return { server, client };
  };

  test.each([
    ['a value with a line end', { 'x-a': 'a\r\nb: c' }],
    ['a value that is not Latin-1', { 'x-a': '→' }],
    ['a name that is no token', { 'x a': 'b' }],
    ['a pseudo header', { ':path': '/elsewhere' }],
    ['a length that is none', { 'content-length': 'many' }],
    ['another length', { 'content-length': '3' }],
    ['more than a frame holds', { 'x-long': 'x'.repeat(80_000) }],
  ])('%s', async (_what, headers) => {
    const { server, client } = await refusing();
    await expect(client.request('/', { method: 'POST', headers, body: 'order' })).rejects.toThrow();
    await expectNothingHeld(client);
    expect(server.counts.streams).toBe(0);
    expect(await outcomeOf(client.fetch('/'))).toBe(200);
  });

  test.each([
    ['longer', '100'],
    ['shorter', '300000'],
  ])('a stream that is %s than its length', async (_what, length) => {
    const server = await serveHttp2((stream) => stream.resume());
    const client = await http2Client([server], { retry: false });
    const call = client.request('/', {
      method: 'POST',
      headers: { 'content-length': length },
      body: Readable.from(inPieces()),
    });
    await expect(call).rejects.toMatchObject({
      cause: { code: 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH' },
    });
    await expect.poll(() => server.resets).toEqual([8]);
    await expectNothingHeld(client);
  });

  test('a body that throws: the call fails with it, and its stream is cancelled', async () => {
    const held = await serveHttp2((stream) => stream.resume());
    const client = await http2Client([held]);
    const error = new Error('no more');
    async function* broken() {
      yield Buffer.from('some');
      await expect.poll(() => held.counts.open).toBe(1);
      throw error;
    }
    await expect(client.fetch('/', { method: 'POST', body: broken as never })).rejects.toBe(error);
    await expect.poll(() => held.resets).toEqual([8]);
    await expectNothingHeld(client);
    expect(held.counts.sessions).toBe(1);
  });
});
