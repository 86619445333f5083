import { AsyncLocalStorage } from 'node:async_hooks';
import { PassThrough, Readable, Stream } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { KeptBody } from '../../src/core/kept-body.js';
import { oneShotBody } from '../../src/faces/one-shot.js';

async function read(body: KeptBody | undefined): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of body?.open().content as AsyncIterable<Uint8Array>) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

async function* generator(): AsyncGenerator {
  yield await Promise.resolve('one ');
  yield new Uint8Array([0x74, 0x77]);
  yield Buffer.from('o ');
  yield new DataView(new Uint8Array([0x33]).buffer);
}

/** As streams were before Node 0.10, and those of some packages still are. */
class OldStream extends Stream {
  readonly readable = true;
  flowing = false;
  destroyed = 0;

  pause(): void {}
  resume(): void {
    if (this.flowing) return;
    this.flowing = true;
    setImmediate(() => {
      this.emit('data', Buffer.from('old '));
      this.emit('data', Buffer.from('stream'));
      this.emit('end');
      this.emit('close');
    });
  }

  destroy(): void {
    this.destroyed += 1;
  }
}

test.each<[string, () => object, string]>([
  ['an async generator', generator, 'one two 3'],
  ['a web stream', () => ReadableStream.from(generator()), 'one two 3'],
  ['a stream of Node’s', () => Readable.from(['one ', Buffer.from('two')]), 'one two'],
  ['a stream with an encoding', () => new PassThrough({ encoding: 'utf8' }).end('größe'), 'größe'],
  ['a list', () => ['one ', Buffer.from('two')], 'one two'],
  ['a list of promises', () => [Promise.resolve('one')], 'one'],
  ['a stream of the oldest kind', () => new OldStream(), 'old stream'],
])('%s', async (_, make, expected) => {
  expect(await read(oneShotBody(make()))).toBe(expected);
});

test('what is none of them', () => {
  expect(oneShotBody({})).toBeUndefined();
});

test('its code runs in the async context of the call', async () => {
  const storage = new AsyncLocalStorage<string>();
  async function* telling(): AsyncGenerator {
    yield await Promise.resolve(storage.getStore() ?? 'nowhere');
  }
  const web = () =>
    new ReadableStream(
      {
        pull(controller) {
          controller.enqueue(Buffer.from(storage.getStore() ?? 'nowhere'));
          controller.close();
        },
      },
      { highWaterMark: 0 },
    );
  const bodies = storage.run('here', () => [oneShotBody(telling()), oneShotBody(web())]);
  expect(await storage.run('there', () => Promise.all(bodies.map(read)))).toEqual(['here', 'here']);
});

describe('its end', () => {
  test('a generator that has not begun is over', async () => {
    const begun = generator();
    oneShotBody(begun)?.close();
    expect(await begun.next()).toEqual({ done: true, value: undefined });
  });

  test('a list, and what nobody opened, is left alone', () => {
    oneShotBody(['one'])?.close();
    const unopened = {
      [Symbol.asyncIterator]() {
        throw new Error('opened');
      },
    };
    oneShotBody(unopened)?.close();
  });

  test('a return that throws, or a stream that is in other hands, disturbs nobody', async () => {
    const rude = {
      next: () => new Promise(() => {}),
      return: () => Promise.reject(new Error('no')),
    };
    oneShotBody({ ...rude, [Symbol.asyncIterator]: () => rude })?.close();
    const held = ReadableStream.from(generator());
    held.getReader();
    oneShotBody(held)?.close();
    await new Promise((resolve) => setImmediate(resolve));
  });

  test('a stream of the oldest kind is destroyed', () => {
    const old = new OldStream();
    oneShotBody(old)?.close();
    expect(old).toMatchObject({ flowing: false, destroyed: 1 });
  });

  test('a stream that is in other hands cannot be read', async () => {
    const held = ReadableStream.from(generator());
    held.getReader();
    const body = oneShotBody(held);
    await expect(read(body)).rejects.toThrow(/locked/);
    expect(body?.error).toBeInstanceOf(TypeError);
  });

  test('a stream that fails before anybody reads it does not end the process', async () => {
    const readable = new Readable({ read() {} });
    const body = oneShotBody(readable);
    readable.destroy(new Error('boom'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(body).toMatchObject({ error: new Error('boom'), replayable: false });
  });
});
