/** `fallback`, over sockets: when it is asked, what it is told, and what becomes of its answer and of the failure. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, test, vi } from 'vitest';
import {
  ConnectionError,
  NoHealthyEndpointError,
  OptionsError,
  TimeoutError,
  type ClientOptions,
  type ResilientClient,
} from '../../src/index.js';
import type { Fallback } from '../../src/options/options.js';
import type { Plan } from '../../src/testing/index.js';
import { clientFor } from '../support/client.js';
import { afterThisTurn, fleetOf, shop } from '../support/fleet.js';

const NO_WAIT = { backoff: { baseInterval: 1 } };

function shopWith(
  plan: Plan,
  fallback: Fallback | false,
  options: ClientOptions = {},
): ReturnType<typeof shop> {
  return shop(
    { endpoints: 1, plan },
    {
      retry: NO_WAIT,
      fallback,
      ...options,
    },
  );
}

const caught = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no error',
    (reason: unknown) => reason,
  );

/** Whatever it is, also what is no Error. */
const rejected = async (reason: unknown): Promise<never> => {
  await Promise.resolve();
  throw reason;
};

const instead = (): Response => Response.json({ items: [] });

const paths: Record<string, (client: ResilientClient, init?: RequestInit) => Promise<Response>> = {
  'the fast path': ({ fetch }, init) => fetch('/items', init),
  'the full path': ({ fetch }, init) => fetch(new Request('http://shop/items', init)),
  'the full path by its options': ({ fetch }, init) =>
    fetch('/items', { redirect: 'follow', ...init }),
};

