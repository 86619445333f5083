/** An answer in the hands of code that goes round its own members: by the prototype, a proxy, an object that inherits. */
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { clientFor } from '../support/client.js';
import { serve } from '../support/server.js';
import { answering, sameEachWay } from './answers.js';
import { sameAsPlatform, useServers } from './differential.js';
import { outcome, thrown } from './seen.js';

useServers();

const content = { headers: { 'content-type': 'text/plain' }, body: 'the body' };

const METHODS = ['json', 'text', 'arrayBuffer', 'blob', 'bytes', 'formData', 'clone', 'textStream'];
const GETTERS = [
  'status',
  'statusText',
  'ok',
  'headers',
  'url',
  'redirected',
  'type',
  'body',
  'bodyUsed',
];

const platform = Response.prototype as unknown as Record<
  string,
  ((this: unknown) => unknown) | undefined
>;

describe('by the platform’s prototype', () => {
  for (const name of METHODS.filter((each) => each in Response.prototype)) {
    sameAsPlatform(
      `${name}, which throws or works, and never gives an empty body`,
      async ({ fetch, url }) => {
        const response = await fetch(url);
        const found = await outcome(
          async () =>
            typeof (await Reflect.apply(
              Reflect.get(Response.prototype, name) as () => unknown,
              response,
              [],
            )),
        );
        return [
          name === 'json' || name === 'formData'
            ? 'value' in (found as object) || (found as { error: { name: string } }).error.name
            : found,
          await outcome(() => response.text()),
        ];
      },
      { answer: answering({ ...content, body: '{"a":1}' }), differs: 'by-prototype' },
    );
  }
  for (const name of GETTERS) {
    sameAsPlatform(
      `${name}, which throws`,
      async ({ fetch, url }) => {
        const response = await fetch(url);
        return outcome(() => typeof Reflect.get(Response.prototype, name, response));
      },
      { answer: answering(content), differs: 'by-prototype' },
    );
  }
  test('none of it is silent', async () => {
    const { url } = await serve((_, response) => response.end('the body'));
    const { fetch } = clientFor();
    for (const name of METHODS.filter((each) => each in Response.prototype)) {
      const response = await fetch(url);
      const apply = async (): Promise<unknown> =>
        Reflect.apply(platform[name] as () => unknown, response, []);
      await expect(apply(), name).rejects.toThrow(TypeError);
      expect(await response.text(), name).toBe('the body');
    }
    for (const name of GETTERS) {
      const response = await fetch(url);
      expect(() => Reflect.get(Response.prototype, name, response) as unknown, name).toThrow(
        TypeError,
      );
    }
  });
  sameAsPlatform(
    'what stands behind it',
    async ({ fetch, url }) => {
      const response = await fetch(url);
      return Object.getPrototypeOf(response) === Response.prototype;
    },
    { differs: 'by-prototype' },
  );
  sameAsPlatform(
    'symbols of its own',
    async ({ fetch, url }) => {
      const response = await fetch(url);
      const symbols = Object.getOwnPropertySymbols(response).map(({ description }) => description);
      return [symbols, inspect(response, { customInspect: false, depth: 0 })];
    },
    { differs: 'own-symbol' },
  );
});

/** Some versions of the platform keep what is inside in private fields, which none of these reaches. */
const isClosed = (() => {
  try {
    return (Object.create(new Response('x')) as Response).status !== 200;
  } catch {
    return true;
  }
})();
const mayDiffer = { reason: 'wrapped', where: () => isClosed } as const;

describe('wrapped', () => {
  const wraps: Record<string, (response: Response) => Response> = {
    'by a proxy': (response) => new Proxy(response, {}),
    'by an object that inherits': (response) => Object.create(response) as Response,
  };
  for (const [name, wrap] of Object.entries(wraps)) {
    sameEachWay(
      `${name}: what it says`,
      (response) => {
        const wrapped = wrap(response);
        return [
          wrapped instanceof Response,
          ...GETTERS.map((each) => typeof Reflect.get(wrapped, each)),
          wrapped.headers.get('content-type'),
          wrapped.status,
        ];
      },
      { content, mayDiffer },
    );
    for (const method of METHODS.filter((each) => each in Response.prototype)) {
      sameEachWay(
        `${name}: ${method}()`,
        async (response) => {
          const wrapped = wrap(response);
          const call = Reflect.get(wrapped, method) as (this: unknown) => unknown;
          const made = await outcome(async () => {
            const value = await call.call(wrapped);
            return typeof value === 'object' ? Object.prototype.toString.call(value) : value;
          });
          return [made, response.bodyUsed, wrapped.bodyUsed];
        },
        { content, mayDiffer },
      );
    }
    sameEachWay(
      `${name}: after it was touched in other ways`,
      async (response) => {
        const wrapped = wrap(response);
        const copy = wrapped.clone();
        return [
          await wrapped.text(),
          response.bodyUsed,
          await copy.text(),
          await outcome(() => response.text()),
        ];
      },
      { content, mayDiffer },
    );
    sameEachWay(
      `${name}: read below, and above`,
      async (response) => {
        const wrapped = wrap(response);
        const { body } = wrapped;
        return [
          body === response.body,
          await response.text(),
          await outcome(() => wrapped.text()),
          wrapped.bodyUsed,
        ];
      },
      { content, mayDiffer },
    );
  }
  sameEachWay(
    'by a proxy that binds',
    async (response) => {
      const wrapped = new Proxy(response, {
        get(target, name) {
          const value = Reflect.get(target, name) as unknown;
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        },
      });
      const copy = wrapped.clone();
      return [
        wrapped.status,
        await wrapped.text(),
        wrapped.bodyUsed,
        await copy.blob().then((blob) => blob.size),
        thrownBy(() => Object.keys(wrapped)),
      ];
    },
    { content },
  );
});

function thrownBy(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return thrown(error);
  }
}
