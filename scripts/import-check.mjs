/**
 * Importing the package must leave the process alone: its fetch, its dispatcher, and how they behave. Runs on the
 * built package under whatever Node runs it: `node scripts/import-check.mjs [import|require]`.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const how = process.argv[2] ?? 'import';
const SLOTS = ['undici.globalDispatcher.1', 'undici.globalDispatcher.2'].map((name) =>
  Symbol.for(name),
);
const slots = () => SLOTS.map((slot) => globalThis[slot]);

const fetchBefore = globalThis.fetch;
const slotsBefore = slots();
const names = Object.getOwnPropertyNames(globalThis).sort();

const { createResilientClient } =
  how === 'require' ? createRequire(import.meta.url)('outrigger') : await import('outrigger');

assert.equal(globalThis.fetch, fetchBefore, 'the global fetch was replaced');
assert.deepEqual(slots(), slotsBefore, 'the import set a global dispatcher');
assert.deepEqual(Object.getOwnPropertyNames(globalThis).sort(), names, 'the import made a global');

const server = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk) => (body += chunk));
  request.on('end', () =>
    response.end(JSON.stringify({ body, agent: request.headers['user-agent'] })),
  );
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${server.address().port}/`;

// The request that breaks on Node 20 when undici's index has been imported first.
const post = { method: 'POST', body: 'hello', headers: { 'content-length': '5' } };
assert.deepEqual(await (await fetch(url, post)).json(), { body: 'hello', agent: 'node' });

// Neither does using a client change anything.
const client = createResilientClient();
const dispatchers = slots();
assert.deepEqual(await (await client.fetch(url, post)).json(), { body: 'hello', agent: 'node' });
assert.deepEqual(await (await client.fetch(new Request(url))).json(), { body: '', agent: 'node' });
await (await client.request(url)).body.dump();
assert.deepEqual(slots(), dispatchers, 'a client set a global dispatcher');
assert.deepEqual(await (await fetch(url, post)).json(), { body: 'hello', agent: 'node' });

await client.close();
server.closeAllConnections();
server.close();
console.log(`${process.version}: ${how} leaves fetch and its dispatcher alone`);
