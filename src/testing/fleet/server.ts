/** One server of the fleet: what it is told to do, and what it has seen. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { Connection } from './connection.js';
import { perform } from './perform.js';
import { isEarly, type Plan, type Step } from './plan.js';
import { Port } from './port.js';
import { RequestRecord, tlsOf, type ReceivedRequest } from './request-record.js';
import { StepSource } from './step-source.js';
import type { Waiters } from './waiters.js';

/** An endpoint as `createResilientClient` takes it. */
export interface LoopbackEndpoint {
  readonly url: string;
  readonly weight?: number;
  readonly locality?: string;
}

/** One server of the fleet. */
export interface LoopbackServer {
  readonly name: string;
  /** `http://127.0.0.1:port`, `https://…` or `unix:/path`. */
  readonly url: string;
  /** The requests whose head has arrived, in that order. */
  readonly requests: readonly ReceivedRequest[];
  /** How many connections are open now. */
  readonly openConnections: number;
  /** For each connection ever accepted, in that order, how many requests have arrived on it. */
  readonly requestsPerConnection: readonly number[];
  /**
   * Replaces the plan from the next request on; a sequence begins at its first step.
   *
   * @throws TypeError for a plan that cannot be carried out.
   */
  plan(plan: Plan): void;
  /**
   * Refuses new connections (ECONNREFUSED; on a unix socket ENOENT). Those that are open stay. Resolves when
   * it is so.
   */
  refuse(): Promise<void>;
  /** Takes new connections again, at the same address. Resolves when it is so. */
  accept(): Promise<void>;
  /** Ends open connections: all of them, or those without a request that is not done. */
  dropConnections(how: 'reset' | 'close', which?: 'all' | 'idle'): void;
  /**
   * The next request that this method has not given out yet; waits until its head has arrived. Rejects when
   * the fleet is closed before.
   */
  requestReceived(): Promise<ReceivedRequest>;
  /** Resolves when exactly `count` connections are open. Rejects when the fleet is closed before. */
  connectionsAre(count: number): Promise<void>;
}

/** What a server is made of. */
export interface ServerParts {
  readonly name: string;
  readonly plan: Plan;
  readonly tls: TlsOptions | undefined;
  /** What the list of endpoints says of it beside its address. */
  readonly place: Omit<LoopbackEndpoint, 'url'>;
  /** The path of a unix socket; undefined for a port. */
  readonly path: string | undefined;
  readonly random: () => number;
  readonly waiters: Waiters;
  /** A request has arrived. */
  received(request: ReceivedRequest): void;
  /** A plan has failed. */
  failed(error: unknown): void;
}

export class FleetServer implements LoopbackServer {
  readonly name: string;
  readonly requests: RequestRecord[] = [];
  readonly #parts: ServerParts;
  readonly #steps: StepSource;
  readonly #port: Port;
  /** Never listens itself: it is handed the accepted sockets, so that these stay within reach. */
  readonly #http: Server;
  readonly #accepted: Connection[] = [];
  readonly #open = new Set<Connection>();
  readonly #bySocket = new WeakMap<Socket, Connection>();
  #given = 0;

  constructor(parts: ServerParts) {
    this.name = parts.name;
    this.#parts = parts;
    this.#steps = new StepSource(parts.plan, parts.random);
    // As Node's own servers: that of HTTP hears the client's end itself, that of TLS does not.
    this.#port = new Port(parts.path, parts.tls === undefined, (socket) => this.#accept(socket));
    const onRequest = (message: IncomingMessage, response: ServerResponse) =>
      this.#receive(message, response);
    const patient = { keepAliveTimeout: 0, headersTimeout: 0, requestTimeout: 0 };
    if (parts.tls === undefined) {
      this.#http = createServer(patient, onRequest);
    } else {
      this.#http = createTlsServer({ ...patient, ...parts.tls }, onRequest);
      this.#http.prependListener('secureConnection', (socket: TLSSocket) => this.#secured(socket));
    }
  }

