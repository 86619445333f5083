/** One connection: an undici Client that serves one exchange at a time. */
import type { buildConnector, Dispatcher } from 'undici';
import Client from 'undici/lib/dispatcher/client.js';
import symbols from 'undici/lib/core/symbols.js';
import type { Attempt } from '../core/attempt.js';
import type { RawHeader } from '../core/reply.js';
import type { Timer } from '../core/runtime.js';
import { announcesClose } from './announced-close.js';
import type { ConnectionPool, PooledConnection } from './pooled-connection.js';
import { WireExchange, type ExchangeConnection } from './exchange.js';
import type { HeldSocket } from './held-socket.js';
import { wireRequest } from './wire-request.js';

/** Opens a socket; the callback is undici's. */
export type Connector = (
  options: buildConnector.Options,
  callback: buildConnector.Callback,
) => HeldSocket;

/** Undici asks for a new socket when it finds the old one closed before it has written anything. */
const STALE = new Error('the connection was closed while it was idle');

const ignore = (): void => {};

/** What undici calls its note; where it is missing, undici waits once more. */
const REST_MARK = 'kIdleSocketValidation';
const RESTED = 2;
/** In milliseconds: what undici takes for no limit. */
const LONGEST = 2 ** 31 - 1;
/** What undici closes an idle connection with, when a `keep-alive` header of the server's asked for it. */
const SERVER_PATIENCE = 'socket idle timeout';

export class Connection implements PooledConnection, ExchangeConnection {
  readonly #client: Client;
  readonly #origin: string;
  readonly #servername: string;
  readonly #pool: ConnectionPool;
  /** What undici is to send. */
  readonly #queue: object[] | undefined;
  /** Undici looks what there is to do. */
  readonly #look: (sync?: boolean) => void;
  #exchange: WireExchange | undefined = undefined;
  /** The latest socket: a Client that is destroyed forgets one that is still connecting. */
  #opened: HeldSocket | undefined = undefined;
  readonly isShared = false;
  readonly capacity = 1;
  lost = false;
  retired = false;
  idleSince = 0;
  #served = 0;
  #ageTimer: Timer = undefined;
  /** Where undici notes on the socket how far its rest is. */
  #restMark: symbol | undefined = undefined;
  /** Its exchange ended in this turn, or in the one before. */
  #resting = false;
  /** The headers that it ended with. */
  #answer: readonly RawHeader[] | undefined = undefined;
  /** What it was given meanwhile. */
  #held: Attempt | undefined = undefined;

