/** stripe over client.fetch, by its fetch client. */
import Stripe from 'stripe';
import { json } from '../support/loopback.mjs';
import { lines } from '../support/orders.mjs';
import { suite } from '../support/suite.mjs';

function stripe(fetch, url, options = {}) {
  const { hostname, port, protocol } = new URL(url);
  return new Stripe('sk_test_key', {
    httpClient: Stripe.createFetchHttpClient(fetch),
    host: hostname,
    port: port || 80,
    protocol: protocol.slice(0, -1),
    maxNetworkRetries: 0,
    telemetry: false,
    ...options,
  });
}

const plain = ({ lastResponse: _, ...fields }) => fields;

function customers(request, response, body) {
  const { pathname, searchParams } = new URL(request.url, 'http://x');
  const after = searchParams.get('starting_after');
  if (pathname.endsWith('/customers') && request.method === 'GET') {
    const data = [{ id: after === null ? 'cus_1' : 'cus_2', object: 'customer' }];
    json(response, { object: 'list', url: '/v1/customers', has_more: after === null, data });
  } else {
    json(response, { id: 'cus_1', object: 'customer', sent: body.toString('latin1') });
  }
}

suite('stripe', {
  calls: [
    {
      title: 'a customer',
      answer: customers,
      run: async (fetch, url) => plain(await stripe(fetch, url).customers.retrieve('cus_1')),
      repeats: ['refused', '503'],
    },
    {
      title: 'all customers, page by page',
      answer: customers,
      async run(fetch, url) {
        const ids = [];
        for await (const { id } of stripe(fetch, url).customers.list({ limit: 1 })) ids.push(id);
        return ids;
      },
      repeats: ['refused', '503'],
    },
    {
      // Stripe's SDK puts a key of its own on every POST.
      title: 'a customer made',
      answer: customers,
      run: async (fetch, url) =>
        plain(await stripe(fetch, url).customers.create({ name: 'Anne', metadata: { a: 1 } })),
      repeats: ['refused', '503'],
    },
    {
      title: 'a customer made, with a key of the caller',
      answer: customers,
      run: async (fetch, url) =>
        plain(
          await stripe(fetch, url).customers.create({ name: 'Anne' }, { idempotencyKey: 'once' }),
        ),
      repeats: ['refused', '503'],
    },
  ],
  streams: [
    {
      title: 'a quote as a stream',
      type: 'application/pdf',
      events: lines,
      async open(fetch, url) {
        const stream = await stripe(fetch, url).quotes.pdf(
          'q_1',
          {},
          { host: new URL(url).hostname },
        );
        const reader = stream.getReader();
        return {
          async next() {
            const { value, done } = await reader.read();
            return { done, text: Buffer.from(value ?? []).toString() };
          },
          stop: () => reader.cancel(),
        };
      },
      repeats: ['refused', '503'],
    },
  ],
  failing: async (fetch, url) => plain(await stripe(fetch, url).customers.retrieve('cus_1')),
  impatient: async (fetch, url) =>
    plain(await stripe(fetch, url, { timeout: 250 }).customers.retrieve('cus_1')),
  timesOutAs: 'StripeConnectionError',
});
