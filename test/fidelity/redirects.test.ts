/** What is followed, what is sent again on the way and what is left out, and what is said of the rest. */
import { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { describe } from 'vitest';
import { sameAsPlatform, useServers, type Bench } from './differential.js';
import { ScriptServer, type Answer } from './script-server.js';
import { called, outcome, whole } from './seen.js';

useServers();

const codes = [301, 302, 303, 307, 308] as const;

/** The first request is sent elsewhere, the others are answered. */
function movedOnce(code: number, location: unknown, headers: object = {}): Answer {
  return ({ url }, response) => {
    if (url?.startsWith('/end') === true) {
      response.end('the end');
      return;
    }
    const given = location === undefined ? {} : { location: location as string };
    response.writeHead(code, { ...given, ...headers });
    response.end('moved');
  };
}

function withoutPort(found: unknown, port: number): unknown {
  return JSON.parse(JSON.stringify(found).replaceAll(String(port), '<port>'));
}

/** Both servers answer alike. */
function answerWith({ server, otherServer }: Bench, answer: Answer): void {
  server.answer = answer;
  otherServer.answer = answer;
}

const bodies: Record<string, (() => unknown) | undefined> = {
  nothing: undefined,
  text: () => 'täxt',
  'empty text': () => '',
  bytes: () => new Uint8Array([1, 200]),
  URLSearchParams: () => new URLSearchParams({ a: 'b' }),
  'a Blob': () => new Blob(['blob'], { type: 'text/x' }),
  'a form': () => {
    const form = new FormData();
    form.append('a', 'b');
    return form;
  },
};

describe('each method by each status', () => {
  for (const code of [...codes, 300, 304, 305, 306]) {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']) {
      for (const redirect of ['follow', 'manual', 'error'] as const) {
        sameAsPlatform(`${method}, ${code}, ${redirect}`, (bench) => {
          answerWith(bench, movedOnce(code, '/end'));
          return called(bench.fetch, bench.url, { method, redirect });
        });
      }
      if (method === 'GET' || method === 'HEAD') continue;
      sameAsPlatform(`${method} with text, ${code}`, (bench) => {
        answerWith(bench, movedOnce(code, '/end'));
        const headers = { 'Content-Type': 'text/x', 'x-own': '1', 'content-language': 'de' };
        return called(bench.fetch, bench.url, { method, body: 'text', headers });
      });
      sameAsPlatform(`${method} with text to another origin, ${code}`, (bench) => {
        answerWith(bench, movedOnce(code, `${bench.otherUrl}/end`));
        return called(bench.fetch, bench.url, { method, body: 'text' });
      });
    }
  }
});

describe('each body by each status', () => {
  for (const code of codes) {
    for (const [name, make] of Object.entries(bodies)) {
      // The platform hands bytes over, and has none left for the second time.
      const isSpent = name === 'bytes' && code > 303;
      sameAsPlatform(
        `${name}, ${code}`,
        (bench) => {
          answerWith(bench, movedOnce(code, '/end'));
          return called(bench.fetch, bench.url, { method: 'POST', body: make?.() });
        },
        isSpent ? { differs: 'bytes-again', onSome: true } : {},
      );
      sameAsPlatform(
        `${name}, ${code}, in a Request`,
        (bench) => {
          answerWith(bench, movedOnce(code, '/end'));
          const body = (make?.() ?? null) as NonNullable<RequestInit['body']> | null;
          return called(bench.fetch, new Request(bench.url, { method: 'PUT', body }));
        },
        name === 'bytes' && code !== 303 ? { differs: 'bytes-again', onSome: true } : {},
      );
    }
    const streams: Record<string, () => unknown> = {
      'a stream': () => new Blob(['stream']).stream(),
      'an async generator': () =>
        (async function* () {
          yield await Promise.resolve(new TextEncoder().encode('generated'));
        })(),
      'a Readable': () => Readable.from([Buffer.from('read')]),
    };
    for (const [name, make] of Object.entries(streams)) {
      for (const redirect of ['follow', 'manual', 'error'] as const) {
        sameAsPlatform(`${name}, ${code}, ${redirect}`, (bench) => {
          answerWith(bench, movedOnce(code, '/end'));
          const init = { method: 'POST', body: make(), duplex: 'half', redirect };
          return called(bench.fetch, bench.url, init);
        });
      }
    }
  }
});

