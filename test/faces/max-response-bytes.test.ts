/** `maxResponseBytes`: what a hostile answer can take. */
import { gzipSync } from 'node:zlib';
import type { ServerResponse } from 'node:http';
import { describe, expect, test, vi } from 'vitest';
import {
  isOutriggerError,
  ResponseTooLargeError,
  type ClientOptions,
  type ResilientClient,
} from '../../src/index.js';
import { clientFor } from '../support/client.js';
import { serve, type TestServer } from '../support/server.js';

const LIMIT = 1000;

async function against(
  answer: (response: ServerResponse, path: string) => void,
  options: ClientOptions = {},
): Promise<{ server: TestServer; client: ResilientClient }> {
  const server = await serve((request, response) => answer(response, request.url ?? ''));
  const client = clientFor({
    service: 'http://shop.test',
    endpoints: [server.url],
    maxResponseBytes: LIMIT,
    ...options,
  });
  return { server, client };
}

/** Written piece by piece, without a length. */
function pieces(response: ServerResponse, size: number): void {
  response.flushHeaders();
  for (let left = size; left > 0; left -= 100)
    response.write(Buffer.alloc(Math.min(left, 100), 'a'));
  response.end();
}

const failureOf = (promise: Promise<unknown>): Promise<Error & Record<string, unknown>> =>
  promise.then(
    () => Promise.reject(new Error('it has not failed')),
    (error: unknown) => error as Error & Record<string, unknown>,
  );

function expectTooLarge(error: unknown): void {
  expect(error).toBeInstanceOf(ResponseTooLargeError);
  expect(error).toBeInstanceOf(TypeError);
  expect(isOutriggerError(error)).toBe(true);
  expect(error).toMatchObject({
    name: 'ResponseTooLargeError',
    code: 'ERR_OUTRIGGER_RESPONSE_TOO_LARGE',
    limit: LIMIT,
    flag: 'UPE',
  });
}

const closed = (server: TestServer): Promise<void> =>
  vi.waitFor(() => expect(server.connections.open).toBe(0));

test('an answer of exactly so many bytes arrives', async () => {
  const { client, server } = await against((response) => response.end(Buffer.alloc(LIMIT, 'a')));
  expect(await (await client.fetch('/')).text()).toHaveLength(LIMIT);
  const { client: chunked } = await against((response) => pieces(response, LIMIT));
  expect(await (await chunked.fetch('/')).text()).toHaveLength(LIMIT);
  expect(server.connections.accepted).toBe(1);
});

test('one that announces more fails at its head, is not repeated, and its connection is closed', async () => {
  const { client, server } = await against((response) => {
    response.writeHead(200, { 'content-length': LIMIT + 1 });
    response.write('a');
  });
  const error = await failureOf(client.fetch('/'));
  expectTooLarge(error);
  expect(error.message).toBe(
    'shop.test: the answer announces 1001 bytes, which is more than 1000 bytes (maxResponseBytes)',
  );
  expect(server.seen).toHaveLength(1);
  expect(client.stats()['cluster.shop.test.response_too_large']).toBe(1);
  await closed(server);
});

test('HEAD has no body, whatever it announces; nor has 304', async () => {
  const { client } = await against((response, path) => {
    response.writeHead(path === '/304' ? 304 : 200, { 'content-length': 5000 }).end();
  });
  expect((await client.fetch('/', { method: 'HEAD' })).status).toBe(200);
  expect((await client.fetch('/304')).status).toBe(304);
});

