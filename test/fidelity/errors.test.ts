/** How each failure of the network is told: class, name, message, and the cause with its code. */
import { once } from 'node:events';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe } from 'vitest';
import { certificateAuthority } from '../support/certificates.js';
import { sameAsPlatform, useServers, type Bench, type CheckOptions } from './differential.js';
import type { Answer } from './script-server.js';
import { called, outcome, thrown, whole } from './seen.js';

useServers();

/** Answers with these bytes, and then ends or breaks off. */
function raw(bytes: string, then: 'end' | 'reset' = 'end'): Answer {
  return ({ socket }) => {
    const done = (): void => {
      if (then === 'end') socket.end();
      else setTimeout(() => socket.resetAndDestroy(), 10);
    };
    if (bytes === '') done();
    else socket.write(bytes, 'latin1', done);
  };
}

const head = 'HTTP/1.1 200 OK\r\n';

/** Read in whole, as a stream, by clone; on the fast path and on the full path; with a body and without. */
function sameFailure(name: string, answer: Answer, options: CheckOptions = {}): void {
  const setUp = (bench: Bench): Bench => {
    bench.server.answer = answer;
    return bench;
  };
  for (const method of ['GET', 'POST', 'HEAD']) {
    const init = { method, ...(method === 'POST' && { body: 'posted' }) };
    sameAsPlatform(
      `${name}, ${method}`,
      (bench) => called(setUp(bench).fetch, bench.url, init),
      options,
    );
    sameAsPlatform(
      `${name}, ${method}, on the full path`,
      (bench) => called(setUp(bench).fetch, new Request(bench.url, init)),
      options,
    );
  }
  sameAsPlatform(
    `${name}, as a stream`,
    async (bench) => {
      const { fetch, url } = setUp(bench);
      let text = '';
      const failure = await outcome(async () => {
        const { body } = await fetch(url);
        for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
          text += Buffer.from(chunk).toString('latin1');
        }
      });
      return { failure, text };
    },
    options,
  );
  sameAsPlatform(
    `${name}, read after it has come`,
    async (bench) => {
      const { fetch, url } = setUp(bench);
      return outcome(async () => {
        const response = await fetch(url);
        await new Promise((resolve) => setTimeout(resolve, 30));
        return whole(response);
      });
    },
    options,
  );
  sameAsPlatform(
    `${name}, by clones`,
    async (bench) => {
      const { fetch, url } = setUp(bench);
      return outcome(async () => {
        const response = await fetch(url);
        const copy = response.clone();
        return Promise.all([
          outcome(async () => response.text()),
          outcome(async () => copy.text()),
        ]);
      });
    },
    options,
  );
}

const parser: CheckOptions = { differs: 'parser', onSome: true };

describe('before the head', () => {
  sameFailure('a close', raw(''));
  sameFailure('a reset', raw('', 'reset'));
  sameFailure('a close in the status line', raw('HTTP/1.1 20'));
  sameFailure('a close in the head', raw(`${head}content-le`));
  sameFailure('a reset in the head', raw(`${head}content-le`, 'reset'));
  sameFailure('a close after an empty line', raw('\r\n'));
  sameFailure('garbage', raw('garbage\r\n\r\n'), parser);
  sameFailure('bytes of TLS', raw('\x16\x03\x01\x00\x05hello'), parser);
  sameFailure('another protocol', raw('SSH-2.0-OpenSSH_9.6\r\n'), parser);
  sameFailure('a status that is none', raw('HTTP/1.1 abc OK\r\n\r\n'), parser);
  sameFailure('a status of two digits', raw('HTTP/1.1 20 OK\r\n\r\n'), parser);
  sameFailure('a status of four digits', raw('HTTP/1.1 2000 OK\r\n\r\n'), parser);
  sameFailure('no status', raw('HTTP/1.1\r\n\r\n'), parser);
  sameFailure('HTTP/3', raw('HTTP/3.0 200 OK\r\ncontent-length: 0\r\n\r\n'), parser);
  sameFailure('HTTP/0.9', raw('<html>hello</html>'), parser);
  sameFailure('a header without a colon', raw(`${head}nonsense\r\n\r\n`), parser);
  sameFailure('a header with a space', raw(`${head}a b: c\r\ncontent-length: 0\r\n\r\n`), parser);
  sameFailure('a header with a NUL', raw(`${head}a: b\0c\r\ncontent-length: 0\r\n\r\n`), parser);
  sameFailure('a folded header', raw(`${head}a: b\r\n c\r\ncontent-length: 2\r\n\r\nhi`), parser);
  sameFailure('line feeds alone', raw('HTTP/1.1 200 OK\ncontent-length: 2\n\nhi'), parser);
  sameFailure('a head that is too large', raw(`${head}a: ${'x'.repeat(20_000)}\r\n\r\n`));
  sameFailure(
    'a head of too many lines',
    raw(`${head}${'a: b\r\n'.repeat(4000)}content-length: 2\r\n\r\nhi`),
  );
});

