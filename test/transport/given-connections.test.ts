/** Connections of somebody else's: dispatchers of every generation, those of Node inside among them, and a fetch. */
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { Agent, fetch as undiciFetch, type Dispatcher } from 'undici';
import { describe, expect, onTestFinished, test } from 'vitest';
import { isOutriggerError, type ClientOptions } from '../../src/index.js';
import { clientFor } from '../support/client.js';
import { serve } from '../support/server.js';

/** The dispatcher that the platform's own fetch uses. */
function platformDispatcher(): Dispatcher {
  // Node makes it when fetch is first looked at.
  void globalThis.Response;
  const [major = 0] = process.versions.node.split('.').map(Number);
  const slot = major >= 26 ? 2 : 1;
  return Reflect.get(globalThis, Symbol.for(`undici.globalDispatcher.${slot}`)) as Dispatcher;
}

function agent(): Agent {
  const made = new Agent();
  onTestFinished(() => made.destroy());
  return made;
}

/** Where nobody listens. */
async function closedOrigin(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}

type Given = Pick<ClientOptions, 'fetch' | 'dispatcher'>;

const kinds: [string, () => Given][] = [
  ["Node's own dispatcher", () => ({ dispatcher: platformDispatcher() })],
  ["undici's Agent", () => ({ dispatcher: agent() })],
  ["the platform's fetch", () => ({ fetch: globalThis.fetch })],
  ["undici's fetch", () => ({ fetch: undiciFetch as unknown as typeof fetch })],
];

