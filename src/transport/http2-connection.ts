/**
 * One connection of HTTP/2: a session of Node's own, which serves as many exchanges at once as both sides allow. A
 * server that chooses HTTP/1.1 gets a connection of that kind instead.
 */
import type { ClientHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { ConnectTimeoutError } from 'undici/lib/core/errors.js';
import type { Attempt } from '../core/attempt.js';
import type { Timer } from '../core/runtime.js';
import { Connection, type Connector } from './connection.js';
import type { HeldSocket } from './held-socket.js';
import { Http2Exchange, type SharedSession } from './http2-exchange.js';
import { Http2Session, type SessionListener } from './http2-session.js';
import type { ConnectionPool, PooledConnection } from './pooled-connection.js';

/** What the connections of an endpoint learn of it, for those that follow. */
export interface Learned {
  /** Attempts that its latest connection took at once. */
  streams: number;
}

/** A session has so many numbers for streams of a client's. */
const MOST_EVER = 2 ** 30 - 1;

export class Http2Connection implements PooledConnection, SharedSession, SessionListener {
  readonly isShared = true;
  readonly #origin: string;
  readonly #servername: string;
  readonly #connector: Connector;
  readonly #pool: ConnectionPool;
  readonly #learned: Learned;
  readonly #exchanges = new Set<Http2Exchange>();
  #opened: HeldSocket | undefined = undefined;
  #openedAt = 0;
  #session: Http2Session | undefined = undefined;
  reads = 0;
  lastTaken = Number.POSITIVE_INFINITY;
  lost = false;
  retired = false;
  idleSince = 0;
  #served = 0;
  /** What the server allows at once. */
  #streams = 0;
  #state: 'connecting' | 'connected' | 'leaving' = 'connecting';
  #greetingTimer: Timer = undefined;
  #ageTimer: Timer = undefined;

  constructor(
    origin: string,
    servername: string,
    connector: Connector,
    pool: ConnectionPool,
    learned: Learned,
  ) {
    this.#origin = origin;
    this.#servername = servername;
    this.#connector = connector;
    this.#pool = pool;
    this.#learned = learned;
  }

  get hasRoom(): boolean {
    // One that was retired while it connected serves those who wait for it.
    const isLeaving = this.#state === 'leaving' || (this.retired && this.#state === 'connected');
    const { maxConcurrentStreams } = this.#pool.share.limits.policy;
    return !isLeaving && this.#exchanges.size < Math.min(maxConcurrentStreams, this.#streams);
  }

  /** While it connects, by what others have learned. */
  get capacity(): number {
    const { maxConcurrentStreams, maxRequestsPerConnection } = this.#pool.share.limits.policy;
    return Math.min(
      maxConcurrentStreams,
      maxRequestsPerConnection || MOST_EVER,
      this.#learned.streams,
    );
  }

  open(): void {
    const { hostname, port, protocol } = new URL(this.#origin);
    const options = { hostname, port, protocol, host: hostname };
    this.#openedAt = this.#pool.share.runtime.now();
    this.#opened = this.#connector(options, (...[error, socket]) => {
      if (this.lost) return;
      if (error !== null) this.#pool.connectFailed(this, error);
      else if ((socket as TLSSocket).alpnProtocol === 'h2') this.#greet(socket);
      else this.#becomeHttp1();
    });
    // What is wrong with the socket is heard of the session.
    this.#opened.socket.on('error', ignore);
  }

  ref(): void {
    if (this.#opened?.socket.destroyed === false) this.#opened.socket.ref();
  }

  unref(): void {
    if (this.#opened?.socket.destroyed === false) this.#opened.socket.unref();
  }

  get openSession(): ClientHttp2Session | undefined {
    return this.#session?.open;
  }

  get isCut(): boolean {
    return this.#session?.destroyed === true;
  }

  /** Only the server's settings say how many streams it takes; before them, too many would be refused. */
  #greet(socket: Socket): void {
    const { runtime, limits, counters } = this.#pool.share;
    counters.upstream_cx_http2_total += 1;
    const session = new Http2Session(this.#origin, socket, runtime, this);
    this.#session = session;
    const { connectTimeout } = limits.policy;
    const inBackground = true;
    this.#greetingTimer = runtime.setTimer(
      () => {
        counters.upstream_cx_connect_timeout += 1;
        session.fail(new ConnectTimeoutError(`${NO_GREETING} within ${connectTimeout} ms`));
      },
      // What TLS has left of it.
      Math.max(0, this.#openedAt + connectTimeout - runtime.now()),
      inBackground,
    );
  }

  /** One that takes no stream yet has not done connecting. */
  onSettings(streams: number): void {
    if (this.lost) return;
    this.#streams = streams;
    this.#learned.streams = Math.max(1, streams);
    if (this.#state === 'connecting') {
      if (streams > 0 && this.openSession !== undefined) this.#connected();
    } else if (this.hasRoom) {
      this.#pool.takeBack(this);
      this.#letGo();
    }
  }

  onClose(error: Error | undefined): void {
    if (this.lost) return;
    if (this.#state !== 'connecting') this.discard();
    else this.#pool.connectFailed(this, error ?? new Error(NO_GREETING));
  }

  #connected(): void {
    const { runtime, limits } = this.#pool.share;
    runtime.clearTimer(this.#greetingTimer);
    const { maxConnectionDuration } = limits.policy;
    if (maxConnectionDuration > 0) {
      this.#ageTimer = runtime.setTimer(() => this.#retire(), maxConnectionDuration, true);
    }
    this.idleSince = runtime.now();
    this.#pool.connected(this);
    if (this.#state === 'connecting') this.#state = 'connected';
    this.#letGo();
  }

  onGoaway(last: number): void {
    const isFirst = this.lastTaken === Number.POSITIVE_INFINITY;
    this.lastTaken = Math.min(this.lastTaken, last);
    if (this.lost) return;
    // It may say so twice: that it will leave, and then from where on.
    if (isFirst) this.#pool.share.counters.upstream_cx_close_notify += 1;
    if (this.#state === 'connecting') this.#pool.connectFailed(this, new Error(NO_GREETING));
    else this.#closeWhenIdle();
  }

  #retire(): void {
    this.#pool.share.counters.upstream_cx_max_duration_reached += 1;
    this.#closeWhenIdle();
  }

  #closeWhenIdle(): void {
    this.#leave();
    if (this.#exchanges.size === 0) this.discard();
  }

  /** Takes no more. */
  #leave(): void {
    this.retired = true;
    this.#state = 'leaving';
  }

  #becomeHttp1(): void {
    const opened = this.#opened as HeldSocket;
    const adopt: Connector = (_options, callback) => {
      process.nextTick(callback, null, opened.socket);
      return opened;
    };
    const other = new Connection(this.#origin, this.#servername, adopt, this.#pool);
    this.lost = true;
    this.#learned.streams = 1;
    this.#pool.becomes(this, other);
  }

  send(attempt: Attempt): void {
    const { limits, counters } = this.#pool.share;
    attempt.reused = this.#served > 0;
    this.#served += 1;
    limits.requests += 1;
    // Above it when the limit has been lowered meanwhile.
    const isLast = this.#served >= (limits.policy.maxRequestsPerConnection || MOST_EVER);
    if (isLast && this.#state !== 'leaving') {
      counters.upstream_cx_max_requests += 1;
      this.#leave();
    }
    const exchange = new Http2Exchange(attempt, this);
    attempt.exchange = exchange;
    this.#exchanges.add(exchange);
    this.idleSince = Number.POSITIVE_INFINITY;
    if (this.#exchanges.size === 1) this.ref();
    exchange.begin(this.#origin);
  }

  over(exchange: Http2Exchange): void {
    this.#exchanges.delete(exchange);
    const { limits, runtime } = this.#pool.share;
    limits.requests -= 1;
    if (this.lost) return;
    if (this.#exchanges.size === 0) this.idleSince = runtime.now();
    // While it serves those who waited for it to connect, the pool goes on by itself.
    if (this.#state === 'connecting') return;
    this.#pool.takeBack(this);
    this.#letGo();
  }

  passOn(exchange: Http2Exchange, attempt: Attempt): void {
    this.#leave();
    this.over(exchange);
    this.#pool.sendAgain(attempt);
  }

  countReset(): void {
    this.#pool.share.counters.upstream_rq_rx_reset += 1;
  }

  /**
   * Over HTTP/1.1 a connection goes with the exchange that is given up. Here a dead one would keep all that come
   * later: for a quarter of an hour, when the network drops what it is sent, and for ever when Node has found a frame
   * wrong in certain ways, after which it reads nothing and says nothing.
   */
  doubt(): void {
    const time = this.#pool.share.limits.policy.connectTimeout;
    if (this.lost) return;
    this.#session?.ask(time, () => {
      this.#leave();
      this.#session?.fail(new Error(`the server has not answered a ping within ${time} ms`));
    });
  }

  /** An idle session holds nobody. */
  #letGo(): void {
    if (!this.lost && this.#exchanges.size === 0) this.unref();
  }

  // It never rests: that it is being closed is said by a frame.
  endRest(): void {}

  discard(): void {
    if (this.lost) return;
    this.lost = true;
    const { runtime } = this.#pool.share;
    runtime.clearTimer(this.#greetingTimer);
    runtime.clearTimer(this.#ageTimer);
    // It may be the session that is speaking.
    runtime.defer(() => this.#close());
    this.#pool.forget(this);
  }

  #close(): void {
    if (this.#session === undefined) this.#opened?.socket.destroy();
    else this.#session.close(this.#exchanges.size > 0);
  }
}

const NO_GREETING = 'the server has not begun to speak HTTP/2';

const ignore = (): void => {};
