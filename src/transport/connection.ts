/** One connection: an undici Client that serves one exchange at a time. */
import type { Socket } from 'node:net';
import type { buildConnector, Dispatcher } from 'undici';
import Client from 'undici/lib/dispatcher/client.js';
import type { Attempt } from '../core/attempt.js';
import { WireExchange, type ExchangeConnection } from './exchange.js';

/** Opens a socket; the callback is undici's. */
export type Connector = (
  options: buildConnector.Options,
  callback: buildConnector.Callback,
) => Socket;

/** Where a connection belongs. */
export interface ConnectionPool {
  /** The name TLS asks for, the same for every request: undici reconnects when it changes. */
  readonly servername: string;
  /** Its exchange is over; it may be handed on from the next turn. */
  giveBack(connection: Connection): void;
  /** The next attempt may have it. */
  takeBack(connection: Connection): void;
  forget(connection: Connection): void;
}

const ignore = (): void => {};

export class Connection implements ExchangeConnection {
  readonly #client: Client;
  readonly #pool: ConnectionPool;
  #exchange: WireExchange | undefined = undefined;
  /** The latest socket: a Client that is destroyed forgets one that is still connecting. */
  #socket: Socket | undefined = undefined;
  /** It can serve no further exchange. */
  lost = false;
  /** It closes after the exchange that it serves now. */
  retired = false;
  #hasServed = false;

  constructor(origin: string, connector: Connector, pool: ConnectionPool) {
    this.#pool = pool;
    this.#client = new Client(origin, {
      connect: (options, callback) => {
        this.#socket = connector(options, callback);
      },
      pipelining: 1,
      // Undici's own clocks tick every half second and do not run while a request waits.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    this.#client.on('disconnect', () => {
      // With an exchange at hand undici either fails it or, when nothing was written yet, connects anew.
      if (this.#exchange === undefined || this.#exchange.over) this.discard();
    });
  }

  send(attempt: Attempt): void {
    const { call } = attempt;
    const { wire, method } = call;
    const exchange = new WireExchange(attempt, this);
    this.#exchange = exchange;
    attempt.exchange = exchange;
    attempt.reused = this.#hasServed;
    this.#hasServed = true;
    this.#client.dispatch(
      {
        path: call.path,
        method,
        headers: attempt.headers,
        body: attempt.body === undefined ? call.body : attempt.body.content,
        // Without it each HEAD costs a connection.
        reset: wire?.reset ?? (method === 'HEAD' ? false : undefined),
        headersTimeout: wire?.headersTimeout,
        bodyTimeout: wire?.bodyTimeout,
        blocking: wire?.blocking,
        idempotent: wire?.idempotent,
        expectContinue: wire?.expectContinue,
        servername: this.#pool.servername,
      } as Dispatcher.DispatchOptions,
      exchange,
    );
  }

  /** The exchange has ended well. */
  release(): void {
    this.#exchange = undefined;
    if (!this.lost) this.#pool.giveBack(this);
  }

  /** The turn in which it was released is over. */
  makeAvailable(): void {
    if (this.lost) return;
    if (this.retired) this.discard();
    else this.#pool.takeBack(this);
  }

  /** Forgets the connection and closes its socket, if there is one: safe at any moment, any number of times. */
  discard(): void {
    if (this.lost) return;
    this.lost = true;
    this.#pool.forget(this);
    this.#client.destroy(null, ignore);
    this.#socket?.destroy();
  }
}
