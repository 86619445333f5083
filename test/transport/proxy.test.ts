/** Calls through a real proxy on loopback. */
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { ClientOptions } from '../../src/index.js';
import { certificateAuthority } from '../support/certificates.js';
import { clientFor } from '../support/client.js';
import { fleetOf } from '../support/fleet.js';
import { proxy, type TestProxy } from '../support/proxy.js';
import { serve } from '../support/server.js';

const failureOf = (promise: Promise<unknown>): Promise<Error & Record<string, unknown>> =>
  promise.then(
    () => Promise.reject(new Error('it has not failed')),
    (error: unknown) => error as Error & Record<string, unknown>,
  );

const withCredentials = ({ url }: TestProxy, credentials: string): string =>
  url.replace('//', `//${credentials}@`);

const VARIABLES = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];

function setEnvironment(variables: Record<string, string>): void {
  for (const name of VARIABLES.flatMap((one) => [one, one.toLowerCase()])) {
    vi.stubEnv(name, variables[name] ?? '');
  }
}

afterEach(() => {
  vi.unstubAllEnvs();
});

test('http to the origin itself: the proxy is given the whole URL', async () => {
  const server = await serve((request, response) => {
    response.writeHead(201, 'Made').end(`got ${request.text}`);
  });
  const through = await proxy();
  const client = clientFor({ service: server.url, proxy: through.url });
  const answer = await client.fetch('/a?b', { method: 'POST', body: 'x' });
  expect(answer).toMatchObject({ status: 201, statusText: 'Made' });
  expect(await answer.text()).toBe('got x');
  expect(through.asked).toEqual([`POST ${server.url}/a?b`]);
  expect(client.describe()).toContain(`exchange: HTTP/1.1 through the proxy ${through.url}`);
});

test('http to an endpoint of its own: by a tunnel, with the host of the service', async () => {
  const server = await serve((request, response) => response.end(request.headers.host));
  const through = await proxy();
  const client = clientFor({
    service: 'http://shop.test',
    endpoints: [server.url],
    proxy: through.url,
  });
  for (let call = 0; call < 3; call++) {
    expect(await (await client.fetch('/')).text()).toBe('shop.test');
  }
  expect(new Set(through.asked)).toEqual(new Set([`CONNECT ${new URL(server.url).host}`]));
  expect(through.connections.accepted).toBeLessThan(3);
});

test('https, the certificate of an own authority, the name of the service', async () => {
  const ca = await certificateAuthority();
  const fleet = await fleetOf({ endpoints: 1, tls: await ca.issue({ names: ['shop.test'] }) });
  const through = await proxy();
  const options = { endpoints: fleet.endpoints, proxy: through.url };
  const client = clientFor({ ...options, service: 'https://shop.test', tls: { ca: ca.cert } });
  expect((await client.fetch('/')).status).toBe(200);
  expect(through.asked).toEqual([expect.stringMatching(/^CONNECT 127\.0\.0\.1:\d+$/)]);

  const distrusting = clientFor({ ...options, service: 'https://shop.test', retry: false });
  const error = await failureOf(distrusting.fetch('/'));
  expect(error).toMatchObject({ flag: 'UF', cause: { name: 'ProxyError' } });
  const other = clientFor({
    ...options,
    service: 'https://other.test',
    tls: { ca: ca.cert },
    retry: false,
  });
  expect(await failureOf(other.fetch('/'))).toMatchObject({
    cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
  });
});

