/** openapi-fetch over client.fetch: it makes a Request of everything. */
import createClient from 'openapi-fetch';
import { lines, orders, readerOf } from '../support/orders.mjs';
import { suite } from '../support/suite.mjs';

const api = (fetch, url) => createClient({ baseUrl: url, fetch });

/** Answers that say failure are values here. */
async function dataOf(call) {
  const { data, error, response } = await call;
  if (error !== undefined) throw Object.assign(new Error(error.message), response.status);
  return data;
}

suite('openapi-fetch', {
  calls: [
    {
      title: 'a GET',
      answer: orders,
      run: (fetch, url) =>
        dataOf(
          api(fetch, url).GET('/orders/{id}', {
            params: { path: { id: 42 }, query: { open: true } },
          }),
        ),
      repeats: ['refused', '503'],
    },
    {
      title: 'a POST of JSON',
      answer: orders,
      run: (fetch, url) =>
        dataOf(api(fetch, url).POST('/orders', { body: { item: 'anchor', count: 2 } })),
      repeats: ['refused'],
    },
    {
      title: 'a PUT of JSON, through middleware of its own',
      answer: orders,
      run(fetch, url) {
        const client = api(fetch, url);
        client.use({
          onRequest({ request }) {
            request.headers.set('x-crew', 'night watch');
            return request;
          },
        });
        return dataOf(client.PUT('/orders/42', { body: { count: 3 } }));
      },
      repeats: ['refused', '503'],
    },
  ],
  streams: [
    {
      title: 'an answer read as a stream',
      type: 'text/plain',
      events: lines,
      async open(fetch, url) {
        const abort = new AbortController();
        const { data } = await api(fetch, url).GET('/log', {
          parseAs: 'stream',
          signal: abort.signal,
        });
        return readerOf(data, () => abort.abort());
      },
      repeats: ['refused', '503'],
    },
  ],
  failing: (fetch, url) => dataOf(api(fetch, url).GET('/orders/42')),
  impatient: (fetch, url) =>
    dataOf(api(fetch, url).GET('/orders/42', { signal: AbortSignal.timeout(250) })),
  timesOutAs: 'TypeError',
});
