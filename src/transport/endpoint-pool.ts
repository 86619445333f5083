/**
 * The connections of one endpoint, last used first: few of them stay busy, the others may close. Who finds none waits
 * in line, within the limits of the cluster (Envoy's `conn_pool_base.cc`).
 */
import type { Starved } from '../cluster/limits.js';
import type { Sender } from '../cluster/endpoint.js';
import type { Attempt } from '../core/attempt.js';
import * as drive from '../core/drive.js';
import { failure, type Failure, type PoolLimit } from '../core/failure.js';
import type { RawHeader } from '../core/reply.js';
import { announcesClose } from './announced-close.js';
import { IdleWatch } from './idle-watch.js';
import type { ConnectionPool, PooledConnection, PoolShare } from './pooled-connection.js';
import { WaitingLine } from './waiting-line.js';
import { refusalOf } from './wire-request.js';

export class EndpointPool implements Sender, ConnectionPool, Starved {
  readonly share: PoolShare;
  readonly #make: (pool: ConnectionPool) => PooledConnection;
  readonly #refused: (limit: PoolLimit) => void;
  readonly #all = new Set<PooledConnection>();
  /** Each with the attempts that it will take at once, as far as is known. */
  readonly #connecting = new Map<PooledConnection, number>();
  /** The same of all of them together. */
  #expected = 0;
  readonly #free: PooledConnection[] = [];
  /** Given back in this turn. */
  readonly #resting: PooledConnection[] = [];
  readonly #line: WaitingLine;
  readonly #idle: IdleWatch;
  #left = false;
  /** What is opened for those who still wait closes after one exchange, until the endpoint is chosen again. */
  #isOut = false;

  constructor(
    make: (pool: ConnectionPool) => PooledConnection,
    share: PoolShare,
    refused: (limit: PoolLimit) => void,
  ) {
    this.#make = make;
    this.share = share;
    this.#refused = refused;
    this.#line = new WaitingLine(() => this.#givenUp());
    this.#idle = new IdleWatch(this.#free, share);
  }