describe.each(Object.entries(paths))('over %s', (_, call) => {
  test('answers in place of an error, when every attempt has failed', async () => {
    const fallback = vi.fn<Fallback>(instead);
    const { client, fleet } = await shopWith('reset', fallback);
    const response = await call(client);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ items: [] });
    expect(fallback).toHaveBeenCalledTimes(1);
    expect(fallback.mock.calls[0]?.[0]).toBeInstanceOf(ConnectionError);
    expect(fleet.server(0).requests).toHaveLength(3);
    expect(client.explain(response)).toMatchObject({
      fallback: true,
      service: 'shop',
      path: '/items',
      flags: 'UC,URX',
      attempts: [{ outcome: 'reset' }, { outcome: 'reset' }, { outcome: 'reset' }],
    });
    expect(client.stats()).toMatchObject({ 'cluster.shop.upstream_rq_fallback': 1 });
  });

  test.each([500, 503, 599])('answers in place of a %i', async (status) => {
    const fallback = vi.fn<Fallback>(instead);
    const { client } = await shopWith({ status, body: 'broken' }, fallback);
    const response = await call(client);
    expect(await response.json()).toEqual({ items: [] });
    const [failure] = fallback.mock.calls[0] ?? [];
    expect(failure).toBeInstanceOf(Response);
    expect((failure as Response).status).toBe(status);
    expect(client.explain(response)).toMatchObject({ fallback: true });
    await afterThisTurn();
    expect(client.endpoints()[0]).toMatchObject({ active: 0 });
  });

  test.each([200, 404, 429, 499])('has no say in a %i', async (status) => {
    const fallback = vi.fn<Fallback>(instead);
    const { client } = await shopWith({ status, body: 'as it is' }, fallback);
    const response = await call(client);
    expect(response.status).toBe(status);
    expect(await response.text()).toBe('as it is');
    expect(fallback).not.toHaveBeenCalled();
    expect(client.explain(response)).toMatchObject({ fallback: false });
    expect(client.stats()).toMatchObject({ 'cluster.shop.upstream_rq_fallback': 0 });
  });

  test('with undefined the failure stands, an answer with its body unread', async () => {
    const error = await caught(call((await shopWith('reset', () => undefined)).client));
    expect(error).toBeInstanceOf(ConnectionError);
    const { client } = await shopWith({ status: 500, body: 'broken' }, async () => {
      await afterThisTurn();
      return undefined;
    });
    const response = await call(client);
    expect([response.status, response.bodyUsed, await response.text()]).toEqual([
      500,
      false,
      'broken',
    ]);
    expect(client.explain(response)).toMatchObject({ fallback: false });
    expect(client.stats()).toMatchObject({ 'cluster.shop.upstream_rq_fallback': 0 });
  });

  test('it may give back what it was given', async () => {
    const { client } = await shopWith(
      { status: 500, body: 'broken' },
      (failure) => failure as Response,
    );
    const response = await call(client);
    expect([response.status, await response.text()]).toEqual([500, 'broken']);
    expect(client.explain(response)).toMatchObject({ fallback: false });
  });

  test('it may pass the body on under another head', async () => {
    const { client } = await shopWith(
      { status: 500, body: { pieces: ['bro', 'ken'], pause: 5 } },
      (failure) => new Response((failure as Response).body, { status: 203 }),
    );
    const response = await call(client);
    expect([response.status, await response.text()]).toEqual([203, 'broken']);
    expect(client.explain(response)).toMatchObject({ fallback: true });
  });

  test('it may read the body', async () => {
    const { client, fleet } = await shopWith(
      { status: 500, body: 'broken' },
      async (failure) => new Response(`not ${await (failure as Response).text()}`),
    );
    expect(await (await call(client)).text()).toBe('not broken');
    await afterThisTurn();
    expect(client.endpoints()[0]).toMatchObject({ connections: { open: 1, idle: 1 } });
    await fleet.connectionsAre(1);
  });

  test('a body that nobody reads is cancelled: its socket comes back', async () => {
    const { client, fleet } = await shopWith({ status: 500, body: { size: 50_000_000 } }, instead);
    const response = await call(client);
    expect(await response.json()).toEqual({ items: [] });
    await expect.poll(() => client.endpoints()[0]?.active).toBe(0);
    expect(client.endpoints()[0]).toMatchObject({ connections: { open: 0 } });
    await fleet.connectionsAre(0);
  });

  test('what it throws is what the caller gets, caused by the failure', async () => {
    const thrown = new RangeError('no cache either');
    const { client } = await shopWith('reset', () => {
      throw thrown;
    });
    const error = await caught(call(client));
    expect(error).toBe(thrown);
    expect((error as Error).cause).toBeInstanceOf(ConnectionError);
    // A cause that it has is left to it, the failure itself gets none, and what cannot have one has none.
    const own = new Error('own', { cause: 'own cause' });
    for (const other of [own, Object.freeze(new Error('frozen')), 'no error at all']) {
      const rejecting = await shopWith('reset', () => rejected(other));
      expect(await caught(call(rejecting.client))).toBe(other);
    }
    expect(own.cause).toBe('own cause');
    const nowhere = clientFor({ service: 'http://shop', endpoints: [], fallback: rejected });
    const failure = await caught(call(nowhere));
    expect(failure).toBeInstanceOf(NoHealthyEndpointError);
    expect((failure as Error).cause).toBeUndefined();
  });

  test('when it throws over an answer, that is cancelled', async () => {
    const { client } = await shopWith({ status: 500, body: { size: 50_000_000 } }, () => {
      throw new Error('no');
    });
    const error = (await caught(call(client))) as Error;
    expect(error.message).toBe('no');
    expect((error.cause as Response).status).toBe(500);
    await expect.poll(() => client.endpoints()[0]?.active).toBe(0);
  });

  test('what is no Response is refused', async () => {
    const { client } = await shopWith('reset', () => ({ items: [] }) as never);
    const error = await caught(call(client));
    expect(error).toMatchObject({
      name: 'TypeError',
      message: 'fallback gave object, expected a Response or undefined',
      cause: { code: 'ERR_OUTRIGGER_CONNECTION' },
    });
  });

  test('it is told the request, with its body where that is still there', async () => {
    const seen: unknown[] = [];
    const { client } = await shopWith('reset', async (_failure, request) => {
      const { method, url, headers } = request;
      seen.push([
        method,
        url,
        headers.get('x-user'),
        headers.get('content-type'),
        await request.text(),
      ]);
      return instead();
    });
    const form = new URLSearchParams({ a: 'b' });
    const headers = { 'x-user': '7' };
    await call(client, { headers });
    await call(client, { method: 'PUT', headers, body: '{"a":1}' });
    await call(client, { method: 'POST', headers, body: form });
    expect(seen.slice(0, 1)).toEqual([['GET', 'http://shop/items', '7', null, '']]);
    const bodies = seen.slice(1).map((one) => (one as string[]).slice(0, 4));
    expect(bodies).toEqual([
      ['PUT', 'http://shop/items', '7', 'text/plain;charset=UTF-8'],
      ['POST', 'http://shop/items', '7', 'application/x-www-form-urlencoded;charset=UTF-8'],
    ]);
    // A Request's own body has been read by then.
    if (call !== paths['the full path']) {
      expect(seen.slice(1).map((one) => (one as string[])[4])).toEqual(['{"a":1}', 'a=b']);
    }
  });

  test('an abort of the caller ends it, with its reason', async () => {
    const left: string[] = [];
    const late = new Response(
      new ReadableStream({
        cancel() {
          left.push('its answer');
        },
      }),
    );
    let answer!: (response: Response) => void;
    const controller = new AbortController();
    const fallback = vi.fn<Fallback>(
      (_failure, request) =>
        new Promise((resolve) => {
          request.signal.addEventListener('abort', () => left.push('its request'));
          answer = resolve;
        }),
    );
    const { client } = await shopWith('reset', fallback);
    const calling = caught(call(client, { signal: controller.signal }));
    await expect.poll(() => fallback.mock.calls.length).toBe(1);
    const reason = new Error('enough');
    controller.abort(reason);
    expect(await calling).toBe(reason);
    expect(reason.cause).toBeUndefined();
    answer(late);
    await afterThisTurn();
    expect(left).toEqual(['its request', 'its answer']);
  });

  test("the caller's own abort does not ask it", async () => {
    const fallback = vi.fn<Fallback>(instead);
    const { client, fleet } = await shopWith('silence', fallback);
    const controller = new AbortController();
    const calling = caught(call(client, { signal: controller.signal }));
    await fleet.requestReceived();
    controller.abort('enough');
    expect(await calling).toBe('enough');
    expect(await caught(call(client, { signal: AbortSignal.abort('before') }))).toBe('before');
    expect(fallback).not.toHaveBeenCalled();
  });

  test('an abort before it could be asked', async () => {
    const fallback = vi.fn<Fallback>(instead);
    const controller = new AbortController();
    // The call is over by then, so it is not the one that is aborted.
    const end = (): void => controller.abort('enough');
    const { client } = await shopWith(500, fallback, { layers: { call: [{ name: 'late', end }] } });
    const outcome = await caught(call(client, { signal: controller.signal }));
    expect(outcome).toBe('enough');
    expect(fallback).not.toHaveBeenCalled();
  });

  test('an answer that is a failure itself is not asked about again', async () => {
    const fallback = vi.fn<Fallback>(() => new Response('later', { status: 503 }));
    const { client } = await shopWith('reset', fallback);
    expect((await call(client)).status).toBe(503);
    expect(fallback).toHaveBeenCalledTimes(1);
  });

  test('it runs in the async context of the call', async () => {
    const user = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const { client } = await shopWith({ status: 500, delay: 1 }, () => {
      seen.push(user.getStore());
      return instead();
    });
    await Promise.all(['ada', 'bob'].map((name) => user.run(name, () => call(client))));
    await user.run('cid', () => call(client));
    expect(seen.sort()).toEqual(['ada', 'bob', 'cid']);
  });

  test("it may answer with another call of the client's", async () => {
    const { client, fleet } = await shopWith(
      (_, { path }) => (path === '/cached' ? { body: 'from the cache' } : 500),
      () => client.fetch('/cached'),
    );
    const response = await call(client);
    expect(await response.text()).toBe('from the cache');
    expect(client.explain(response)).toMatchObject({ fallback: true, path: '/items' });
    expect(fleet.server(0).requests.at(-1)?.path).toBe('/cached');
  });
});

