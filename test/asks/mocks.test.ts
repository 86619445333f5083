/** Mocks must still catch the calls: undici's MockAgent, and a global fetch that is patched before or later. */
import { MockAgent } from 'undici';
import { expect, onTestFinished, test, vi } from 'vitest';
import { clientFor } from '../support/client.js';

function mockAgent(): MockAgent {
  const agent = new MockAgent();
  agent.disableNetConnect();
  onTestFinished(() => agent.close());
  return agent;
}

function patchFetch(answer: () => Response): void {
  const original = globalThis.fetch;
  globalThis.fetch = () => Promise.resolve(answer());
  onTestFinished(() => {
    globalThis.fetch = original;
  });
}

test('a MockAgent as the dispatcher', async () => {
  const agent = mockAgent();
  const shop = agent.get('http://shop.test');
  shop
    .intercept({ path: '/orders', method: 'POST', body: '{"a":1}', headers: { 'x-own': '1' } })
    .reply(201, { id: 7 }, { headers: { 'content-type': 'application/json', 'x-list': 'b' } });
  const client = clientFor({ service: 'http://shop.test', dispatcher: agent });
  const answer = await client.fetch('/orders', {
    method: 'POST',
    body: '{"a":1}',
    headers: { 'x-own': '1' },
  });
  expect(answer.status).toBe(201);
  expect(answer.headers.get('x-list')).toBe('b');
  expect(await answer.json()).toEqual({ id: 7 });
  agent.assertNoPendingInterceptors();
});

test('a MockAgent whose answers fail first, and come late', async () => {
  const agent = mockAgent();
  const shop = agent.get('http://10.0.0.1:8080');
  shop.intercept({ path: '/' }).reply(503, '');
  shop.intercept({ path: '/' }).replyWithError(new Error('cable'));
  shop.intercept({ path: '/' }).reply(200, 'third').delay(5);
  const client = clientFor({
    service: 'http://shop.test',
    endpoints: ['http://10.0.0.1:8080'],
    dispatcher: agent,
  });
  const answer = await client.fetch('/');
  expect(await answer.text()).toBe('third');
  expect(client.explain(answer)?.attempts).toHaveLength(3);
  expect(client.stats()['cluster.shop.test.upstream_rq_retry']).toBe(2);
});

test('a MockAgent that knows nothing of the call is not asked again', async () => {
  const agent = mockAgent();
  const client = clientFor({ service: 'http://shop.test', dispatcher: agent });
  await expect(client.fetch('/')).rejects.toMatchObject({
    message: 'fetch failed',
    cause: { code: 'UND_MOCK_ERR_MOCK_NOT_MATCHED' },
    attempts: { length: 1 },
  });
});

test('a thousand calls of a MockAgent, of which one has the only place', async () => {
  const agent = mockAgent();
  agent.get('http://shop.test').intercept({ path: '/slow' }).reply(200, 'x').delay(10);
  agent.get('http://shop.test').intercept({ path: '/' }).reply(200, 'x').persist();
  const client = clientFor({
    service: 'http://shop.test',
    dispatcher: agent,
    connectionPool: { maxConnections: 1, maxPendingRequests: 2000 },
  });
  const paths = ['/slow', ...Array<string>(1000).fill('/')];
  const texts = await Promise.all(paths.map(async (path) => (await client.fetch(path)).text()));
  expect(new Set(texts)).toEqual(new Set(['x']));
});

test('a global fetch that was patched before the client was made', async () => {
  patchFetch(() => Response.json({ mocked: 1 }));
  const client = clientFor({ fetch: globalThis.fetch });
  expect(await (await client.fetch('http://shop.test/')).json()).toEqual({ mocked: 1 });
});

test('a global fetch that is patched later', async () => {
  const client = clientFor({ fetch: (...given) => globalThis.fetch(...given) });
  patchFetch(() => Response.json({ mocked: 2 }));
  expect(await (await client.fetch('http://shop.test/')).json()).toEqual({ mocked: 2 });
  const later = vi.fn(() => Promise.resolve(new Response('again')));
  globalThis.fetch = later;
  expect(await (await client.fetch('http://shop.test/')).text()).toBe('again');
  expect(later).toHaveBeenCalledOnce();
});
