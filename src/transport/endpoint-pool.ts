/** The connections of one endpoint, last used first: few of them stay busy, the others may close. */
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
  /** Given back in this turn. */
  readonly #resting: Connection[] = [];
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
    const used = attempt.call.distrustsIdle ? undefined : (this.#resting.pop() ?? this.#free.pop());
    const connection = used ?? this.#open();
    connection.send(attempt);
  }

  #open(): Connection {
    this.#connector ??= this.#makeConnector();
    const connection = new Connection(this.#origin, this.#connector, this);
    connection.retired = this.#left;
    this.#all.add(connection);
    return connection;
  }

  drain(): void {
    this.#connector = undefined;
    this.#resting.length = 0;
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
    if (!connection.retired) this.#resting.push(connection);
    this.#releases.add(connection);
  }

  takeBack(connection: Connection): void {
    remove(this.#resting, connection);
    this.#free.push(connection);
  }

  forget(connection: Connection): void {
    this.#all.delete(connection);
    remove(this.#resting, connection);
    remove(this.#free, connection);
  }
}

function remove(from: Connection[], connection: Connection): void {
  const index = from.indexOf(connection);
  if (index !== -1) from.splice(index, 1);
}