describe.each(kinds)('%s', (_name, givenOf) => {
  const clientAt = (url: string, options: ClientOptions = {}) =>
    clientFor({
      service: 'http://shop.test',
      endpoints: [url],
      ...givenOf(),
      ...options,
    });

  test('takes a call and brings its answer, headers and all', async () => {
    const server = await serve((request, response) => {
      response.writeHead(201, { 'set-cookie': ['a=1', 'b=2'], 'x-text': 'ä' });
      response.end(`got ${request.text}`);
    });
    const client = clientAt(server.url);
    const answer = await client.fetch('/orders?x=1', {
      method: 'POST',
      body: 'hello',
      headers: { 'X-One': '1' },
    });
    expect(answer.status).toBe(201);
    expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(answer.headers.get('x-text')).toBe('ä');
    expect(await answer.text()).toBe('got hello');
    expect(server.seen).toMatchObject([{ method: 'POST', path: '/orders?x=1', body: 'hello' }]);
    const { headers = [] } = server.seen[0] ?? {};
    expect(headers[headers.findIndex((name) => name.toLowerCase() === 'host') + 1]).toBe(
      'fetch' in givenOf() ? new URL(server.url).host : 'shop.test',
    );
    expect(client.explain(answer)?.attempts).toMatchObject([{ endpoint: server.url, status: 201 }]);
  });

  test('a body that is a stream', async () => {
    const server = await serve((request, response) => response.end(request.text));
    const client = clientAt(server.url);
    const answer = await client.fetch('/', {
      method: 'POST',
      body: new ReadableStream({
        async pull(controller) {
          await wait(1);
          controller.enqueue(new TextEncoder().encode('piece '));
          controller.close();
        },
      }),
      duplex: 'half',
    });
    expect(await answer.text()).toBe('piece ');
  });

  test('limits, retries and counters hold', async () => {
    let calls = 0;
    let most = 0;
    let now = 0;
    const server = await serve((_request, response) => {
      calls += 1;
      now += 1;
      most = Math.max(most, now);
      setTimeout(() => {
        now -= 1;
        response.writeHead(calls <= 1 ? 503 : 200);
        response.end('x');
      }, 5);
    });
    const client = clientAt(server.url, {
      connectionPool: { maxConnections: 2, maxPendingRequests: 3 },
    });
    const first = await client.fetch('/');
    expect(first.status).toBe(200);
    await first.text();
    const all = await Promise.allSettled(
      Array.from({ length: 8 }, async () => (await client.fetch('/')).text()),
    );
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
    const refused = all.flatMap((one) => (one.status === 'rejected' ? [one.reason as Error] : []));
    expect(refused.map(({ name }) => name)).toEqual(Array(3).fill('OverflowError'));
    expect(most).toBe(2);
    expect(client.stats()).toMatchObject({
      'cluster.shop.test.upstream_rq_retry': 1,
      'cluster.shop.test.upstream_rq_200': 6,
      'cluster.shop.test.upstream_rq_pending_overflow': 3,
      'cluster.shop.test.upstream_rq_pending_active': 0,
    });
  });

  test('a body that nobody reads holds the sender back, and an abort ends it', async () => {
    let written = 0;
    const server = await serve((_request, response) => {
      const piece = Buffer.alloc(64 * 1024);
      const go = (): void => {
        while (written < 64 * 1024 * 1024) {
          written += piece.length;
          if (!response.write(piece)) {
            response.once('drain', go);
            return;
          }
        }
        response.end();
      };
      go();
    });
    const client = clientAt(server.url);
    const controller = new AbortController();
    const answer = await client.fetch('/', { signal: controller.signal });
    await wait(300);
    expect(written).toBeLessThan(60 * 1024 * 1024);
    const reading = answer.arrayBuffer();
    await wait(20);
    controller.abort(new Error('enough'));
    await expect(reading).rejects.toThrow('enough');
  });

  test('a whole large body arrives', async () => {
    const body = Buffer.alloc(5_000_000, 'abc');
    const server = await serve((_request, response) => response.end(body));
    const answer = await clientAt(server.url).fetch('/');
    await wait(50);
    expect(Buffer.from(await answer.arrayBuffer()).equals(body)).toBe(true);
  });

  test('an abort before the head', async () => {
    const server = await serve(() => {});
    const client = clientAt(server.url);
    const controller = new AbortController();
    const answer = client.fetch('/', { signal: controller.signal });
    await wait(30);
    controller.abort(new Error('enough'));
    await expect(answer).rejects.toThrow('enough');
    while (server.connections.open > 0) await wait(5);
  });

  test('a time of the try cuts a silent endpoint off', async () => {
    const server = await serve((_request, response) => {
      if (server.seen.length > 1) response.end('second');
    });
    const client = clientAt(server.url, { retry: { perTryTimeout: '40ms', retryOn: ['reset'] } });
    expect(await (await client.fetch('/')).text()).toBe('second');
    expect(client.stats()).toMatchObject({ 'cluster.shop.test.upstream_rq_per_try_timeout': 1 });
  });

  test('no connection', async () => {
    const client = clientAt(await closedOrigin(), { retry: { attempts: 1 } });
    const failed: unknown = await client
      .fetch('/', { method: 'POST', body: 'x' })
      .catch((error: unknown) => error);
    expect(isOutriggerError(failed)).toBe(true);
    expect(failed).toMatchObject({
      message: 'fetch failed',
      flag: 'UF',
      cause: { code: 'ECONNREFUSED' },
    });
    expect((failed as { attempts: unknown[] }).attempts).toHaveLength(2);
  });

  test('cut off before the head, and in the body', async () => {
    const server = await serve((request, response) => {
      if (request.url === '/before') response.socket?.destroy();
      else {
        response.writeHead(200, { 'content-length': 10 });
        response.write('abc');
        setTimeout(() => response.socket?.destroy(), 20);
      }
    });
    const client = clientAt(server.url, { retry: false });
    await expect(client.fetch('/before')).rejects.toMatchObject({ flag: 'UC' });
    const answer = await client.fetch('/within');
    await expect(answer.text()).rejects.toMatchObject({ message: 'terminated', flag: 'UPE' });
  });

  test('close and destroy leave it open for others', async () => {
    const server = await serve((_request, response) => response.end('x'));
    const given = givenOf();
    const client = clientFor({ service: server.url, ...given });
    await (await client.fetch('/')).text();
    await client.close();
    await client.destroy();
    const other = clientFor({ service: server.url, ...given });
    expect(await (await other.fetch('/')).text()).toBe('x');
  });

  test('destroy ends what is in flight', async () => {
    const server = await serve(() => {});
    const client = clientAt(server.url);
    const answer = client.fetch('/').catch((error: unknown) => error);
    await wait(30);
    await client.destroy();
    expect(await answer).toMatchObject({ name: 'ClosedError' });
    while (server.connections.open > 0) await wait(5);
  });

  test('health checks go the same way', async () => {
    const server = await serve((_request, response) => response.writeHead(500).end());
    const client = clientAt(server.url, { healthCheck: { path: '/healthz' } });
    while (client.endpoints()[0]?.healthy === true) await wait(5);
    expect(server.seen[0]?.path).toBe('/healthz');
    expect(client.endpoints()[0]?.healthy).toBe(false);
  });
});

test.each([true, false])(
  'a dispatcher that gives no head fails the call: body %s',
  async (body) => {
    const dispatcher = {
      dispatch(_options: unknown, handler: Dispatcher.DispatchHandler) {
        const controller = { abort() {} } as unknown as Dispatcher.DispatchController;
        handler.onRequestStart?.(controller, {});
        if (body) handler.onResponseData?.(controller, Buffer.from('x'));
        handler.onResponseEnd?.(controller, {});
        return true;
      },
    };
    const client = clientFor({
      service: 'http://shop.test',
      dispatcher,
      retry: false,
      timeout: 500,
    });
    await expect(client.fetch('/')).rejects.toMatchObject({
      message: 'fetch failed',
      cause: { message: 'the dispatcher gave an answer without its head' },
    });
  },
);
