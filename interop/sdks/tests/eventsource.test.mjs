/** eventsource over client.fetch. */
import assert from 'node:assert/strict';
import { EventSource } from 'eventsource';
import { listen } from '../support/loopback.mjs';
import { suite, test } from '../support/suite.mjs';
import { atTheEnd, throughOutrigger } from '../support/ways.mjs';

const piece = (id, text) => `id: ${id}\ndata: ${text}\n\n`;

/** The messages of a source one by one; its error, when there is one, is the last. */
function messagesOf(fetch, url) {
  const source = new EventSource(`${url}/events`, { fetch });
  const come = [];
  const awaited = [];
  const give = (message) => {
    const taker = awaited.shift();
    if (taker === undefined) come.push(message);
    else taker(message);
  };
  source.onmessage = ({ data, lastEventId }) => give({ data, lastEventId });
  source.onerror = ({ code, message }) => give({ code, message });
  return {
    next: () => (come.length > 0 ? come.shift() : new Promise((resolve) => awaited.push(resolve))),
    stop: () => source.close(),
    endsItself: false,
  };
}

async function firstMessage(fetch, url) {
  const { next, stop } = messagesOf(fetch, url);
  const message = await next();
  stop();
  if (message.data === undefined) throw new Error(`${message.code}: ${message.message}`);
  return message;
}

suite('eventsource', {
  calls: [],
  streams: [
    {
      title: 'events',
      type: 'text/event-stream',
      events: [piece(1, 'Ahoy'), piece(2, 'Land'), piece(3, 'Anchor')],
      open: messagesOf,
      // It reads whatever comes.
      pulls: false,
      repeats: ['refused', '503'],
    },
  ],
  failing: firstMessage,
  timesOutAs: 'Error',
});

test('eventsource: comes back where it was cut off', async () => {
  const server = await listen((request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const last = Number(request.headers['last-event-id'] ?? 0);
    response.write(`retry: 1\n${piece(last + 1, 'again')}`, () => response.destroy());
  });
  atTheEnd(server.close);
  const { via } = throughOutrigger('fetch');
  const { next, stop } = messagesOf(via, server.url);
  const ids = [];
  while (ids.length < 3) {
    const { lastEventId } = await next();
    if (lastEventId !== undefined) ids.push(lastEventId);
  }
  stop();
  assert.deepEqual(ids, ['1', '2', '3']);
});
