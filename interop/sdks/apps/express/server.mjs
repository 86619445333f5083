/** A shop that asks a backend with the global fetch. It has never heard of Outrigger. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import express from 'express';

const backend = process.env.BACKEND_URL;
const app = express();
app.use(express.json());

async function passOn(answer, response) {
  if (!answer.ok) return response.status(502).json({ error: `the backend said ${answer.status}` });
  return response.json(await answer.json());
}

app.get('/orders/:id', async ({ params }, response) => {
  await passOn(await fetch(`${backend}/orders/${params.id}`), response);
});

app.put('/orders/:id', async ({ params, body }, response) => {
  const answer = await fetch(`${backend}/orders/${params.id}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  await passOn(answer, response);
});

app.get('/chart', async (_request, response) => {
  const answer = await fetch(
    new Request(`${backend}/chart`, { headers: { accept: 'text/plain' } }),
  );
  response.status(answer.ok ? 200 : 502).type('text/plain');
  await pipeline(Readable.fromWeb(answer.body), response);
});

// What express makes of a rejected handler.
app.use((error, _request, response, _next) => {
  response.status(502).json({ error: `${error.message}: ${error.cause?.code}` });
});

const server = app.listen(Number(process.env.PORT), '127.0.0.1', () => {
  console.log(`listening on ${server.address().port}`);
});
