/** ky over client.fetch. */
import ky from 'ky';
import { lines, orders, readerOf } from '../support/orders.mjs';
import { suite } from '../support/suite.mjs';

const api = (fetch, url, options = {}) =>
  ky.create({ fetch, prefixUrl: url, retry: 0, ...options });

suite('ky', {
  calls: [
    {
      title: 'a GET',
      answer: orders,
      run: (fetch, url) =>
        api(fetch, url)
          .get('orders/42', { searchParams: { open: true } })
          .json(),
      repeats: ['refused', '503'],
    },
    {
      title: 'a POST of JSON',
      answer: orders,
      run: (fetch, url) =>
        api(fetch, url)
          .post('orders', { json: { item: 'anchor', count: 2 } })
          .json(),
      repeats: ['refused'],
    },
    {
      title: 'a PUT of a form',
      answer: orders,
      async run(fetch, url) {
        const body = new FormData();
        body.append('chart', new Blob(['north']), 'chart.txt');
        return api(fetch, url).put('orders/42', { body }).json();
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
        const { body } = await api(fetch, url).get('log', { signal: abort.signal, timeout: false });
        return readerOf(body, () => abort.abort());
      },
      repeats: ['refused', '503'],
    },
  ],
  failing: (fetch, url) => api(fetch, url).get('orders/42').json(),
  impatient: (fetch, url) => api(fetch, url, { timeout: 250 }).get('orders/42').json(),
  timesOutAs: 'TypeError',
});
