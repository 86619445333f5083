import { runInNewContext } from 'node:vm';
import { expect, test, vi } from 'vitest';
import { platformClass } from '../../src/faces/platform-class.js';

const platform = globalThis.Response;

test('is the platform’s, beneath classes that extend it', () => {
  expect(platformClass(Response)).toBe(platform);
  vi.stubGlobal('Response', class extends platform {});
  expect(platformClass(Response)).toBe(platform);
});

test('is found where objects of another realm are the last of the chain', () => {
  const Other = runInNewContext('(class Response {})') as typeof Response;
  vi.stubGlobal('Response', Other);
  expect(platformClass(Response)).toBe(Other);
});
