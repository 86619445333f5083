/** Which URLs are called, how they are written on the wire, and what is said of the others. */
import { describe } from 'vitest';
import { sameAsPlatform, useServers, type Bench } from './differential.js';
import { called, outcome, whole } from './seen.js';

useServers();

/** As text, as a URL and as the URL of a Request. */
function sameURL(name: string, make: (bench: Bench) => string): void {
  sameAsPlatform(name, (bench) => called(bench.fetch, make(bench)));
  sameAsPlatform(`${name}, as a URL`, async (bench) => {
    const made = await outcome(() => new URL(make(bench)));
    const url = (made as { value?: URL }).value;
    return url === undefined ? made : called(bench.fetch, url);
  });
  sameAsPlatform(`${name}, as a Request`, async (bench) => {
    const made = await outcome(() => new Request(make(bench)));
    const request = (made as { value?: Request }).value;
    return request === undefined ? made : called(bench.fetch, request);
  });
}

describe('paths and queries', () => {
  for (const rest of [
    ...[
      '',
      '/',
      '//',
      '//a',
      '/a//b',
      '/a/',
      '/a/.',
      '/a/..',
      '/a/../b',
      '/a/./b',
      '/../..',
      '/...',
    ],
    ...[
      '/%2e%2e/b',
      '/a/%2e/b',
      '/a/%2E%2e/b',
      '/a/.%2e/b',
      '/a%2fb',
      '/%',
      '/%zz',
      '/%41',
      '/%00',
    ],
    ...[
      '/a b',
      '/a\tb',
      '/a\nb',
      '/a\\b',
      '\\a',
      '/päth',
      '/✓',
      '/🛶',
      '/a"b',
      '/<a>',
      '/a`b',
      '/{a}',
    ],
    ...[
      '/a|b',
      '/a^b',
      '/[a]',
      "/a'b",
      '/a;b',
      '/a,b',
      '/a:b',
      '/a@b',
      '/a=b',
      '/a+b',
      '/~a',
      '/$!()*',
    ],
    ...[
      '?',
      '/?',
      '/a?',
      '?a',
      '/?a=b&c=d',
      '/?a=b c',
      '/?a=ä',
      '/?a="b"',
      "/?a='b'",
      '/?a=<b>',
      '/?%',
    ],
    ...[
      '/?a?b',
      '/?a/../b',
      '/?a\\b',
      '/?a=`b`',
      '/?{}|^',
      '/?a=%zz',
      '/??',
      '/?&',
      '/?a=b#',
      '?#',
      '/?#',
    ],
    ...[
      '#',
      '/#',
      '#part',
      '/a#part',
      '/a?b#part',
      '/a#p?q',
      '/a#ä ö',
      '/a#%zz',
      '#a#b',
      '/a%23b',
      '/a%3fb',
    ],
    ...[
      '/a\u0000b',
      '/a\u007fb',
      '/a\u00a0b',
      '/a\ud800b',
      '/\u202e',
      '/%E2%9C%93',
      '/a/..;/b',
      '/.a',
      '/a.',
    ],
  ]) {
    sameURL(JSON.stringify(rest), ({ url }) => url + rest);
  }
});