  get size(): { readonly open: number; readonly idle: number } {
    return { open: this.#all.size, idle: this.#free.filter(isIdle).length };
  }

  get isConnected(): boolean {
    return this.#all.size > this.#connecting.size;
  }

  get waiting(): number {
    return this.#line.length;
  }

  send(attempt: Attempt): void {
    const { limits } = this.share;
    limits.makeRoom();
    this.#isOut = false;
    let from = this.#resting;
    let place = placeOfRoom(from, false);
    if (place === -1) {
      from = this.#free;
      place = placeOfRoom(from, attempt.call.distrustsIdle);
    }
    if (place === -1) this.#wait(attempt);
    else if (limits.mayStart) take(from, place).send(attempt);
    else this.#refuse(attempt, 'maxRequests');
  }

  /** The connection turned out to be closed before anything was written: the attempt was admitted, and stays so. */
  sendAgain(attempt: Attempt): void {
    const place = placeOfRoom(this.#free, false);
    if (place === -1) this.#join(attempt, true);
    else take(this.#free, place).send(attempt);
  }

  #wait(attempt: Attempt): void {
    const { limits } = this.share;
    if (attempt.call.distrustsIdle && !limits.mayConnect) this.#free.find(isIdle)?.discard();
    // As in Envoy, who waits for a connection of his own waits too; but where nobody may wait, he is let through.
    const isAllowed =
      limits.mayWait || (limits.policy.maxPendingRequests === 0 && this.#hasConnectionFor());
    if (isAllowed) this.#join(attempt);
    else this.#refuse(attempt, 'maxPendingRequests');
  }

  #join(attempt: Attempt, atFront = false): void {
    const { counters } = this.share;
    counters.upstream_rq_pending_active += 1;
    // Somebody waits again: what is being made holds the process.
    if (this.#line.length === 0) for (const connection of this.#connecting.keys()) connection.ref();
    this.#line.add(attempt, atFront);
    if (!atFront) counters.upstream_rq_pending_total += 1;
    if (this.#line.length <= this.#expected) return;
    // As in Envoy, also where one is opened nevertheless.
    if (!atFront && !this.share.limits.mayConnect) counters.upstream_cx_overflow += 1;
    this.openForWaiting();
  }

  /** A connection for one more who waits: one that is being made for nobody, or may be. */
  #hasConnectionFor(): boolean {
    return this.#expected > this.#line.length || this.#mayOpen();
  }

  /** Every endpoint may have one connection, whatever the limit. */
  #mayOpen(): boolean {
    const { limits } = this.share;
    return limits.mayConnect || (this.#all.size === 0 && !limits.isClosed);
  }

  openForWaiting(): void {
    while (this.#line.length > this.#expected) {
      if (!this.#mayOpen()) {
        this.share.limits.starves(this);
        return;
      }
      this.#open();
    }
  }

  #open(): void {
    const { counters } = this.share;
    counters.upstream_cx_total += 1;
    counters.upstream_cx_active += 1;
    const connection = this.#make(this);
    connection.retired = this.#left || this.#isOut;
    this.#all.add(connection);
    this.#begin(connection);
  }

  connected(connection: PooledConnection): void {
    this.#done(connection);
    this.#serve(connection);
    if (connection.hasRoom || connection.isShared) this.takeBack(connection);
    // It may take fewer than was thought.
    this.openForWaiting();
  }

  becomes(connection: PooledConnection, other: PooledConnection): void {
    other.retired = connection.retired;
    this.#all.delete(connection);
    this.#all.add(other);
    this.#done(connection);
    this.#begin(other);
    this.openForWaiting();
  }

  #begin(connection: PooledConnection): void {
    const { capacity } = connection;
    this.#connecting.set(connection, capacity);
    this.#expected += capacity;
    connection.open();
  }

  /** It is not being made any more. */
  #done(connection: PooledConnection): void {
    this.#expected -= this.#connecting.get(connection) ?? 0;
    this.#connecting.delete(connection);
  }

  /** It answers everybody who waits, as in Envoy. */
  connectFailed(connection: PooledConnection, error: unknown): void {
    const { counters } = this.share;
    counters.upstream_cx_connect_fail += 1;
    for (let left = this.#line.length; left > 0 && this.#line.first !== undefined; left--) {
      counters.upstream_rq_pending_failure_eject += 1;
      // With the platform's fetch too, what can never be written fails as that.
      const refusal = refusalOf(this.#line.first);
      this.#failFirst(
        refusal === undefined
          ? failure('connect-failure', 'UF', error, false)
          : failure('unsendable', undefined, refusal, false),
      );
    }
    // Only now: its place would have gone to those who have just been answered.
    connection.discard();
    this.#looseConnecting();
  }

