/** What the global fetch does while a client is installed: which calls are the client's, and where the others go. */
import { Agent } from 'undici';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { ClientOptions } from '../../src/index.js';
import { installed, MARK } from '../support/installed.js';
import { serve, type TestServer } from '../support/server.js';

/** Answers with the number of the attempt, or that there is none. */
async function marking(): Promise<TestServer> {
  return serve((request, response) => {
    if (request.url?.startsWith('/to') !== true) response.end(request.headers[MARK] ?? 'untouched');
    else {
      const [, status, location] = request.url.split('?');
      response.writeHead(Number(status), { location: location ?? '' }).end();
    }
  });
}

const failureOf = async (input: unknown, init?: RequestInit): Promise<unknown> =>
  fetch(input as string, init).then(
    () => undefined,
    (error: unknown) => error,
  );

test('every form of a URL of every origin', async () => {
  const { url } = await marking();
  const client = installed();
  const inputs = [
    url,
    `${url}/a?b#c`,
    `  ${url.replace('http', 'HTTP')}`,
    new URL(url),
    new Request(url),
    { toString: () => url },
  ];
  for (const input of inputs) {
    const response = await fetch(input as string);
    expect(await response.text()).toBe('1');
    expect(response).toBeInstanceOf(Response);
    expect(client.explain(response)?.attempts).toHaveLength(1);
  }
});

test('what can be turned into text is so once, and no argument stays none', async () => {
  const { url } = await marking();
  const platform = globalThis.fetch;
  const theirs = vi.fn((..._: unknown[]) => Promise.resolve(new Response('theirs')));
  globalThis.fetch = theirs;
  onTestFinished(() => void (globalThis.fetch = platform));
  installed({ service: url });
  for (const [text, answer] of [
    [url, '1'],
    ['http://other.test', 'theirs'],
  ] as const) {
    const toString = vi.fn(() => text);
    expect(await (await fetch({ toString } as unknown as string)).text()).toBe(answer);
    expect(toString).toHaveBeenCalledOnce();
  }
  await (fetch as () => Promise<unknown>)();
  expect(theirs).toHaveBeenLastCalledWith();
});

test('of a client with services, these are its own, and others are untouched', async () => {
  const [own, other] = [await marking(), await marking()];
  const client = installed({ services: { [own.url]: { name: 'own' } } });
  for (const input of [own.url, new URL(own.url), new Request(own.url), `${own.url}?a`]) {
    expect(await (await fetch(input)).text()).toBe('1');
  }
  for (const input of [other.url, new URL(other.url), new Request(other.url), `${other.url}?a`]) {
    const response = await fetch(input);
    expect(client.explain(response)).toBeUndefined();
    expect(await response.text()).toBe('untouched');
  }
  await expect(client.fetch(other.url)).rejects.toThrow('is not served by this client');
});

test("others are the client's where it says so", async () => {
  const [own, other] = [await marking(), await marking()];
  installed({ service: own.url, otherOrigins: 'default-policy' });
  expect(await (await fetch(other.url)).text()).toBe('1');
});

test('the fetch that was there gets what it would have got', async () => {
  const platform = globalThis.fetch;
  onTestFinished(() => void (globalThis.fetch = platform));
  const answer = new Response('theirs');
  const theirs = vi.fn((..._: unknown[]) => Promise.resolve(answer));
  globalThis.fetch = theirs;
  installed({ service: 'http://shop' });
  const input = new Request('http://elsewhere');
  const init = { headers: { a: 'b' } };
  expect(await fetch(input, init)).toBe(answer);
  expect(theirs.mock.calls).toEqual([[input, init]]);
  expect(theirs.mock.calls[0]?.[0]).toBe(input);
  expect(theirs.mock.calls[0]?.[1]).toBe(init);
});

