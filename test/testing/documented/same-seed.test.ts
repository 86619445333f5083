import { expect, test } from 'vitest';
import { createResilientClient } from '../../../src/index.js';
import { loopbackFleet, virtualRuntime } from '../../../src/testing/index.js';

/** Which endpoint served each of ten calls. */
async function served(seed: number): Promise<string[]> {
  await using fleet = await loopbackFleet({ endpoints: 3 });
  await using client = createResilientClient({
    service: 'http://orders',
    endpoints: fleet.endpoints,
    loadBalancer: 'random',
    runtime: virtualRuntime({ seed }),
  });
  const names: string[] = [];
  for (let call = 0; call < 10; call++) names.push(await (await client.fetch('/')).text());
  return names;
}

test('the same seed makes the same choices', async () => {
  expect(await served(7)).toEqual(await served(7));
  expect(await served(7)).not.toEqual(await served(8));
});