describe('schemes and hosts', () => {
  const port = ({ url }: Bench) => new URL(url).port;
  const forms: Record<string, (bench: Bench) => string> = {
    'capital letters': ({ url }) => url.replace('http', 'HTTP'),
    'one slash': (bench) => `http:/127.0.0.1:${port(bench)}/a`,
    'no slash': (bench) => `http:127.0.0.1:${port(bench)}/a`,
    'many slashes': (bench) => `http:////127.0.0.1:${port(bench)}/a`,
    backslashes: (bench) => `http:\\\\127.0.0.1:${port(bench)}\\a`,
    'a port with zeros': (bench) => `http://127.0.0.1:0${port(bench)}/`,
    'a short address': (bench) => `http://127.1:${port(bench)}/`,
    'a number for an address': (bench) => `http://2130706433:${port(bench)}/`,
    'an address in hex': (bench) => `http://0x7f.0.0.1:${port(bench)}/`,
    'a host that is percent-encoded': (bench) => `http://%31%32%37.0.0.1:${port(bench)}/`,
    'full-width digits': (bench) => `http://１２７.0.0.1:${port(bench)}/`,
    'IPv6 that is IPv4': (bench) => `http://[::ffff:127.0.0.1]:${port(bench)}/`,
    'an address of any host': (bench) => `http://0.0.0.0:${port(bench)}/`,
    'another address of this host': (bench) => `http://127.1.2.3:${port(bench)}/`,
    localhost: (bench) => `http://localhost:${port(bench)}/`,
    'localhost in capital letters': (bench) => `http://LOCALHOST:${port(bench)}/`,
    'a dot at the end': (bench) => `http://localhost.:${port(bench)}/`,
    'a Unicode host': () => 'http://bücher.invalid/',
    'an emoji host': () => 'http://🛶.invalid/',
    'a host with an underscore': () => 'http://a_b.invalid/',
    'a user': ({ url }) => url.replace('//', '//me@'),
    'a user and a password': ({ url }) => url.replace('//', '//me:secret@'),
    'a password alone': ({ url }) => url.replace('//', '//:secret@'),
    'an empty user': ({ url }) => url.replace('//', '//@'),
    'an empty user and password': ({ url }) => url.replace('//', '//:@'),
    'no host': () => 'http://',
    'no host but a path': () => 'http:///',
    'a port too large': () => 'http://127.0.0.1:65536/',
    'a port that is none': () => 'http://127.0.0.1:port/',
    'port 0': () => 'http://127.0.0.1:0/',
    'an empty port': () => 'http://nope.invalid:/',
    'a host with a space': () => 'http://a b/',
    'a host with a percent sign': () => 'http://a%b/',
    'a host of dots': () => 'http://..:1024/',
    'an open bracket': () => 'http://[::1/',
    'an address that is none': () => 'http://256.256.256.256/',
    'a closed port': ({ deadUrl }) => deadUrl,
    'a name that is not known': () => 'http://nope.invalid/',
    'https of a name that is not known': () => 'https://nope.invalid/',
    'a scheme that is none': () => '://127.0.0.1/',
    'gopher:': () => 'gopher://127.0.0.1/',
    'ftp:': () => 'ftp://127.0.0.1/',
    'ws:': ({ url }) => url.replace('http', 'ws'),
    'wss:': ({ url }) => url.replace('http', 'wss'),
    'file:': () => 'file:///etc/hostname',
    'file: of a host': () => 'file://host/x',
    'about:blank': () => 'about:blank',
    'about:else': () => 'about:else',
    'about:srcdoc#x': () => 'about:srcdoc#x',
    'javascript:': () => 'javascript:alert(1)',
    'mailto:': () => 'mailto:a@b.c',
    'node:': () => 'node:fs',
    'view-source:': () => 'view-source:http://a/',
    'chrome:': () => 'chrome://version',
    'x:': () => 'x:',
    'unix:': () => 'unix:/tmp/socket',
    'http+unix:': () => 'http+unix://%2Ftmp/x',
  };
  for (const [name, make] of Object.entries(forms)) sameURL(name, make);
});

describe('what is added for hosts', () => {
  for (const host of ['0.0.0.0', '[::ffff:7f00:1]', 'localhost', '127.0.0.9']) {
    sameAsPlatform(host, ({ fetch, url }) => called(fetch, url.replace('127.0.0.1', host)));
    sameAsPlatform(`${host}, POST`, ({ fetch, url }) =>
      called(fetch, url.replace('127.0.0.1', host), { method: 'POST', body: 'x' }),
    );
  }
});

describe('ports that are not called', () => {
  /** Asks the platform itself, which refuses before anything is opened: nobody listens at any of them. */
  for (let first = 0; first < 11_000; first += 500) {
    sameAsPlatform(`${first} to ${first + 499}`, async ({ fetch, url }) => {
      const own = Number(new URL(url).port);
      const blocked: number[] = [];
      const one = async (port: number): Promise<void> => {
        if (port === own) return;
        const controller = new AbortController();
        const answer = fetch(`http://127.0.0.1:${port}/`, { signal: controller.signal });
        queueMicrotask(() => controller.abort(new Error('not to be opened')));
        await answer.catch((error: Error) => {
          if ((error.cause as Error | undefined)?.message === 'bad port') blocked.push(port);
        });
      };
      await Promise.all(Array.from({ length: 500 }, (_, index) => one(first + index)));
      return blocked.sort((a, b) => a - b);
    });
  }
  for (const port of [1, 25, 6000, 10080]) {
    sameURL(`http ${port}`, () => `http://127.0.0.1:${port}/`);
    sameURL(`https ${port}`, () => `https://127.0.0.1:${port}/`);
    sameURL(`a name ${port}`, () => `http://nope.invalid:${port}/`);
  }
});

