/** `clone()`: two answers of one body, each of them whole. */
import { describe } from 'vitest';
import { answering, sameEachWay } from './answers.js';
import { sameAsPlatform, useServers } from './differential.js';
import { outcome, outside, whole } from './seen.js';

useServers();

const content = {
  status: 201,
  statusText: 'Made',
  headers: { 'content-type': 'application/json', 'x-a': 'b', 'set-cookie': ['a=1', 'b=2'] },
  body: '{"a":1}',
};

describe('clone()', () => {
  const orders: Record<string, (response: Response) => unknown> = {
    'the copy first': async (response) => {
      const copy = response.clone();
      return [await whole(copy), copy.bodyUsed, response.bodyUsed, await whole(response)];
    },
    'the copy last': async (response) => {
      const copy = response.clone();
      return [await whole(response), copy.bodyUsed, response.bodyUsed, await whole(copy)];
    },
    'both at once': async (response) => {
      const copy = response.clone();
      return Promise.all([whole(copy), whole(response)]);
    },
    'the copy alone': async (response) => whole(response.clone()),
    'the original alone': async (response) => {
      response.clone();
      return whole(response);
    },
    'copies of copies': async (response) => {
      const one = response.clone();
      const two = one.clone();
      const three = response.clone();
      return Promise.all([three, two, one, response].map((each) => whole(each)));
    },
    'of other kinds': async (response) => {
      const copy = response.clone();
      return [await copy.json(), await (await response.blob()).text(), copy.bodyUsed];
    },
    'then read twice': async (response) => {
      const copy = response.clone();
      await copy.text();
      return [
        await outcome(() => copy.text()),
        await outcome(() => typeof copy.clone()),
        await response.text(),
        await outcome(() => typeof response.clone()),
      ];
    },
    'of what was read': async (response) => {
      await response.text();
      return [await outcome(() => typeof response.clone()), outside(response)];
    },
    'of what is being read': async (response) => {
      const reading = response.text();
      return [await outcome(() => typeof response.clone()), await reading];
    },
    'of what was read in part': async (response) => {
      const reader = response.body?.getReader();
      await reader?.read();
      const locked = await outcome(() => typeof response.clone());
      reader?.releaseLock();
      return [locked, await outcome(() => typeof response.clone())];
    },
    'of what is locked': async (response) => {
      const reader = response.body?.getReader();
      const locked = await outcome(() => typeof response.clone());
      reader?.releaseLock();
      return [locked, await outcome(async () => whole(response.clone()))];
    },
    'of what was cancelled': async (response) => {
      await response.body?.cancel();
      return outcome(() => typeof response.clone());
    },
    'of what was looked at': async (response) => {
      const before = response.body;
      const copy = response.clone();
      return [
        before === response.body,
        before?.locked,
        response.body?.locked,
        await whole(response),
        await whole(copy),
        copy.body === response.body,
      ];
    },
    'the body of the original, cancelled': async (response) => {
      const copy = response.clone();
      void response.body?.cancel('enough');
      return [response.bodyUsed, copy.bodyUsed, await copy.text()];
    },
    'the body of the copy, cancelled': async (response) => {
      const copy = response.clone();
      void copy.body?.cancel('enough');
      return [response.bodyUsed, copy.bodyUsed, await response.text()];
    },
    'both bodies, cancelled': async (response) => {
      const copy = response.clone();
      return [
        await Promise.all([copy.body?.cancel(1), response.body?.cancel(2)]),
        response.bodyUsed,
        copy.bodyUsed,
      ];
    },
    'its outside': (response) => {
      const copy = response.clone();
      return [
        outside(copy),
        copy === response,
        copy.headers === response.headers,
        copy.constructor === Response,
        copy instanceof Response,
        Object.getOwnPropertyNames(copy),
      ];
    },
    'its headers': async (response) => {
      const { headers } = response.clone();
      return [
        await outcome(() => headers.set('x-a', 'c')),
        headers.get('x-a'),
        response.headers.get('x-a'),
        [...headers],
      ];
    },
    'without what was added': (response) => {
      Object.assign(response, { data: 1 });
      return 'data' in response.clone();
    },
    'made into another': async (response) =>
      whole(new Response(response.clone().body, response.clone())),
  };
  for (const [name, observe] of Object.entries(orders)) {
    sameEachWay(name, observe, { content });
    sameEachWay(`${name}, of an empty body`, observe, { content: { ...content, body: '' } });
    sameEachWay(`${name}, of no body`, observe, {
      content: { status: 204, headers: { 'x-a': 'b' } },
    });
  }
  sameEachWay(
    'a large body, one after the other',
    async (response) => {
      const copy = response.clone();
      const first = (await copy.text()).length;
      return [first, (await response.text()).length];
    },
    { content: { body: 'x'.repeat(5_000_000) } },
  );
  sameEachWay(
    'a large body, as streams side by side',
    async (response) => {
      const copy = response.clone();
      const sizes = [response, copy].map(async ({ body }) => {
        let size = 0;
        for await (const chunk of body as unknown as AsyncIterable<Uint8Array>)
          size += chunk.length;
        return size;
      });
      return Promise.all(sizes);
    },
    { content: { body: 'x'.repeat(1_000_000) } },
  );
  sameEachWay(
    'pieces are not shared',
    async (response) => {
      const copy = response.clone();
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      (await reader.read()).value?.fill(0);
      return copy.text();
    },
    { content: { body: 'not shared' } },
  );
  sameAsPlatform(
    'with redirect: manual',
    async ({ fetch, url }) => {
      const response = await fetch(url, { redirect: 'manual' });
      return [await whole(response.clone()), await whole(response)];
    },
    { answer: answering({ status: 302, headers: { location: '/x' }, body: 'moved' }) },
  );
});
