/**
 * A layer of one's own: a further attempt at another endpoint when an answer says 503.
 *
 *   npm run build && node examples/custom-layer.mjs
 */
import { createServer } from 'node:http';
import { once } from 'node:events';
import { createResilientClient } from 'outrigger';

const statuses = [503, 200];
const servers = statuses.map((status) =>
  createServer((request, response) => response.writeHead(status).end()).listen(0, '127.0.0.1'),
);
await Promise.all(servers.map((server) => once(server, 'listening')));

/** Layers decide, the driver acts: this one only says when an answer is not good enough. */
const onceMore = {
  name: 'once-more',
  judge(call, event) {
    if (event.type !== 'head' || event.attempt.status !== 503) return undefined;
    return call.attempts.length < 2
      ? { kind: 'another', after: 10, reason: 'status 503' }
      : { kind: 'give-up', reason: 'two attempts made' };
  },
};

const client = createResilientClient({
  service: 'http://shop',
  endpoints: servers.map((server) => `http://127.0.0.1:${server.address().port}`),
  loadBalancer: 'round-robin',
  layers: { call: [onceMore] },
});

console.log(client.describe());
for (let call = 1; call <= 3; call++) {
  const response = await client.fetch('/cart');
  await response.text();
  const attempts = client.explain(response).attempts;
  console.log(
    `call ${call}: ${response.status}`,
    attempts.map(({ status, verdict }) => `${status}${verdict ? ` (${verdict.reason})` : ''}`),
  );
  if (response.status !== 200) throw new Error('the 503 reached the caller');
}

await client.close();
for (const server of servers) server.close();
