/** The server that both sides call: each check says how it answers, and it writes down what it was asked. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** Answers a request, whose body has arrived: `text` is it. `request.socket` takes bytes that are no HTTP. */
export type Answer = (
  request: IncomingMessage & { readonly text: string },
  response: ServerResponse,
) => unknown;

export interface Asked {
  readonly line: string;
  /** In the order in which they came. */
  readonly headers: readonly [name: string, value: string][];
  readonly body: string;
  /** False when the connection was closed before the end of the body. */
  readonly whole: boolean;
}

export class ScriptServer implements AsyncDisposable {
  readonly asked: Asked[] = [];
  readonly sockets = new Set<Socket>();
  answer: Answer = (_, response) => response.end('fine');
  readonly #server = createServer((request, response) => void this.#take(request, response));

  static async open(): Promise<ScriptServer> {
    const server = new ScriptServer();
    server.#server.on('connection', (socket) => {
      server.sockets.add(socket);
      socket.on('close', () => server.sockets.delete(socket));
      socket.on('error', () => {});
    });
    server.#server.on('checkContinue', (request, response: ServerResponse) => {
      response.writeContinue();
      void server.#take(request, response);
    });
    // One socket is never told of another's time.
    server.#server.keepAliveTimeout = 0;
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.sendDate = false;
    const chunks: Buffer[] = [];
    let whole = true;
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      whole = false;
    }
    const text = Buffer.concat(chunks).toString('latin1');
    const { method, url, httpVersion, rawHeaders } = request;
    const headers: [string, string][] = [];
    for (let index = 0; index < rawHeaders.length; index += 2) {
      headers.push([rawHeaders[index] ?? '', rawHeaders[index + 1] ?? '']);
    }
    this.asked.push({ line: `${method} ${url} HTTP/${httpVersion}`, headers, body: text, whole });
    if (whole) this.answer(Object.assign(request, { text }), response);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}
