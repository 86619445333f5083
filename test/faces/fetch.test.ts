/**
 * `client.fetch` beside the platform's own, against the same server: what can be observed must be the same.
 * The platform is the oracle; nothing here is written by hand where it can be observed.
 */
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { clientFor } from '../support/client.js';
import { serve, type Seen } from '../support/server.js';

type Fetch = typeof globalThis.fetch;

async function backend() {
  return serve((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://x');
    switch (pathname) {
      case '/json':
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ method: request.method, body: request.text }));
        break;
      case '/bom':
        response.end('\ufeff{"marked":true}');
        break;
      case '/broken-json':
        response.end('{"open":');
        break;
      case '/bytes':
        response.end(Buffer.from([0, 255, 128, 10, 195, 40]));
        break;
      case '/empty':
        response.end();
        break;
      case '/status':
        response.writeHead(Number(searchParams.get('code')), searchParams.get('text') ?? undefined);
        response.end(searchParams.has('body') ? 'a body' : undefined);
        break;
      case '/cookies':
        response.setHeader('set-cookie', ['a=1', 'b=2; Path=/']);
        response.setHeader('X-Mixed-Case', ['one', 'two']);
        response.end();
        break;
      case '/gzip':
        response.setHeader('content-encoding', 'gzip');
        response.end(gzipSync('decoded'.repeat(1000)));
        break;
      case '/redirect':
        response.writeHead(Number(searchParams.get('code')), { location: '/json?after=redirect' });
        response.end('moved');
        break;
      case '/loop':
        response.writeHead(302, { location: '/loop' });
        response.end();
        break;
      case '/large':
        response.end('x'.repeat(Number(searchParams.get('size'))));
        break;
      case '/odd-words':
        response.socket?.end('HTTP/1.1 200 Größe ✓\r\ncontent-length: 4\r\n\r\nbody');
        break;
      case '/cut':
        response.writeHead(200, { 'content-length': '100' });
        response.write('only so much');
        setImmediate(() => response.destroy());
        break;
      case '/reset':
        response.destroy();
        break;
      default:
        response.end('fine');
    }
  });
}

/** Everything that can be seen of an answer without touching its body. */
function outside(response: Response) {
  const { status, statusText, ok, redirected, type, url, bodyUsed, headers } = response;
  return {
    status,
    statusText,
    ok,
    redirected,
    type,
    url: new URL(url).pathname + new URL(url).search,
    bodyUsed,
    nullBody: response.body === null,
    // Ours keeps the connection of a HEAD, which the platform closes.
    headers: [...headers].filter(([name]) => !['date', 'connection', 'keep-alive'].includes(name)),
    cookies: headers.getSetCookie(),
    instance: response instanceof Response,
    tag: Object.prototype.toString.call(response),
    constructorName: response.constructor.name,
    keys: Object.keys(response),
    json: JSON.stringify(response),
  };
}

async function outcome(run: () => unknown): Promise<unknown> {
  try {
    return { value: await run() };
  } catch (error) {
    const { name, message, cause } = error as Error & { cause?: { code?: string } };
    return { name, message, code: cause?.code, isTypeError: error instanceof TypeError };
  }
}

/** What the server saw, without what differs by nature. */
function request({ method, path, headers, body }: Seen) {
  const pairs: [string, string][] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const name = (headers[index] ?? '').toLowerCase();
    const value = (headers[index + 1] ?? '').replace(/boundary=.*/, 'boundary');
    // Ours keeps the connection of a HEAD.
    if (name !== 'connection') pairs.push([name, value]);
  }
  return {
    method,
    path,
    headers: pairs.sort(([a], [b]) => (a < b ? -1 : 1)),
    body: body.replaceAll(/-+formdata-undici-\d+/g, 'boundary'),
  };
}

