/** A plain HTTP server on loopback, and what it saw. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly string[];
  readonly body: string;
}

export interface TestServer {
  readonly url: string;
  readonly seen: Seen[];
  /** Connections that were ever accepted, and those that are open. */
  readonly connections: { accepted: number; open: number };
}

/** Serves until the test is over. The handler runs when the whole request has arrived. */
export async function serve(
  handler: (request: IncomingMessage & { readonly text: string }, response: ServerResponse) => void,
): Promise<TestServer> {
  const seen: Seen[] = [];
  const connections = { accepted: 0, open: 0 };
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('error', () => {});
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const { method = '', url = '', rawHeaders } = request;
      seen.push({ method, path: url, headers: rawHeaders, body: text });
      handler(Object.assign(request, { text }), response);
    });
  });
  server.on('connection', (socket) => {
    connections.accepted += 1;
    connections.open += 1;
    sockets.add(socket);
    socket.on('close', () => {
      connections.open -= 1;
      sockets.delete(socket);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, seen, connections };
}