  get url(): string {
    const { tls, path } = this.#parts;
    if (path !== undefined) return `unix:${path}`;
    return `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${this.#port.number}`;
  }

  get endpoint(): LoopbackEndpoint {
    return { url: this.url, ...this.#parts.place };
  }

  get openConnections(): number {
    return this.#open.size;
  }

  get requestsPerConnection(): readonly number[] {
    return this.#accepted.map(({ requests }) => requests);
  }

  plan(plan: Plan): void {
    this.#steps.replace(plan);
  }

  refuse(): Promise<void> {
    return this.#port.shut();
  }

  accept(): Promise<void> {
    return this.#port.open();
  }

  dropConnections(how: 'reset' | 'close', which: 'all' | 'idle' = 'all'): void {
    for (const connection of this.#open) {
      if (which === 'idle' && connection.active > 0) continue;
      if (how === 'reset') connection.reset();
      else connection.close();
    }
  }

  async requestReceived(): Promise<ReceivedRequest> {
    const index = this.#given++;
    return this.#parts.waiters.until(() => this.requests[index]);
  }

  async connectionsAre(count: number): Promise<void> {
    await this.#parts.waiters.until(() => (this.#open.size === count ? true : undefined));
  }

  async close(): Promise<void> {
    const gone = [...this.#open].map((connection) => connection.gone());
    for (const connection of this.#open) connection.destroy();
    await Promise.all([this.#port.close(), ...gone]);
  }

  #accept(socket: Socket): void {
    const connection = new Connection(
      socket,
      this.#accepted.length,
      this.#parts.path !== undefined,
    );
    this.#accepted.push(connection);
    this.#open.add(connection);
    this.#bySocket.set(socket, connection);
    socket.once('close', () => {
      this.#open.delete(connection);
      this.#parts.waiters.changed();
    });
    this.#http.emit('connection', socket);
    this.#parts.waiters.changed();
  }

  /** Node does not say which accepted socket a TLS socket stands on; the client's port does. */
  #secured(socket: TLSSocket): void {
    const connection = [...this.#open].find(({ clientPort }) => clientPort === socket.remotePort);
    if (connection === undefined) {
      socket.destroy();
      return;
    }
    connection.socket = socket;
    connection.tls = tlsOf(socket);
    this.#bySocket.set(socket, connection);
  }

  #receive(message: IncomingMessage, response: ServerResponse): void {
    const connection = this.#bySocket.get(message.socket);
    if (connection === undefined) throw new Error('A request on a connection that nobody accepted');
    const request = new RequestRecord(message, {
      server: this.name,
      index: this.requests.length,
      connection: connection.index,
      indexOnConnection: connection.requests,
      tls: connection.tls,
    });
    connection.requests++;
    connection.active++;
    this.requests.push(request);
    this.#parts.received(request);
    this.#parts.waiters.changed();
    void this.#answer(request, response, connection).then((answered) => {
      connection.active--;
      // Without an answer nobody else reads on, and who does not read does not see the client go.
      if (!answered) request.readBody();
      request.settle(answered);
    });
  }

  async #answer(
    request: RequestRecord,
    response: ServerResponse,
    connection: Connection,
  ): Promise<boolean> {
    const { random } = this.#parts;
    try {
      const step = await this.#stepFor(request);
      if (!isEarly(step) && !(await request.bodyReceived)) return false;
      const exchange = { request, response, connection, random };
      return await connection.inTurn(() => perform(step, exchange));
    } catch (error) {
      this.#parts.failed(error);
      connection.destroy();
      return false;
    }
  }

  async #stepFor(request: RequestRecord): Promise<Step> {
    const next = this.#steps.next(request);
    if (next instanceof Promise) request.readBody();
    const step = await next;
    if (isEarly(step)) request.pauseBody();
    else request.readBody();
    return step;
  }
}
