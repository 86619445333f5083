/** Bodies that are put together as they come, where their length is not what was said of it. */
import { describe, expect, test } from 'vitest';
import type { ForeignFetch } from '../../src/options/transport.js';
import { clientFor } from '../support/client.js';

/** Over a fetch that says the length, and gives the pieces, each when the one before has been read. */
function pieces(said: number, lengths: readonly number[]): ForeignFetch {
  return () => {
    const body = new ReadableStream<Uint8Array>({
      async start(controller) {
        for (const [index, length] of lengths.entries()) {
          controller.enqueue(new Uint8Array(length).fill(65 + index));
          for (let turn = 0; turn < 3; turn++) await new Promise((next) => setImmediate(next));
        }
        controller.close();
      },
    });
    const headers = { 'content-length': String(said) };
    return Promise.resolve(new Response(body, { headers }));
  };
}

describe.each([
  { said: 5_000, lengths: [6_000, 10, 20] },
  { said: 5_000, lengths: [10, 6_000, 20] },
  { said: 5_000, lengths: [4_000, 1_000, 20, 10] },
  { said: 5_000, lengths: [4_000, 10] },
  { said: 5_000, lengths: [] },
  { said: 4_096.5, lengths: [4_000, 96, 1] },
])('$said bytes are said, $lengths come', ({ said, lengths }) => {
  const expected = lengths.map((length, index) => String.fromCharCode(65 + index).repeat(length));

  test.each([0, 1, 2, 5])('read after %i turns', async (turns) => {
    const client = clientFor({ service: 'http://shop.test', fetch: pieces(said, lengths) });
    const response = await client.fetch('/');
    for (let turn = 0; turn < turns; turn++) await new Promise((next) => setImmediate(next));
    expect(await response.text()).toBe(expected.join(''));
  });
});
