import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { clientFor } from '../support/client.js';
import { serve } from '../support/server.js';

/** Never answers, or stops after the head. */
async function silent() {
  return serve((request, response) => {
    if (request.url === '/head') {
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.write('begun');
    }
  });
}

test('abort while waiting for the head rejects with the reason and gives the socket back', async () => {
  const server = await silent();
  const client = clientFor();
  const controller = new AbortController();
  const pending = client.fetch(server.url, { signal: controller.signal });
  await expect.poll(() => server.seen.length).toBe(1);
  const reason = new Error('enough');
  controller.abort(reason);
  await expect(pending).rejects.toBe(reason);
  expect(client.endpoints()[0]).toMatchObject({ active: 0, connections: { open: 0, idle: 0 } });
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  await expect.poll(() => server.connections.open).toBe(0);
});

test('abort in the body fails its reader with the reason', async () => {
  const server = await silent();
  const client = clientFor();
  const controller = new AbortController();
  const response = await client.fetch(`${server.url}/head`, { signal: controller.signal });
  const text = response.text();
  const reason = new Error('enough');
  controller.abort(reason);
  await expect(text).rejects.toBe(reason);
  expect(client.endpoints()[0]).toMatchObject({ active: 0, connections: { open: 0 } });
});

test('abort in the body fails a stream, a clone and later reads with the reason', async () => {
  const server = await silent();
  const client = clientFor();
  const controller = new AbortController();
  const response = await client.fetch(`${server.url}/head`, { signal: controller.signal });
  const copy = response.clone();
  const reader = response.body?.getReader();
  expect((await reader?.read())?.done).toBe(false);
  const reason = new Error('enough');
  controller.abort(reason);
  await expect(reader?.read()).rejects.toBe(reason);
  await expect(copy.text()).rejects.toBe(reason);
});

test('a body that has arrived is not read after an abort, as with the platform', async () => {
  const server = await serve((_, response) => response.end('all of it'));
  const client = clientFor();
  const controller = new AbortController();
  const response = await client.fetch(server.url, { signal: controller.signal });
  await expect.poll(() => client.endpoints()[0]?.active).toBe(0);
  const reason = new Error('not any more');
  controller.abort(reason);
  await expect(response.text()).rejects.toBe(reason);
});

test('AbortSignal.timeout rejects with its TimeoutError', async () => {
  const server = await silent();
  const { fetch } = clientFor();
  const failing = fetch(server.url, { signal: AbortSignal.timeout(20) });
  await expect(failing).rejects.toMatchObject({ name: 'TimeoutError' });
});

test('abort on the full path rejects with the reason too', async () => {
  const server = await silent();
  const client = clientFor();
  const controller = new AbortController();
  const pending = client.fetch(new Request(server.url, { signal: controller.signal }));
  await expect.poll(() => server.seen.length).toBe(1);
  const reason = new Error('enough');
  controller.abort(reason);
  await expect(pending).rejects.toBe(reason);
  await expect
    .poll(() => client.endpoints()[0])
    .toMatchObject({ active: 0, connections: { open: 0 } });
});

// user-asks 41: one long-lived signal must not collect listeners
test('a thousand calls on one signal need one listener, and leave none', async () => {
  const server = await serve((_, response) => response.end('fine'));
  const { fetch } = clientFor();
  const { signal } = new AbortController();
  const calls = Array.from({ length: 1000 }, async () => {
    const response = await fetch(server.url, { signal });
    return response.text();
  });
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  await Promise.all(calls);
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});

test('one signal ends all the calls that share it, and only those', async () => {
  const server = await silent();
  const { fetch } = clientFor();
  const shared = new AbortController();
  const other = new AbortController();
  const ended = Promise.allSettled(
    Array.from({ length: 5 }, () => fetch(server.url, { signal: shared.signal })),
  );
  const living = fetch(server.url, { signal: other.signal });
  await expect.poll(() => server.seen.length).toBe(6);
  const reason = new Error('enough');
  shared.abort(reason);
  for (const result of await ended) expect(result).toEqual({ status: 'rejected', reason });
  await expect.poll(() => server.connections.open).toBe(1);
  other.abort(reason);
  await expect(living).rejects.toBe(reason);
});
