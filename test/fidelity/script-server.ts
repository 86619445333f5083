/** The server that both sides call: each check says how it answers, and it writes down what it was asked. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';

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
  /** What comes late is still put down where it was when the request began. */
  asked: Asked[] = [];
  readonly sockets = new Set<Socket>();
  answer: Answer = (_, response) => response.end('fine');
  /** Requests whose bodies are still on their way. */
  readonly #arriving = new Set<Promise<void>>();
  readonly #server = createServer((request, response) => this.#begin(request, response));

  static async open(): Promise<ScriptServer> {
    const server = new ScriptServer();
    server.#server.on('connection', (socket) => {
      server.sockets.add(socket);
      socket.on('close', () => server.sockets.delete(socket));
      socket.on('error', () => {});
    });
    server.#server.on('checkContinue', (request, response: ServerResponse) => {
      response.writeContinue();
      server.#begin(request, response);
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

  /** Resolves when every request that has come is written down, its body read or broken off; or after a second. */
  async hasRead(): Promise<void> {
    const late = new AbortController();
    const all = async (): Promise<void> => {
      while (this.#arriving.size > 0 && !late.signal.aborted) await Promise.all(this.#arriving);
    };
    await Promise.race([all(), setTimeout(1000, undefined, { ref: false, signal: late.signal })]);
    late.abort();
  }

  #begin(request: IncomingMessage, response: ServerResponse): void {
    const taken = this.#take(request, response).finally(() => this.#arriving.delete(taken));
    this.#arriving.add(taken);
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.sendDate = false;
    // Of a HEAD the platform asks to be closed, ours does not ('head-keeps-connection'): the answer does not show it.
    if (request.method === 'HEAD') response.setHeader('connection', 'keep-alive');
    const { asked } = this;
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
    asked.push({ line: `${method} ${url} HTTP/${httpVersion}`, headers, body: text, whole });
    if (whole) this.answer(Object.assign(request, { text }), response);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}