describe('data:', () => {
  for (const rest of [
    ...[',', ',hello', 'text/plain,hello', 'text/plain;charset=utf-8,h%C3%A4', ';base64,aGVsbG8='],
    ...[
      'text/html;base64,aGVs bG8=',
      ';base64,aGVsbG8',
      ';base64,!',
      ';base64,a',
      'nonsense,x',
      '',
    ],
    ...[
      'hello',
      'text/plain;,x',
      ',a#part',
      ',a%23b',
      ',a?b',
      ',%zz',
      'text/plain;base64;x=y,aGk=',
      ',a,b',
    ],
    ...[
      'image/png;BASE64,aGk=',
      ' text/plain ,x',
      'text/plain; charset="a,b",x',
      ',ä',
      ',🛶',
      '//x,y',
    ],
    ...['application/json,{"a":1}', ',x'.repeat(500)],
  ]) {
    const url = `data:${rest}`;
    sameURL(JSON.stringify(url.slice(0, 60)), () => url);
    for (const method of ['HEAD', 'POST', 'PUT', 'OPTIONS']) {
      sameAsPlatform(`${method} ${JSON.stringify(url.slice(0, 60))}`, ({ fetch }) =>
        called(fetch, url, { method }),
      );
    }
  }
  sameAsPlatform('with a range', ({ fetch }) =>
    called(fetch, 'data:,hello', { headers: { range: 'bytes=1-2' } }),
  );
  sameAsPlatform('with integrity', ({ fetch }) =>
    called(fetch, 'data:,hello', { integrity: 'sha256-wrong' }),
  );
  sameAsPlatform('with mode same-origin', ({ fetch }) =>
    called(fetch, 'data:,hello', { mode: 'same-origin' }),
  );
  sameAsPlatform('with a signal that is aborted', ({ fetch }) =>
    called(fetch, 'data:,hello', { signal: AbortSignal.abort(new Error('enough')) }),
  );
});

describe('blob:', () => {
  const blobs: Record<string, () => Blob> = {
    text: () => new Blob(['hello world'], { type: 'text/plain' }),
    'without a type': () => new Blob(['hello']),
    empty: () => new Blob([]),
    bytes: () => new Blob([new Uint8Array([0, 255])], { type: 'image/png' }),
  };
  for (const [name, make] of Object.entries(blobs)) {
    const inits: Record<string, RequestInit> = {
      GET: {},
      HEAD: { method: 'HEAD' },
      POST: { method: 'POST' },
      PUT: { method: 'PUT', body: 'x' },
      'a range': { headers: { range: 'bytes=1-3' } },
      'an open range': { headers: { range: 'bytes=2-' } },
      'a range from the end': { headers: { range: 'bytes=-2' } },
      'a range beyond': { headers: { range: 'bytes=100-200' } },
      'a range that is none': { headers: { range: 'bytes=x' } },
      'a range of spaces': { headers: { range: 'bytes = 0 - 1' } },
      'two ranges': { headers: { range: 'bytes=0-1,2-3' } },
    };
    for (const [what, init] of Object.entries(inits)) {
      sameAsPlatform(`${name}, ${what}`, async ({ fetch }) => {
        const url = URL.createObjectURL(make());
        return anonymous(await called(fetch, url, init), url);
      });
    }
    for (const suffix of ['#part', '?a', '/a']) {
      sameAsPlatform(`${name}, with ${suffix}`, async ({ fetch }) => {
        const url = URL.createObjectURL(make());
        return anonymous(await called(fetch, url + suffix), url);
      });
    }
    sameAsPlatform(`${name}, as a Request`, async ({ fetch }) => {
      const url = URL.createObjectURL(make());
      return anonymous(await called(fetch, new Request(url)), url);
    });
    sameAsPlatform(`${name}, revoked`, async ({ fetch }) => {
      const url = URL.createObjectURL(make());
      URL.revokeObjectURL(url);
      return anonymous(await called(fetch, url), url);
    });
    sameAsPlatform(`${name}, revoked after the call`, async ({ fetch }) => {
      const url = URL.createObjectURL(make());
      const answer = fetch(url);
      URL.revokeObjectURL(url);
      return anonymous(await outcome(async () => whole(await answer)), url);
    });
  }
  for (const url of ['blob:', 'blob:x', 'blob:nodedata:nope', 'blob:http://a/b']) {
    sameURL(url, () => url);
  }
});

describe('a large number of origins', () => {
  sameAsPlatform('each is its own', async ({ fetch, url, otherUrl }) => [
    await whole(await fetch(`${url}/one`)),
    await whole(await fetch(`${otherUrl}/other`)),
    await whole(
      await fetch(`${url.replace('127.0.0.1', '127.0.0.2')}/second`).catch(() => new Response()),
    ),
  ]);
});

/** Its name is drawn by chance. */
function anonymous(seen: unknown, url: string): unknown {
  return JSON.parse(JSON.stringify(seen).replaceAll(url, 'blob:URL')) as unknown;
}
