/** @anthropic-ai/sdk over client.fetch. */
import Anthropic from '@anthropic-ai/sdk';
import { json } from '../support/loopback.mjs';
import { suite } from '../support/suite.mjs';

const anthropic = (fetch, url, options = {}) =>
  new Anthropic({ apiKey: 'key', baseURL: url, fetch, maxRetries: 0, ...options });

const question = {
  model: 'claude',
  max_tokens: 64,
  messages: [{ role: 'user', content: 'Ahoy?' }],
};

const message = (content) => ({
  id: 'm1',
  type: 'message',
  role: 'assistant',
  model: 'claude',
  content,
  stop_reason: null,
  usage: { input_tokens: 1, output_tokens: 1 },
});

const event = (data) => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
const delta = (text) =>
  event({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } });

const spoken = [
  event({ type: 'message_start', message: message([]) }),
  event({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }),
  delta('Aye, '),
  delta('captain.'),
  event({ type: 'content_block_stop', index: 0 }),
  event({ type: 'message_stop' }),
];

suite('@anthropic-ai/sdk', {
  calls: [
    {
      title: 'a message',
      answer: (_request, response) => json(response, message([{ type: 'text', text: 'Aye.' }])),
      run: (fetch, url) => anthropic(fetch, url).messages.create(question),
      repeats: ['refused'],
    },
    {
      title: 'a list of models',
      answer: (_request, response) => json(response, { data: [{ id: 'claude' }], has_more: false }),
      run: async (fetch, url) => (await anthropic(fetch, url).models.list()).data,
      repeats: ['refused', '503'],
    },
    {
      title: 'a message put together from its stream',
      answer(_request, response) {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.end(spoken.join(''));
      },
      run: (fetch, url) => anthropic(fetch, url).messages.stream(question).finalMessage(),
      repeats: ['refused'],
    },
  ],
  streams: [
    {
      title: 'a message as a stream',
      type: 'text/event-stream',
      events: [delta('Aye, '), delta('captain.')],
      async open(fetch, url) {
        const stream = await anthropic(fetch, url).messages.create({ ...question, stream: true });
        const iterator = stream[Symbol.asyncIterator]();
        return { next: () => iterator.next(), stop: () => stream.controller.abort() };
      },
      repeats: ['refused'],
    },
  ],
  failing: (fetch, url) => anthropic(fetch, url).models.retrieve('claude'),
  impatient: (fetch, url) => anthropic(fetch, url, { timeout: 250 }).models.retrieve('claude'),
  timesOutAs: 'APIConnectionTimeoutError',
});
