/** Servers of HTTP/2 over TLS, Node's own, and clients that speak it. */
import { once } from 'node:events';
import {
  createSecureServer,
  type SecureServerOptions,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type IncomingHttpHeaders,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { onTestFinished } from 'vitest';
import type { ClientOptions, ResilientClient } from '../../src/index.js';
import { certificateAuthority, type CertificateAuthority } from './certificates.js';
import { clientFor } from './client.js';

export interface Http2Server {
  /** For the `endpoints` option. */
  readonly url: string;
  readonly sessions: Set<ServerHttp2Session>;
  readonly sockets: Set<Socket>;
  /** Sessions that were ever made, streams that were, and those of them that are open, now and at most. */
  readonly counts: { sessions: number; streams: number; open: number; most: number };
  /** How many streams each session has had, in the order of the sessions. */
  readonly perSession: number[];
  /** The codes with which the client has reset streams. */
  readonly resets: number[];
  /** GOAWAY frames of the client's. */
  readonly goaways: number[];
}

type OnStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

let shared: Promise<{ ca: CertificateAuthority; own: { cert: string; key: string } }> | undefined;

/** For `shop`, the same for all tests of a file. */
export function certificates() {
  return (shared ??= certificateAuthority().then(async (ca) => ({
    ca,
    own: await ca.issue({ names: ['shop'] }),
  })));
}

/** Listens on a free port of loopback, or on a unix socket, until the test is over. */
export async function serveHttp2(
  onStream: OnStream = (stream) => answer(stream),
  options: SecureServerOptions = {},
  path?: string,
): Promise<Http2Server> {
  const { own } = await certificates();
  const server = createSecureServer({ ...own, ...options });
  const sessions = new Set<ServerHttp2Session>();
  const sockets = new Set<Socket>();
  const counts = { sessions: 0, streams: 0, open: 0, most: 0 };
  const perSession: number[] = [];
  const resets: number[] = [];
  const goaways: number[] = [];
  server.on('secureConnection', (socket: TLSSocket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('sessionError', () => {});
  server.on('session', (session) => {
    const number = counts.sessions++;
    perSession[number] = 0;
    sessions.add(session);
    session.on('error', () => {});
    session.on('close', () => sessions.delete(session));
    session.on('goaway', (code: number) => goaways.push(code));
    session.on('stream', () => (perSession[number] = (perSession[number] ?? 0) + 1));
  });
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    counts.streams += 1;
    counts.open += 1;
    counts.most = Math.max(counts.most, counts.open);
    stream.on('error', () => {});
    stream.on('close', () => {
      counts.open -= 1;
      if (stream.rstCode !== 0) resets.push(stream.rstCode);
    });
    onStream(stream, headers);
  });
  // With a listener, Node would answer those of HTTP/2 too.
  if (options.allowHTTP1 === true) {
    server.on('request', (request, response) => {
      if (request.httpVersionMajor === 1) response.end('ok');
    });
  }
  if (path === undefined) server.listen(0, '127.0.0.1');
  else server.listen(path);
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const url =
    path === undefined
      ? `https://127.0.0.1:${(server.address() as AddressInfo).port}`
      : `unix:${path}`;
  return { url, sessions, sockets, counts, perSession, resets, goaways };
}

/** Answers at once, without waiting for the request's body. */
export function answer(stream: ServerHttp2Stream, body = 'ok', status = 200): void {
  if (stream.destroyed) return;
  stream.respond({ ':status': status });
  stream.end(body);
}

/** A client of `https://shop` that speaks HTTP/2 with these endpoints. */
export async function http2Client(
  endpoints: readonly { readonly url: string }[],
  { connectionPool = {}, ...options }: ClientOptions = {},
): Promise<ResilientClient> {
  const { ca } = await certificates();
  return clientFor({
    service: 'https://shop',
    name: 'shop',
    endpoints: endpoints.map(({ url }) => url),
    tls: { ca: ca.cert },
    loadBalancer: 'round-robin',
    connectionPool: { http2: true, ...(connectionPool as object) },
    ...options,
  });
}

/** A server that keeps its streams until it is told to answer them. */
export async function keepingHttp2(options: SecureServerOptions = {}) {
  const streams: ServerHttp2Stream[] = [];
  const server = await serveHttp2((stream) => streams.push(stream), options);
  const answerAll = (): void => {
    for (const stream of streams.splice(0)) answer(stream);
  };
  return { server, streams, answerAll };
}
