/** How a connection to an endpoint is opened: address, TLS, the name that is checked, and for how long it is tried. */
import { isIP, type Socket } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { buildConnector } from 'undici';
import build from 'undici/lib/core/connect.js';
import { ConnectTimeoutError } from 'undici/lib/core/errors.js';
import type { Runtime } from '../core/runtime.js';
import type { TlsOptions } from '../options/options.js';
import type { Connector } from './connection.js';
import { heldSocket } from './held-socket.js';
import { openPlain } from './plain-socket.js';

/** Milliseconds that a TCP and TLS handshake may take. */
const CONNECT_TIMEOUT = 10_000;

/** Hears of every connection, for the cluster's counters. */
export interface ConnectionObserver {
  connectionOpening(): void;
  connectionFailed(error: Error): void;
  connectionClosed(): void;
}

/** Where an endpoint is reached, in undici's terms. */
export interface Target {
  /** The origin undici is told; for a unix socket that of the service. */
  readonly origin: string;
  readonly socketPath: string | undefined;
}

type OpenTls = (options: buildConnector.Options, callback: buildConnector.Callback) => Socket;

export function targetOf(endpointUrl: string, service: URL): Target {
  if (endpointUrl.startsWith('unix:')) {
    return { origin: service.origin, socketPath: endpointUrl.slice('unix:'.length) };
  }
  return { origin: endpointUrl, socketPath: undefined };
}

/**
 * One connector per endpoint, so that its TLS sessions can be resumed. The certificate is checked against the
 * service's name, whatever address the endpoint has.
 */
export function connectorFor(
  target: Target,
  service: URL,
  tls: TlsOptions,
  runtime: Runtime,
  observer: ConnectionObserver,
): Connector {
  // Only HTTP/1.1 is spoken, and undici offers nothing else by ALPN.
  const { servername, alpn: _, ...material } = tls;
  const name = servername ?? service.hostname.replace(/^\[|\]$/g, '');
  const { socketPath } = target;
  // Typed as void by undici, but it hands the socket back.
  const openTls = build({
    ...material,
    // Undici's own timer ticks every half second.
    timeout: 0,
    ...(socketPath === undefined ? undefined : { socketPath }),
    checkServerIdentity: (_address: string, certificate: PeerCertificate) =>
      checkServerIdentity(name, certificate),
  } as buildConnector.BuildOptions) as unknown as OpenTls;
  // TLS does not ask for an address by name.
  const asked = isIP(name) === 0 ? name : '';
  return (options, callback) => {
    const connected = (...result: Parameters<buildConnector.Callback>): void => {
      runtime.clearTimer(timer);
      if (result[0] !== null) observer.connectionFailed(result[0]);
      callback(...result);
    };
    const opened =
      options.protocol === 'https:'
        ? heldSocket(openTls({ ...options, servername: asked }, connected))
        : openPlain({ ...options, socketPath }, connected);
    const { socket } = opened;
    const timer = runtime.setTimer(() => {
      const where = socketPath ?? target.origin;
      socket.destroy(new ConnectTimeoutError(`no connection to ${where} in ${CONNECT_TIMEOUT} ms`));
    }, CONNECT_TIMEOUT);
    observer.connectionOpening();
    socket.once('close', () => {
      runtime.clearTimer(timer);
      observer.connectionClosed();
    });
    return opened;
  };
}