test('other failures: a timeout, no endpoint, a closed client, a local reply', async () => {
  const failures: unknown[] = [];
  const fallback: Fallback = (failure) => {
    failures.push(failure);
    return instead();
  };
  const slow = await shopWith('silence', fallback, { timeout: 20 });
  await slow.client.fetch('/');
  await clientFor({ service: 'http://shop', endpoints: [], fallback }).fetch('/');
  const answering = await shopWith('reset', fallback, { localReplies: 'respond' });
  await answering.client.fetch('/');
  await slow.client.close();
  await slow.client.fetch('/');
  expect(failures[0]).toBeInstanceOf(TimeoutError);
  expect(failures[1]).toBeInstanceOf(NoHealthyEndpointError);
  expect((failures[2] as Response).headers.get('x-outrigger-flags')).toBe('UC,URX');
  expect(failures[3]).toMatchObject({ code: 'ERR_OUTRIGGER_CLOSED' });
});

test('wrong options and errors of others do not ask it', async () => {
  const fallback = vi.fn<Fallback>(instead);
  const { client } = await shopWith(200, fallback);
  const wrong = client.fetch('/', { resilience: { timeout: 'soon' } });
  expect(await caught(wrong)).toBeInstanceOf(OptionsError);
  expect(await caught(client.fetch('http://elsewhere/'))).toBeInstanceOf(OptionsError);
  expect(await caught(client.fetch('/', { method: 'GET', body: 'x' }))).toBeInstanceOf(TypeError);
  const failing = async function* () {
    yield await Promise.reject(new RangeError('own'));
  };
  const own = client.fetch('/', { method: 'PUT', body: failing() as never, duplex: 'half' });
  expect(await caught(own)).toBeInstanceOf(Error);
  expect(fallback).not.toHaveBeenCalled();
});

