/** A fetch of the user's: what it is given, what may come of it, and what may not. */
import { AsyncResource } from 'node:async_hooks';
import { gzipSync } from 'node:zlib';
import { Readable } from 'node:stream';
import { describe, expect, test, vi } from 'vitest';
import type { ClientOptions, ResilientClient } from '../../src/index.js';
import type { ForeignFetch, ForeignFetchInit } from '../../src/options/transport.js';
import { clientFor } from '../support/client.js';
import { serve } from '../support/server.js';

function clientWith(fetch: unknown, options: ClientOptions = {}): ResilientClient {
  return clientFor({ service: 'http://shop.test', fetch: fetch as ForeignFetch, ...options });
}

/** What it was given. */
function recorder(answer: () => unknown = () => new Response('x')) {
  const given: { url: string; init: ForeignFetchInit }[] = [];
  const fetch = (url: string, init: ForeignFetchInit): Promise<unknown> => {
    given.push({ url, init });
    return Promise.resolve(answer());
  };
  return { given, fetch };
}

const failureOf = (promise: Promise<unknown>): Promise<Error & Record<string, unknown>> =>
  promise.then(
    () => Promise.reject(new Error('it has not failed')),
    (error: unknown) => error as Error & Record<string, unknown>,
  );

describe('what it is given', () => {
  test('the URL of the endpoint, the method, headers without the host, text as text', async () => {
    const { given, fetch } = recorder();
    const client = clientWith(fetch, { endpoints: ['http://10.0.0.1:8080'] });
    await client.fetch('/a//b?c=%20', {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json', 'x-own': 'ä' },
    });
    const [{ url, init } = { url: '', init: undefined }] = given;
    expect(url).toBe('http://10.0.0.1:8080/a//b?c=%20');
    expect(init).toMatchObject({ method: 'POST', body: '{}', redirect: 'manual' });
    expect(init?.signal.aborted).toBe(false);
    const headers = Object.fromEntries(init?.headers ?? []);
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'x-own': 'ä' });
    expect(Object.keys(headers)).not.toContain('host');
    expect(Object.keys(headers)).not.toContain('content-length');
    expect('duplex' in (init ?? {})).toBe(false);
  });

  test('a path with two slashes stays at the endpoint', async () => {
    const { given, fetch } = recorder();
    await clientWith(fetch).fetch('http://shop.test//evil.test/x');
    expect(given[0]?.url).toBe('http://shop.test//evil.test/x');
  });

  test('a stream, half duplex', async () => {
    let init: ForeignFetchInit | undefined;
    const fetch = async (_url: string, given: ForeignFetchInit): Promise<Response> => {
      init = given;
      return new Response(await new Response(given.body).text());
    };
    const answer = await clientWith(fetch).fetch('/', {
      method: 'POST',
      body: new Response('streamed').body,
      duplex: 'half',
    });
    expect(init?.duplex).toBe('half');
    expect(await answer.text()).toBe('streamed');
  });

  test('text without a type gets none', async () => {
    const { given, fetch } = recorder();
    await clientWith(fetch).request('/', { method: 'POST', body: 'raw' });
    expect(new Request('http://a', given[0]?.init as RequestInit).headers.get('content-type')).toBe(
      null,
    );
  });

  test('by all faces', async () => {
    const { given, fetch } = recorder(() => new Response('x'));
    const client = clientWith(fetch);
    expect(await (await client.fetch(new Request('http://shop.test/1'))).text()).toBe('x');
    expect(await (await client.request('/2')).body.text()).toBe('x');
    const init = { dispatcher: client.dispatcher } as unknown as RequestInit;
    expect(await (await globalThis.fetch('http://shop.test/3', init)).text()).toBe('x');
    expect(given.map(({ url }) => url.slice(-1))).toEqual(['1', '2', '3']);
  });
});

