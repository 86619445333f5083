/**
 * Calls balanced over three endpoints, one of them slow, and the story behind an answer.
 *
 *   npm run build && node examples/balance.mjs
 */
import { createServer } from 'node:http';
import { once } from 'node:events';
import { createResilientClient } from 'outrigger';

// Three backends: the first takes its time.
const servers = [200, 5, 5].map((delay, index) =>
  createServer((request, response) => {
    setTimeout(() => response.end(JSON.stringify({ from: `backend-${index + 1}` })), delay);
  }).listen(0, '127.0.0.1'),
);
await Promise.all(servers.map((server) => once(server, 'listening')));

const client = createResilientClient({
  service: 'http://simple-backend',
  endpoints: servers.map((server) => `http://127.0.0.1:${server.address().port}`),
  loadBalancer: 'peak-ewma',
});

// Ten workers share a hundred calls.
const answers = {};
let left = 100;
await Promise.all(
  Array.from({ length: 10 }, async () => {
    while (left-- > 0) {
      const response = await client.fetch('/orders/42');
      const { from } = await response.json();
      answers[from] = (answers[from] ?? 0) + 1;
    }
  }),
);
console.log('answers by backend', answers);

const response = await client.fetch('/orders/42');
await response.json();
console.log('why this one', client.explain(response).attempts[0]);

await client.close();
for (const server of servers) server.close();

if ((answers['backend-1'] ?? 0) > 20) throw new Error('the slow backend was not avoided');