describe('chains', () => {
  for (const hops of [1, 2, 5, 19, 20, 21, 25]) {
    for (const code of [302, 307] as const) {
      sameAsPlatform(`${hops} hops by ${code}`, (bench) => {
        answerWith(bench, ({ url }, response) => {
          const number = Number(url?.slice(1));
          if (number < hops) response.writeHead(code, { location: `/${number + 1}` });
          response.end(`at ${number}`);
        });
        return called(bench.fetch, `${bench.url}/0`, { method: 'POST', body: 'text' });
      });
    }
  }
  sameAsPlatform('to itself', (bench) => {
    answerWith(bench, (_, response) => response.writeHead(302, { location: '' }).end());
    return called(bench.fetch, `${bench.url}/a`);
  });
  sameAsPlatform('to and fro between origins', (bench) => {
    answerWith(bench, ({ url, headers }, response) => {
      const number = Number(url?.slice(1));
      const isFirst = headers.host === new URL(bench.url).host;
      const next = isFirst ? bench.otherUrl : bench.url;
      if (number < 4) response.writeHead(307, { location: `${next}/${number + 1}` });
      response.end(`at ${number}`);
    });
    const headers = { authorization: 'secret', cookie: 'a=b', 'x-own': '1' };
    return called(bench.fetch, `${bench.url}/0`, { method: 'POST', body: 'text', headers });
  });
  sameAsPlatform('of different statuses', (bench) => {
    const chain = [307, 308, 301, 302, 303];
    answerWith(bench, ({ url }, response) => {
      const number = Number(url?.slice(1));
      const code = chain[number];
      if (code !== undefined) response.writeHead(code, { location: `/${number + 1}` });
      response.end(`at ${number}`);
    });
    return called(bench.fetch, `${bench.url}/0`, { method: 'POST', body: 'text' });
  });
});

describe('locations', () => {
  const locations: Record<string, unknown> = {
    missing: undefined,
    empty: '',
    'a path': '/end',
    'a path without a slash': 'end',
    'a path upwards': '../end',
    'a query': '?end',
    'a fragment': '/end#part',
    'only a fragment': '#part',
    'another origin': ({ otherUrl }: Bench) => `${otherUrl}/end`,
    'without a scheme': ({ otherUrl }: Bench) => `${otherUrl.slice('http:'.length)}/end`,
    'the same origin, written out': ({ url }: Bench) => `${url}/end`,
    'capital letters': ({ url }: Bench) => `${url.toUpperCase()}/end`,
    'spaces around': '  /end  ',
    'a space within': '/end now',
    'percent signs': '/end%20%zz',
    'Latin-1': '/end/ä',
    'UTF-8': Buffer.from('/end/ä✓').toString('latin1'),
    backslashes: '\\end',
    'no URL': 'http://',
    'no URL at all': 'http://a b/',
    'a port too large': 'http://127.0.0.1:99999/',
    'a blocked port': 'http://127.0.0.1:6000/end',
    'a closed port': ({ deadUrl }: Bench) => `${deadUrl}/end`,
    'a name that is not known': 'http://nope.invalid/end',
    'data:': 'data:text/plain,hello',
    'about:blank': 'about:blank',
    'blob:': 'blob:nodedata:x',
    'file:': 'file:///etc/hostname',
    'ftp:': 'ftp://127.0.0.1/end',
    'javascript:': 'javascript:1',
    'a user and a password': ({ url }: Bench) => `${url.replace('//', '//me:secret@')}/end`,
    'a user of another origin': ({ otherUrl }: Bench) => `${otherUrl.replace('//', '//me@')}/end`,
    'two of them': ['/end/1', '/end/2'],
    'two that are equal': ['/end', '/end'],
    'an empty one and one': ['', '/end'],
    'very long': `/end/${'x'.repeat(3000)}`,
  };
  for (const [name, location] of Object.entries(locations)) {
    for (const [code, redirect] of [
      [302, 'follow'],
      [307, 'follow'],
      [302, 'manual'],
      [302, 'error'],
    ] as const) {
      for (const fragment of ['', '#first']) {
        sameAsPlatform(`${name}, ${code}, ${redirect}${fragment}`, (bench) => {
          const where: unknown =
            typeof location === 'function'
              ? (location as (bench: Bench) => unknown)(bench)
              : location;
          answerWith(bench, movedOnce(code, where));
          return called(bench.fetch, `${bench.url}/a/b?c${fragment}`, { redirect });
        });
      }
      sameAsPlatform(`${name}, ${code}, ${redirect}, with a mode`, (bench) => {
        const where: unknown =
          typeof location === 'function'
            ? (location as (bench: Bench) => unknown)(bench)
            : location;
        answerWith(bench, movedOnce(code, where));
        return called(bench.fetch, `${bench.url}/a/b?c`, { redirect, mode: 'same-origin' });
      });
    }
  }
});

