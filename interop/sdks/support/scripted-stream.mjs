/** An answer that is written piece by piece, when the test says so. */
import { once } from 'node:events';

const A_WHILE = 250;

export function scriptedStream(type) {
  const { promise: opened, resolve } = deferred();
  return {
    answer(_request, response) {
      response.writeHead(200, { 'content-type': type });
      response.flushHeaders();
      resolve(response);
    },
    async push(text) {
      (await opened).write(text);
    },
    async end() {
      (await opened).end();
    },
    /** Writes until nobody takes any more of it, for a while; how many bytes were taken. */
    async flood(text, limit) {
      const response = await opened;
      const piece = text.repeat(Math.ceil(65_536 / text.length));
      let sent = 0;
      while (sent < limit) {
        sent += piece.length;
        if (response.write(piece)) continue;
        const drained = await Promise.race([
          once(response, 'drain').then(() => true),
          new Promise((give) => setTimeout(give, A_WHILE, false)),
        ]);
        if (!drained) return sent;
      }
      return sent;
    },
  };
}

function deferred() {
  let resolve;
  const promise = new Promise((give) => {
    resolve = give;
  });
  return { promise, resolve };
}
