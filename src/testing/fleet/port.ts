/** Where a server of the fleet listens: a port of 127.0.0.1 or a unix socket, which can be shut and opened again. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

const HOST = '127.0.0.1';

export class Port {
  readonly #path: string | undefined;
  readonly #accept: (socket: Socket) => void;
  readonly #halfOpen: boolean;
  readonly #ended: Promise<unknown>[] = [];
  #number = 0;
  #server: Server | undefined;
  #parked: Socket | undefined;

  /**
   * @param path of a unix socket, or undefined for a port that the system chooses.
   * @param halfOpen whether a connection stays when the client has ended its half.
   */
  constructor(path: string | undefined, halfOpen: boolean, accept: (socket: Socket) => void) {
    this.#path = path;
    this.#halfOpen = halfOpen;
    this.#accept = accept;
  }

  /** 0 on a unix socket. */
  get number(): number {
    return this.#number;
  }

  async open(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer({ allowHalfOpen: this.#halfOpen, noDelay: true }, this.#accept);
    this.#server = server;
    const listening = once(server, 'listening');
    if (this.#path === undefined) server.listen(this.#number, HOST);
    else server.listen(this.#path);
    try {
      await listening;
    } catch (error) {
      this.#server = undefined;
      throw error;
    }
    if (this.#path === undefined) this.#number = (server.address() as AddressInfo).port;
    this.#unpark();
  }

  /** Refuses new connections; those that are open stay. */
  async shut(): Promise<void> {
    if (this.#server === undefined) return;
    this.#stopListening();
    if (this.#path === undefined) await this.#park();
  }

  /** Ends for good; resolves when the system has everything back. */
  async close(): Promise<void> {
    this.#stopListening();
    this.#unpark();
    await Promise.all(this.#ended);
  }

  #stopListening(): void {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    this.#ended.push(once(server, 'close'));
    server.close();
  }

  /**
   * Keeps the port while nobody listens, so that the system gives it to nobody else: a socket that is
   * connected to itself holds the number and refuses all others. Where the system knows no such thing, the port is
   * merely free.
   */
  async #park(): Promise<void> {
    const port = this.#number;
    const socket = connect({ host: HOST, port, localAddress: HOST, localPort: port });
    socket.unref();
    this.#parked = socket;
    await new Promise<void>((resolve) => {
      socket.once('connect', resolve);
      socket.once('close', () => resolve());
      socket.on('error', () => {});
    });
  }

  #unpark(): void {
    const socket = this.#parked;
    if (socket === undefined) return;
    this.#parked = undefined;
    if (!socket.destroyed) this.#ended.push(once(socket, 'close'));
    socket.destroy();
  }
}