test.each<[string, ClientOptions | undefined]>([
  ['without services', undefined],
  ['with one service', { service: 'http://shop' }],
])('what is no web address fares as on the platform, with a client %s', async (_what, options) => {
  const inputs = [
    '/relative',
    '',
    'http://',
    'nonsense',
    undefined,
    Symbol('no'),
    'file:///etc/hosts',
  ];
  const expected = await Promise.all(inputs.map(async (input) => String(await failureOf(input))));
  installed(options);
  for (const [index, input] of inputs.entries()) {
    expect(String(await failureOf(input))).toBe(expected[index]);
  }
  expect(await (await fetch('data:text/plain,here')).text()).toBe('here');
  const blob = URL.createObjectURL(new Blob(['there']));
  expect(await (await fetch(blob)).text()).toBe('there');
});

test('other schemes are none of its business', async () => {
  const middleware = vi.fn((request: Request, next: (request: Request) => Promise<Response>) =>
    next(request),
  );
  const { url } = await marking();
  installed({ middleware: [middleware] });
  expect(await (await fetch('data:text/plain,here')).text()).toBe('here');
  expect(middleware).not.toHaveBeenCalled();
  await (await fetch(url)).text();
  expect(middleware).toHaveBeenCalledOnce();
});

test('a call that names a dispatcher goes through that one', async () => {
  const { url } = await marking();
  installed();
  const dispatcher = new Agent();
  onTestFinished(() => dispatcher.close());
  const dispatch = vi.spyOn(dispatcher, 'dispatch');
  const response = await fetch(url, { dispatcher } as object);
  expect(await response.text()).toBe('untouched');
  expect(dispatch).toHaveBeenCalledOnce();
});

test('a redirect leads out of the services and back again', async () => {
  const [own, other] = [await marking(), await marking()];
  const client = installed({ service: own.url });
  for (const status of [302, 307]) {
    const init = { method: 'POST', body: 'text' };
    const out = await fetch(`${own.url}/to?${status}?${other.url}/end`, init);
    expect(await out.text()).toBe('untouched');
    expect(out).toMatchObject({ url: `${other.url}/end`, redirected: true });
    expect(other.seen.at(-1)).toMatchObject(
      status === 302 ? { method: 'GET', body: '' } : { method: 'POST', body: 'text' },
    );
    const back = await fetch(`${other.url}/to?${status}?${own.url}/end`, init);
    expect(await back.text()).toBe('1');
    expect(own.seen.at(-1)?.path).toBe('/end');
  }
  await expect(client.fetch(`${own.url}/to?302?${other.url}/end`)).rejects.toThrow('is not served');
});

test('a stream that was sent cannot follow a redirect out of the services', async () => {
  const [own, other] = [await marking(), await marking()];
  installed({ service: own.url });
  const body = new Blob(['streamed']).stream();
  const error = await failureOf(`${own.url}/to?307?${other.url}/end`, {
    method: 'POST',
    body,
    duplex: 'half',
  });
  expect(error).toBeInstanceOf(TypeError);
  expect(other.seen).toEqual([]);
  const see = await fetch(`${own.url}/to?303?${other.url}/end`, {
    method: 'POST',
    body: new Blob(['streamed']).stream(),
    duplex: 'half',
  });
  expect(await see.text()).toBe('untouched');
});

test('resilience holds: retries, and the policy of one call', async () => {
  let count = 0;
  const { url } = await serve((_, response) => {
    count += 1;
    response.writeHead(count % 2 === 1 ? 503 : 200).end();
  });
  const client = installed({ retry: { backoff: { baseInterval: 1, maxInterval: 1 } } });
  const response = await fetch(url);
  expect(response.status).toBe(200);
  expect(client.explain(response)?.attempts).toHaveLength(2);
  const once503 = await fetch(url, { resilience: { retry: false } } as RequestInit);
  expect(once503.status).toBe(503);
});

test('an abort and its reason', async () => {
  const { url } = await serve(() => {});
  installed();
  const controller = new AbortController();
  const failed = failureOf(url, { signal: controller.signal });
  const reason = new Error('mine');
  controller.abort(reason);
  expect(await failed).toBe(reason);
});