describe('its answer', () => {
  test('status, text of it, cookies, no body', async () => {
    const headers = new Headers([
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2; Expires=Wed, 21 Oct 2015 07:28:00 GMT'],
      ['x-own', '1'],
    ]);
    const { fetch } = recorder(
      () => new Response(null, { status: 204, statusText: 'Nix', headers }),
    );
    const answer = await clientWith(fetch).fetch('/');
    expect(answer).toMatchObject({ status: 204, statusText: 'Nix' });
    expect(answer.headers.getSetCookie()).toEqual([...headers.getSetCookie()]);
    expect(answer.headers.get('x-own')).toBe('1');
    expect(await answer.text()).toBe('');
  });

  test('what says that it is coded has been decoded: a mock', async () => {
    const { fetch } = recorder(
      () =>
        new Response('plain', { headers: { 'content-encoding': 'gzip', 'content-length': '99' } }),
    );
    const answer = await clientWith(fetch).fetch('/');
    expect(await answer.text()).toBe('plain');
    expect(answer.headers.get('content-encoding')).toBeNull();
    expect(answer.headers.get('content-length')).toBeNull();
  });

  test('what says that it is coded has been decoded: a server', async () => {
    const server = await serve((_request, response) => {
      response.setHeader('content-encoding', 'gzip');
      response.end(gzipSync('plain'));
    });
    const client = clientWith(globalThis.fetch, { endpoints: [server.url] });
    expect(await (await client.fetch('/')).text()).toBe('plain');
    expect(await (await client.request('/')).body.text()).toBe('plain');
  });

  test('a redirect is followed by us, each hop through it', async () => {
    const { given, fetch } = recorder(() =>
      given.length === 1
        ? new Response(null, { status: 302, headers: { location: '/there' } })
        : new Response('arrived'),
    );
    const answer = await clientWith(fetch).fetch('/');
    expect(await answer.text()).toBe('arrived');
    expect(answer.redirected).toBe(true);
    expect(given.map(({ url }) => url)).toEqual(['http://shop.test/', 'http://shop.test/there']);
  });

  test('a stream of Node, as node-fetch gives it', async () => {
    const { fetch } = recorder(() => ({
      status: 200,
      headers: new Headers({ 'x-own': '1' }),
      body: Readable.from([Buffer.from('no'), 'de']),
    }));
    expect(await (await clientWith(fetch).fetch('/')).text()).toBe('node');
  });

  test('a body that is not read is not pulled without end, and is cancelled', async () => {
    let pulled = 0;
    const cancelled = vi.fn();
    const { fetch } = recorder(
      () =>
        new Response(
          new ReadableStream({
            pull(controller) {
              pulled += 1;
              controller.enqueue(new Uint8Array(16 * 1024));
            },
            cancel: cancelled,
          }),
        ),
    );
    const answer = await clientWith(fetch).fetch('/');
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(pulled).toBeLessThan(10);
    await answer.body?.cancel();
    await vi.waitFor(() => expect(cancelled).toHaveBeenCalledOnce());
  });
});

