/** How bodies are delimited on the wire, and that their connections come back once they have ended. */
import { setTimeout } from 'node:timers/promises';
import { describe } from 'vitest';
import { answering, strictParser, ways } from './answers.js';
import { sameAsPlatform, useServers } from './differential.js';
import type { Answer } from './script-server.js';
import { outcome, whole } from './seen.js';

useServers();
const mayDiffer = strictParser();

function wire(...pieces: readonly string[]): Answer {
  return async ({ socket }) => {
    for (const [index, piece] of pieces.entries()) {
      if (index > 0) await setTimeout(pieces.length > 9 ? 1 : 15);
      socket.write(Buffer.from(piece, 'latin1'));
    }
    if (!/\r\ncontent-length: \d+\r\n\r\n|keep/i.test(pieces.join(''))) socket.end();
  };
}

const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n';

describe('on the wire', () => {
  const wires: Record<string, Answer> = {
    'until it closes': wire('HTTP/1.1 200 OK\r\n\r\nall ', 'of it'),
    'until it closes, empty': wire('HTTP/1.1 200 OK\r\n\r\n'),
    'HTTP/1.0': wire('HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nold'),
    'HTTP/1.0 with a length': wire(
      'HTTP/1.0 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nold',
    ),
    'in chunks': wire(`${CHUNKED}\r\n5\r\nfirst\r\n`, '6\r\nsecond\r\n0\r\n\r\n'),
    'in chunks with extensions': wire(`${CHUNKED}\r\n5;a=b;c="d"\r\nfirst\r\n0;e\r\n\r\n`),
    'in chunks with trailers': wire(
      `${CHUNKED}Trailer: X-Sum\r\n\r\n5\r\nfirst\r\n0\r\nX-Sum: 5\r\nX-Other: y\r\n\r\n`,
    ),
    'in chunks, byte by byte': wire(...Array.from(`${CHUNKED}\r\n3\r\nabc\r\n0\r\n\r\n`)),
    'in chunks of none': wire(`${CHUNKED}\r\n0\r\n\r\n`),
    'with a length of none': wire(
      'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
    ),
    'with a length twice': wire(
      'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc',
    ),
    'with two lengths': wire(
      'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\nConnection: close\r\n\r\nabcd',
    ),
    'with a length and in chunks': wire(
      'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
    ),
    'with a length that is none': wire(
      'HTTP/1.1 200 OK\r\nContent-Length: three\r\nConnection: close\r\n\r\nabc',
    ),
    'with a negative length': wire(
      'HTTP/1.1 200 OK\r\nContent-Length: -3\r\nConnection: close\r\n\r\nabc',
    ),
    'longer than its length': wire(
      'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabcdef',
    ),
    'a head in two pieces': wire(
      'HTTP/1.1 200 OK\r\nX-Split: a',
      'b\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc',
    ),
    'an empty line first': wire(
      '\r\nHTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc',
    ),
    'two answers to one request': wire(
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\naHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb',
    ),
    'no HTTP at all': wire('SSH-2.0-OpenSSH_9.6\r\n'),
    'HTTP of another version': wire('HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n'),
    nothing: wire(''),
  };
  const isBroken =
    /extensions|twice|two lengths|and in chunks|is none|negative|longer|no HTTP|version/;
  for (const [name, answer] of Object.entries(wires)) {
    sameAsPlatform(
      name,
      async ({ fetch, url }) => [
        await outcome(async () => whole(await fetch(url))),
        await outcome(async () => (await fetch(url)).json()),
        await outcome(async () => whole(await fetch(new Request(url)))),
      ],
      { answer, ...(isBroken.test(name) && { mayDiffer }) },
    );
  }
});

describe('the connection', () => {
  const reads: Record<string, (response: Response) => unknown> = {
    'text()': (response) => response.text(),
    'json()': (response) => response.json(),
    'arrayBuffer()': (response) => response.arrayBuffer(),
    'blob()': (response) => response.blob(),
    'bytes()': (response) => (response as unknown as { bytes(): Promise<Uint8Array> }).bytes(),
    'a loop': async ({ body }) => {
      for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) void chunk;
    },
    'a clone and the original': async (response) =>
      Promise.all([response.clone().text(), response.text()]),
    'nothing, though it is small': () => setTimeout(20),
    'a look at the body': async (response) => {
      void response.body;
      await setTimeout(20);
    },
    'a clone that nobody reads': async (response) => {
      response.clone();
      await setTimeout(20);
    },
  };
  for (const [way, get] of Object.entries(ways)) {
    for (const [name, read] of Object.entries(reads)) {
      sameAsPlatform(
        `comes back after ${name}: ${way}`,
        async (bench) => {
          const before = new Set(bench.server.sockets);
          for (let round = 0; round < 6; round++) {
            await read(await get(bench));
            await setTimeout(5);
          }
          return [...bench.server.sockets].filter((socket) => !before.has(socket)).length <= 1;
        },
        { answer: answering({ body: '{"a":1}' }) },
      );
    }
    for (const [status, method] of [
      [204, 'GET'],
      [304, 'GET'],
      [200, 'HEAD'],
      [205, 'POST'],
    ] as const) {
      sameAsPlatform(
        `comes back after ${status} to a ${method}: ${way}`,
        async (bench) => {
          const before = new Set(bench.server.sockets);
          for (let round = 0; round < 4; round++) {
            await get(bench, { method });
            await setTimeout(5);
          }
          // The platform gives up the connection of a HEAD.
          return [...bench.server.sockets].filter((socket) => !before.has(socket)).length <= 2;
        },
        { answer: answering({ status }) },
      );
    }
  }
});
