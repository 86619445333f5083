import { expect, test } from 'vitest';
import { createResilientClient } from '../../../src/index.js';
import { loopbackFleet } from '../../../src/testing/index.js';

/** The code under test: an order, or what is known without the backend. */
async function readOrder(fetchIt: typeof fetch, id: number): Promise<object> {
  try {
    const response = await fetchIt(`/orders/${id}`);
    return response.ok ? ((await response.json()) as object) : { id, state: 'unknown' };
  } catch {
    return { id, state: 'unknown' };
  }
}

test('an order, a backend in trouble, a backend that is cut off in the middle of its answer', async () => {
  await using fleet = await loopbackFleet({
    endpoints: 1,
    plan: [
      { body: '{"id": 42, "state": "paid"}' },
      503,
      { body: '{"id": 42, "state": "paid"}', cut: { at: 9, by: 'reset' } },
    ],
  });
  await using client = createResilientClient({
    service: 'http://orders',
    endpoints: fleet.endpoints,
  });

  expect(await readOrder(client.fetch, 42)).toEqual({ id: 42, state: 'paid' });
  expect(await readOrder(client.fetch, 42)).toEqual({ id: 42, state: 'unknown' });
  expect(await readOrder(client.fetch, 42)).toEqual({ id: 42, state: 'unknown' });

  const [request] = fleet.server(0).requests;
  expect(request?.path).toBe('/orders/42');
  expect(request?.headers.host).toBe('orders');
});
