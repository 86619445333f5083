/** undici over client.dispatcher: every way in that it has. */
import assert from 'node:assert/strict';
import { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { isOutriggerError } from 'outrigger';
import { fleetOf } from './fleet.mjs';
import { json, listen } from './loopback.mjs';
import { lines, orders, readerOfNode } from './orders.mjs';
import { suite, test } from './suite.mjs';
import { atTheEnd, counted, throughOutrigger } from './ways.mjs';

const posted = { method: 'POST', headers: { 'content-type': 'application/json' } };
const order = JSON.stringify({ item: 'anchor', count: 2 });

/** `undici` is a version of it, `name` how the tests call it. */
export function undiciSuite(name, undici) {
  const { getGlobalDispatcher, interceptors, pipeline, request, RetryAgent } = undici;
  const { setGlobalDispatcher, stream, fetch: undiciFetch } = undici;

  async function get(dispatcher, url, path = '/orders/42', options = {}) {
    const { statusCode, headers, body } = await request(`${url}${path}`, {
      dispatcher,
      ...options,
    });
    const data = await body.text();
    if (statusCode >= 400) throw Object.assign(new Error(data), { statusCode });
    return { statusCode, type: headers['content-type'], data };
  }

  suite(name, {
    over: undici,
    calls: [
      {
        title: 'request, a GET',
        answer: orders,
        run: (dispatcher, url) => get(dispatcher, url, '/orders/42?open=true'),
        repeats: ['refused', '503'],
      },
      {
        title: 'request, a POST',
        answer: orders,
        run: (dispatcher, url) => get(dispatcher, url, '/orders', { ...posted, body: order }),
        repeats: ['refused'],
      },
      {
        title: 'request, a PUT of a stream',
        answer: orders,
        run: (dispatcher, url) =>
          get(dispatcher, url, '/orders/42', {
            method: 'PUT',
            body: Readable.from([Buffer.from('north '), Buffer.from('by west')]),
          }),
        repeats: ['refused', '503'],
      },
      {
        title: 'stream',
        answer: orders,
        async run(dispatcher, url) {
          const pieces = [];
          let status;
          await stream(`${url}/orders/42`, { dispatcher }, ({ statusCode }) => {
            status = statusCode;
            return new Writable({
              write(piece, _encoding, done) {
                pieces.push(piece);
                done();
              },
            });
          });
          return { status, data: Buffer.concat(pieces).toString() };
        },
        repeats: ['refused', '503'],
      },
      {
        title: 'pipeline',
        answer: orders,
        async run(dispatcher, url) {
          const through = pipeline(`${url}/orders`, { dispatcher, ...posted }, ({ body }) => body);
          // The rest when so much has been sent: a body that ends before goes out with its length, if there is a connection by then.
          const long = JSON.stringify({ item: 'anchor', chain: 'link '.repeat(40_000) });
          through.write(long.slice(0, -9), () => through.end(long.slice(-9)));
          return text(through);
        },
        repeats: ['refused'],
      },
      {
        title: 'fetch',
        answer: orders,
        async run(dispatcher, url) {
          const response = await undiciFetch(`${url}/orders`, {
            dispatcher,
            ...posted,
            body: order,
          });
          return response.json();
        },
        repeats: ['refused'],
      },
      {
        title: 'request, through interceptors that undici composes',
        answer(req, response) {
          if (req.url === '/moved') response.writeHead(302, { location: '/orders/42' }).end();
          else orders(req, response);
        },
        run: (dispatcher, url) =>
          get(dispatcher.compose(interceptors.redirect({ maxRedirections: 1 })), url, '/moved'),
        repeats: ['refused', '503'],
      },
      {
        title: 'request, beneath a RetryAgent',
        answer: orders,
        run: (dispatcher, url) => get(new RetryAgent(dispatcher, { maxRetries: 0 }), url),
        repeats: ['refused', '503'],
      },
    ],
    streams: [
      {
        title: 'the body of request',
        type: 'text/plain',
        events: lines,
        async open(dispatcher, url) {
          const { body } = await request(`${url}/log`, { dispatcher });
          return readerOfNode(body);
        },
        repeats: ['refused', '503'],
      },
    ],
    failing: get,
    impatient: (dispatcher, url) =>
      get(dispatcher, url, '/orders/42', { signal: AbortSignal.timeout(250) }),
    // Outrigger's own errors have undici's as their cause.
    tells: (error) => (isOutriggerError(error) ? error.cause : error),
    timesOutAs: 'TypeError',
  });

  test(`${name}: retries of a RetryAgent multiply those beneath`, async () => {
    const server = await listen((_request, response) => json(response, {}, { status: 503 }));
    atTheEnd(server.close);
    const { via } = throughOutrigger(undici, {
      retry: { attempts: 2, backoff: { baseInterval: '1ms' } },
    });
    const agent = new RetryAgent(via, { maxRetries: 1, minTimeout: 1 });
    await assert.rejects(get(agent, server.url), { statusCode: 503 });
    assert.equal(server.seen.length, 6);
  });

  /** Node 26 reads a slot of its own, which undici 7.30 and 8 write as well. */
  const WAYS = {
    'request of undici': async (url) => (await request(url)).body.json(),
    'fetch of undici': async (url) => (await undiciFetch(url)).json(),
    'the global fetch': async (url) => (await fetch(url)).json(),
  };

  for (const [title, ask] of Object.entries(WAYS)) {
    test(`${name}: setGlobalDispatcher: ${title}`, async () => {
      const before = getGlobalDispatcher();
      const server = await listen(orders);
      atTheEnd(server.close);
      const fleet = await fleetOf('503', server);
      const { via, client } = throughOutrigger(undici, fleet.options);
      setGlobalDispatcher(via);
      try {
        for (let call = 0; call < 4; call += 1) {
          assert.deepEqual(await ask(`${fleet.url}/orders/42`), { path: '/orders/42', query: {} });
        }
      } finally {
        setGlobalDispatcher(before);
      }
      assert.equal(server.seen.length, 4);
      assert.notEqual(counted(client, 'upstream_rq_retry_success'), 0);
    });
  }
}
