/** Status lines of all kinds, with and without the bodies that belong to them. */
import { describe } from 'vitest';
import { answering, sameEachWay, strictParser } from './answers.js';
import { sameAsPlatform, useServers } from './differential.js';
import type { Answer } from './script-server.js';
import { outcome, whole } from './seen.js';

useServers();
const mayDiffer = strictParser();

/** What a server writes to the socket itself, and then it closes. */
function wire(text: string): Answer {
  return ({ socket }) => socket.end(Buffer.from(text, 'latin1'));
}

const codes = [
  200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 299, 300, 304, 305, 306, 399, 400, 401, 402,
  403, 404, 405, 406, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 422, 425, 426, 428,
  429, 431, 451, 499, 500, 501, 502, 503, 504, 505, 507, 511, 599,
];

describe('codes', () => {
  for (const code of codes) {
    sameAsPlatform(
      `${code}`,
      async ({ fetch, url }) => {
        const seen = [];
        for (const method of ['GET', 'POST', 'HEAD', 'DELETE']) {
          const response = await fetch(url, { method });
          const copy = response.clone();
          seen.push(await whole(response), await whole(copy), response.bodyUsed);
          seen.push(await whole(await fetch(new Request(url, { method }))));
        }
        return seen;
      },
      { answer: answering({ status: code, body: [204, 304].includes(code) ? '' : 'a body' }) },
    );
  }
  for (const code of [407, 421, 600, 700, 999]) {
    sameAsPlatform(
      `${code}`,
      async ({ fetch, url }) => outcome(async () => whole(await fetch(url))),
      {
        answer: wire(`HTTP/1.1 ${code} Odd\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody`),
      },
    );
    sameAsPlatform(
      `${code} to a POST`,
      async ({ fetch, url }) =>
        outcome(async () => whole(await fetch(url, { method: 'POST', body: 'x' }))),
      {
        answer: wire(`HTTP/1.1 ${code} Odd\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody`),
      },
    );
  }
  for (const code of ['0', '1', '20', '099', '1000', 'abc', '-1', '2 0', '']) {
    sameAsPlatform(
      `${code || 'no code'}, which is none`,
      async ({ fetch, url }) => outcome(async () => whole(await fetch(url))),
      {
        answer: wire(`HTTP/1.1 ${code} Odd\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`),
        mayDiffer,
      },
    );
  }
});

describe('codes without a body, though one was sent', () => {
  for (const code of [204, 205, 304]) {
    for (const [name, rest] of Object.entries({
      'with a length': 'Content-Length: 4\r\nConnection: close\r\n\r\nbody',
      'without a length': 'Connection: close\r\n\r\nbody',
      'in chunks': 'Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n4\r\nbody\r\n0\r\n\r\n',
      'with a length of none':
        'Content-Length: 0\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n',
      'that is encoded':
        'Content-Encoding: gzip\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody',
    })) {
      sameAsPlatform(
        `${code} ${name}`,
        async ({ fetch, url }) => {
          const seen = [];
          for (const read of [
            'text',
            'json',
            'arrayBuffer',
            'blob',
            'formData',
            'clone',
          ] as const) {
            const found = await outcome(async () => {
              const response = await fetch(url);
              const before = [response.body, response.bodyUsed];
              const first = await outcome(async () => String(await response[read]()));
              return [
                before,
                first,
                response.bodyUsed,
                await outcome(() => response.text()),
                await whole(await fetch(new Request(url))),
              ];
            });
            seen.push([read, found]);
          }
          return seen;
        },
        { answer: wire(`HTTP/1.1 ${code} Nothing\r\n${rest}`) },
      );
    }
  }
});

describe('HEAD', () => {
  const heads: Record<string, string> = {
    'with a length': 'Content-Length: 1234\r\n',
    'in chunks': 'Transfer-Encoding: chunked\r\n',
    'with neither': '',
    'that is encoded': 'Content-Encoding: gzip\r\nContent-Length: 20\r\n',
    'with a type': 'Content-Type: application/json\r\nContent-Length: 2\r\n',
  };
  for (const [name, head] of Object.entries(heads)) {
    sameAsPlatform(
      name,
      async ({ fetch, url }) => {
        const seen = [];
        for (const read of ['text', 'json', 'arrayBuffer', 'blob', 'formData'] as const) {
          for (const input of [url, new Request(url)]) {
            const response = await fetch(input, { method: 'HEAD' });
            seen.push(
              response.body,
              response.bodyUsed,
              [...response.headers].filter(([key]) => key !== 'connection'),
            );
            seen.push(await outcome(async () => String(await response[read]())), response.bodyUsed);
            seen.push(await outcome(() => response.text()));
          }
        }
        return seen;
      },
      { answer: wire(`HTTP/1.1 200 OK\r\n${head}Connection: close\r\n\r\n`) },
    );
  }
});

describe('the words behind the code', () => {
  const words: Record<string, string> = {
    none: '',
    'none, without a space': '-',
    spaces: '   ',
    several: 'Said  so   twice ',
    'Latin-1': 'Gr\u00f6\u00dfe',
    'UTF-8': Buffer.from('Größe ✓').toString('latin1'),
    'bytes that are no UTF-8': '\u00ff\u00fe\u0080',
    long: 'x'.repeat(2000),
    'a tab': 'a\tb',
    'a control character': 'a\u0001b',
    colons: 'a: b',
  };
  for (const [name, text] of Object.entries(words)) {
    const line = text === '-' ? 'HTTP/1.1 200' : `HTTP/1.1 200 ${text}`;
    sameAsPlatform(
      name,
      async ({ fetch, url }) => {
        const seen = [];
        for (const input of [url, new Request(url)]) {
          seen.push(
            await outcome(async () => {
              const response = await fetch(input);
              const copy = response.clone();
              return [
                response.statusText,
                copy.statusText,
                await outcome(() => new Response(null, response).statusText),
                await whole(copy),
                await (await response.blob()).text(),
              ];
            }),
          );
        }
        return seen;
      },
      { answer: wire(`${line}\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody`) },
    );
  }
  sameEachWay('of one’s own', (response) => [response.status, response.statusText], {
    content: { status: 418, statusText: 'Short and stout' },
  });
});

describe('heads before the head', () => {
  for (const [name, before] of Object.entries({
    'an early hint': 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nX-Early: 1\r\n\r\n',
    'several early hints': 'HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n'.repeat(5),
    'a continue that nobody asked for': 'HTTP/1.1 100 Continue\r\n\r\n',
    processing: 'HTTP/1.1 102 Processing\r\n\r\n',
    'one that is unknown': 'HTTP/1.1 150 Odd\r\n\r\n',
    'a switch that nobody asked for':
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
  })) {
    sameAsPlatform(
      name,
      async ({ fetch, url }) => {
        const seen = [];
        for (const init of [{}, { method: 'POST', body: 'x' }]) {
          seen.push(await outcome(async () => whole(await fetch(url, init))));
          seen.push(await outcome(async () => whole(await fetch(new Request(url, init)))));
        }
        return seen;
      },
      {
        answer: wire(
          `${before}HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody`,
        ),
      },
    );
  }
});