  giveBack(connection: PooledConnection, answer: readonly RawHeader[]): void {
    if (!connection.retired) {
      // Whoever it was handed to would come back to the line.
      if (this.#line.length > 0 && !announcesClose(answer)) this.#serve(connection);
      if (connection.hasRoom) this.#resting.push(connection);
    }
    this.share.releases.add(connection);
  }

  takeBack(connection: PooledConnection): void {
    remove(this.#resting, connection);
    if (connection.lost) return;
    if (connection.retired) {
      if (isIdle(connection)) connection.discard();
      return;
    }
    if (this.#line.length > 0) this.#serve(connection);
    if (this.#line.length > 0 && connection.hasRoom && this.#all.has(connection)) {
      // Who was refused has come again at once: his turn is the next one, or this might never end.
      this.share.runtime.defer(() => this.takeBack(connection));
      if (!connection.isShared) return;
    }
    // One that is shared stays among them, also while it is full.
    const joins = connection.isShared ? !this.#free.includes(connection) : connection.hasRoom;
    if (joins && this.#all.has(connection)) this.#free.push(connection);
    this.idles();
  }

  idles(): void {
    if (!this.#left) this.#idle.start();
  }

  forget(connection: PooledConnection): void {
    const { counters, limits } = this.share;
    this.#all.delete(connection);
    this.#done(connection);
    remove(this.#resting, connection);
    remove(this.#free, connection);
    counters.upstream_cx_active -= 1;
    counters.upstream_cx_destroy += 1;
    // Its place is another's.
    limits.connectionClosed();
    this.openForWaiting();
  }

  drain(): void {
    this.#isOut = true;
    this.#resting.length = 0;
    for (const connection of this.#all) connection.retired = true;
    for (const connection of this.#free.filter(isIdle)) connection.discard();
  }

  renew(): void {
    this.drain();
    for (const connection of [...this.#connecting.keys()]) connection.discard();
  }

  limitsChanged(): void {
    this.#idle.stop();
    this.idles();
    // Those that are shared may have more room.
    for (const connection of this.#free.filter(({ isShared }) => isShared)) this.#serve(connection);
  }

  leave(): void {
    this.#left = true;
    this.drain();
    this.#looseConnecting();
    this.#idle.stop();
  }

  destroy(): void {
    for (const connection of [...this.#all]) connection.discard();
    this.#idle.stop();
  }

  /** Hands the connection to the first in line, unless too many requests are under way: that refuses them all. */
  #serve(connection: PooledConnection): void {
    const { counters, limits } = this.share;
    for (let left = this.#line.length; left > 0 && this.#line.first !== undefined; left--) {
      if (!connection.hasRoom || connection.lost) break;
      if (limits.mayStart) {
        counters.upstream_rq_pending_active -= 1;
        this.#line.serveFirst(connection);
      } else {
        this.#refuseFirst();
      }
    }
    this.#looseConnecting();
  }

  #refuseFirst(): void {
    const attempt = this.#line.first as Attempt;
    this.#dropFirst();
    this.#refuse(attempt, 'maxRequests');
  }

  #failFirst(reason: Failure): void {
    const attempt = this.#line.first as Attempt;
    this.#dropFirst();
    drive.fail(attempt, reason);
  }

  #dropFirst(): void {
    this.share.counters.upstream_rq_pending_active -= 1;
    this.#line.dropFirst();
  }

  #refuse(attempt: Attempt, option: PoolLimit['option']): void {
    const reason = this.share.limits.refuse(option);
    this.#refused(reason.overflow as PoolLimit);
    drive.fail(attempt, reason);
  }

  #givenUp(): void {
    this.share.counters.upstream_rq_pending_active -= 1;
    this.share.counters.upstream_rq_cancelled += 1;
    this.#looseConnecting();
  }

  /**
   * A connection that nobody waits for goes on being made, as in Envoy, and does not hold the process; at an endpoint
   * that has left there will be nobody for it.
   */
  #looseConnecting(): void {
    if (this.#line.length > 0 || this.#connecting.size === 0) return;
    for (const connection of [...this.#connecting.keys()]) {
      if (this.#left) connection.discard();
      else connection.unref();
    }
  }
}

/** No attempt has it. */
function isIdle({ idleSince }: PooledConnection): boolean {
  return idleSince !== Number.POSITIVE_INFINITY;
}

/** Of those that have room, where the one stands that was used last; -1 when none has. */
function placeOfRoom(from: readonly PooledConnection[], distrustsIdle: boolean): number {
  for (let place = from.length - 1; place >= 0; place--) {
    const connection = from[place] as PooledConnection;
    if (connection.hasRoom && !(distrustsIdle && isIdle(connection))) return place;
  }
  return -1;
}

/** One that is shared stays where it is. */
function take(from: PooledConnection[], place: number): PooledConnection {
  const connection = from[place] as PooledConnection;
  if (connection.isShared) return connection;
  if (place === from.length - 1) from.pop();
  else from.splice(place, 1);
  return connection;
}

function remove(from: PooledConnection[], connection: PooledConnection): void {
  const index = from.indexOf(connection);
  if (index !== -1) from.splice(index, 1);
}