const observations: Record<string, (fetch: Fetch, url: string) => unknown> = {
  'a GET': async (fetch, url) => outside(await fetch(`${url}/json`)),
  'a URL object, and a fragment': async (fetch, url) =>
    outside(await fetch(new URL(`${url}/json?q=1#part`))),
  'a Request': async (fetch, url) => {
    const response = await fetch(new Request(`${url}/json`, { method: 'PUT', body: 'put' }));
    return [outside(response), await response.json()];
  },
  'json()': async (fetch, url) => (await fetch(`${url}/json`)).json(),
  'json() of a body with a byte order mark': async (fetch, url) =>
    (await fetch(`${url}/bom`)).json(),
  'text() of bytes that are not UTF-8': async (fetch, url) => (await fetch(`${url}/bytes`)).text(),
  'arrayBuffer()': async (fetch, url) =>
    Buffer.from(await (await fetch(`${url}/bytes`)).arrayBuffer()).toString('hex'),
  'blob()': async (fetch, url) => {
    const blob = await (await fetch(`${url}/json`)).blob();
    return [blob.size, blob.type, await blob.text()];
  },
  'json() of no JSON': async (fetch, url) =>
    outcome(async () => (await fetch(`${url}/broken-json`)).json()),
  'json() of an empty body': async (fetch, url) =>
    outcome(async () => (await fetch(`${url}/empty`)).json()),
  'a body read twice': async (fetch, url) => {
    const response = await fetch(`${url}/json`);
    await response.text();
    return [
      response.bodyUsed,
      await outcome(() => response.text()),
      await outcome(() => response.clone()),
    ];
  },
  'body after it was read': async (fetch, url) => {
    const response = await fetch(`${url}/json`);
    await response.text();
    return [response.body === null, response.body?.locked, response.bodyUsed];
  },
  'clone, and both read': async (fetch, url) => {
    const response = await fetch(`${url}/json`);
    const copy = response.clone();
    return [await copy.text(), await response.text(), response.bodyUsed];
  },
  'the body as a stream': async (fetch, url) => {
    const response = await fetch(`${url}/large?size=300000`);
    let size = 0;
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>)
      size += chunk.length;
    return [size, response.bodyUsed, response.body?.locked];
  },
  'a stream read in part and cancelled': async (fetch, url) => {
    const response = await fetch(`${url}/large?size=3000000`);
    const reader = response.body?.getReader();
    const first = await reader?.read();
    await reader?.cancel();
    return [(first?.value as Uint8Array).length > 0, first?.done, response.bodyUsed];
  },
  'a large body as text': async (fetch, url) =>
    (await (await fetch(`${url}/large?size=5000000`)).text()).length,
  'new Response(body, response)': async (fetch, url) => {
    const response = await fetch(`${url}/json`);
    const copy = new Response(response.body, response);
    return [copy.status, copy.headers.get('content-type'), await copy.text()];
  },
  'immutable headers': async (fetch, url) => {
    const { headers } = await fetch(`${url}/json`);
    return [
      headers instanceof Headers,
      Object.prototype.toString.call(headers),
      await outcome(() => headers.set('a', 'b')),
      await outcome(() => headers.append('a', 'b')),
      await outcome(() => headers.delete('a')),
    ];
  },
  'cookies and repeated headers': async (fetch, url) => outside(await fetch(`${url}/cookies`)),
  gzip: async (fetch, url) => {
    const response = await fetch(`${url}/gzip`);
    return [outside(response), (await response.text()).length];
  },
  HEAD: async (fetch, url) => {
    const response = await fetch(`${url}/json`, { method: 'HEAD' });
    return [outside(response), await response.text()];
  },
  'PATCH in small letters stays as it is': async (fetch, url) =>
    outcome(async () => (await fetch(`${url}/json`, { method: 'patch' })).status),
  'a redirect that loops': async (fetch, url) => outcome(() => fetch(`${url}/loop`)),
  'redirect: manual': async (fetch, url) => {
    const response = await fetch(`${url}/redirect?code=302`, { redirect: 'manual' });
    return [outside(response), await response.text()];
  },
  'redirect: error': async (fetch, url) =>
    outcome(() => fetch(`${url}/redirect?code=302`, { redirect: 'error' })),
  'a cut body': async (fetch, url) => {
    const response = await fetch(`${url}/cut`);
    return [response.status, await outcome(() => response.text())];
  },
  'a cut body as a stream': async (fetch, url) => {
    const response = await fetch(`${url}/cut`);
    return outcome(async () => {
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) chunk;
    });
  },
  'a reset before the head': async (fetch, url) => outcome(() => fetch(`${url}/reset`)),
  'a method that is none': async (fetch, url) => outcome(() => fetch(url, { method: 'NO WAY' })),
  'a forbidden method': async (fetch, url) => outcome(() => fetch(url, { method: 'TRACE' })),
  'a URL that is none': async (fetch) => outcome(() => fetch('http://')),
  'credentials in the URL': async (fetch) => outcome(() => fetch('http://me:secret@127.0.0.1/')),
  'a scheme that is none': async (fetch) => outcome(() => fetch('gopher://127.0.0.1/')),
  'a data: URL': async (fetch) => (await fetch('data:text/plain,hello')).text(),
  'a GET with a body': async (fetch, url) => outcome(() => fetch(url, { body: 'x' })),
  'a header with a bad name': async (fetch, url) =>
    outcome(() => fetch(url, { headers: { 'a b': 'c' } })),
  'a header with a bad value': async (fetch, url) =>
    outcome(() => fetch(url, { headers: { a: 'b\nc' } })),
  'a signal that is aborted already': async (fetch, url) =>
    outcome(() => fetch(`${url}/json`, { signal: AbortSignal.abort(new Error('enough')) })),
  'a signal that is none': async (fetch, url) =>
    outcome(() => fetch(url, { signal: 'soon' as unknown as AbortSignal })),
  'a range of a body': async (fetch, url) =>
    (await fetch(`${url}/json`, { headers: { range: 'bytes=0-3' } })).status,
  'a conditional request': async (fetch, url) =>
    (await fetch(`${url}/json`, { headers: { 'if-none-match': '"x"' } })).status,
  'a blocked port': async (fetch) => outcome(() => fetch('http://127.0.0.1:6000/')),
  'a method that objects have by themselves': async (fetch, url) =>
    outcome(async () => (await fetch(`${url}/json`, { method: 'constructor' })).status),
  'an empty query': async (fetch, url) => (await fetch(`${url}/json?`)).status,
  'an empty query and a fragment': async (fetch, url) => (await fetch(`${url}/json?#part`)).status,
  'a reason phrase that Response would not take': async (fetch, url) => {
    const response = await fetch(`${url}/odd-words`);
    return [
      response.statusText,
      await response.clone().text(),
      await (await response.blob()).text(),
    ];
  },
  'the members that a loop finds': async (fetch, url) => {
    const found: string[] = [];
    for (const name in await fetch(`${url}/json`)) found.push(name);
    return found.sort();
  },
  'headers before and after the body was touched': async (fetch, url) => {
    const response = await fetch(`${url}/json`);
    const { headers } = response;
    await response.body?.cancel();
    return response.headers === headers;
  },
  'util.inspect': async (fetch, url) => {
    const response = await fetch(`${url}/json`);
    return inspect(response)
      .replace(/date: '[^']*'/i, 'date')
      .replaceAll(url, '');
  },
};