describe('headers on the way', () => {
  const headers = {
    authorization: 'Bearer secret',
    cookie: 'a=b',
    host: 'elsewhere',
    'proxy-authorization': 'Basic secret',
    'x-own': 'mine',
    Accept: 'text/x',
    'user-agent': 'mine',
    'accept-language': 'de',
    'if-none-match': '"x"',
    origin: 'http://from.example',
    referer: 'http://from.example/page',
    'Content-Type': 'application/json',
    'content-encoding': 'identity',
    'content-language': 'de',
    'content-location': '/x',
  };
  for (const code of codes) {
    for (const elsewhere of [false, true]) {
      for (const method of ['GET', 'POST', 'DELETE']) {
        for (const asRequest of [false, true]) {
          const name = `${method}, ${code}, ${elsewhere ? 'another' : 'the same'} origin`;
          sameAsPlatform(asRequest ? `${name}, in a Request` : name, (bench) => {
            const { url, otherUrl, fetch } = bench;
            answerWith(bench, movedOnce(code, `${elsewhere ? otherUrl : url}/end`));
            const init = { method, headers, ...(method === 'POST' && { body: '{}' }) };
            return asRequest ? called(fetch, new Request(url, init)) : called(fetch, url, init);
          });
        }
      }
      for (const credentials of ['omit', 'include'] as const) {
        sameAsPlatform(`credentials ${credentials}, ${code}, ${elsewhere}`, (bench) => {
          const { url, otherUrl } = bench;
          answerWith(bench, movedOnce(code, `${elsewhere ? otherUrl : url}/end`));
          return called(bench.fetch, url, { credentials, headers });
        });
      }
    }
  }
  sameAsPlatform('a referrer', (bench) => {
    answerWith(bench, movedOnce(302, `${bench.otherUrl}/end`));
    return called(bench.fetch, bench.url, { referrer: 'http://from.example/page' });
  });
  sameAsPlatform('a policy for referrers in the answer', (bench) => {
    answerWith(bench, movedOnce(302, '/end', { 'referrer-policy': 'no-referrer' }));
    return called(bench.fetch, new Request(bench.url, { referrer: `${bench.url}/page` }));
  });
  sameAsPlatform('cookies of the answer', (bench) => {
    answerWith(bench, movedOnce(302, '/end', { 'set-cookie': ['a=1', 'b=2'] }));
    return called(bench.fetch, bench.url);
  });
  sameAsPlatform('a spelling of its own', (bench) => {
    answerWith(bench, ({ url }, response) => {
      if (url !== '/end') response.writeHead(302, { LOCATION: '/end' });
      response.end('the end');
    });
    return called(bench.fetch, bench.url);
  });
  sameAsPlatform('integrity', (bench) => {
    answerWith(bench, movedOnce(302, '/end'));
    return called(bench.fetch, bench.url, { integrity: 'sha256-wrong' });
  });
});

describe('the body of the answer that sends elsewhere', () => {
  const answers: Record<string, Answer> = {
    large: (_, response) =>
      response.writeHead(302, { location: '/end' }).end('x'.repeat(2_000_000)),
    'never ending': (_, response) =>
      response.writeHead(302, { location: '/end' }).write('for ever'),
    'cut short': (_, response) => {
      response.writeHead(302, { location: '/end', 'content-length': '100' }).write('so much');
      void setTimeout(150).then(() => response.destroy());
    },
    compressed: (_, response) =>
      response
        .writeHead(302, { location: '/end', 'content-encoding': 'gzip' })
        .end(gzipSync('moved')),
    'compressed, and no such thing': (_, response) =>
      response.writeHead(302, { location: '/end', 'content-encoding': 'gzip' }).end('no gzip'),
    'of an encoding that is none': (_, response) =>
      response.writeHead(302, { location: '/end', 'content-encoding': 'odd' }).end('moved'),
    'after 103': (_, response) => {
      response.writeEarlyHints({ link: '</a>; rel=preload' });
      response.writeHead(302, { location: '/end' }).end('moved');
    },
    'without a length': (_, response) =>
      response.socket?.end('HTTP/1.0 302 Found\r\nlocation: /end\r\n\r\nmoved'),
  };
  for (const [name, answer] of Object.entries(answers)) {
    for (const redirect of ['follow', 'error'] as const) {
      for (const method of ['GET', 'POST']) {
        sameAsPlatform(`${name}, ${redirect}, ${method}`, async (bench) => {
          answerWith(bench, (request, response) => {
            if (request.url === '/end') response.end('the end');
            else answer(request, response);
          });
          const found = await called(bench.fetch, bench.url, { method, redirect });
          // The platform keeps its connections: one that is being closed would be the next check's.
          if (name === 'cut short') await setTimeout(200);
          return found;
        });
      }
    }
    if (name === 'never ending') continue;
    sameAsPlatform(`${name}, manual`, (bench) => {
      answerWith(bench, answer);
      return called(bench.fetch, bench.url, { redirect: 'manual' });
    });
  }
});

