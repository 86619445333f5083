/**
 * The server behind every row: three ports on 127.0.0.1 that answer straight on the socket, so that it costs as
 * little as possible: each GET with the same small JSON, and what the other kinds of work ask for. Counts what it
 * served, per port.
 */
import { createServer } from 'node:net';
import { path } from './rows.mjs';
import { downloadPath, downloadSize, postPath, redirectPath } from './works.mjs';

/** What most answers carry; rows check `id`. */
const body = JSON.stringify({
  id: 42,
  name: 'simple-backend-1',
  type: 'HTTP',
  code: 200,
  duration: '150.3ms',
  body: 'Hello World',
});

/**
 * With the five headers that nginx sends for such an answer.
 * @param {string} status
 * @param {string} type
 * @param {string | Buffer} content
 * @param {string} [more] headers
 */
function answer(status, type, content, more = '') {
  const head =
    `HTTP/1.1 ${status}\r\n` +
    'Server: bench\r\n' +
    'Date: Mon, 01 Jan 2024 00:00:00 GMT\r\n' +
    `Content-Type: ${type}\r\n` +
    `Content-Length: ${Buffer.byteLength(content)}\r\n` +
    `Connection: keep-alive\r\n${more}\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.from(content)]);
}

const smallJson = answer('200 OK', 'application/json', body);

/** A row that asks for anything else has a mistake, and gets no answer. */
const answers = [
  { to: `GET ${path} HTTP/1.1\r\n`, with: smallJson },
  { to: `POST ${postPath} HTTP/1.1\r\n`, with: smallJson },
  {
    to: `GET ${redirectPath} HTTP/1.1\r\n`,
    with: answer('302 Found', 'text/html', '', `Location: ${path}\r\n`),
  },
  {
    to: `GET ${downloadPath} HTTP/1.1\r\n`,
    with: answer('200 OK', 'application/octet-stream', Buffer.alloc(downloadSize, 'outrigger ')),
  },
].map((pair) => ({ requestLine: Buffer.from(pair.to), bytes: pair.with }));

const endOfHead = Buffer.from('\r\n\r\n');
const post = 'P'.charCodeAt(0);
const contentLength = /\r\ncontent-length: (\d+)\r\n/i;

/** @type {number[]} */
const served = [0, 0, 0];

/** @param {number} port index of the port in `served` */
function listen(port) {
  const server = createServer({ noDelay: true }, (socket) => {
    /** The end of the last chunk, where a request was cut in two. */
    let rest = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let from = 0;
      for (let at = data.indexOf(endOfHead); at !== -1; at = data.indexOf(endOfHead, from)) {
        let end = at + endOfHead.length;
        if (data[from] === post) {
          const head = data.latin1Slice(from, end);
          const length = Number(contentLength.exec(head)?.[1]);
          if (!(length > 0)) {
            socket.destroy();
            return;
          }
          end += length;
          if (end > data.length) break;
        }
        const start = from;
        const found = answers.find(
          ({ requestLine }) => requestLine.compare(data, start, start + requestLine.length) === 0,
        );
        if (found === undefined) {
          socket.destroy();
          return;
        }
        from = end;
        served[port] = (served[port] ?? 0) + 1;
        socket.write(found.bytes);
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
