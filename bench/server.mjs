/**
 * The server behind every row: three ports on 127.0.0.1 that answer each GET with the same small JSON,
 * straight on the socket, so that it costs as little as possible; counts what it served, per port.
 */
import { createServer } from 'node:net';
import { path } from './rows.mjs';

/** What every answer carries; rows check `id`. */
const body = JSON.stringify({
  id: 42,
  name: 'simple-backend-1',
  type: 'HTTP',
  code: 200,
  duration: '150.3ms',
  body: 'Hello World',
});

// The five headers that nginx sends for such an answer.
const answer = Buffer.from(
  'HTTP/1.1 200 OK\r\n' +
    'Server: bench\r\n' +
    'Date: Mon, 01 Jan 2024 00:00:00 GMT\r\n' +
    'Content-Type: application/json\r\n' +
    `Content-Length: ${Buffer.byteLength(body)}\r\n` +
    'Connection: keep-alive\r\n\r\n' +
    body,
);

const endOfHead = Buffer.from('\r\n\r\n');
/** A row that asks for anything else has a mistake, and gets no answer. */
const requestLine = Buffer.from(`GET ${path} HTTP/1.1\r\n`);

/** @type {number[]} */
const served = [0, 0, 0];

/** @param {number} port index of the port in `served` */
function listen(port) {
  const server = createServer({ noDelay: true }, (socket) => {
    /** The end of the last chunk, where a head was cut in two. */
    let rest = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let from = 0;
      for (let at = data.indexOf(endOfHead); at !== -1; at = data.indexOf(endOfHead, from)) {
        if (requestLine.compare(data, from, from + requestLine.length) !== 0) {
          socket.destroy();
          return;
        }
        from = at + endOfHead.length;
        served[port] = (served[port] ?? 0) + 1;
        socket.write(answer);
      }
      rest = data.subarray(from);
    });
    // A client that goes away in the middle of something is no concern of the bench.
    socket.on('error', () => socket.destroy());
  });
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = /** @type {import('node:net').AddressInfo} */ (server.address());
      resolve(`http://127.0.0.1:${address.port}`);
    });
  });
}

const origins = await Promise.all(served.map((_, port) => listen(port)));

process.on('message', (/** @type {{ id: number, command: string }} */ message) => {
  const result = message.command === 'origins' ? origins : [...served];
  process.send?.({ id: message.id, result });
});
process.on('disconnect', () => process.exit(0));