describe('what may go wrong', () => {
  test.each([
    ['nothing', undefined, 'undefined'],
    ['text', 'x', 'x'],
    ['an object', {}, 'an object of class Object'],
  ])('it gives %s', async (_what, value, words) => {
    const { given, fetch } = recorder(() => value);
    const error = await failureOf(clientWith(fetch).fetch('/'));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toBe(`the option 'fetch' gave ${words}, expected a Response`);
    expect(given).toHaveLength(1);
  });

  test('an object that throws when it is read, or has no class', async () => {
    const throwing = {
      status: 200,
      get headers(): Headers {
        throw new Error('no headers today');
      },
    };
    await expect(clientWith(() => throwing).fetch('/')).rejects.toThrow('no headers today');
    await expect(clientWith(() => Object.create(null) as unknown).fetch('/')).rejects.toThrow(
      "the option 'fetch' gave an object, expected a Response",
    );
  });

  test.each([
    ['text', 'abc'],
    ['an object of class Uint8Array', new Uint8Array(3)],
    ['5', 5],
  ])('an answer whose body is %s is not taken for an empty one', async (words, body) => {
    const client = clientWith(() => ({ status: 200, headers: new Headers(), body }));
    await expect(client.fetch('/')).rejects.toThrow(
      `the option 'fetch' gave an answer whose body is ${words}, expected a stream or null`,
    );
  });

  test('it gives no promise', async () => {
    expect(await (await clientWith(() => new Response('x')).fetch('/')).text()).toBe('x');
  });

  test('it hides redirects', async () => {
    const { fetch } = recorder(() => ({
      type: 'opaqueredirect',
      status: 0,
      headers: new Headers(),
    }));
    const error = await failureOf(clientWith(fetch).fetch('/'));
    expect(error.message).toContain('opaque redirect');
    const other = recorder(() => Response.error());
    const second = await failureOf(clientWith(other.fetch).fetch('/'));
    expect(second.message).toContain('a Response of status 0, expected 200 to 999');
  });

  test('it throws, at once or later: as a connection that was cut, and repeated', async () => {
    const thrown = new Error('mocked');
    for (const fetch of [
      vi.fn(() => {
        throw thrown;
      }),
      vi.fn(() => Promise.reject(thrown)),
    ]) {
      const error = await failureOf(clientWith(fetch).fetch('/'));
      expect(error).toMatchObject({ message: 'fetch failed', flag: 'UC', cause: thrown });
      expect(fetch).toHaveBeenCalledTimes(3);
    }
  });

  test('no connection is told by the code beneath, and repeated for every method', async () => {
    const cause = Object.assign(new Error('no'), { code: 'ECONNREFUSED' });
    const fetch = vi.fn(() => Promise.reject(new TypeError('fetch failed', { cause })));
    const error = await failureOf(clientWith(fetch).fetch('/', { method: 'POST' }));
    expect(error).toMatchObject({ flag: 'UF', cause });
    expect(fetch).toHaveBeenCalledTimes(3);
  });

  test('a POST that may have arrived is not repeated', async () => {
    const fetch = vi.fn(() => Promise.reject(new TypeError('fetch failed')));
    await failureOf(clientWith(fetch).fetch('/', { method: 'POST' }));
    expect(fetch).toHaveBeenCalledTimes(1);
  });

  test('its body breaks', async () => {
    const { fetch } = recorder(
      () =>
        new Response(
          new ReadableStream({
            pull(controller) {
              controller.error(new Error('cable'));
            },
          }),
        ),
    );
    const answer = await clientWith(fetch).fetch('/');
    const error = await failureOf(answer.text());
    expect(error).toMatchObject({
      message: 'terminated',
      flag: 'UPE',
      cause: { message: 'cable' },
    });
  });

  test('it never settles: timeout and abort end the call, and it hears of it', async () => {
    const signals: AbortSignal[] = [];
    const fetch = (_url: string, { signal }: ForeignFetchInit): Promise<Response> => {
      signals.push(signal);
      return new Promise(() => {});
    };
    const client = clientWith(fetch, { timeout: 20 });
    expect((await failureOf(client.fetch('/'))).name).toBe('TimeoutError');
    const controller = new AbortController();
    const call = failureOf(client.fetch('/', { signal: controller.signal }));
    controller.abort(new Error('enough'));
    expect((await call).message).toBe('enough');
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
    await client.close();
  });

  test('an answer that comes too late is cancelled', async () => {
    const cancelled = vi.fn();
    let answer: ((response: Response) => void) | undefined;
    const client = clientWith(() => new Promise((resolve) => (answer = resolve)), { timeout: 10 });
    await failureOf(client.fetch('/'));
    answer?.(new Response(new ReadableStream({ cancel: cancelled })));
    await vi.waitFor(() => expect(cancelled).toHaveBeenCalledOnce());
  });

  test('a body of the request that throws', async () => {
    const broken = new Error('mine');
    const body = new ReadableStream({
      pull(controller) {
        controller.error(broken);
      },
    });
    const fetch = async (_url: string, init: ForeignFetchInit): Promise<Response> => {
      await new Response(init.body).text();
      return new Response('x');
    };
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit;
    expect(await failureOf(clientWith(fetch).fetch('/', init))).toMatchObject({
      message: 'fetch failed',
      cause: broken,
    });
  });

  test('a thousand calls that end at once while one has the only place', async () => {
    let release: () => void = () => {};
    let calls = 0;
    const fetch = (): Promise<Response> => {
      calls += 1;
      return calls > 1
        ? Promise.resolve(new Response('x'))
        : new Promise((resolve) => (release = () => resolve(new Response('x'))));
    };
    const client = clientWith(fetch, {
      connectionPool: { maxConnections: 1, maxPendingRequests: 2000 },
    });
    const all = Array.from({ length: 1000 }, async () => (await client.fetch('/')).text());
    await new Promise((resolve) => setImmediate(resolve));
    release();
    expect(new Set(await Promise.all(all))).toEqual(new Set(['x']));
    expect(client.stats()).toMatchObject({ 'cluster.shop.test.upstream_rq_pending_active': 0 });
  });

  test('a health check finds what it says', async () => {
    const fetch = (url: string): Promise<Response> =>
      Promise.resolve(new Response(null, { status: url.endsWith('/healthz') ? 500 : 200 }));
    const client = clientWith(fetch, { healthCheck: { path: '/healthz' } });
    await vi.waitFor(() => expect(client.endpoints()[0]?.healthy).toBe(false));
  });
});

test('one that leads back into the client is found out', async () => {
  const original = globalThis.fetch;
  const client = clientFor({
    fetch: (url, init) => globalThis.fetch(url, init),
  });
  globalThis.fetch = client.fetch;
  try {
    const error = await failureOf(client.fetch('http://shop.test/'));
    expect(String(error.cause)).toContain('led back into this client (GET http://shop.test/)');
  } finally {
    globalThis.fetch = original;
  }
});

test('what it has begun may ask the client for the same later', async () => {
  let later: (() => Promise<Response>) | undefined;
  const client: ResilientClient = clientWith(() => {
    later ??= AsyncResource.bind(() => client.fetch('/'));
    return Promise.resolve(new Response('x'));
  });
  await client.fetch('/');
  expect((await later?.())?.status).toBe(200);
});
