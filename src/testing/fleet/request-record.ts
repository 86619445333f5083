/** A request as a server of the fleet received it. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { PeerCertificate, TLSSocket } from 'node:tls';

/** What the client showed of itself when the connection was made. */
export interface ReceivedTls {
  /** The name that the client asked for (SNI). */
  readonly servername: string | undefined;
  /** The protocol that was agreed on (ALPN). */
  readonly alpn: string | undefined;
  /** The common name of the client's certificate. */
  readonly clientName: string | undefined;
  /** Whether an earlier session was resumed. */
  readonly resumed: boolean;
}

/** A request as it arrived. */
export interface ReceivedRequest {
  /** The name of the server. */
  readonly server: string;
  /** Its number at the server, from 0. */
  readonly index: number;
  /** The number of its connection at the server, from 0. */
  readonly connection: number;
  /** Its number on that connection, from 0. */
  readonly indexOnConnection: number;
  readonly method: string;
  /** As it stands in the request line, the query included. */
  readonly path: string;
  readonly httpVersion: string;
  /** By lower-case names, as `node:http` gives them. */
  readonly headers: IncomingHttpHeaders;
  /** Pairs, in their order and spelling on the wire. */
  readonly rawHeaders: readonly (readonly [name: string, value: string])[];
  /** Undefined on a connection without TLS. */
  readonly tls: ReceivedTls | undefined;
  /** What has arrived of the body so far. */
  readonly body: Buffer;
  /** Resolves when the body is over: true when it was complete, false when the connection went before. */
  readonly bodyReceived: Promise<boolean>;
  /**
   * Resolves when the server is done with the request: true when a complete answer was handed to the system,
   * false when the plan said otherwise or the connection went before.
   */
  readonly answered: Promise<boolean>;
}

/** The place of a request. */
export type RequestPlace = Pick<
  ReceivedRequest,
  'server' | 'index' | 'connection' | 'indexOnConnection' | 'tls'
>;

export class RequestRecord implements ReceivedRequest {
  readonly server: string;
  readonly index: number;
  readonly connection: number;
  readonly indexOnConnection: number;
  readonly method: string;
  readonly path: string;
  readonly httpVersion: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly (readonly [string, string])[];
  readonly tls: ReceivedTls | undefined;
  readonly bodyReceived: Promise<boolean>;
  readonly answered: Promise<boolean>;
  /** Called once, when the server is done with the request. */
  settle: (answered: boolean) => void = () => {};
  readonly #message: IncomingMessage;
  readonly #received: Buffer[] = [];

  constructor(message: IncomingMessage, place: RequestPlace) {
    this.server = place.server;
    this.index = place.index;
    this.connection = place.connection;
    this.indexOnConnection = place.indexOnConnection;
    this.tls = place.tls;
    this.method = message.method ?? '';
    this.path = message.url ?? '';
    this.httpVersion = message.httpVersion;
    this.headers = message.headers;
    this.rawHeaders = pairsOf(message.rawHeaders);
    this.#message = message;
    this.bodyReceived = new Promise((resolve) => {
      message.once('end', () => resolve(true));
      message.once('close', () => resolve(message.complete));
    });
    this.answered = new Promise((resolve) => {
      this.settle = resolve;
    });
    // A connection that is cut off while the body arrives is told by `bodyReceived`.
    message.on('error', () => {});
  }

  get body(): Buffer {
    return Buffer.concat(this.#received);
  }

  /** Begins to read the body, or goes on with it. */
  readBody(): void {
    if (this.#message.listenerCount('data') === 0) {
      this.#message.on('data', (piece: Buffer) => this.#received.push(piece));
    }
    this.#message.resume();
  }

  /** Leaves the rest of the body with the client. */
  pauseBody(): void {
    this.#message.pause();
  }
}

/** What is known of the client from the making of the connection. */
export function tlsOf(socket: TLSSocket): ReceivedTls {
  const { servername, alpnProtocol } = socket as { servername?: unknown; alpnProtocol: unknown };
  // Without a certificate of the client this is an empty object.
  const certificate = socket.getPeerCertificate() as Partial<PeerCertificate>;
  return {
    servername: typeof servername === 'string' ? servername : undefined,
    alpn: typeof alpnProtocol === 'string' ? alpnProtocol : undefined,
    clientName: [certificate.subject?.CN].flat()[0],
    resumed: socket.isSessionReused(),
  };
}

function pairsOf(flat: readonly string[]): (readonly [string, string])[] {
  return Array.from({ length: flat.length / 2 }, (_, index) => [
    flat[2 * index] as string,
    flat[2 * index + 1] as string,
  ]);
}
