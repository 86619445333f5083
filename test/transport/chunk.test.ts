/** Pieces of what sockets have brought: nobody can take away what others hold. */
import { expect, test } from 'vitest';
import { chunkOf } from '../../src/transport/chunk.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test('short ones share memory, which none of their holders can give away', () => {
  const [one, other] = [chunkOf(bytes('one')), chunkOf(bytes('other'))];
  expect(one.buffer).toBe(other.buffer);
  try {
    structuredClone(one, { transfer: [one.buffer as ArrayBuffer] });
  } catch {
    // Later versions of Node say so.
  }
  expect(one.toString()).toBe('one');
  expect(other.toString()).toBe('other');
  expect(chunkOf(bytes('another')).toString()).toBe('another');
});

test('a long one goes with whoever gives it away', () => {
  const one = chunkOf(new Uint8Array(8_000).fill(65));
  const moved = structuredClone(one.buffer, { transfer: [one.buffer as ArrayBuffer] });
  expect(moved.byteLength).toBe(8_000);
  expect(one).toHaveLength(0);
});
