/** Answers where a server framework has put a `Response` of its own in place of the platform's. */
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type * as outrigger from '../../src/index.js';
import { serve } from '../support/server.js';

const Platform = globalThis.Response;

class Extending extends Platform {}

/** Over the platform's in name only: it makes one when it is asked something. */
class Making {
  readonly #made: Response;
  constructor(...given: ConstructorParameters<typeof Response>) {
    this.#made = new Platform(...given);
  }
  static {
    for (const name of Object.getOwnPropertyNames(Platform.prototype)) {
      if (name === 'constructor') continue;
      Object.defineProperty(this.prototype, name, {
        get(this: Making): unknown {
          const value: unknown = Reflect.get(Platform.prototype, name, this.#made);
          return typeof value === 'function' ? value.bind(this.#made) : value;
        },
      });
    }
    Object.setPrototypeOf(this, Platform);
    Object.setPrototypeOf(this.prototype, Platform.prototype);
  }
}

const reads: Record<string, (response: Response) => Promise<unknown>> = {
  json: (response) => response.json(),
  blob: async (response) => (await response.blob()).text(),
  body: (response) => new Platform(response.body).text(),
  clone: async (response) => [await response.clone().text(), await response.text()],
  twice: async (response) => [
    await response.text(),
    response.bodyUsed,
    await response.text().catch((error: Error) => error.name),
  ],
};

describe.each([
  ['extends', Extending],
  ['makes', Making],
])('one that %s the platform’s', (_, own) => {
  beforeEach(() => {
    // The class is looked at once.
    vi.resetModules();
    vi.stubGlobal('Response', own);
  });
  afterEach(() => vi.unstubAllGlobals());

  test.each(['/plain', '/packed'])('%s', async (path) => {
    const server = await serve((request, response) => {
      if (request.url === '/plain') response.end('{"a":1}');
      else response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('{"a":1}'));
    });
    const { createResilientClient }: typeof outrigger = await import('../../src/index.js');
    const client = createResilientClient();
    for (const [way, read] of Object.entries(reads)) {
      const seen = async (face: typeof fetch): Promise<unknown> =>
        read(await face(server.url + path));
      expect([way, await seen(client.fetch)]).toEqual([way, await seen(fetch)]);
    }
    await client.destroy();
  });
});
