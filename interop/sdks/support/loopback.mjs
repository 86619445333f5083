/** A server on the loopback that writes down what it was asked. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';

/**
 * `answer(request, response, body)` is called when the whole body is there. `seen` has each request, `attempts`
 * which attempt each said it was, `gone()` resolves when a client has left an answer before its end.
 */
export async function listen(answer) {
  const seen = [];
  const attempts = [];
  const sockets = new Set();
  const whoLeft = [];
  let left = 0;

  function noteLeaving(response) {
    response.once('close', () => {
      if (response.writableFinished) return;
      left += 1;
      for (const resolve of whoLeft.splice(0)) resolve();
    });
  }

  const server = createServer(async (request, response) => {
    noteLeaving(response);
    try {
      const body = await buffer(request);
      seen.push(written(request, body));
      attempts.push(request.headers[ATTEMPT]);
      await answer(request, response, body);
    } catch (error) {
      // The client has gone, or the test's own answer failed: then the test must not hang.
      response.destroy(error);
    }
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();

  return {
    port,
    url: `http://127.0.0.1:${port}`,
    seen,
    attempts,
    gone: () => (left > 0 ? Promise.resolve() : new Promise((resolve) => whoLeft.push(resolve))),
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A URL at which nobody listens. */
export async function nobody() {
  const { url, close } = await listen(() => {});
  await close();
  return url;
}

/** Outrigger says to the server which attempt this is, as Envoy does; the platform says nothing. */
const ATTEMPT = 'x-envoy-attempt-count';

/** What matters of a request, without what is drawn anew each time. */
function written({ method, url, rawHeaders }, body) {
  const text = (value) => withoutChance(value);
  const headers = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index].toLowerCase();
    if (name !== ATTEMPT) headers.push(`${name}: ${text(rawHeaders[index + 1])}`);
  }
  return { method, path: url, headers: headers.sort(), body: text(body.toString('latin1')) };
}

const BOUNDARY = /-{2,}\w*formdata[\w-]*?-?\d{8,}/gi;
const UUID = /[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/gi;

function withoutChance(value) {
  return value.replace(BOUNDARY, '--BOUNDARY').replace(UUID, 'UUID');
}

/** Answers with JSON. */
export function json(response, value, { status = 200, headers = {} } = {}) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(value));
}
