/** The client's side of being installed: at most once at a time, and never within the user's own part of the client. */
import type { Dispatcher } from 'undici';
import type { Explanation } from '../core/explanation.js';
import { InstallError } from '../core/errors.js';
import { fetchFace, type FetchFace, type FetchHost } from './fetch.js';
import { Installation } from './installation.js';

/** What installing needs of the client. */
export interface InstallHost extends FetchHost {
  isClosed(): boolean;
  /** Whether a canonical origin is one of the client's, or may become one. */
  serves(origin: string): boolean;
  /** Attempts go through a dispatcher from now on; undefined: as the client's options say. */
  relayThrough(dispatcher: Dispatcher | undefined): void;
}

export class Installer {
  readonly #host: InstallHost;
  #installation: Installation | undefined = undefined;
  #face: FetchFace | undefined = undefined;

  constructor(host: InstallHost) {
    this.#host = host;
  }

  /** @throws InstallError, and nothing has changed */
  install(): Disposable {
    if (this.#host.isClosed()) throw new InstallError('the client has been closed');
    if (this.#installation?.isActive === true) return this.#installation;
    const host = this.#host;
    host.own.watch();
    this.#face ??= fetchFace({
      ...host,
      passOn: (options, handler) =>
        !this.#serves(options.origin) && this.#installation?.passOn(options, handler) === true,
    });
    this.#installation = new Installation(
      {
        ...host,
        serves: (origin) => this.#serves(origin),
        relayThrough: (dispatcher) => host.relayThrough(dispatcher),
        isInForce: () => !host.own.isRunning,
      },
      this.#face.fetch,
    );
    return this.#installation;
  }

  uninstall(): void {
    this.#installation?.[Symbol.dispose]();
  }

  /** As `client.explain`, of what was fetched through the global fetch. */
  explain(response: Response): Explanation | undefined {
    return this.#face?.explain(response);
  }

  #serves(origin: string | URL | undefined): boolean {
    if (origin === undefined) return false;
    const text = typeof origin === 'string' ? origin : origin.origin;
    if (this.#host.serves(text)) return true;
    return URL.canParse(text) && this.#host.serves(new URL(text).origin);
  }
}
