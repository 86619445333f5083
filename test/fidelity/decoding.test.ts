/** Bodies that arrive encoded, in all the ways a server may have done it, right and wrong. */
import * as zlib from 'node:zlib';
import { setTimeout } from 'node:timers/promises';
import { describe } from 'vitest';
import { sameAsPlatform, useServers, type Fetch } from './differential.js';
import type { Answer } from './script-server.js';
import { outcome, outside, whole } from './seen.js';

useServers();

const TEXT = JSON.stringify({ text: 'encoded '.repeat(500) });
const gzip = zlib.gzipSync(TEXT);
const half = gzip.subarray(0, Math.floor(gzip.length / 2));
/** Not every version has it. */
const zstd =
  (zlib as { zstdCompressSync?: (text: string) => Buffer }).zstdCompressSync?.(TEXT) ??
  Buffer.from('none');

function encoded(
  encoding: string | string[],
  body: Uint8Array,
  more: Record<string, string> = {},
  status = 200,
): Answer {
  return (_, response) => {
    response.writeHead(status, {
      'content-type': 'application/json',
      'content-encoding': encoding as string,
      ...more,
    });
    response.end(body);
  };
}

const length = (bytes: Uint8Array): Record<string, string> => ({
  'content-length': String(bytes.length),
});

const kinds: Record<string, Answer> = {
  gzip: encoded('gzip', gzip, length(gzip)),
  'x-gzip': encoded('x-gzip', gzip),
  'gzip in capitals': encoded('GZip', gzip),
  'gzip with spaces': encoded('  gzip  ', gzip),
  'deflate with its head': encoded('deflate', zlib.deflateSync(TEXT)),
  'deflate without': encoded('deflate', zlib.deflateRawSync(TEXT)),
  'x-deflate': encoded('x-deflate', zlib.deflateSync(TEXT)),
  br: encoded('br', zlib.brotliCompressSync(TEXT)),
  zstd: encoded('zstd', zstd),
  compress: encoded('compress', gzip),
  identity: encoded('identity', Buffer.from(TEXT)),
  'an empty name': encoded('', Buffer.from(TEXT)),
  'a name that is none': encoded('nonsense', Buffer.from(TEXT)),
  'two in turn': encoded('gzip, br', zlib.brotliCompressSync(gzip)),
  'two in turn, by two headers': encoded(['gzip', 'br'], zlib.brotliCompressSync(gzip)),
  'the same twice': encoded('gzip,gzip', zlib.gzipSync(gzip)),
  'three in turn': encoded(
    'deflate, br , gzip',
    zlib.gzipSync(zlib.brotliCompressSync(zlib.deflateSync(TEXT))),
  ),
  'one that is known, and one that is not': encoded('gzip, nonsense', gzip),
  'one that is not known, and one that is': encoded('nonsense, gzip', gzip),
  'identity and gzip': encoded('identity, gzip', gzip),
  'five in turn': encoded(
    'gzip, gzip, gzip, gzip, gzip',
    [1, 2, 3, 4].reduce((bytes) => zlib.gzipSync(bytes), gzip),
  ),
  'six in turn': encoded(
    'gzip, gzip, gzip, gzip, gzip, gzip',
    [1, 2, 3, 4, 5].reduce((bytes) => zlib.gzipSync(bytes), gzip),
  ),
  'a comma too many': encoded('gzip,', gzip),
  'several members': encoded('gzip', Buffer.concat([zlib.gzipSync('{"a":'), zlib.gzipSync('1}')])),
  'an empty member': encoded('gzip', zlib.gzipSync('')),
  'nothing at all': encoded('gzip', Buffer.alloc(0)),
  'nothing at all, of br': encoded('br', Buffer.alloc(0)),
  'nothing at all, of deflate': encoded('deflate', Buffer.alloc(0)),
  'nothing at all, of two': encoded('gzip, br', Buffer.alloc(0)),
  'what is cut': encoded('gzip', half),
  'what is cut, of br': encoded('br', zlib.brotliCompressSync(TEXT).subarray(0, 20)),
  'what is cut, of deflate': encoded('deflate', zlib.deflateSync(TEXT).subarray(0, 20)),
  'what is cut in its head': encoded('gzip', gzip.subarray(0, 5)),
  'without its check sum': encoded('gzip', gzip.subarray(0, -8)),
  'with a wrong check sum': encoded('gzip', Buffer.concat([gzip.subarray(0, -8), Buffer.alloc(8)])),
  garbage: encoded('gzip', Buffer.from('this is not encoded at all')),
  'garbage, of br': encoded('br', Buffer.from('this is not encoded at all')),
  'garbage, of deflate': encoded('deflate', Buffer.from('this is not encoded at all')),
  'garbage, of zstd': encoded('zstd', Buffer.from('this is not encoded at all')),
  'garbage after the end': encoded('gzip', Buffer.concat([gzip, Buffer.from('and more')])),
  'garbage after the end, of br': encoded(
    'br',
    Buffer.concat([zlib.brotliCompressSync(TEXT), Buffer.from('and more')]),
  ),
  'garbage after the end, of deflate': encoded(
    'deflate',
    Buffer.concat([zlib.deflateSync(TEXT), Buffer.from('and more')]),
  ),
  'zeros after the end': encoded('gzip', Buffer.concat([gzip, Buffer.alloc(16)])),
  'garbage in the middle': encoded('gzip', Buffer.concat([half, Buffer.alloc(50, 255), half])),
  'an error’s status': encoded('gzip', gzip, {}, 500),
  'a range of it': encoded(
    'gzip',
    half,
    { 'content-range': `bytes 0-${half.length}/${gzip.length}` },
    206,
  ),
  'a status without a body': encoded('gzip', Buffer.alloc(0), {}, 204),
  'a status without a body, with a length': encoded(
    'gzip',
    Buffer.alloc(0),
    { 'content-length': '20' },
    304,
  ),
  'a redirect without a location': encoded('gzip', gzip, {}, 302),
  'a large body': encoded('gzip', zlib.gzipSync(Buffer.alloc(5_000_000, 'x'))),
  'a large body, cut': encoded(
    'gzip',
    zlib.gzipSync(Buffer.alloc(5_000_000, 'x')).subarray(0, 3000),
  ),
};

