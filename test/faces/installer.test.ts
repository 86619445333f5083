/** Code of the user's that is part of an installed client does not come back to the client through the global fetch. */
import {
  fetch as undiciFetch,
  getGlobalDispatcher,
  setGlobalDispatcher,
  type Dispatcher,
} from 'undici';
import { expect, test } from 'vitest';
import { installed, MARK, restoredAfterwards } from '../support/installed.js';
import { serve } from '../support/server.js';

const marking = async (): Promise<string> => {
  const { url } = await serve((request, response) =>
    response
      .writeHead(request.url === '/503' ? 503 : 200)
      .end(request.headers[MARK] ?? 'untouched'),
  );
  return url;
};

const text = async (response: Pick<Response, 'text'>): Promise<string> => response.text();

test('middleware that uses the global fetch', async () => {
  const url = await marking();
  const seen: string[] = [];
  installed({
    middleware: [
      async (request, next) => {
        seen.push(await text(await fetch(request.url)));
        seen.push(await text(await undiciFetch(request.url)));
        return next(request);
      },
    ],
  });
  expect(await text(await fetch(url))).toBe('1');
  expect(seen).toEqual(['untouched', 'untouched']);
  // Whoever called it is not in there.
  expect(await text(await fetch(url))).toBe('1');
});

test('middleware of two clients that answer with the global fetch', async () => {
  const url = await marking();
  const asked: string[] = [];
  const asking = (name: string): ReturnType<typeof installed> =>
    installed({
      middleware: [
        (request) => {
          asked.push(name);
          return fetch(request.url);
        },
      ],
    });
  asking('lower');
  asking('upper');
  expect(await text(await fetch(url))).toBe('untouched');
  expect(asked).toEqual(['upper', 'lower']);
});

test('a fallback that asks again', async () => {
  const url = await marking();
  installed({ retry: false, fallback: () => fetch(`${url}/503`) });
  const fast = await fetch(`${url}/503`);
  expect([fast.status, await text(fast)]).toEqual([503, 'untouched']);
  const full = await fetch(new Request(`${url}/503`));
  expect([full.status, await text(full)]).toEqual([503, 'untouched']);
});

test.each([
  ['the global fetch', (...args: Parameters<typeof fetch>) => globalThis.fetch(...args)],
  ["undici's", (...args: unknown[]) => undiciFetch(...(args as Parameters<typeof undiciFetch>))],
])('a client that sends through %s', async (_what, own) => {
  const url = await marking();
  const client = installed({ fetch: own });
  const response = await fetch(url);
  expect(await text(response)).toBe('1');
  expect(client.explain(response)?.attempts).toHaveLength(1);
  expect(client.endpoints()[0]).toMatchObject({ active: 0 });
  expect(await text(await client.fetch(url))).toBe('1');
});

test('a client that sends through the global dispatcher', async () => {
  const url = await marking();
  const client = installed({
    dispatcher: {
      dispatch: (options: never, handler: never) =>
        getGlobalDispatcher().dispatch(options, handler),
    },
  });
  const response = await fetch(url);
  expect(await text(response)).toBe('1');
  expect(client.explain(response)?.attempts).toHaveLength(1);
});

test('a dispatcher of the application around that of the client, set afterwards', async () => {
  restoredAfterwards();
  const url = await marking();
  const client = installed();
  const inner = getGlobalDispatcher();
  setGlobalDispatcher({
    dispatch: (options: never, handler: never) => inner.dispatch(options, handler),
  } as unknown as Dispatcher);
  for (const ask of [fetch, undiciFetch]) {
    expect(await text(await (ask as typeof fetch)(url))).toBe('1');
  }
  expect(client.stats()).toMatchObject({
    [`cluster.${new URL(url).host}.upstream_rq_total`]: 2,
  });
});
