/** Sockets with TLS: whatever address an endpoint has, the name that is asked for and checked is the service's. */
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import {
  checkServerIdentity,
  connect,
  createSecureContext,
  type ConnectionOptions,
  type PeerCertificate,
  type SecureContext,
} from 'node:tls';
import type { buildConnector } from 'undici';
import type { TlsOptions } from '../options/options.js';
import { heldSocket, type HeldSocket } from './held-socket.js';
import type { PlainAddress } from './plain-socket.js';

/** A TLS record is no longer. */
const READ_SIZE = 16 * 1024;

/** What the connections to all endpoints of a service have in common. */
export class Secured {
  /** The one that a certificate must be for. */
  readonly name: string;
  /** The one that is asked for: TLS asks for no address, and a name without the dot at its end. */
  readonly asked: string;
  readonly #rejectUnauthorized: boolean | undefined;
  readonly #material: Omit<TlsOptions, 'servername' | 'alpn' | 'rejectUnauthorized'>;
  #context: SecureContext | undefined = undefined;

  constructor(service: URL, tls: TlsOptions) {
    const { servername, alpn: _, rejectUnauthorized, ...material } = tls;
    this.name = servername ?? service.hostname.replace(/^\[|\]$/g, '');
    this.asked = isIP(this.name) === 0 ? this.name.replace(/\.$/, '') : '';
    this.#rejectUnauthorized = rejectUnauthorized;
    this.#material = material;
  }

  /** Where nothing is said, Node's own way. */
  get rejectUnauthorized(): boolean {
    return this.#rejectUnauthorized ?? process.env.NODE_TLS_REJECT_UNAUTHORIZED !== '0';
  }

  /** Made once: to parse a list of authorities anew for every connection takes 20 ms of the processor. */
  get context(): SecureContext {
    return (this.#context ??= createSecureContext(this.#material as ConnectionOptions));
  }

  /** For whoever opens the socket in our place. */
  get connectOptions(): ConnectionOptions {
    return {
      secureContext: this.context,
      servername: this.asked,
      rejectUnauthorized: this.rejectUnauthorized,
      checkServerIdentity: (_asked: string, certificate: PeerCertificate) =>
        nameProblem(this.name, certificate),
    };
  }
}

/** Opens a socket; the callback is undici's. */
type OpenSecure = (address: PlainAddress, callback: buildConnector.Callback) => HeldSocket;

/** For the connections of one endpoint: a later one resumes the session of an earlier. */
export function secureOpener(secured: Secured, protocols: () => string[]): OpenSecure {
  let session: Buffer | undefined;
  return (address, callback) => {
    const { hostname, port, socketPath } = address;
    const where =
      socketPath === undefined
        ? { host: hostname, port: port === '' ? 443 : Number(port) }
        : { path: socketPath };
    const options: ConnectionOptions & { readonly highWaterMark: number } = {
      ...where,
      secureContext: secured.context,
      servername: secured.asked,
      rejectUnauthorized: secured.rejectUnauthorized,
      ...(session !== undefined && { session }),
      ALPNProtocols: protocols(),
      checkServerIdentity: (_asked: string, certificate: PeerCertificate) =>
        nameProblem(secured.name, certificate),
      highWaterMark: READ_SIZE,
    };
    const socket = connect(options);
    socket.setNoDelay(true);
    // Node hands it out only when the certificate has been found right.
    socket.on('session', (newest) => {
      session = newest;
    });
    const connected = (): void => settle(null);
    const settle = (error: Error | null): void => {
      socket.off('secureConnect', connected).off('error', settle);
      if (error !== null) {
        callback(explained(error, socketPath ?? `${hostname}:${port}`), null);
        return;
      }
      // Node leaves it open, and what undici hears next is that the other side has closed.
      socket.on('error', () => socket.destroy());
      callback(null, socket);
    };
    socket.once('secureConnect', connected).once('error', settle);
    return heldSocket(socket);
  };
}

function nameProblem(name: string, certificate: PeerCertificate): Error | undefined {
  // Node 22.23 takes an address of version 6 for a host's name, and never finds it.
  const isFound =
    isIP(name) === 6 && new X509Certificate(certificate.raw).checkIP(name) !== undefined;
  return isFound ? undefined : checkServerIdentity(name, certificate);
}

/** OpenSSL's words for an answer that is no TLS say nothing to most people. */
function explained(error: Error & { code?: string }, where: string): Error {
  if (!error.message.includes('wrong version number')) return error;
  const message = `${where} does not speak TLS; is it an http endpoint?`;
  return Object.assign(new Error(message, { cause: error }), { code: error.code });
}

/**
 * With TLS 1.3 a client has done its part of the handshake, and may have sent its request, when the server refuses
 * the client's certificate. What was sent then, it has not read.
 */
export function isHandshakeRefusal(code: string): boolean {
  return /^ERR_SSL_.*_ALERT_(?:.*CERTIFICATE.*|UNKNOWN_CA|ACCESS_DENIED|DECRYPT_ERROR|HANDSHAKE_FAILURE)$/.test(
    code,
  );
}
