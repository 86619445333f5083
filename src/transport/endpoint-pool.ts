/** The connections of one endpoint: a free list, last used first. */
import type { Sender } from '../cluster/endpoint.js';
import type { Attempt } from '../core/attempt.js';
import { Connection, type ConnectionPool, type Connector } from './connection.js';
import type { Releases } from './releases.js';

export class EndpointPool implements Sender, ConnectionPool {
  readonly servername: string;
  readonly #origin: string;
  readonly #makeConnector: () => Connector;
  readonly #releases: Releases;
  #connector: Connector | undefined = undefined;
  readonly #all = new Set<Connection>();
  readonly #free: Connection[] = [];
  #left = false;

  constructor(
    origin: string,
    servername: string,
    makeConnector: () => Connector,
    releases: Releases,
  ) {
    this.#origin = origin;
    this.servername = servername;
    this.#makeConnector = makeConnector;
    this.#releases = releases;
  }

  get size(): { readonly open: number; readonly idle: number } {
    return { open: this.#all.size, idle: this.#free.length };
  }

  send(attempt: Attempt): void {
    let connection = attempt.call.distrustsIdle ? undefined : this.#free.pop();
    if (connection === undefined) {
      this.#connector ??= this.#makeConnector();
      connection = new Connection(this.#origin, this.#connector, this);
      connection.retired = this.#left;
      this.#all.add(connection);
    }
    connection.send(attempt);
  }

  drain(): void {
    this.#connector = undefined;
    for (const connection of [...this.#free]) connection.discard();
    for (const connection of this.#all) connection.retired = true;
  }

  leave(): void {
    this.#left = true;
    this.drain();
  }

  destroy(): void {
    for (const connection of [...this.#all]) connection.discard();
  }

  giveBack(connection: Connection): void {
    this.#releases.add(connection);
  }

  takeBack(connection: Connection): void {
    this.#free.push(connection);
  }

  forget(connection: Connection): void {
    this.#all.delete(connection);
    const index = this.#free.indexOf(connection);
    if (index !== -1) this.#free.splice(index, 1);
  }
}