const reads: Record<string, (response: Response) => unknown> = {
  text: (response) => response.text(),
  json: (response) => response.json(),
  arrayBuffer: async (response) => (await response.arrayBuffer()).byteLength,
  blob: async (response) => (await response.blob()).type,
  'a stream': async ({ body }) => {
    let size = 0;
    for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) size += chunk.length;
    return size;
  },
  'a clone': async (response) => {
    const copy = response.clone();
    return [(await copy.text()).length, (await response.text()).length];
  },
};

describe('content-encoding', () => {
  for (const [kind, answer] of Object.entries(kinds)) {
    for (const [name, read] of Object.entries(reads)) {
      sameAsPlatform(
        `${kind}, as ${name}`,
        async ({ fetch, url }) =>
          outcome(async () => {
            const response = await fetch(url);
            const before = outside(response);
            const found = await outcome(() => read(response));
            return [before, found, response.bodyUsed, await outcome(() => typeof response.clone())];
          }),
        { answer },
      );
    }
    sameAsPlatform(
      `${kind}, of a Request`,
      async ({ fetch, url }) => outcome(async () => whole(await fetch(new Request(url)))),
      { answer },
    );
    sameAsPlatform(
      `${kind}, to a HEAD`,
      async ({ fetch, url }) => outcome(async () => whole(await fetch(url, { method: 'HEAD' }))),
      { answer },
    );
    sameAsPlatform(
      `${kind}, to a POST`,
      async ({ fetch, url }) =>
        outcome(async () => whole(await fetch(url, { method: 'POST', body: 'x' }))),
      { answer },
    );
  }

  sameAsPlatform(
    'what is asked for: none',
    async ({ fetch, url }) =>
      outcome(async () => whole(await fetch(url, { headers: { 'accept-encoding': 'identity' } }))),
    { answer: kinds.gzip as Answer },
  );
  sameAsPlatform(
    'after a redirect that is encoded itself',
    async ({ fetch, url }) => whole(await fetch(`${url}/redirect`)),
    {
      answer: (request, response) => {
        response.writeHead(request.url === '/redirect' ? 302 : 200, {
          location: '/end',
          'content-encoding': 'gzip',
        });
        response.end(gzip);
      },
    },
  );
});

describe('decoding as it comes', () => {
  sameAsPlatform(
    'a first part is there before the last is sent',
    async ({ fetch, url }) => {
      return take(fetch, url, async (reader) => {
        const first = await reader.read();
        return [Buffer.from(first.value ?? []).toString(), first.done];
      });
    },
    {
      answer: async (_, response) => {
        response.writeHead(200, { 'content-encoding': 'gzip' });
        const encoder = zlib.createGzip();
        encoder.pipe(response);
        encoder.write('early');
        encoder.flush();
        await setTimeout(100);
        encoder.end('late');
      },
    },
  );
  sameAsPlatform(
    'a bomb is taken in only as far as it is read',
    async ({ fetch, url }) => {
      const response = await fetch(url);
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      let size = 0;
      while (size < 1_000_000) size += (await reader.read()).value?.length ?? 0;
      const before = process.memoryUsage().arrayBuffers;
      await setTimeout(100);
      const grown = process.memoryUsage().arrayBuffers - before;
      await reader.cancel();
      return grown < 30_000_000 || grown;
    },
    { answer: encoded('gzip', zlib.gzipSync(Buffer.alloc(200_000_000))) },
  );
  sameAsPlatform(
    'broken off in the middle, with the connection',
    async ({ fetch, url }) => {
      const seen: unknown[] = [];
      for (const read of Object.values(reads))
        seen.push(await outcome(async () => read(await fetch(url))));
      return seen;
    },
    {
      answer: (_, response) => {
        response.writeHead(200, {
          'content-encoding': 'gzip',
          'content-length': String(gzip.length),
        });
        response.write(half, () => setImmediate(() => response.destroy()));
      },
    },
  );
});

async function take<T>(
  fetch: Fetch,
  url: string,
  use: (reader: ReadableStreamDefaultReader<Uint8Array>) => Promise<T>,
): Promise<[T, string]> {
  const response = await fetch(url);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const seen = await use(reader);
  const chunks: Uint8Array[] = [];
  for (let read = await reader.read(); !read.done; read = await reader.read())
    chunks.push(read.value);
  return [seen, Buffer.concat(chunks).toString()];
}
