/** A small service that most clients can be asked about. */
import { json } from './loopback.mjs';

/** `GET /orders/:id?open=…` answers what was asked, `POST /orders` what was sent. */
export function orders(request, response, body) {
  const { pathname, searchParams } = new URL(request.url, 'http://orders.test');
  if (request.method === 'POST') json(response, { created: JSON.parse(body) }, { status: 201 });
  else json(response, { path: pathname, query: Object.fromEntries(searchParams) });
}

/** What a web stream brings, chunk by chunk, as text. */
export function readerOf(stream, stop) {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  return {
    async next() {
      const { value, done } = await reader.read();
      return { done, text: decoder.decode(value, { stream: true }) };
    },
    stop: () => stop(reader),
  };
}

/** The same of a stream of Node's. */
export function readerOfNode(stream) {
  const iterator = stream[Symbol.asyncIterator]();
  return {
    async next() {
      const { value, done } = await iterator.next();
      return { done, text: value?.toString() };
    },
    stop: () => stream.destroy(),
  };
}

/** Pieces of an answer of text. */
export const lines = ['first\n', 'second\n', 'third\n'];
