/** @elastic/transport over client.dispatcher: its connections take an agent of one's own. */
import { Transport, UndiciConnection, WeightedConnectionPool } from '@elastic/transport';
import * as undici from 'undici';
import { json } from '../support/loopback.mjs';
import { lines, readerOfNode } from '../support/orders.mjs';
import { suite } from '../support/suite.mjs';

function transport(dispatcher, url, options = {}) {
  const connectionPool = new WeightedConnectionPool({
    Connection: UndiciConnection,
    agent: () => ({
      request: ({ origin, ...params }) => undici.request(origin, { ...params, dispatcher }),
      close: () => Promise.resolve(),
    }),
  });
  connectionPool.addConnection(url);
  return new Transport({ connectionPool, maxRetries: 0, ...options });
}

function search(request, response, body) {
  const found = body.length === 0 ? {} : JSON.parse(body);
  json(response, { took: 1, path: request.url, hits: [found] });
}

suite('@elastic/transport', {
  over: undici,
  calls: [
    {
      title: 'a GET',
      answer: search,
      run: (dispatcher, url) =>
        transport(dispatcher, url).request({
          method: 'GET',
          path: '/boats/_search',
          querystring: { size: 1 },
        }),
      repeats: ['refused', '503'],
    },
    {
      title: 'a POST',
      answer: search,
      run: (dispatcher, url) =>
        transport(dispatcher, url).request({
          method: 'POST',
          path: '/boats/_search',
          body: { query: { match_all: {} } },
        }),
      repeats: ['refused'],
    },
    {
      title: 'a bulk of documents',
      answer: (_request, response, body) => json(response, { took: 1, lines: body.toString() }),
      run: (dispatcher, url) =>
        transport(dispatcher, url).request({
          method: 'POST',
          path: '/_bulk',
          bulkBody: [{ index: {} }, { name: 'Anne' }],
        }),
      repeats: ['refused'],
    },
  ],
  streams: [
    {
      title: 'an answer as a stream',
      type: 'text/plain',
      events: lines,
      open: async (dispatcher, url) =>
        readerOfNode(
          await transport(dispatcher, url).request(
            { method: 'GET', path: '/_cat/boats' },
            { asStream: true },
          ),
        ),
      repeats: ['refused', '503'],
    },
  ],
  failing: (dispatcher, url) =>
    transport(dispatcher, url).request({ method: 'GET', path: '/boats/_doc/1' }),
  impatient: (dispatcher, url) =>
    transport(dispatcher, url).request(
      { method: 'GET', path: '/boats/_doc/1' },
      { requestTimeout: 250 },
    ),
  // It takes the message of what lies beneath, which is Outrigger's then.
  tells: ({ constructor, name }) => ({ class: constructor.name, name }),
  timesOutAs: 'ConnectionError',
});
