/** What is read over HTTP/2, and how it waits for what is sent. */
import type { ServerHttp2Stream } from 'node:http2';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { answer, http2Client, serveHttp2 } from '../support/http2.js';
import { expectNothingHeld, outcomeOf } from '../support/pool.js';

const MEGABYTE = 1024 * 1024;

describe('answers', () => {
  const replying = async (onStream: (stream: ServerHttp2Stream) => void) => {
    const server = await serveHttp2(onStream);
    return { server, client: await http2Client([server]) };
  };

  test('heads before the head are passed over; cookies, statuses and trailers are kept', async () => {
    const { client } = await replying((stream) => {
      stream.additionalHeaders({ ':status': 103, link: '</style.css>' });
      stream.respond(
        { ':status': 201, 'set-cookie': ['a=1', 'b=2'], 'x-one': '1' },
        { waitForTrailers: true },
      );
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': 'abc' }));
      stream.end('body');
    });
    const response = await client.fetch('/');
    expect(response.status).toBe(201);
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect([...response.headers.keys()]).not.toContain(':status');
    expect(await response.text()).toBe('body');
    const { body, trailers } = await client.request('/');
    expect(await body.text()).toBe('body');
    expect(trailers).toEqual({ 'x-sum': 'abc' });
    await expectNothingHeld(client);
  });

  test.each([
    ['HEAD', 200],
    ['GET', 204],
    ['GET', 304],
    ['GET', 200],
  ])('without a body: %s %i', async (method, status) => {
    const { client, server } = await replying((stream) => {
      const length =
        status === 204 || (method === 'GET' && status === 200) ? {} : { 'content-length': '1000' };
      stream.respond({ ':status': status, ...length }, { endStream: true });
    });
    const response = await client.fetch('/', { method });
    expect([response.status, await response.text()]).toEqual([status, '']);
    await expectNothingHeld(client);
    expect(server.resets).toEqual([]);
  });

  test('decoded, and after a redirect', async () => {
    const { client } = await replying((stream) => {
      if (stream.sentHeaders !== undefined) return;
      stream.respond({ ':status': 200, 'content-encoding': 'gzip' });
      stream.end(gzipSync('plain'));
    });
    expect(await (await client.fetch('/')).text()).toBe('plain');
    const server = await serveHttp2((stream, { ':path': path }) => {
      if (path === '/new') answer(stream, 'arrived');
      else {
        stream.respond({ ':status': 302, location: '/new' });
        stream.end();
      }
    });
    const other = await http2Client([server]);
    const response = await other.fetch('/old');
    expect([response.url, response.redirected, await response.text()]).toEqual([
      'https://shop/new',
      true,
      'arrived',
    ]);
    await expectNothingHeld(other);
  });

  test('10 MB there and back, twenty at once', async () => {
    const { client, server } = await replying((stream) => {
      stream.respond({ ':status': 200 });
      stream.pipe(stream);
    });
    const large = Buffer.alloc(10 * MEGABYTE, 'outrigger');
    const one = await (await client.fetch('/', { method: 'POST', body: large })).arrayBuffer();
    expect(large.equals(Buffer.from(one))).toBe(true);
    const some = large.subarray(0, 2 * MEGABYTE);
    const all = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const response = await client.fetch('/', { method: 'POST', body: some });
        return Buffer.from(await response.arrayBuffer()).equals(some);
      }),
    );
    expect(all).toEqual(Array(20).fill(true));
    expect(server.counts.sessions).toBe(1);
    expect(server.resets).toEqual([]);
    await expectNothingHeld(client);
  });

  test('one that nobody reads stops near the window, and holds up no other', async () => {
    let written = 0;
    const chunk = Buffer.alloc(64 * 1024);
    const server = await serveHttp2((stream, { ':path': path }) => {
      if (path !== '/large') {
        answer(stream, 'x'.repeat(100_000));
        return;
      }
      stream.respond({ ':status': 200 });
      Readable.from(
        (function* () {
          for (; written < 20 * MEGABYTE; written += chunk.length) yield chunk;
        })(),
      ).pipe(stream);
    });
    const client = await http2Client([server]);
    const unread = await client.fetch('/large');
    for (let call = 0; call < 50; call++) {
      expect((await (await client.fetch('/')).text()).length).toBe(100_000);
    }
    expect(written).toBeGreaterThan(MEGABYTE / 2);
    expect(written).toBeLessThan(3 * MEGABYTE);
    expect(server.counts.sessions).toBe(1);
    expect((await unread.arrayBuffer()).byteLength).toBe(20 * MEGABYTE);
    await expectNothingHeld(client);
  });

  test('a body is sent no faster than it is read', async () => {
    let made = 0;
    const { client } = await replying((stream) =>
      setTimeout(() => answer(stream, 'enough', 413), 100),
    );
    async function* endless() {
      for (;;) {
        made += 64 * 1024;
        yield await Promise.resolve(Buffer.alloc(64 * 1024));
      }
    }
    const response = await client.fetch('/', { method: 'POST', body: endless as never });
    expect([response.status, await response.text()]).toEqual([413, 'enough']);
    expect(made).toBeLessThan(MEGABYTE);
    await expectNothingHeld(client);
  });

  test('one that comes before the request has been sent: the rest is not, and nothing pretends that it was', async () => {
    let ended = 0;
    const { client, server } = await replying((stream) => {
      stream.resume().on('end', () => (ended += stream.rstCode === 0 ? 1 : 0));
      answer(stream, 'no', 413);
    });
    let closed = 0;
    async function* endless() {
      try {
        for (;;) yield await Promise.resolve(Buffer.alloc(1024));
      } finally {
        closed += 1;
      }
    }
    const streamed = await client.fetch('/', { method: 'POST', body: endless as never });
    expect([streamed.status, await streamed.text()]).toEqual([413, 'no']);
    const whole = await client.fetch('/', { method: 'POST', body: Buffer.alloc(10 * MEGABYTE) });
    expect([whole.status, await whole.text()]).toEqual([413, 'no']);
    await expect.poll(() => [closed, server.counts.open, ...server.resets]).toEqual([1, 0, 8, 8]);
    expect(ended).toBe(0);
    expect(await outcomeOf(client.fetch('/'))).toBe(413);
    expect(server.counts.sessions).toBe(1);
    await expectNothingHeld(client);
  });
});
