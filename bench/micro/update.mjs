/** How long `client.update()` takes on a list of 10,000 endpoints: validation, membership and new balancer. */
import { createResilientClient } from '../../dist/index.js';
import { summarise } from '../stats.mjs';
import { endpointList } from './endpoints.mjs';

const size = 10_000;
const samples = Number(process.argv[2] ?? 15);
const policies = /** @type {const} */ (['least-request', 'round-robin', 'random', 'peak-ewma']);

/**
 * Milliseconds of updates that go to and fro between two lists.
 * @param {typeof policies[number]} loadBalancer
 * @param {boolean} unequal whether weights differ
 * @param {number} changed how many addresses the lists do not share
 */
async function measure(loadBalancer, unequal, changed) {
  const lists = [endpointList(size, { unequal }), endpointList(size, { unequal, from: changed })];
  const client = createResilientClient({
    service: 'http://simple-backend',
    loadBalancer,
    endpoints: lists[0],
  });
  const times = [];
  for (let i = 1; i <= samples + 4; i++) {
    const began = performance.now();
    client.update({ endpoints: lists[i % 2] });
    // The first few compile.
    if (i > 4) times.push(performance.now() - began);
    // Whatever an update puts off to the next turn must not pile up.
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (client.endpoints().length !== size) throw new Error('the update did not reach the list');
  await client.close();
  return summarise(times);
}

const results = [];
for (const policy of policies) {
  for (const unequal of [false, true]) {
    for (const changed of [size / 100, size]) {
      results.push({ policy, unequal, changed, ms: await measure(policy, unequal, changed) });
    }
  }
}
console.log(JSON.stringify({ size, results }));
process.exit(0);
