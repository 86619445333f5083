/** Requests of classes of others, where the global class is not the platform's own either. */
import { afterEach, expect, test, vi } from 'vitest';
import type * as outrigger from '../../src/index.js';
import { serve } from '../support/server.js';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

/** As a server framework puts its own in place of the platform's. */
class OwnRequest extends Request {
  static {
    Object.defineProperty(this.prototype, 'method', { get: () => 'OWN' });
  }
}

test('a class over the platform’s in its place', async () => {
  const { createResilientClient } = await freshly();
  const server = await serve((_, response) => response.end('x'));
  const client = createResilientClient();
  const early = new Request(`${server.url}/early`);
  vi.stubGlobal('Request', OwnRequest);
  const answer = await client.fetch(new OwnRequest(`${server.url}/own`, { method: 'DELETE' }));
  expect(await answer.text()).toBe('x');
  // It is none of the class that stands there now.
  expect(early).not.toBeInstanceOf(Request);
  expect(await (await client.fetch(early)).text()).toBe('x');
  await client.destroy();
  const seen = server.seen.map(({ method, path }) => `${method} ${path}`);
  expect(seen).toEqual(['DELETE /own', 'GET /early']);
});

test('another class altogether is for the platform to refuse', async () => {
  const { createResilientClient } = await freshly();
  class Other {
    readonly url = 'http://a.test/';
  }
  vi.stubGlobal('Request', Other);
  const client = createResilientClient();
  const other = new Other() as unknown as Request;
  const [theirs, ours] = await Promise.all(
    [fetch, client.fetch].map((face) => face(other).catch((error: Error) => error.message)),
  );
  expect(ours).toBe(theirs);
  await client.destroy();
});

/** The getters are read once. */
async function freshly(): Promise<typeof outrigger> {
  vi.resetModules();
  return import('../../src/index.js');
}