sameAsPlatform(
  'an answer that breaks off while the next is awaited',
  async (bench) => {
    answerWith(bench, ({ url }, response) => {
      if (url === '/end') {
        void setTimeout(60).then(() => response.end('the end'));
        return;
      }
      response.writeHead(302, { location: '/end', 'content-length': '100' }).write('so much');
      void setTimeout(10).then(() => response.destroy());
    });
    const found = await outcome(async () => (await bench.fetch(bench.url)).text());
    await setTimeout(100);
    return found;
  },
  { differs: 'left-behind', ours: { value: 'the end' } },
);

describe('an answer that breaks off as its head comes', () => {
  const head = 'HTTP/1.1 302 Found\r\nlocation: /end\r\n';
  const broken: Record<string, string> = {
    'by a chunk that is none': `${head}transfer-encoding: chunked\r\n\r\nxyz\r\nfine\r\n0\r\n\r\n`,
    'by a second chunk that is none': `${head}transfer-encoding: chunked\r\n\r\n2\r\nab\r\nxyz\r\n0\r\n\r\n`,
    'short of its length': `${head}content-length: 10\r\n\r\nabc`,
    'before its first byte': `${head}content-length: 10\r\n\r\n`,
    'between chunks': `${head}transfer-encoding: chunked\r\n\r\n2\r\nab\r\n`,
    'without a length, which is its end': `${head}\r\nabc`,
  };
  for (const [name, bytes] of Object.entries(broken)) {
    for (const method of ['GET', 'HEAD', 'POST']) {
      for (const hop of ['the first', 'the second'] as const) {
        sameAsPlatform(
          `${name}, ${method}, ${hop} hop`,
          async ({ fetch }) => {
            // With no connection that the platform has kept: its words depend on that.
            await using server = await ScriptServer.open();
            server.answer = ({ url, socket }, response) => {
              if (url === '/end') response.end('the end');
              else if (url !== '/broken') {
                response.writeHead(302, { location: '/broken', connection: 'close' }).end();
              } else socket.end(bytes);
            };
            const path = hop === 'the first' ? '/broken' : '/start';
            const found = await called(fetch, `http://127.0.0.1:${server.port}${path}`, { method });
            return withoutPort(found, server.port);
          },
          // Ours does not ask for the end any more where the platform fails beside its answer.
          { compareAsked: false },
        );
      }
    }
  }
});

describe('manual', () => {
  for (const code of codes) {
    sameAsPlatform(`${code} can be read, and followed by hand`, async (bench) => {
      const { fetch, url } = bench;
      answerWith(bench, movedOnce(code, '/end'));
      const first = await fetch(url, { redirect: 'manual' });
      const location = first.headers.get('location') ?? '';
      const body = await first.clone().text();
      return [body, await whole(first), await whole(await fetch(new URL(location, url)))];
    });
  }
});

describe('aborted on the way', () => {
  sameAsPlatform('between two hops', (bench) => {
    const controller = new AbortController();
    answerWith(bench, ({ url }, response) => {
      if (url === '/end') controller.abort(new Error('enough'));
      else response.writeHead(302, { location: '/end' }).end();
    });
    return called(bench.fetch, bench.url, { signal: controller.signal });
  });
  sameAsPlatform('in the last body', async (bench) => {
    const controller = new AbortController();
    answerWith(bench, ({ url }, response) => {
      if (url === '/end') response.write('begun');
      else response.writeHead(302, { location: '/end' }).end();
    });
    const response = await bench.fetch(bench.url, { signal: controller.signal });
    void setTimeout(10).then(() => controller.abort(new Error('enough')));
    return [response.url, response.redirected, await outcome(() => response.text())];
  });
  sameAsPlatform('after the end', async (bench) => {
    const controller = new AbortController();
    answerWith(bench, movedOnce(302, '/end'));
    const response = await bench.fetch(bench.url, { signal: controller.signal });
    const text = await response.text();
    controller.abort();
    return [text, response.url, response.redirected];
  });
});

describe('a failure on the way', () => {
  const failures: Record<string, Answer> = {
    'a reset': (request) => request.socket.resetAndDestroy(),
    'a close': (request) => request.socket.end(),
    garbage: (request) => request.socket.end('garbage\r\n\r\n'),
  };
  for (const [name, answer] of Object.entries(failures)) {
    sameAsPlatform(
      name,
      (bench) => {
        answerWith(bench, (request, response) => {
          if (request.url === '/end') answer(request, response);
          else response.writeHead(302, { location: '/end' }).end();
        });
        return called(bench.fetch, bench.url);
      },
      name === 'garbage' ? { differs: 'parser', onSome: true } : {},
    );
  }
});

sameAsPlatform(
  'bytes sent a second time',
  async (bench) => {
    answerWith(bench, movedOnce(307, '/end'));
    await called(bench.fetch, bench.url, { method: 'POST', body: new Uint8Array([104, 105]) });
    return bench.server.asked.map(({ body }) => body);
  },
  { differs: 'bytes-again', onSome: true, ours: ['hi', 'hi'] },
);
