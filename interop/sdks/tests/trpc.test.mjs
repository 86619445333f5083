/** @trpc/client over client.fetch, with the real server behind. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  createTRPCClient,
  httpBatchLink,
  httpBatchStreamLink,
  httpLink,
  httpSubscriptionLink,
} from '@trpc/client';
import { initTRPC } from '@trpc/server';
import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import { EventSource } from 'eventsource';
import { suite } from '../support/suite.mjs';

const t = initTRPC.create();

async function* twice() {
  yield 'first';
  yield 'second';
}

const router = t.router({
  order: t.procedure.input((id) => id).query(({ input }) => ({ id: input })),
  addOrder: t.procedure.input((order) => order).mutation(({ input }) => ({ created: input })),
  watch: t.procedure.query(twice),
  follow: t.procedure.subscription(twice),
});

async function serve(request, response, body) {
  const asked = new Request(`http://trpc.test${request.url}`, {
    method: request.method,
    headers: request.headers,
    body: request.method === 'POST' ? body : null,
  });
  const answer = await fetchRequestHandler({ endpoint: '', req: asked, router });
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  await pipeline(Readable.fromWeb(answer.body), response);
}

const client = (link, fetch, url, options = {}) =>
  createTRPCClient({ links: [link({ url, fetch, ...options })] });

/** A subscription goes through an EventSource. */
const overEvents = (fetch, url) =>
  client(httpSubscriptionLink, fetch, url, {
    EventSource: class extends EventSource {
      constructor(to, init) {
        super(to, { ...init, fetch });
      }
    },
  });

const both = (trpc) => Promise.all([trpc.order.query(1), trpc.order.query(2)]);

suite('@trpc/client', {
  calls: [
    {
      title: 'a query',
      answer: serve,
      run: (fetch, url) => client(httpLink, fetch, url).order.query(42),
      repeats: ['refused', '503'],
    },
    {
      title: 'a batch of queries',
      answer: serve,
      run: (fetch, url) => both(client(httpBatchLink, fetch, url)),
      repeats: ['refused', '503'],
    },
    {
      title: 'a batch of queries, its answers as a stream',
      answer: serve,
      run: (fetch, url) => both(client(httpBatchStreamLink, fetch, url)),
      repeats: ['refused', '503'],
    },
    {
      title: 'a query that yields, over the same',
      answer: serve,
      async run(fetch, url) {
        const values = [];
        for await (const value of await client(httpBatchStreamLink, fetch, url).watch.query())
          values.push(value);
        return values;
      },
      repeats: ['refused', '503'],
    },
    {
      title: 'a subscription',
      answer: serve,
      run: (fetch, url) =>
        new Promise((resolve, reject) => {
          const values = [];
          overEvents(fetch, url).follow.subscribe(undefined, {
            onData: (value) => values.push(value),
            onComplete: () => resolve(values),
            onError: reject,
          });
        }),
      repeats: ['refused', '503'],
    },
    {
      title: 'a mutation',
      answer: serve,
      run: (fetch, url) => client(httpBatchLink, fetch, url).addOrder.mutate({ item: 'anchor' }),
      repeats: ['refused'],
    },
  ],
  failing: (fetch, url) => client(httpLink, fetch, url).order.query(42),
  impatient: (fetch, url) =>
    client(httpLink, fetch, url).order.query(42, { signal: AbortSignal.timeout(250) }),
  timesOutAs: 'TRPCClientError',
});
