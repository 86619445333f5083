/** How much of the heap an idle client takes, and each endpoint of one. Run with --expose-gc. */
import { createResilientClient } from '../../dist/index.js';
import { median } from '../stats.mjs';
import { endpointList } from './endpoints.mjs';

const clientCount = 1000;
const endpointCount = 10_000;
const policies = /** @type {const} */ (['least-request', 'round-robin', 'random', 'peak-ewma']);

/** Samples of each figure. */
const samples = 5;

async function heapUsed() {
  // What closed clients put off to later turns, and what finalisers let go, must be gone first.
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    globalThis.gc?.();
  }
  return process.memoryUsage().heapUsed;
}

/**
 * Bytes that stay after `make`, per unit; the median of a few samples.
 * @param {number} units
 * @param {() => readonly ReturnType<typeof createResilientClient>[]} make
 */
async function kept(units, make) {
  const bytes = [];
  for (let i = 0; i < samples; i++) bytes.push((await sample(make)) / units);
  const middle = median(bytes);
  if (!(middle > 0)) throw new Error(`${units} units kept ${middle} bytes each`);
  return middle;
}

/** @param {() => readonly ReturnType<typeof createResilientClient>[]} make */
async function sample(make) {
  const before = await heapUsed();
  const clients = make();
  const bytes = (await heapUsed()) - before;
  await Promise.all(clients.map((client) => client.close()));
  return bytes;
}

const service = 'http://simple-backend';
const idle = () =>
  Array.from({ length: clientCount }, () =>
    createResilientClient({ service, endpoints: endpointList(1) }),
  );
const wide = (/** @type {typeof policies[number]} */ loadBalancer) => [
  createResilientClient({ service, loadBalancer, endpoints: endpointList(endpointCount) }),
];

// The first time also pays for compiled code and shapes.
await kept(clientCount, idle);
await kept(endpointCount, () => wide('least-request'));

/** @type {Record<string, number>} */
const perEndpoint = {};
for (const policy of policies) perEndpoint[policy] = await kept(endpointCount, () => wide(policy));
const perClient = await kept(clientCount, idle);
console.log(JSON.stringify({ perClient, perEndpoint }));
process.exit(0);