  /** The name that TLS asks for is the same for every request: undici begins anew when it changes. */
  constructor(origin: string, servername: string, connector: Connector, pool: ConnectionPool) {
    this.#origin = origin;
    this.#servername = servername;
    this.#pool = pool;
    this.#client = new Client(origin, {
      connect: (options, callback) => {
        if (this.#opened !== undefined) {
          callback(STALE, null);
          return;
        }
        this.#opened = connector(options, callback);
        this.#opened.socket.on('error', (error) => this.#exchange?.onSocketError(error));
      },
      pipelining: 1,
      // Undici's own clocks tick every half second and do not run while a request waits.
      headersTimeout: 0,
      bodyTimeout: 0,
      // Idle connections are ours to close; what a server says of its own patience is heeded.
      keepAliveTimeout: LONGEST,
      keepAliveMaxTimeout: LONGEST,
    });
    // Else it would begin anew with the first request.
    Reflect.set(this.#client, symbols.kServerName, servername);
    // No timer where the server says nothing: the option has to be above 0.
    Reflect.set(this.#client, symbols.kKeepAliveDefaultTimeout, 0);
    Reflect.set(this.#client, symbols.kKeepAliveTimeoutValue, 0);
    this.#look = Reflect.get(this.#client, symbols.kResume) as (sync?: boolean) => void;
    this.#queue = Reflect.get(this.#client, symbols.kQueue) as object[] | undefined;
    // It would after each answer, and find nothing while the connection rests.
    const client = this.#client as unknown as Record<symbol, unknown>;
    client[symbols.kResume] = (sync?: boolean) => {
      if (this.#resting) client[symbols.kPipelining] = 1;
      else this.#look(sync);
    };
    this.#client.on('connect', () => this.#connected());
    this.#client.on('connectionError', (_origin, _targets, error) => {
      if (!this.lost && error !== STALE) pool.connectFailed(this, error);
    });
    this.#client.on('disconnect', (_origin, _targets, error) => {
      if (error.message === SERVER_PATIENCE) pool.share.counters.upstream_cx_idle_timeout += 1;
      // With an exchange at hand undici either fails it or, when nothing was written yet, asks for a new socket.
      if (this.#exchange === undefined || this.#exchange.over) this.discard();
    });
  }

  open(): void {
    this.#pool.share.counters.upstream_cx_http1_total += 1;
    // The one way to open a connection ahead of any request.
    const connect = Reflect.get(this.#client, symbols.kConnect) as (connected: () => void) => void;
    connect.call(this.#client, ignore);
  }

  get hasRoom(): boolean {
    // Undici has closed it already when the answer announced as much.
    return this.#exchange === undefined && this.#opened?.socket.destroyed === false;
  }

  ref(): void {
    this.#opened?.socket.ref();
  }

  unref(): void {
    this.#opened?.socket.unref();
  }

  #connected(): void {
    const { runtime, limits } = this.#pool.share;
    // Undici takes it for one that holds the process.
    this.ref();
    const { maxConnectionDuration } = limits.policy;
    if (maxConnectionDuration > 0) {
      this.#ageTimer = runtime.setTimer(() => this.#retire(), maxConnectionDuration, true);
    }
    this.#restMark = Object.getOwnPropertySymbols(this.#opened?.socket ?? {}).find(
      ({ description }) => description === REST_MARK,
    );
    this.idleSince = runtime.now();
    this.#pool.connected(this);
  }

  /** It has lived long enough. */
  #retire(): void {
    this.#pool.share.counters.upstream_cx_max_duration_reached += 1;
    this.retired = true;
    if (this.hasRoom && !this.#resting) this.discard();
  }

  send(attempt: Attempt): void {
    const exchange = new WireExchange(attempt, this);
    this.#exchange = exchange;
    attempt.exchange = exchange;
    attempt.reused = this.#served > 0;
    this.#pool.share.limits.requests += 1;
    if (this.#resting) this.#held = attempt;
    else this.#dispatch(attempt, exchange);
  }

  #dispatch(attempt: Attempt, exchange: WireExchange): void {
    const { call } = attempt;
    const { maxRequestsPerConnection: most } = this.#pool.share.limits.policy;
    this.#served += 1;
    // Above it when the limit has been lowered meanwhile.
    if (most > 0 && this.#served >= most && !this.retired) this.#serveLast();
    const made = wireRequest(attempt, exchange, this.#origin, this.#servername);
    if (made !== undefined && this.#queue !== undefined) {
      this.#queue.push(made);
      this.#look(true);
      return;
    }
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
        servername: this.#servername,
      } as Dispatcher.DispatchOptions,
      exchange,
    );
  }

  #serveLast(): void {
    this.#pool.share.counters.upstream_cx_max_requests += 1;
    this.retired = true;
  }

  /** The exchange has ended well. */
  release(answer: readonly RawHeader[]): void {
    this.#exchange = undefined;
    if (this.#opened !== undefined) this.#opened.lends = false;
    this.#pool.share.limits.requests -= 1;
    if (this.lost) return;
    this.#resting = true;
    // Undici asks at once whether there is more to do, and is told; else it would in the next turn, for each answer.
    (this.#client as unknown as Record<symbol, unknown>)[symbols.kPipelining] = 2;
    this.#answer = answer;
    this.#pool.giveBack(this, answer);
  }

  endRest(now: number): void {
    this.#resting = false;
    if (this.lost) return;
    const held = this.#held;
    this.#held = undefined;
    if (this.#opened?.socket.destroyed === true) {
      if (held === undefined) this.discard();
      else this.passOn(held);
      return;
    }
    this.#answer = undefined;
    if (held !== undefined) {
      this.#hasRested();
      this.#dispatch(held, this.#exchange as WireExchange);
    } else {
      this.idleSince = now;
      this.#pool.takeBack(this);
      if (this.hasRoom) this.#look();
    }
  }

  /** Undici lets each connection that has served before rest for a turn of its own; this one has, with all others. */
  #hasRested(): void {
    const socket = this.#opened?.socket;
    if (socket !== undefined && this.#restMark !== undefined) {
      (socket as unknown as Record<symbol, unknown>)[this.#restMark] = RESTED;
    }
  }

  /** It is closed, and nothing of the attempt was written. */
  passOn(attempt: Attempt): void {
    this.#pool.share.limits.requests -= 1;
    this.#exchange = undefined;
    this.discard();
    this.#pool.sendAgain(attempt);
  }

  get reads(): number {
    return this.#opened?.reads ?? 0;
  }

  lend(): void {
    if (this.#opened !== undefined) this.#opened.lends = true;
  }

  hold(): void {
    this.#opened?.hold();
  }

  goOn(): void {
    this.#opened?.goOn();
  }

  withdraw(): void {
    // An aborted undici Client opens a new connection by itself: it has to go in the same turn.
    const isHeld = this.#held !== undefined;
    this.#held = this.#exchange = undefined;
    this.#pool.share.limits.requests -= 1;
    if (!isHeld) this.discard();
  }

  /** The exchange has failed. */
  fail(): void {
    this.#exchange = undefined;
    this.#pool.share.limits.requests -= 1;
    this.discard();
  }

  discard(): void {
    if (this.lost) return;
    this.lost = true;
    const { runtime, counters } = this.#pool.share;
    runtime.clearTimer(this.#ageTimer);
    if (this.#answer !== undefined && announcesClose(this.#answer)) {
      counters.upstream_cx_close_notify += 1;
    }
    this.#client.destroy(null, ignore);
    this.#opened?.socket.destroy();
    this.#pool.forget(this);
  }
}