describe('lengths', () => {
  sameFailure('too short a body', raw(`${head}content-length: 10\r\n\r\nshort`));
  sameFailure('too short a body, reset', raw(`${head}content-length: 10\r\n\r\nshort`, 'reset'));
  sameFailure('no body at all', raw(`${head}content-length: 10\r\n\r\n`));
  sameFailure('too long a body', raw(`${head}content-length: 2\r\n\r\nlonger`));
  sameFailure('a length that is none', raw(`${head}content-length: x\r\n\r\nhi`), parser);
  sameFailure('a negative length', raw(`${head}content-length: -1\r\n\r\nhi`), parser);
  sameFailure('an empty length', raw(`${head}content-length: \r\n\r\nhi`), parser);
  sameFailure(
    'a huge length',
    raw(`${head}content-length: 99999999999999999999\r\n\r\nhi`),
    parser,
  );
  const two = 'content-length: 2\r\ncontent-length: ';
  sameFailure('two equal lengths', raw(`${head}${two}2\r\n\r\nhi`), parser);
  sameFailure('two different lengths', raw(`${head}${two}3\r\n\r\nhi`), parser);
  sameFailure('no length, to the end', raw(`${head}\r\nto the end`));
  sameFailure('no length, reset', raw(`${head}\r\nto the reset`, 'reset'), {
    differs: 'reset-without-length',
    onSome: true,
  });
  sameFailure('no length, HTTP/1.0', raw('HTTP/1.0 200 OK\r\n\r\nold'));
  sameFailure('a length, HTTP/1.0', raw('HTTP/1.0 200 OK\r\ncontent-length: 3\r\n\r\nold'));
  sameFailure('a length of 0', raw(`${head}content-length: 0\r\n\r\n`));
  const both = 'content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n';
  sameFailure('a length and chunks', raw(`${head}${both}2\r\nhi\r\n0\r\n\r\n`), parser);
});

describe('chunks', () => {
  const chunked = `${head}transfer-encoding: chunked\r\n\r\n`;
  sameFailure('whole', raw(`${chunked}2\r\nhi\r\n0\r\n\r\n`));
  sameFailure('with an extension', raw(`${chunked}2;a=b\r\nhi\r\n0\r\n\r\n`), parser);
  sameFailure('with trailers', raw(`${chunked}2\r\nhi\r\n0\r\nx-trailer: a\r\n\r\n`));
  sameFailure('without an end', raw(`${chunked}2\r\nhi\r\n`));
  sameFailure('cut in the middle', raw(`${chunked}a\r\nhi`));
  sameFailure('reset in the middle', raw(`${chunked}a\r\nhi`, 'reset'));
  sameFailure('a length that is none', raw(`${chunked}zz\r\nhi\r\n`), parser);
  sameFailure('a length that is short', raw(`${chunked}1\r\nhi\r\n0\r\n\r\n`), parser);
  sameFailure('an encoding that is none', raw(`${head}transfer-encoding: odd\r\n\r\nhi`), parser);
});

