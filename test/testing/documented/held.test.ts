import { expect, test } from 'vitest';
import { createResilientClient } from '../../../src/index.js';
import { hold, loopbackFleet } from '../../../src/testing/index.js';

test('who gives up is not kept waiting, and the server sees that nobody waits any more', async () => {
  const gate = hold();
  await using fleet = await loopbackFleet({ endpoints: 1, plan: gate.step });
  await using client = createResilientClient({
    service: 'http://orders',
    endpoints: fleet.endpoints,
  });

  const caller = new AbortController();
  const answer = client.fetch('/orders/42', { signal: caller.signal });
  const request = await fleet.requestReceived();
  caller.abort(new Error('the user went away'));

  await expect(answer).rejects.toThrow('the user went away');
  await fleet.connectionsAre(0);
  expect(await request.answered).toBe(false);
});
