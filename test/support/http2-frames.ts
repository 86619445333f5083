/** A server of HTTP/2 over TLS that is told each frame. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { onTestFinished } from 'vitest';
import type { ClientOptions } from '../../src/index.js';
import { certificates, http2Client } from './http2.js';

/** A frame as it came. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export const TYPES = {
  data: 0,
  headers: 1,
  rst: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  window: 8,
} as const;

export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer | string = '',
): Buffer {
  const body = Buffer.from(payload);
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, body]);
}

/** `:status: 200`, and a `content-length`, in HPACK without its table. */
export function headFrame(stream: number, contentLength?: number, flags = 4): Buffer {
  const length = String(contentLength ?? '');
  const field =
    contentLength === undefined
      ? Buffer.alloc(0)
      : Buffer.concat([Buffer.from([0x0f, 0x0d, length.length]), Buffer.from(length)]);
  return frame(TYPES.headers, flags, stream, Buffer.concat([Buffer.from([0x88]), field]));
}

export const dataFrame = (stream: number, text: string, end = false): Buffer =>
  frame(TYPES.data, end ? 1 : 0, stream, text);

export const resetFrame = (stream: number, code: number): Buffer =>
  frame(TYPES.rst, 0, stream, numbers(code));

export const goawayFrame = (last: number, code: number): Buffer =>
  frame(TYPES.goaway, 0, 0, numbers(last, code));

/** The settings of a server: at most so many streams, or none of them at all. */
export const settingsFrame = (maxConcurrentStreams?: number): Buffer =>
  frame(
    TYPES.settings,
    0,
    0,
    maxConcurrentStreams === undefined
      ? ''
      : Buffer.concat([Buffer.from([0, 3]), numbers(maxConcurrentStreams)]),
  );

function numbers(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => bytes.writeUInt32BE(value, 4 * index));
  return bytes;
}

export interface RawServer {
  readonly url: string;
  /** Frames of all connections, without settings and window updates. */
  readonly frames: Frame[];
  readonly sockets: Set<TLSSocket>;
  counts: { accepted: number };
}

const PREFACE = 24;

/** A server that does what it is told to do with each frame. */
export async function serveFrames(
  onFrame: (frame: Frame, socket: TLSSocket) => void = () => {},
  /** What it says first, in place of its settings; with `false` it says nothing by itself. */
  greeting: Buffer | string | false = settingsFrame(),
): Promise<RawServer> {
  const { own } = await certificates();
  const frames: Frame[] = [];
  const sockets = new Set<TLSSocket>();
  const counts = { accepted: 0 };
  const tls = { ...own, ALPNProtocols: ['h2'] };
  const server = createServer(tls, (socket) => {
    counts.accepted += 1;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    let unread = Buffer.alloc(0);
    let skipped = false;
    socket.on('data', (chunk) => {
      unread = Buffer.concat([unread, chunk]);
      if (!skipped && unread.length >= PREFACE) {
        skipped = true;
        unread = unread.subarray(PREFACE);
      }
      while (skipped && unread.length >= 9) {
        const length = unread.readUIntBE(0, 3);
        if (unread.length < 9 + length) return;
        const one: Frame = {
          type: unread[3] as number,
          flags: unread[4] as number,
          stream: unread.readUInt32BE(5) & 0x7fffffff,
          payload: unread.subarray(9, 9 + length),
        };
        unread = unread.subarray(9 + length);
        if (one.type === TYPES.settings) {
          if (one.flags === 0 && greeting !== false) socket.write(frame(TYPES.settings, 1, 0));
          continue;
        }
        if (one.type === TYPES.window) continue;
        frames.push(one);
        onFrame(one, socket);
      }
    });
    if (greeting !== false) socket.write(greeting);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `https://127.0.0.1:${port}`, frames, sockets, counts };
}

/** A server that does so with the head of each request, by the number of the request; and a client of it. */
export async function withHeads(
  onHead: (stream: number, socket: TLSSocket, number: number) => void,
  options: ClientOptions = {},
) {
  let number = 0;
  const server = await serveFrames(({ type, stream }: Frame, socket) => {
    if (type === TYPES.headers) onHead(stream, socket, ++number);
  });
  const client = await http2Client([server], options);
  return { server, client, heads: () => number };
}

/** Answers with `ok`. */
export const answerOn = (socket: TLSSocket, stream: number): unknown =>
  socket.write(Buffer.concat([headFrame(stream, 2), dataFrame(stream, 'ok', true)]));
