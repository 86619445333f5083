/** How a connection to an endpoint is opened: address, TLS, the name that is checked, and for how long it is tried. */
import type { buildConnector } from 'undici';
import { ConnectTimeoutError } from 'undici/lib/core/errors.js';
import type { Limits } from '../cluster/limits.js';
import type { Runtime } from '../core/runtime.js';
import type { Connector } from './connection.js';
import { openPlain } from './plain-socket.js';
import { secureOpener, type Secured } from './secure-socket.js';

/** Hears of every socket. */
export interface SocketObserver {
  socketOpening(): void;
  connectTimedOut(): void;
  socketClosed(): void;
}

/** What a connector has of its cluster. */
export interface ConnectorParts {
  readonly runtime: Runtime;
  readonly limits: Limits;
}

/** Where an endpoint is reached, in undici's terms. */
export interface Target {
  /** The origin undici is told; for a unix socket that of the service. */
  readonly origin: string;
  readonly socketPath: string | undefined;
  readonly isSecure: boolean;
}

export function targetOf(endpointUrl: string, service: URL): Target {
  if (endpointUrl.startsWith('unix:')) {
    const isSecure = service.protocol === 'https:';
    return { origin: service.origin, socketPath: endpointUrl.slice('unix:'.length), isSecure };
  }
  return { origin: endpointUrl, socketPath: undefined, isSecure: endpointUrl.startsWith('https:') };
}

/**
 * One connector per endpoint, so that its TLS sessions can be resumed. The certificate is checked against the
 * service's name, whatever address the endpoint has.
 */
export function connectorFor(
  target: Target,
  secured: Secured,
  { runtime, limits }: ConnectorParts,
  observer: SocketObserver,
): Connector {
  const { socketPath } = target;
  const openSecure = secureOpener(secured, () =>
    limits.policy.http2 ? ['h2', 'http/1.1'] : ['http/1.1'],
  );
  return (options, callback) => {
    const connected = (...result: Parameters<buildConnector.Callback>): void => {
      runtime.clearTimer(timer);
      callback(...result);
    };
    const open = options.protocol === 'https:' ? openSecure : openPlain;
    const opened = open({ ...options, socketPath }, connected);
    const { socket } = opened;
    const { connectTimeout, tcpKeepalive } = limits.policy;
    if (tcpKeepalive !== undefined) socket.setKeepAlive(true, tcpKeepalive.time);
    // The socket itself holds the process, while somebody waits for it.
    const inBackground = true;
    const timer = runtime.setTimer(
      () => {
        const where = socketPath ?? target.origin;
        observer.connectTimedOut();
        socket.destroy(
          new ConnectTimeoutError(`no connection to ${where} within ${connectTimeout} ms`),
        );
      },
      connectTimeout,
      inBackground,
    );
    observer.socketOpening();
    socket.once('close', () => {
      runtime.clearTimer(timer);
      observer.socketClosed();
    });
    return opened;
  };
}
