/**
 * The fleet of the soak: three servers on 127.0.0.1 in a process of their own, which answer each request as its query
 * says. What can be asked for stands in `answers.mjs`.
 */
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { createBrotliCompress, createDeflate, createGzip } from 'node:zlib';
import { answerCommands } from '../child.mjs';
import { filling, fillingInPieces } from './filling.mjs';

/** Milliseconds after which a connection without work is closed; the last server races the client's next call. */
const KEEP_ALIVE = [60_000, 60_000, 700];

/** @type {Set<import('node:net').Socket>} */
const sockets = new Set();
let requests = 0;

const encoders = { gzip: createGzip, deflate: createDeflate, br: createBrotliCompress };

/** @param {URLSearchParams} ask */
function bodyOf(ask) {
  const size = Number(ask.get('size') ?? 0);
  switch (ask.get('as')) {
    case 'json':
      return [Buffer.from(JSON.stringify(filling(size).toString('latin1')))];
    case 'form':
      return [
        Buffer.from(new URLSearchParams({ part: filling(size).toString('latin1') }).toString()),
      ];
    default:
      return fillingInPieces(size);
  }
}

/** @type {Readonly<Record<string, string>>} */
const types = { json: 'application/json', form: 'application/x-www-form-urlencoded' };

/** @param {import('node:stream').Writable} to */
async function drained(to) {
  if (to.destroyed) return;
  await new Promise((resolve) => {
    const done = () => {
      to.off('drain', done).off('close', done);
      resolve(undefined);
    };
    to.on('drain', done).on('close', done);
  });
}

/**
 * @param {import('node:http').ServerResponse} response
 * @param {URLSearchParams} ask
 */
async function sendBody(response, ask) {
  const pause = Number(ask.get('pause') ?? 0);
  const cut = ask.has('cut') ? Number(ask.get('cut')) : undefined;
  const encoder = encoders[/** @type {keyof typeof encoders} */ (ask.get('encoding'))]?.();
  encoder?.pipe(response);
  const to = encoder ?? response;
  let sent = 0;
  for (const piece of bodyOf(ask)) {
    if (response.destroyed) break;
    if (cut !== undefined && sent + piece.length > cut) {
      to.write(piece.subarray(0, cut - sent));
      await sleep(2);
      breakOff(response, ask.get('by'));
      return;
    }
    sent += piece.length;
    if (!to.write(piece)) await drained(to);
    if (pause > 0) await sleep(pause);
  }
  if (response.destroyed) encoder?.destroy();
  else to.end();
}

/**
 * @param {import('node:http').ServerResponse} response
 * @param {string | null} how
 */
function breakOff(response, how) {
  if (how === 'reset') response.socket?.resetAndDestroy();
  else if (how === 'close') response.socket?.end();
  // Otherwise there is nothing more on an open connection.
}

/**
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 */
async function answer(request, response) {
  requests += 1;
  const url = new URL(request.url ?? '/', 'http://shop');
  const ask = url.searchParams;
  response.on('error', () => {});
  request.on('error', () => {});
  let received = 0;
  let isRight = true;
  if (ask.get('upload') === 'reset') {
    request.once('data', () => request.socket.resetAndDestroy());
    request.once('end', () => request.socket.resetAndDestroy());
    return;
  }
  if (ask.get('upload') !== 'unread') {
    request.on('data', (/** @type {Buffer} */ chunk) => {
      if (ask.has('filled')) {
        isRight &&= filling(received + chunk.length)
          .subarray(received)
          .equals(chunk);
      }
      received += chunk.length;
    });
    const isWhole = await new Promise((resolve) => {
      request.on('end', () => resolve(true)).on('close', () => resolve(false));
    });
    if (!isWhole) return;
  }
  await sleep(Number(ask.get('wait') ?? 0));
  if (request.headers['x-envoy-attempt-count'] === '1') {
    const first = ask.get('first');
    if (first === 'reset' || first === 'close') return breakOff(response, first);
    if (first === 'slow') await sleep(300);
    if (first === '503') {
      response.writeHead(503, { 'content-length': 100_000 });
      response.end(filling(100_000));
      return;
    }
  }
  const hops = Number(ask.get('hops') ?? 0);
  if (hops > 0) {
    ask.set('hops', String(hops - 1));
    const base = ask.get('across') === null ? '' : `http://${String(ask.get('across'))}`;
    ask.delete('across');
    const location = `${base}${url.pathname}?${ask.toString()}`;
    response.writeHead(Number(ask.get('code') ?? 302), { location });
    response.end(filling(Number(ask.get('hopSize') ?? 0)));
    return;
  }
  const status = Number(ask.get('status') ?? 200);
  const size = Number(ask.get('size') ?? 0);
  /** @type {Record<string, string | number>} */
  const headers = {
    'content-type': types[ask.get('as') ?? ''] ?? 'text/plain',
    'x-received': received,
    'x-received-right': String(isRight),
  };
  if (ask.has('encoding')) headers['content-encoding'] = String(ask.get('encoding'));
  else if (ask.has('length') && !ask.has('as')) headers['content-length'] = size;
  if (ask.has('close')) headers.connection = 'close';
  if (status === 429) headers['retry-after'] = '0';
  response.writeHead(status, headers);
  response.flushHeaders();
  if (request.method === 'HEAD' || status === 204 || status === 304) response.end();
  else await sendBody(response, ask);
}

/** @param {number} keepAliveTimeout */
function listen(keepAliveTimeout) {
  const server = createServer({ keepAliveTimeout }, (request, response) => {
    answer(request, response).catch((error) => {
      console.error(error);
      process.exit(1);
    });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = /** @type {import('node:net').AddressInfo} */ (server.address());
      resolve(`http://127.0.0.1:${address.port}`);
    });
  });
}

const origins = await Promise.all(KEEP_ALIVE.map(listen));

answerCommands({
  origins: () => origins,
  sockets: () => sockets.size,
  requests: () => requests,
});
