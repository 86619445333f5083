/** A session of Node's HTTP/2 on a socket whose TLS has chosen it: how it begins, is asked for a sign of life, ends. */
import { connect, type ClientHttp2Session, type Settings } from 'node:http2';
import type { Socket } from 'node:net';
import type { Runtime, Timer } from '../core/runtime.js';
import { Http2Wire } from './http2-wire.js';

/** Hears of the session; of the first two also from within Node's reading of a frame. */
export interface SessionListener {
  /** So many streams the server takes at once. */
  onSettings(streams: number): void;
  /** The server takes none after that one; those that it has taken go on. May come several times. */
  onGoaway(last: number): void;
  onClose(error: Error | undefined): void;
}

/** In bytes: what one answer may have unread, and what may be on its way of all of them together. */
const STREAM_WINDOW = 1024 * 1024;
const SESSION_WINDOW = 16 * STREAM_WINDOW;

/** In milliseconds: so long a server may take to read that the session is over. */
const FAREWELL = 500;

export class Http2Session {
  readonly #session: ClientHttp2Session;
  readonly #socket: Socket;
  readonly #runtime: Runtime;
  #pingTimer: Timer = undefined;

  constructor(origin: string, socket: Socket, runtime: Runtime, listener: SessionListener) {
    this.#socket = socket;
    this.#runtime = runtime;
    const session = connect(origin, {
      createConnection: () => new Http2Wire(socket),
      // What Node would reset streams for is bounded by their number, and the window of each.
      maxSessionMemory: 1000,
      settings: { enablePush: false, initialWindowSize: STREAM_WINDOW },
    });
    this.#session = session;
    session.setLocalWindowSize(SESSION_WINDOW);
    let failure: Error | undefined;
    session.on('error', (error: Error) => {
      failure = error;
    });
    session.on('goaway', (_code, last: number) => listener.onGoaway(last));
    session.on('remoteSettings', ({ maxConcurrentStreams }: Settings) =>
      listener.onSettings(maxConcurrentStreams ?? Number.POSITIVE_INFINITY),
    );
    session.on('close', () => {
      runtime.clearTimer(this.#pingTimer);
      listener.onClose(failure);
    });
  }

  /** Node's own, while it takes streams. */
  get open(): ClientHttp2Session | undefined {
    const { closed, destroyed } = this.#session;
    return closed || destroyed || this.#socket.destroyed ? undefined : this.#session;
  }

  get destroyed(): boolean {
    return this.#session.destroyed;
  }

  /** Ends it, and all of its streams with that error. */
  fail(error: Error): void {
    this.#session.destroy(error);
  }

  /** Sends a ping, one at a time. The callback is called when no answer has come by then. */
  ask(time: number, unanswered: () => void): void {
    if (this.#pingTimer !== undefined || this.#session.destroyed) return;
    const inBackground = true;
    this.#pingTimer = this.#runtime.setTimer(unanswered, time, inBackground);
    this.#session.ping(() => {
      this.#runtime.clearTimer(this.#pingTimer);
      this.#pingTimer = undefined;
    });
  }

  /** Must not be called from within Node's reading of a frame. */
  close(hasStreams: boolean): void {
    this.#runtime.clearTimer(this.#pingTimer);
    if (this.#socket.destroyed) return;
    if (hasStreams) this.#session.destroy();
    else this.#session.close();
    // What it says last goes out first; for a server that does not read, Node would wait for ever.
    const inBackground = true;
    const timer = this.#runtime.setTimer(() => this.#socket.destroy(), FAREWELL, inBackground);
    this.#socket.once('close', () => this.#runtime.clearTimer(timer));
  }
}
