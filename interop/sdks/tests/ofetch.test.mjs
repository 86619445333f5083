/** ofetch over client.fetch. */
import { createFetch } from 'ofetch';
import { lines, orders, readerOf } from '../support/orders.mjs';
import { suite } from '../support/suite.mjs';

const api = (fetch, url, options = {}) =>
  createFetch({ fetch, Headers, AbortController }).create({ baseURL: url, retry: 0, ...options });

suite('ofetch', {
  calls: [
    {
      title: 'a GET',
      answer: orders,
      run: (fetch, url) => api(fetch, url)('/orders/42', { query: { open: true } }),
      repeats: ['refused', '503'],
    },
    {
      title: 'a POST of JSON',
      answer: orders,
      run: (fetch, url) =>
        api(fetch, url)('/orders', { method: 'POST', body: { item: 'anchor', count: 2 } }),
      repeats: ['refused'],
    },
    {
      title: 'an answer with its head',
      answer: orders,
      async run(fetch, url) {
        const { status, headers, _data } = await api(fetch, url).raw('/orders/42');
        return { status, type: headers.get('content-type'), _data };
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
        const stream = await api(fetch, url)('/log', { responseType: 'stream' });
        return readerOf(stream, (reader) => reader.cancel());
      },
      repeats: ['refused', '503'],
    },
  ],
  failing: (fetch, url) => api(fetch, url)('/orders/42'),
  impatient: (fetch, url) => api(fetch, url, { timeout: 250 })('/orders/42'),
  timesOutAs: 'FetchError',
});
