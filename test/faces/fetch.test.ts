/**
 * `client.fetch`: which path a request takes, one service behind it, and the story that is told of an answer. What is the same
 * as the platform’s is in test/fidelity.
 */
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { clientFor } from '../support/client.js';
import { serve } from '../support/server.js';

async function backend() {
  return serve((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://x');
    switch (pathname) {
      case '/json':
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ method: request.method, body: request.text }));
        break;
      case '/gzip':
        response.setHeader('content-encoding', 'gzip');
        response.end(gzipSync('decoded'.repeat(1000)));
        break;
      case '/redirect':
        response.writeHead(Number(searchParams.get('code')), { location: '/json?after=redirect' });
        response.end('moved');
        break;
      default:
        response.end('fine');
    }
  });
}

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
  expect(isLight(await fetch(new Request(`${url}/json`)))).toBe(true);
  const own = new Request(`${url}/json`, { headers: { 'X-A': '1' } });
  expect(isLight(await fetch(own))).toBe(true);
  expect(isLight(await fetch(new Request(`${url}/json`), { resilience: {} }))).toBe(true);
  expect(isLight(await fetch(new Request(`${url}/json`), { headers: {} }))).toBe(false);
  expect(isLight(await fetch(new Request(`${url}/json`, { redirect: 'manual' })))).toBe(false);
  expect(isLight(await fetch(new Request(`${url}/json`, json)))).toBe(true);
  const stream = { method: 'POST', body: new Blob(['a']).stream(), duplex: 'half' as const };
  expect(isLight(await fetch(new Request(`${url}/json`, stream)))).toBe(false);
  const long = { method: 'POST', body: 'a'.repeat(256 * 1024 + 1) };
  expect(isLight(await fetch(new Request(`${url}/json`, long)))).toBe(false);
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
