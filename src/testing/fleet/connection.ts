/** An accepted connection, from the socket's side: how it is written to, waited on, and ended. */
import type { Socket } from 'node:net';
import type { Bytes, Wait } from './plan.js';
import type { ReceivedTls } from './request-record.js';

export class Connection {
  /** Its number at the server, from 0. */
  readonly index: number;
  /** Undefined on a unix socket, and when the client was gone before it was accepted. */
  readonly clientPort: number | undefined;
  /** Where HTTP is spoken: the TLS socket over the accepted one, or the accepted one itself. */
  socket: Socket;
  tls: ReceivedTls | undefined;
  /** How many requests have arrived on it. */
  requests = 0;
  /** How many of them are not done. */
  active = 0;
  readonly #accepted: Socket;
  readonly #onUnixSocket: boolean;
  readonly #whenGone = new Set<() => void>();
  #gone = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(accepted: Socket, index: number, onUnixSocket: boolean) {
    this.index = index;
    this.clientPort = accepted.remotePort;
    this.socket = accepted;
    this.#accepted = accepted;
    this.#onUnixSocket = onUnixSocket;
    // A client that resets is part of the play; 'close' follows.
    accepted.on('error', () => {});
    accepted.once('close', () => {
      this.#gone = true;
      for (const tell of this.#whenGone) tell();
    });
  }

  /** Carries `act` out when those before it are done: answers leave in the order of the requests. */
  inTurn<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(act);
    this.#turn = result.catch(() => {});
    return result;
  }

  /**
   * Resolves true when `begin` calls back, false when the connection is gone before that. What `begin` gives
   * back is called then.
   */
  until(
    begin: (done: () => void, failed: (error: unknown) => void) => (() => void) | undefined,
  ): Promise<boolean> {
    if (this.#gone) return Promise.resolve(false);
    return new Promise((resolve, reject) => {
      const gone = () => {
        cancel?.();
        resolve(false);
      };
      const settle = (act: () => void) => {
        this.#whenGone.delete(gone);
        act();
      };
      this.#whenGone.add(gone);
      const cancel = begin(
        () => settle(() => resolve(true)),
        (error) => settle(() => reject(error)),
      );
    });
  }

  /** Waits as long as the plan says; false when the connection is gone before. */
  wait(wait: Wait): Promise<boolean> {
    if (wait === 0) return Promise.resolve(!this.#gone);
    return this.until((done, failed) => {
      if (typeof wait !== 'number') {
        wait.then(done, failed);
        return undefined;
      }
      const timer = setTimeout(done, wait);
      return () => clearTimeout(timer);
    });
  }

  /** Resolves when the connection is gone. */
  gone(): Promise<boolean> {
    return this.until(() => undefined);
  }

  /** Resolves true when the bytes and all before them have been handed to the system. */
  write(bytes: Bytes): Promise<boolean> {
    return this.until((done) => {
      this.socket.write(bytes, (error) => {
        if (error == null) done();
      });
      return undefined;
    });
  }

  /** Sends FIN after what was written. */
  close(): void {
    this.socket.end();
  }

  /**
   * Sends RST, two turns later: a client in this process has then read what was sent before. Node takes a reset
   * that it finds together with unread bytes for an orderly close.
   */
  reset(): void {
    if (this.#onUnixSocket) {
      throw new Error('A connection on a unix socket cannot be reset; close it');
    }
    setImmediate(() => setImmediate(() => this.#accepted.resetAndDestroy()));
  }

  /** Gives the socket back at once. */
  destroy(): void {
    this.#accepted.destroy();
  }
}
