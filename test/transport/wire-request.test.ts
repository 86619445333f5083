/** Requests whose headers have been looked at before: what is written is what undici writes. */
import { addedHeaders } from '../../src/faces/added-headers.js';
import diagnostics from 'node:diagnostics_channel';
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import symbols from 'undici/lib/core/symbols.js';
import Client from 'undici/lib/dispatcher/client.js';
import { Attempt } from '../../src/core/attempt.js';
import type { Call } from '../../src/core/call.js';
import type { WireExchange } from '../../src/transport/exchange.js';
import { wireRequest } from '../../src/transport/wire-request.js';
import { createResilientClient, type ResilientClient } from '../../src/index.js';

let server: Server;
let origin: string;
let client: ResilientClient;
/** What came over each connection. */
let came: string[];

beforeEach(async () => {
  came = [];
  server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    const place = came.push('') - 1;
    socket.on('data', (chunk: Buffer) => {
      const text = chunk.toString('latin1');
      came[place] = `${came[place]}${text}`;
      const isHead = text.includes('\r\n\r\n');
      if (isHead) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  client = createResilientClient({ service: 'http://orders', endpoints: [{ url: origin }] });
});

afterEach(async () => {
  await client.destroy();
  server.close();
});

const FIRST = ['host', 'orders', 'accept', '*/*', 'x-one', 'a b', 'content-type', 'text/plain'];

/** What `wireRequest` looks at of an attempt. */
function attemptWith(headers: readonly string[], more: Partial<Call> = {}): Attempt {
  const call = { headers, method: 'GET', path: '/', body: null, wire: undefined, ...more };
  return new Attempt(call as unknown as Call, 1, 0);
}

const made = (attempt: Attempt): object | undefined =>
  wireRequest(attempt, {} as unknown as WireExchange, origin, 'orders');

test('the version of undici that is installed makes the same of the same', () => {
  expect(made(attemptWith(Object.freeze([...FIRST])))).toBeDefined();
});

test.each<[string, Attempt]>([
  ['a list that may still be changed', attemptWith([...FIRST])],
  ['a value that cannot be sent', attemptWith(Object.freeze(['host', 'orders', 'x', 'a\nb']))],
  ['a length of the caller’s', attemptWith(Object.freeze([...FIRST, 'content-length', '3']))],
  ['connection: close', attemptWith(Object.freeze([...FIRST, 'connection', 'close']))],
  ['no host', attemptWith(Object.freeze(['accept', '*/*']))],
  ['a path with a space', attemptWith(Object.freeze([...FIRST]), { path: '/a b' })],
  ['a method of its own', attemptWith(Object.freeze([...FIRST]), { method: 'PURGE' })],
  ['a blob', attemptWith(Object.freeze([...FIRST]), { body: new Blob(['a']) })],
  ['knobs of undici’s', attemptWith(Object.freeze([...FIRST]), { wire: { reset: true } })],
])('undici makes it itself: %s', (_what, attempt) => {
  expect(made(attempt)).toBeUndefined();
});

test.each<[string, string | Uint8Array | null]>([
  ['GET', null],
  ['HEAD', null],
  ['DELETE', null],
  ['POST', null],
  ['POST', ''],
  ['POST', 'naïve'],
  ['PUT', new Uint8Array([1, 2, 3])],
  ['GET', 'a body'],
])('written as undici writes it: %s %j', async (method, body) => {
  // Two of them: what is learned of the list while the first is sent holds for the second.
  const lists = [[...FIRST], Object.freeze([...FIRST])] as const;
  for (const headers of lists) {
    const undici = new Client(origin);
    const queue = Reflect.get(undici, symbols.kQueue) as object[];
    const look = Reflect.get(undici, symbols.kResume) as (sync: boolean) => void;
    await new Promise<void>((resolve, reject) => {
      const handler = {
        onConnect() {},
        onHeaders: () => true,
        onData: () => true,
        onComplete: () => resolve(),
        onError: reject,
      };
      const attempt = attemptWith(headers, { method, path: '/a?b=%20', body });
      const own = wireRequest(attempt, handler as never, origin, 'orders');
      expect(own === undefined).toBe(!Object.isFrozen(headers));
      if (own === undefined) {
        const reset = method === 'HEAD' ? false : undefined;
        const options = { method, path: '/a?b=%20', body, headers, reset, blocking: false };
        undici.dispatch(options as never, handler);
      } else {
        queue.push(own);
        look(true);
      }
    });
    await undici.destroy();
  }
  expect(came).toHaveLength(2);
  expect(came[1]).toBe(came[0]);
});

test('calls of the fast path go out with every header, over and over', async () => {
  const pairs = addedHeaders(new URL('http://orders'));
  const added = pairs.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${pairs[at + 1]}`] : []));
  for (let call = 0; call < 3; call++) {
    expect(await (await client.fetch('/orders/42')).json()).toEqual({});
  }
  const requests = came.join('').split('\r\n\r\n').filter(Boolean);
  expect(requests).toHaveLength(3);
  for (const request of requests) {
    expect(request.split('\r\n')).toEqual([
      'GET /orders/42 HTTP/1.1',
      'host: orders',
      'connection: keep-alive',
      ...added,
      'x-envoy-attempt-count: 1',
    ]);
  }
});

test('who listens to undici may add headers', async () => {
  const add = (message: unknown): void => {
    (message as { request: { addHeader(name: string, value: string): void } }).request.addHeader(
      'traceparent',
      '00-1',
    );
  };
  await client.fetch('/').then((response) => response.text());
  diagnostics.subscribe('undici:request:create', add);
  try {
    await client.fetch('/').then((response) => response.text());
  } finally {
    diagnostics.unsubscribe('undici:request:create', add);
  }
  await client.fetch('/').then((response) => response.text());
  const requests = came.join('').split('\r\n\r\n').filter(Boolean);
  expect(requests.map((request) => request.includes('traceparent: 00-1'))).toEqual([
    false,
    true,
    false,
  ]);
});

test('what can never be written fails as that where nothing listens, and is not repeated', async () => {
  server.close();
  await once(server, 'close');
  const attempts = async (headers: Record<string, string>): Promise<unknown> => {
    const error: unknown = await client.fetch('/', { headers }).catch((reason: unknown) => reason);
    const { cause, attempts } = error as { cause: { code: string }; attempts: unknown[] };
    return [cause.code, attempts.length];
  };
  expect(await attempts({ upgrade: 'websocket' })).toEqual(['UND_ERR_INVALID_ARG', 1]);
  expect(await attempts({ expect: 'odd' })).toEqual(['UND_ERR_NOT_SUPPORTED', 1]);
  expect(await attempts({ accept: 'text/plain' })).toEqual(['ECONNREFUSED', 3]);
});
