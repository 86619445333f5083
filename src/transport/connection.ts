/** One connection: an undici Client that serves one exchange at a time. */
import type { buildConnector, Dispatcher } from 'undici';
import Client from 'undici/lib/dispatcher/client.js';
import type { Attempt } from '../core/attempt.js';
import { WireExchange, type ExchangeConnection } from './exchange.js';
import type { HeldSocket } from './held-socket.js';

/** Opens a socket; the callback is undici's. */
export type Connector = (
  options: buildConnector.Options,
  callback: buildConnector.Callback,
) => HeldSocket;

/** Where a connection belongs. */
export interface ConnectionPool {
  /** The name TLS asks for, the same for every request: undici reconnects when it changes. */
  readonly servername: string;
  /** Puts an attempt on some connection. */
  send(attempt: Attempt): void;
  /** Its exchange is over; what it is given before the next turn waits until then. */
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
  #opened: HeldSocket | undefined = undefined;
  /** It can serve no further exchange. */
  lost = false;
  /** It closes after the exchange that it serves now. */
  retired = false;
  #hasServed = false;
  /** Its exchange ended in this turn. */
  #resting = false;
  /** What it was given meanwhile. */
  #held: Attempt | undefined = undefined;

  constructor(origin: string, connector: Connector, pool: ConnectionPool) {
    this.#pool = pool;
    this.#client = new Client(origin, {
      connect: (options, callback) => {
        // Undici connects anew by itself when it finds the connection closed before it has written anything.
        this.#exchange?.connectsAnew();
        this.#opened = connector(options, callback);
        this.#opened.socket.on('error', (error) => this.#exchange?.onSocketError(error));
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
    const exchange = new WireExchange(attempt, this);
    this.#exchange = exchange;
    attempt.exchange = exchange;
    attempt.reused = this.#hasServed;
    this.#hasServed = true;
    if (this.#resting) this.#held = attempt;
    else this.#dispatch(attempt, exchange);
  }

  #dispatch(attempt: Attempt, exchange: WireExchange): void {
    const { call } = attempt;
    const { wire, method } = call;
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
        // With one exchange at a time nothing waits behind it.
        blocking: wire?.blocking ?? false,
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
    if (this.lost) return;
    this.#resting = true;
    this.#pool.giveBack(this);
  }

  /** The turn in which it was released is over. */
  endRest(): void {
    this.#resting = false;
    if (this.lost) return;
    const held = this.#held;
    this.#held = undefined;
    // Its last answer announced a close.
    if (this.#opened?.socket.destroyed === true) {
      this.discard();
      if (held !== undefined) this.#pool.send(held);
    } else if (held !== undefined) {
      this.#dispatch(held, this.#exchange as WireExchange);
    } else if (this.retired) {
      this.discard();
    } else {
      this.#pool.takeBack(this);
    }
  }

  get reads(): number {
    return this.#opened?.reads ?? 0;
  }

  hold(): void {
    this.#opened?.hold();
  }

  goOn(): void {
    this.#opened?.goOn();
  }

  withdraw(): void {
    // An aborted undici Client opens a new connection by itself: it has to go in the same turn.
    if (this.#held === undefined) this.discard();
    this.#held = this.#exchange = undefined;
  }

  /** Forgets the connection and closes its socket, if there is one: safe at any moment, any number of times. */
  discard(): void {
    if (this.lost) return;
    this.lost = true;
    this.#pool.forget(this);
    this.#client.destroy(null, ignore);
    this.#opened?.socket.destroy();
  }
}