describe('answers of another kind', () => {
  const end = 'content-length: 2\r\n\r\nhi';
  sameFailure('103 first', raw(`HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${head}${end}`));
  sameFailure('102 first', raw(`HTTP/1.1 102 Processing\r\n\r\n${head}${end}`));
  sameFailure('100 first', raw(`HTTP/1.1 100 Continue\r\n\r\n${head}${end}`));
  sameFailure('103 many times', raw(`${'HTTP/1.1 103 X\r\n\r\n'.repeat(5)}${head}${end}`));
  sameFailure('103, and no more', raw('HTTP/1.1 103 Early Hints\r\n\r\n'));
  sameFailure(
    '101 unasked',
    raw('HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
  );
  for (const status of [401, 407, 421]) {
    sameFailure(String(status), (_, response) => {
      response.writeHead(status, { 'proxy-authenticate': 'Basic', 'www-authenticate': 'Basic' });
      response.end('refused');
    });
  }
  sameFailure('426', raw(`HTTP/1.1 426 Upgrade\r\nupgrade: h2c\r\nconnection: upgrade\r\n${end}`));
  sameFailure('204 with a body', raw(`HTTP/1.1 204 No\r\n${end}`));
  sameFailure('304 with a length', raw(`HTTP/1.1 304 Not\r\ncontent-length: 5\r\n\r\n`));
  sameFailure('status 0', raw(`HTTP/1.1 000 Nil\r\n${end}`), parser);
  sameFailure('status 99', raw(`HTTP/1.1 099 Low\r\n${end}`), parser);
  sameFailure('status 999', raw(`HTTP/1.1 999 High\r\n${end}`), parser);
  sameFailure('more than was asked for', raw(`${head}${end}HTTP/1.1 200 OK\r\n${end}`));
});

describe('nobody there', () => {
  for (const method of ['GET', 'POST']) {
    const init = { method, ...(method === 'POST' && { body: 'x' }) };
    const places: Record<string, (bench: Bench) => string> = {
      'a closed port': ({ deadUrl }) => deadUrl,
      'a closed port of localhost': ({ deadUrl }) => deadUrl.replace('127.0.0.1', 'localhost'),
      'a closed port of IPv6': ({ deadUrl }) => deadUrl.replace('127.0.0.1', '[::1]'),
      'a name that is not known': () => 'http://nope.invalid/',
      'https where plain is spoken': ({ url }) => url.replace('http', 'https'),
    };
    for (const [name, where] of Object.entries(places)) {
      const options: CheckOptions = name.startsWith('https') ? { differs: 'tls-words' } : {};
      sameAsPlatform(`${name}, ${method}`, (bench) => called(bench.fetch, where(bench), init), {
        compareAsked: false,
        ...options,
      });
      sameAsPlatform(
        `${name}, ${method}, in a Request`,
        (bench) => called(bench.fetch, new Request(where(bench), init)),
        { compareAsked: false, ...options },
      );
    }
  }
  sameAsPlatform(
    'an error says more',
    async ({ fetch, deadUrl }) => {
      try {
        await fetch(deadUrl);
        return undefined;
      } catch (error) {
        const { code, service } = error as { code?: unknown; service?: unknown };
        return { className: (error as Error).constructor.name, code, service };
      }
    },
    {
      differs: 'error-class',
      ours: {
        className: 'ConnectionError',
        code: 'ERR_OUTRIGGER_CONNECTION',
        service: '127.0.0.1:1024',
      },
    },
  );
  sameAsPlatform('a rejection comes later than the call', async ({ fetch }) => {
    const steps: string[] = [];
    const bad = [
      fetch('http://'),
      fetch('http://127.0.0.1:6000/'),
      fetch('data:text/plain,x', { method: 'NO WAY' }),
      fetch('http://a/', { signal: AbortSignal.abort() }),
    ].map((answer, index) => answer.catch(() => steps.push(`rejected ${index}`)));
    steps.push('called');
    await Promise.all(bad);
    return [steps[0], steps.length];
  });
});

describe('TLS', () => {
  const servers: { close(): unknown; address(): unknown }[] = [];
  let selfSigned = '';
  let otherName = '';
  let trusting = '';
  const asked: [string | undefined, string[]][] = [];

  beforeAll(async () => {
    const authority = await certificateAuthority();
    const open = async (names: [string, ...string[]]): Promise<string> => {
      const server = createSecureServer(await authority.issue({ names }), (request, response) => {
        asked.push([request.url, request.rawHeaders]);
        response.sendDate = false;
        response.end('secured');
      });
      server.on('tlsClientError', () => {});
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      servers.push(server);
      return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    };
    selfSigned = await open(['127.0.0.1']);
    otherName = await open(['elsewhere.example']);
    trusting = selfSigned;
  });
  afterAll(() => {
    for (const server of servers) server.close();
  });

  sameAsPlatform('a certificate that nobody vouches for', ({ fetch }) => called(fetch, selfSigned));
  sameAsPlatform('a certificate that nobody vouches for, POST', ({ fetch }) =>
    called(fetch, selfSigned, { method: 'POST', body: 'x' }),
  );
  sameAsPlatform('a certificate for another name', ({ fetch }) => called(fetch, otherName));
  sameAsPlatform('http where TLS is spoken', ({ fetch }) =>
    called(fetch, selfSigned.replace('https', 'http')),
  );

  describe('without looking at certificates', () => {
    const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    beforeAll(() => {
      process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    });
    afterAll(() => {
      if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
    });

    const inits: Record<string, () => RequestInit | undefined> = {
      nothing: () => undefined,
      'a POST': () => ({ method: 'POST', body: 'x' }),
      headers: () => ({ headers: { 'X-A': '1', 'accept-encoding': 'identity' } }),
      'a range': () => ({ headers: { range: 'bytes=0-1' } }),
      'no cache': () => ({ cache: 'no-store' }) as RequestInit,
    };
    for (const [name, make] of Object.entries(inits)) {
      sameAsPlatform(`what is sent with ${name}`, async ({ fetch }) => {
        asked.length = 0;
        const found = await called(fetch, `${trusting}/path`, make());
        return [found, asked.map(([url, headers]) => [url, sortedPairs(headers)])];
      });
    }
    sameAsPlatform('localhost', async ({ fetch }) => {
      asked.length = 0;
      const found = await called(fetch, trusting.replace('127.0.0.1', 'localhost'));
      return [found, asked.map(([url, headers]) => [url, sortedPairs(headers)])];
    });
  });
});

function sortedPairs(flat: readonly string[]): string[] {
  const pairs: string[] = [];
  for (let index = 0; index < flat.length; index += 2)
    pairs.push(`${flat[index]}: ${flat[index + 1]}`);
  return pairs.sort();
}

describe('nothing is left behind', () => {
  sameAsPlatform('no rejection goes unheard', async ({ fetch, url, server, deadUrl }) => {
    const unheard: unknown[] = [];
    const listener = (error: unknown): void => void unheard.push(thrown(error));
    const others = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    process.on('unhandledRejection', listener);
    try {
      server.answer = raw(`${head}content-length: 10\r\n\r\nshort`);
      await outcome(() => fetch(deadUrl));
      await outcome(async () => (await fetch(url)).text());
      await fetch(url);
      const response = await fetch(url);
      response.clone();
      const { body } = await fetch(url);
      void body;
      const controller = new AbortController();
      await fetch(url, { signal: controller.signal });
      controller.abort();
      await new Promise((resolve) => setTimeout(resolve, 50));
    } finally {
      process.off('unhandledRejection', listener);
      for (const other of others) process.on('unhandledRejection', other);
    }
    return unheard;
  });
});
