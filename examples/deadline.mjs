/**
 * A deadline that travels: a shop asks two services one after the other while its own caller waits 400 ms, and the
 * second has what the first has left. Whoever can no longer be in time is not asked at all.
 *
 *   npm run build && node examples/deadline.mjs
 */
import { createServer } from 'node:http';
import { once } from 'node:events';
import { createResilientClient, incomingDeadline, withDeadline } from 'outrigger';

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function listen(handler) {
  const server = createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${server.address().port}` };
}

// A backend that takes 150 ms, and notes how much time its caller gave it.
const told = [];
const backend = await listen(async (request, response) => {
  told.push(Number(request.headers['x-envoy-expected-rq-timeout-ms']));
  await pause(150);
  response.end('in stock');
});

const client = createResilientClient({ retry: false });

// The shop serves each request under the deadline that it brings; with Express: app.use(incomingDeadline()).
const deadline = incomingDeadline();
const shop = await listen((request, response) => {
  deadline(request, response, async () => {
    try {
      const articles = [];
      for (const name of ['boat', 'float', 'sail']) {
        const answer = await client.fetch(`${backend.url}/${name}`);
        articles.push(`${name}: ${await answer.text()}`);
      }
      response.end(articles.join('\n'));
    } catch (error) {
      console.log('the shop: ', error.message);
      response.writeHead(504).end();
    }
  });
});

try {
  await client.fetch(shop.url, { resilience: { timeout: '400ms' } });
} catch (error) {
  console.log('its caller:', error.message);
}
console.log('the backend was given', told, 'ms');

// The same for work that no request has brought.
const outcome = await withDeadline('100ms', async () => {
  await pause(120);
  return client.fetch(backend.url).catch((error) => error.message);
});
console.log('too late:  ', outcome);

await client.close();
shop.server.close();
backend.server.close();

// Three calls, each with less time than the one before; and none for the one that came too late.
const [first, second, third] = told;
if (told.length !== 3 || first > 400 || second > first - 140 || third > second - 140) {
  throw new Error(`the backend was given ${told.join(', ')} ms`);
}