for (const code of [200, 201, 204, 205, 304, 400, 404, 500, 503, 599]) {
  observations[`status ${code}`] = async (fetch, url) => {
    const response = await fetch(`${url}/status?code=${code}&text=Said%20so`);
    return [outside(response), await response.text()];
  };
}
for (const code of [301, 302, 303, 307, 308]) {
  for (const method of ['GET', 'POST', 'HEAD']) {
    observations[`${method} redirected by ${code}`] = async (fetch, url) => {
      const body = method === 'POST' ? { body: 'posted' } : {};
      const response = await fetch(`${url}/redirect?code=${code}`, { method, ...body });
      return [outside(response), await response.text()];
    };
  }
}

const bodies: Record<string, () => RequestInit> = {
  text: () => ({ body: 'täxt' }),
  'text with a type': () => ({ body: '{}', headers: { 'Content-Type': 'application/json' } }),
  URLSearchParams: () => ({ body: new URLSearchParams({ a: '1', b: 'ä&' }) }),
  Uint8Array: () => ({ body: new Uint8Array([104, 105]) }),
  ArrayBuffer: () => ({ body: new Uint8Array([104, 105]).buffer }),
  Blob: () => ({ body: new Blob(['blob'], { type: 'text/x' }) }),
  FormData: () => {
    const form = new FormData();
    form.append('field', 'value');
    form.append('file', new Blob(['content']), 'name.txt');
    return { body: form };
  },
  'a stream': () => ({ body: new Blob(['stream']).stream(), duplex: 'half' }),
  'an empty text': () => ({ body: '' }),
  'no body': () => ({}),
  'headers as Headers': () => ({
    body: 'x',
    headers: new Headers({ 'X-A': '1', Accept: 'text/x' }),
  }),
  'headers as pairs': () => ({
    body: 'x',
    headers: [
      ['X-A', '1'],
      ['x-a', '2'],
    ],
  }),
  'headers by several spellings': () => ({ body: 'x', headers: { 'X-A': '1', 'x-a': '2' } }),
  'a header of spaces': () => ({ body: 'x', headers: { 'x-a': '  1  ', 'x-b': '' } }),
  'a host header': () => ({ body: 'x', headers: { host: 'elsewhere' } }),
  'its own user-agent': () => ({
    body: 'x',
    headers: { 'User-Agent': 'mine', 'accept-encoding': 'br' },
  }),
};
for (const [name, init] of Object.entries(bodies)) {
  observations[`POST of ${name}`] = async (fetch, url) =>
    (await fetch(`${url}/json`, { method: 'POST', ...init() })).status;
}

describe('as the platform’s fetch', () => {
  test.each(Object.entries(observations))('%s', async (_, observe) => {
    const server = await backend();
    // What the platform does not do either.
    const client = clientFor({ retry: false, envoyHeaders: false });
    const expected = await observe(globalThis.fetch, server.url);
    const sent = server.seen.splice(0).map(request);
    const found = await observe(client.fetch, server.url);
    expect(found).toEqual(expected);
    expect(server.seen.map(request)).toEqual(sent);
  });
});