describe('redirects', () => {
  const plan: Plan = (_, { path }) =>
    path === '/items' ? { status: 302, headers: { location: '/there' } } : 'reset';

  test.each(Object.entries(paths))('over %s it comes after the last hop, once', async (_, call) => {
    const fallback = vi.fn<Fallback>(instead);
    const { client } = await shopWith(plan, fallback);
    const response = await call(client);
    expect(fallback).toHaveBeenCalledTimes(1);
    expect(fallback.mock.calls[0]?.[1].url).toBe('http://shop/items');
    expect(client.explain(response)).toMatchObject({
      fallback: true,
      path: '/there',
      redirects: [{ path: '/items', fallback: false }],
    });
    expect(client.stats()).toMatchObject({ 'cluster.shop.upstream_rq_fallback': 1 });
  });

  test.each(Object.entries(paths))('over %s a 500 at its end counts too', async (_, call) => {
    const fallback = vi.fn<Fallback>(() => new Response('later', { status: 503 }));
    const { client } = await shopWith(
      (_index, { path }) =>
        path === '/items' ? { status: 302, headers: { location: '/there' } } : 500,
      fallback,
    );
    const response = await call(client);
    expect(await response.text()).toBe('later');
    expect(fallback).toHaveBeenCalledTimes(1);
    expect(client.explain(response)).toMatchObject({ fallback: true, path: '/there' });
  });

  test.each(Object.entries(paths))('over %s nothing of it comes twice', async (_, call) => {
    const user = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const answers = [undefined, new Response('later', { status: 503 })];
    const { client } = await shopWith(plan, () => {
      seen.push(user.getStore());
      return answers.shift();
    });
    expect(await user.run('ada', () => caught(call(client)))).toBeInstanceOf(ConnectionError);
    expect((await user.run('bob', () => call(client))).status).toBe(503);
    expect(seen).toEqual(['ada', 'bob']);
  });

  test('the fallback of the service that was called holds, not that of another on the way', async () => {
    const there = await fleetOf({ endpoints: 1, plan: 500 });
    const here = await fleetOf({
      endpoints: 1,
      plan: { status: 302, headers: { location: 'http://there/' } },
    });
    const client = clientFor({
      retry: false,
      services: {
        'http://here': { endpoints: here.endpoints, fallback: () => new Response('of here') },
        'http://there': { endpoints: there.endpoints, fallback: () => new Response('of there') },
      },
    });
    expect(await (await client.fetch('http://here/')).text()).toBe('of here');
    expect(await (await client.fetch(new Request('http://here/'))).text()).toBe('of here');
    expect(await (await client.fetch('http://there/')).text()).toBe('of there');
    expect(client.stats()).toMatchObject({
      'cluster.here.upstream_rq_fallback': 2,
      'cluster.there.upstream_rq_fallback': 1,
    });
  });
});

test('an encoded 500 reaches it decoded', async () => {
  const { gzipSync } = await import('node:zlib');
  const body = gzipSync('broken');
  const plan = { status: 500, body, headers: { 'content-encoding': 'gzip' } };
  const { client } = await shopWith(
    plan,
    async (failure) => new Response(`not ${await (failure as Response).text()}`),
  );
  expect(await (await client.fetch('/')).text()).toBe('not broken');
});

test('middleware stands around it', async () => {
  const { client } = await shopWith(500, instead, {
    middleware: [
      async (request, next) => {
        const response = await next(request);
        return new Response(`${response.status}`);
      },
    ],
  });
  expect(await (await client.fetch('/')).text()).toBe('200');
});

test('bodies of other kinds are there too; a function’s and a stream’s are not', async () => {
  const seen: string[] = [];
  const { client } = await shopWith('reset', async (_failure, request) => {
    seen.push(await request.text());
    return instead();
  });
  const put = (body: unknown): Promise<Response> =>
    client.fetch('/', { method: 'PUT', body: body as string, duplex: 'half' });
  await put(Buffer.from('bytes'));
  await put(new Blob(['blob']));
  await put(() => 'made');
  await put(new Response('stream').body);
  expect(seen).toEqual(['bytes', 'blob', '', '']);
});

test('client.request and the dispatcher know nothing of it', async () => {
  const fallback = vi.fn<Fallback>(instead);
  const { client } = await shopWith(500, fallback);
  expect((await client.request('/')).statusCode).toBe(500);
  const init = { dispatcher: client.dispatcher } as unknown as RequestInit;
  expect((await fetch('http://shop/', init)).status).toBe(500);
  expect(fallback).not.toHaveBeenCalled();
});

test('update changes it, false takes it away', async () => {
  const { client } = await shopWith(500, false);
  expect((await client.fetch('/')).status).toBe(500);
  client.update({ fallback: instead });
  expect((await client.fetch('/')).status).toBe(200);
  client.update({ fallback: false });
  expect((await client.fetch('/')).status).toBe(500);
});