describe('credentials', () => {
  test('of the URL reach the proxy, and nobody else', async () => {
    const server = await serve((request, response) => {
      response.end(request.headers['proxy-authorization'] ?? 'none');
    });
    const through = await proxy({ credentials: 'user:p@ss' });
    const url = withCredentials(through, 'user:p%40ss');
    const own = clientFor({ service: server.url, proxy: url });
    expect(await (await own.fetch('/')).text()).toBe('none');
    const other = clientFor({ service: 'http://a.test', endpoints: [server.url], proxy: url });
    expect(await (await other.fetch('/')).text()).toBe('none');
  });

  test('a password without a user', async () => {
    const server = await serve((_request, response) => response.end());
    const through = await proxy({ credentials: ':token' });
    const client = clientFor({ service: server.url, proxy: withCredentials(through, ':token') });
    expect((await client.fetch('/')).status).toBe(200);
  });

  test.each([
    ['wrong', 'user:secret', 'it wants other credentials'],
    ['a password alone', ':secret', 'it wants other credentials'],
    ['none', undefined, 'it wants credentials, and there are none'],
  ])('%s: 407, by a tunnel and without', async (_what, credentials, words) => {
    const server = await serve((_request, response) => response.end());
    const through = await proxy({ credentials: 'user:right' });
    const url = credentials === undefined ? through.url : withCredentials(through, credentials);
    const given: ClientOptions[] = [
      { service: server.url },
      { service: 'http://a.test', endpoints: [server.url] },
    ];
    for (const options of given) {
      const client = clientFor({ ...options, proxy: url, retry: { attempts: 1 } });
      const error = await failureOf(client.fetch('/', { method: 'POST' }));
      expect(error).toMatchObject({ message: 'fetch failed', flag: 'UF', attempts: { length: 2 } });
      expect(String(error.cause)).toBe(
        `ProxyError: the proxy ${through.url} answered 407 (${words})`,
      );
      expect(client.describe()).not.toContain('secret');
    }
    expect(server.seen).toEqual([]);
  });
});

describe('a proxy that does not do its part', () => {
  const clientThrough = (url: string, options: ClientOptions = {}) =>
    clientFor({
      service: 'http://a.test',
      endpoints: ['http://127.0.0.1:9'],
      proxy: url,
      retry: false,
      ...options,
    });

  test('is not there', async () => {
    const client = clientThrough('http://127.0.0.1:1');
    const error = await failureOf(client.fetch('/'));
    expect(error).toMatchObject({ flag: 'UF', cause: { code: 'ECONNREFUSED' } });
    expect(String(error.cause)).toContain(
      'the proxy http://127.0.0.1:1 has not led to the endpoint',
    );
    expect(client.stats()).toMatchObject({ 'cluster.a.test.upstream_cx_connect_fail': 1 });
  });

  test('refuses', async () => {
    const through = await proxy({ tunnels: 'refuse' });
    const error = await failureOf(clientThrough(through.url).fetch('/'));
    expect(String(error.cause)).toBe(`ProxyError: the proxy ${through.url} answered 403`);
  });

  test('closes without a word: one connection for each attempt', async () => {
    const through = await proxy({ tunnels: 'cut' });
    const client = clientThrough(through.url, { connectionPool: { connectTimeout: 300 } });
    const error = await failureOf(client.fetch('/'));
    expect(error).toMatchObject({ flag: 'UF', cause: { code: 'ERR_OUTRIGGER_PROXY' } });
    expect(String(error.cause)).toBe(
      `ProxyError: the proxy ${through.url} has not led to the endpoint: other side closed`,
    );
    await wait(50);
    expect(through.asked).toHaveLength(1);
  });

  test('says nothing', async () => {
    const through = await proxy({ tunnels: 'silent' });
    const client = clientThrough(through.url, { connectionPool: { connectTimeout: 50 } });
    const error = await failureOf(client.fetch('/'));
    expect(error).toMatchObject({ flag: 'UF', cause: { code: 'UND_ERR_CONNECT_TIMEOUT' } });
    expect(client.stats()).toMatchObject({ 'cluster.a.test.upstream_cx_connect_timeout': 1 });
    await client.close();
    await vi.waitFor(() => expect(through.connections.open).toBe(0));
  });

  test('dies in the body', async () => {
    const server = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': 10 });
      response.write('abc');
    });
    const through = await proxy();
    for (const options of [
      { service: server.url, endpoints: undefined },
      { endpoints: [server.url] },
    ]) {
      const answer = await clientThrough(through.url, options).fetch('/');
      setTimeout(through.cut, 20);
      await expect(answer.text()).rejects.toMatchObject({ message: 'terminated', flag: 'UPE' });
    }
  });
});