describe.each([
  ['the fast path', {}],
  ['the full path', { redirect: 'error' }],
] as [string, RequestInit][])('%s', (_name, init) => {
  test.each(['text', 'json', 'arrayBuffer', 'blob'] as const)(
    '%s() of a body that turns out to be larger',
    async (reader) => {
      const { client, server } = await against((response) => pieces(response, LIMIT + 1));
      const error = await failureOf(client.fetch('/', init).then((answer) => answer[reader]()));
      expectTooLarge(error);
      expect(error.message).toContain('the answer is more than 1000 bytes');
      await closed(server);
    },
  );

  test('its stream, and that of a clone', async () => {
    const { client } = await against((response) => pieces(response, 200_000));
    const read = async (answer: Response): Promise<void> => {
      for await (const piece of answer.body ?? []) void piece;
    };
    expectTooLarge(await failureOf(client.fetch('/', init).then(read)));
    const cloned = client.fetch('/', init).then((answer) => {
      const copy = answer.clone();
      return Promise.all([read(copy), answer.text()]);
    });
    expectTooLarge(await failureOf(cloned));
  });

  const bomb = gzipSync(Buffer.alloc(50_000_000));
  const small = gzipSync('{"a":1}');

  test('a body that is small as it is sent, and decoded is not', async () => {
    const { client } = await against(
      (response) => {
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb);
      },
      { maxResponseBytes: 100_000 },
    );
    expect(bomb.length).toBeLessThan(100_000);
    const before = process.memoryUsage().arrayBuffers;
    for (const reader of ['text', 'json', 'arrayBuffer', 'blob', 'formData', 'body'] as const) {
      const error = await failureOf(
        client.fetch('/', init).then(async (answer) => {
          if (reader !== 'body') return answer[reader]();
          for await (const piece of answer.body ?? []) void piece;
          return undefined;
        }),
      );
      expect(error).toMatchObject({ name: 'ResponseTooLargeError', limit: 100_000 });
    }
    const cloned = client.fetch('/', init).then((answer) => answer.clone().text());
    expect(await failureOf(cloned)).toMatchObject({ name: 'ResponseTooLargeError' });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(30_000_000);
    expect(client.stats()['cluster.shop.test.response_too_large']).toBe(7);
  });

  test('what is decoded and within the limit is as ever', async () => {
    const { client } = await against((response) => {
      response
        .writeHead(200, { 'content-encoding': 'gzip', 'content-type': 'application/json' })
        .end(small);
    });
    const answer = await client.fetch('/', init);
    const copy = answer.clone();
    expect(answer.bodyUsed).toBe(false);
    expect(await answer.json()).toEqual({ a: 1 });
    expect(answer.bodyUsed).toBe(true);
    await expect(answer.text()).rejects.toBeInstanceOf(TypeError);
    const blob = await copy.blob();
    expect([blob.type, await blob.text()]).toEqual(['application/json', '{"a":1}']);
    const streamed = await client.fetch('/', init);
    expect(await new Response(streamed.body).text()).toBe('{"a":1}');
    expect(answer).toBeInstanceOf(Response);
    expect(client.explain(answer)?.attempts).toHaveLength(1);
  });
});

test('client.request and client.dispatcher are held to what is sent', async () => {
  const { client, server } = await against((response, path) => {
    if (path === '/head') response.end(Buffer.alloc(LIMIT + 1));
    else pieces(response, 50_000);
  });
  expectTooLarge(await failureOf(client.request('/head')));
  expectTooLarge(await failureOf(client.request('/').then(({ body }) => body.text())));
  const init = { dispatcher: client.dispatcher } as unknown as RequestInit;
  const error = await failureOf(
    globalThis.fetch('http://shop.test/', init).then((answer) => answer.text()),
  );
  expectTooLarge(error.cause);
  await closed(server);
});

test('an unfolded answer whose body somebody holds is refused as the platform does', async () => {
  const { client, server } = await against((response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('{}'));
  });
  const seen = async (fetched: Promise<Response>): Promise<string[]> => {
    const answer = await fetched;
    const reader = answer.body?.getReader();
    const text = failureOf(answer.text());
    expect(() => answer.clone()).toThrow(TypeError);
    const { name, message } = await text;
    reader?.releaseLock();
    return [name, message, await answer.text()];
  };
  expect(await seen(client.fetch('/'))).toEqual(await seen(globalThis.fetch(server.url)));
});

test('a call, a route and an update have their own; false is none', async () => {
  const { client } = await against((response) => pieces(response, 1500), {
    routes: [{ match: { path: '/large' }, maxResponseBytes: 2000 }],
  });
  const size = async (path: string, maxResponseBytes?: number | false): Promise<number> =>
    (await (await client.fetch(path, { resilience: { maxResponseBytes } })).text()).length;
  expect(await size('/large')).toBe(1500);
  expect(await size('/', 1500)).toBe(1500);
  expect(await size('/', false)).toBe(1500);
  expectTooLarge(await failureOf(size('/')));
  await expect(size('/large', 10)).rejects.toMatchObject({ limit: 10 });
  client.update({ maxResponseBytes: false });
  expect(await size('/')).toBe(1500);
});

test("with localReplies: 'respond' one that announces too much is answered with 502", async () => {
  const { client } = await against((response) => response.end(Buffer.alloc(2000)), {
    localReplies: 'respond',
  });
  const answer = await client.fetch('/');
  expect(answer.status).toBe(502);
  expect(answer.headers.get('x-outrigger-flags')).toBe('UPE');
});

test('over a fetch of the user, too', async () => {
  const client = clientFor({
    service: 'http://shop.test',
    maxResponseBytes: LIMIT,
    fetch: () => Promise.resolve(new Response('a'.repeat(LIMIT + 1))),
  });
  expectTooLarge(await failureOf(client.fetch('/').then((answer) => answer.text())));
});
