/** Answers that nobody reads: once they are garbage-collected their connections come back. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { clientFor } from '../support/client.js';
import { serve } from '../support/server.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const LARGE = 'x'.repeat(3_000_000);

async function large() {
  return serve((_, response) => response.end(LARGE));
}

test('a small body that nobody reads gives its connection back by itself', async () => {
  const server = await serve((_, response) => response.end('small'));
  const client = clientFor();
  await client.fetch(server.url);
  await expect
    .poll(() => client.endpoints()[0])
    .toMatchObject({ active: 0, connections: { idle: 1 } });
});

const WAYS: readonly [string, (response: Response) => unknown][] = [
  ['a response', () => undefined],
  ['its stream', (response) => void response.body],
  ['a stream read in part', (response) => response.body?.getReader().read()],
  ['a clone', (response) => void response.clone()],
  ['a clone read in part', (response) => response.clone().body?.getReader().read()],
];
const INITS: readonly [string, RequestInit][] = [
  ['the fast path', {}],
  ['the full path', { keepalive: true }],
];

test.each(
  INITS.flatMap(([path, init]) => WAYS.map(([what, touch]) => [what, path, init, touch] as const)),
)('%s of %s that is dropped with a large body is cancelled', async (_, _path, init, touch) => {
  const server = await large();
  const client = clientFor();
  // In a function of its own, so that no frame holds the answer.
  await (async () => void (await touch(await client.fetch(server.url, init))))();
  expect(client.endpoints()[0]?.active).toBe(1);
  await expect
    .poll(() => {
      collect();
      return client.endpoints()[0]?.active;
    })
    .toBe(0);
});

test('a stream that is held is not cancelled, though its response is gone', async () => {
  const server = await large();
  const client = clientFor();
  const stream = await (async () => (await client.fetch(server.url)).body)();
  for (let round = 0; round < 5; round++) {
    collect();
    await new Promise(setImmediate);
  }
  let size = 0;
  for await (const chunk of stream as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size < 500_000) collect();
  }
  expect(size).toBe(LARGE.length);
});

test('a read that is under way is not lost to a collection', async () => {
  let release: (() => void) | undefined;
  const server = await serve((_, response) => {
    response.write('x'.repeat(100_000));
    release = () => response.end('the end');
  });
  const client = clientFor();
  const reading = (async () => (await client.fetch(server.url)).text())();
  await expect.poll(() => release).toBeDefined();
  collect();
  await new Promise(setImmediate);
  collect();
  release?.();
  expect(await reading).toHaveLength(100_007);
});