test('close leaves no socket open, nor does destroy', async () => {
  const server = await serve((request, response) => {
    if (request.url !== '/silent') response.end('x');
  });
  const through = await proxy();
  const service = { 'http://a.test': { endpoints: [server.url] }, [server.url]: {} };
  const client = clientFor({ services: service, proxy: through.url });
  for (const url of ['http://a.test/', server.url]) await (await client.fetch(url)).text();
  expect(through.connections.open).toBe(2);
  await client.close();
  await vi.waitFor(() => expect(through.connections.open).toBe(0));

  const other = clientFor({ services: service, proxy: through.url });
  const waiting = Promise.allSettled([
    other.fetch('http://a.test/silent'),
    other.fetch(`${server.url}/silent`),
  ]);
  await wait(50);
  await other.destroy();
  await waiting;
  await vi.waitFor(() =>
    expect([through, server].map((one) => one.connections.open)).toEqual([0, 0]),
  );
});

test('health checks go through it', async () => {
  const server = await serve((_request, response) => response.writeHead(500).end());
  const through = await proxy();
  const client = clientFor({
    service: 'http://a.test',
    endpoints: [server.url],
    proxy: through.url,
    healthCheck: { path: '/healthz' },
  });
  await vi.waitFor(() => expect(client.endpoints()[0]?.healthy).toBe(false));
  expect(through.asked).toEqual([`CONNECT ${new URL(server.url).host}`]);
  expect(server.seen[0]?.path).toBe('/healthz');
});

test('it can be changed, and taken away', async () => {
  const server = await serve((_request, response) => response.end('x'));
  const [one, other] = [await proxy(), await proxy()];
  const client = clientFor({ service: server.url, proxy: one.url });
  const call = async (): Promise<string> => (await client.fetch('/')).text();
  await call();
  client.update({ proxy: other.url });
  await call();
  client.update({ proxy: false });
  await call();
  expect([one.asked.length, other.asked.length, server.seen.length]).toEqual([1, 1, 3]);
  await vi.waitFor(() => expect(one.connections.open + other.connections.open).toBe(0));
});

describe('environment', () => {
  test('HTTP_PROXY for http, NO_PROXY for hosts that need none', async () => {
    const server = await serve((_request, response) => response.end('x'));
    const through = await proxy();
    const { host, port } = new URL(server.url);
    const exceptions: [string, number][] = [
      ['', 1],
      ['other.test', 1],
      ['127.0.0.1', 0],
      [`other.test, ${host}`, 0],
      [`127.0.0.1:${Number(port) + 1}`, 1],
      ['*', 0],
    ];
    for (const [NO_PROXY, times] of exceptions) {
      through.asked.length = 0;
      setEnvironment({ HTTP_PROXY: through.url, NO_PROXY });
      const client = clientFor({ service: server.url, proxy: 'environment' });
      setEnvironment({});
      expect(await (await client.fetch('/')).text()).toBe('x');
      expect([NO_PROXY, through.asked.length]).toEqual([NO_PROXY, times]);
    }
  });

  test('the small spelling goes first, and a scheme may be left out', async () => {
    const server = await serve((_request, response) => response.end('x'));
    const through = await proxy();
    setEnvironment({ http_proxy: new URL(through.url).host, HTTP_PROXY: 'http://127.0.0.1:1' });
    const client = clientFor({ proxy: 'environment' });
    expect(await (await client.fetch(server.url)).text()).toBe('x');
    expect(through.asked).toHaveLength(1);
  });

  test('without variables connections are direct', async () => {
    setEnvironment({});
    const server = await serve((_request, response) => response.end('x'));
    const client = clientFor({ service: server.url, proxy: 'environment' });
    expect(await (await client.fetch('/')).text()).toBe('x');
    expect(client.describe()).not.toContain('proxy');
  });
});