/** A light response is told by what it keeps. */
function isLight(response: Response): boolean {
  return Object.getOwnPropertySymbols(response).some(({ description }) => description === 'reply');
}

test('the usual requests take the fast path, the others do not', async () => {
  const { url } = await backend();
  const { fetch } = clientFor();
  expect(isLight(await fetch(`${url}/json`))).toBe(true);
  const json = { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } };
  expect(isLight(await fetch(`${url}/json`, json))).toBe(true);
  const { signal } = new AbortController();
  expect(isLight(await fetch(new URL(`${url}/json?a=b`), { signal }))).toBe(true);
  expect(isLight(await fetch(`${url}/gzip`))).toBe(false);
  expect(isLight(await fetch(new Request(`${url}/json`)))).toBe(false);
});

describe('with one service', () => {
  test('relative URLs go to the service, and the address stays out of sight', async () => {
    const server = await backend();
    const { fetch } = clientFor({ service: 'http://shop', endpoints: [server.url] });
    const response = await fetch('/json?x=1');
    expect(response.url).toBe('http://shop/json?x=1');
    expect(server.seen[0]?.headers.slice(0, 2)).toEqual(['host', 'shop']);
    const redirected = await fetch('/redirect?code=302');
    expect(redirected.url).toBe('http://shop/json?after=redirect');
    expect(redirected.redirected).toBe(true);
  });

  test.each([
    ['/a/../b', '/b'],
    ['/a/%2e%2e/b', '/b'],
    ['/with space', '/with%20space'],
    ['/päth', '/p%C3%A4th'],
    ["/?q='x'", '/?q=%27x%27'],
    ['/a//b', '/a//b'],
    ['http://SHOP/up', '/up'],
    ['http://shop:80/port', '/port'],
    ['http://shop', '/'],
    ['/fragment#part', '/fragment'],
    ['relative', '/relative'],
    ['/back\\slash', '/back/slash'],
  ])('%s arrives as %s', async (input, path) => {
    const server = await backend();
    const { fetch } = clientFor({ service: 'http://shop', endpoints: [server.url] });
    await (await fetch(input)).text();
    expect(server.seen.map((request) => request.path)).toEqual([path]);
  });

  test('another origin is refused, as a rejection, unless it is allowed', async () => {
    const server = await backend();
    const options = { service: 'http://shop', endpoints: [server.url] };
    const { fetch } = clientFor(options);
    const message =
      `${server.url} is not served by this client, which knows http://shop; ` +
      "give otherOrigins: 'default-policy' or name it in services";
    await expect(fetch(`${server.url}/json`)).rejects.toThrow(message);
    await expect(fetch('//elsewhere/json')).rejects.toThrow('http://elsewhere is not served');
    const open = clientFor({ ...options, otherOrigins: 'default-policy' });
    expect((await open.fetch(`${server.url}/json`)).status).toBe(200);
  });
});

describe('explain', () => {
  test('tells the attempt behind an answer', async () => {
    const { url } = await backend();
    const client = clientFor({
      service: 'http://shop',
      endpoints: [{ url, locality: 'here/there' }],
      loadBalancer: 'round-robin',
    });
    const response = await client.fetch('/json?a=b');
    await response.text();
    const story = client.explain(response);
    expect(story).toMatchObject({
      service: 'shop',
      method: 'GET',
      path: '/json?a=b',
      localReply: false,
      redirects: [],
      attempts: [
        {
          number: 1,
          endpoint: url,
          locality: 'here/there',
          picked: { policy: 'round-robin', active: 0 },
          startedAt: expect.any(Number) as number,
          outcome: 'answered',
          status: 200,
          error: undefined,
        },
      ],
    });
    const [attempt] = story?.attempts ?? [];
    const times = [attempt?.startedAt, attempt?.connectedAt, attempt?.headAt, attempt?.endedAt];
    expect(times).toEqual([...times].sort((a, b) => (a ?? 0) - (b ?? 0)));
    expect(story?.duration).toBeGreaterThanOrEqual(attempt?.headAt ?? Infinity);
  });

  test('follows redirects, and knows nothing of other answers', async () => {
    const { url } = await backend();
    const client = clientFor();
    const story = client.explain(await client.fetch(`${url}/redirect?code=302`));
    expect(story?.path).toBe('/json?after=redirect');
    expect(story?.redirects.map((hop) => hop.attempts[0]?.status)).toEqual([302]);
    expect(client.explain(new Response())).toBeUndefined();
    expect(client.explain(await clientFor().fetch(`${url}/json`))).toBeUndefined();
  });
});
