/** openai over client.fetch. */
import assert from 'node:assert/strict';
import OpenAI, { toFile } from 'openai';
import { json, listen } from '../support/loopback.mjs';
import { suite, test } from '../support/suite.mjs';
import { atTheEnd, throughOutrigger } from '../support/ways.mjs';

const openai = (fetch, url, options = {}) =>
  new OpenAI({ apiKey: 'key', baseURL: `${url}/v1`, fetch, maxRetries: 0, ...options });

const question = { model: 'gpt', messages: [{ role: 'user', content: 'Ahoy?' }] };

const completion = (content) => ({
  id: 'c1',
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
});

const piece = (content) =>
  `data: ${JSON.stringify({ id: 'c1', choices: [{ index: 0, delta: { content } }] })}\n\n`;

suite('openai', {
  calls: [
    {
      title: 'a completion',
      answer: (_request, response, body) =>
        json(response, completion(JSON.parse(body).messages[0].content)),
      run: (fetch, url) => openai(fetch, url).chat.completions.create(question),
      repeats: ['refused'],
    },
    {
      title: 'a completion with an idempotency key',
      answer: (_request, response) => json(response, completion('Aye.')),
      run: (fetch, url) =>
        openai(fetch, url).chat.completions.create(question, {
          headers: { 'Idempotency-Key': 'once' },
        }),
      repeats: ['refused', '503'],
    },
    {
      title: 'a list of models, page by page',
      answer(request, response) {
        const after = new URL(request.url, 'http://x').searchParams.get('after');
        json(response, { object: 'list', data: [{ id: after ?? 'gpt' }], has_more: false });
      },
      async run(fetch, url) {
        const ids = [];
        for await (const { id } of openai(fetch, url).models.list()) ids.push(id);
        return ids;
      },
      repeats: ['refused', '503'],
    },
    {
      title: 'a file sent up',
      answer: (_request, response, body) => json(response, { id: 'f1', bytes: body.length }),
      async run(fetch, url) {
        const file = await toFile(Buffer.from('{"a":1}\n'), 'train.jsonl');
        return openai(fetch, url).files.create({ file, purpose: 'fine-tune' });
      },
      repeats: ['refused'],
    },
    {
      title: 'a file brought down',
      answer(_request, response) {
        response.writeHead(200, { 'content-type': 'application/binary' });
        response.end(Buffer.alloc(300_000, 7));
      },
      async run(fetch, url) {
        const content = await openai(fetch, url).files.content('f1');
        return Buffer.from(await content.arrayBuffer());
      },
      repeats: ['refused', '503'],
    },
  ],
  streams: [
    {
      title: 'a completion as a stream',
      type: 'text/event-stream',
      events: ['Aye', ', ', 'captain.'].map(piece),
      async open(fetch, url) {
        const stream = await openai(fetch, url).chat.completions.create({
          ...question,
          stream: true,
        });
        const iterator = stream[Symbol.asyncIterator]();
        return { next: () => iterator.next(), stop: () => stream.controller.abort() };
      },
      repeats: ['refused'],
    },
  ],
  failing: (fetch, url) => openai(fetch, url).models.retrieve('gpt'),
  impatient: (fetch, url) => openai(fetch, url, { timeout: 250 }).models.retrieve('gpt'),
  timesOutAs: 'APIConnectionTimeoutError',
});

test('openai: a POST that was answered 503 is left to the SDK', async () => {
  const answers = [503, 200];
  const server = await listen((_request, response) =>
    json(response, completion('Aye.'), {
      status: answers.shift(),
      headers: { 'retry-after-ms': '1' },
    }),
  );
  atTheEnd(server.close);
  const { via, client, explained } = throughOutrigger('fetch');
  const { choices } = await openai(via, server.url, { maxRetries: 2 }).chat.completions.create(
    question,
  );
  assert.equal(choices[0].message.content, 'Aye.');
  assert.deepEqual(
    explained.map((ask) => ask().attempts.length),
    [1, 1],
  );
  assert.equal(client.stats()[`cluster.127.0.0.1:${server.port}.upstream_rq_retry`], 0);
});

test('openai: retries of the SDK multiply those beneath', async () => {
  const server = await listen((_request, response) =>
    json(response, {}, { status: 503, headers: { 'retry-after-ms': '1' } }),
  );
  atTheEnd(server.close);
  const { via } = throughOutrigger('fetch', {
    retry: { attempts: 2, backoff: { baseInterval: '1ms' } },
  });
  for (const [maxRetries, requests] of [
    [0, 3],
    [1, 6],
  ]) {
    server.seen.length = 0;
    const listing = openai(via, server.url, { maxRetries }).models.list();
    await assert.rejects(async () => listing, { status: 503 });
    assert.equal(server.seen.length, requests);
  }
});
