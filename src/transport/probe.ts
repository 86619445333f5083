/** Asks an endpoint whether it is well: one request, or a mere connection, on a connection of its own. */
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { checkServerIdentity, connect as connectTls, type PeerCertificate } from 'node:tls';
import type { HttpProbePolicy, Prober, ProbeResult } from '../cluster/health-check-policy.js';
import type { TlsOptions } from '../options/options.js';
import { askHttp2, DEGRADED_HEADER } from './http2-probe.js';
import { Secured } from './secure-socket.js';

/** In bytes: an answer that goes on for longer is taken for what its head says. */
export const MOST_OF_A_BODY = 64 * 1024;
const USER_AGENT = 'outrigger-health-check';

/** What the probes of a service have in common. */
export interface ProbeParts {
  readonly service: URL;
  /** Asked for each probe, so that another one holds for the next. */
  readonly tls: () => TlsOptions;
  /** HTTP/2 is offered where there is TLS. */
  readonly http2: () => boolean;
}

function unref(this: Socket): void {
  this.unref();
}

/** Sockets of probes do not keep the process alive. Who waits sets the time. */
export function proberFor({ service, tls, http2 }: ProbeParts): Prober {
  let secured: Secured | undefined;
  let securedBy: TlsOptions | undefined;
  const securedNow = (): Secured => {
    const now = tls();
    if (secured === undefined || securedBy !== now) secured = new Secured(service, now);
    securedBy = now;
    return secured;
  };

  return (url, probe, done) => {
    let isOver = false;
    let socket: Socket | undefined;
    const end = (): void => {
      isOver = true;
      socket?.destroy();
    };
    const settle = (result: ProbeResult): void => {
      if (isOver) return;
      end();
      done(result);
    };
    const fail = (error: unknown): void => settle({ kind: 'failed', reason: wordsFor(error) });
    try {
      socket = open(url, service, securedNow, http2() ? ['h2', 'http/1.1'] : ['http/1.1']);
    } catch (error) {
      // Keys and certificates that do not fit are found only when they are used.
      process.nextTick(fail, error);
      return end;
    }
    const opened = socket.unref().on('error', fail);
    // Trying several addresses of a name, Node has made it another handle.
    socket.once('connect', unref);
    socket.once(isSecure(url, service) ? 'secureConnect' : 'connect', () => {
      if (isOver) return;
      if (probe.kind === 'http') ask(probe, service, opened, settle, fail);
      else settle(CONNECTED);
    });
    return end;
  };
}

const CONNECTED: ProbeResult = { kind: 'connected' };

function ask(
  probe: HttpProbePolicy,
  service: URL,
  socket: Socket,
  settle: (result: ProbeResult) => void,
  fail: (error: unknown) => void,
): void {
  const { method, path } = probe;
  const host = probe.host ?? service.host;
  const headers = probeHeaders(probe);
  if ('alpnProtocol' in socket && socket.alpnProtocol === 'h2') {
    const own = { ':method': method, ':path': path, ':scheme': 'https', ':authority': host };
    const question = { origin: service.origin, headers: { ...headers, ...own } };
    askHttp2({ ...question, mostOfABody: MOST_OF_A_BODY }, socket, settle, fail);
    return;
  }
  const request: ClientRequest = httpRequest({
    createConnection: () => socket,
    method,
    path,
    headers: { host, ...headers, connection: 'close' },
  });
  request.on('error', fail);
  request.on('response', (response: IncomingMessage) => {
    const { statusCode: status = 0, headers: received } = response;
    const isDegraded = DEGRADED_HEADER in received;
    const answered = (): void => settle({ kind: 'answered', status, isDegraded });
    let length = 0;
    response.on('error', fail);
    response.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > MOST_OF_A_BODY) answered();
    });
    response.on('end', answered);
  });
  request.end();
}

/** Without the host. */
export function probeHeaders({ headers }: HttpProbePolicy): Record<string, string> {
  return { 'user-agent': USER_AGENT, accept: '*/*', ...Object.fromEntries(headers) };
}

function isSecure(url: string, service: URL): boolean {
  return url.startsWith('unix:') ? service.protocol === 'https:' : url.startsWith('https:');
}

function open(url: string, service: URL, securedNow: () => Secured, protocols: string[]): Socket {
  const secure = isSecure(url, service);
  const where = addressOf(url, secure ? 443 : 80);
  if (!secure) return connect({ ...where, noDelay: true });
  const secured = securedNow();
  return connectTls({
    ...where,
    secureContext: secured.context,
    servername: secured.asked,
    rejectUnauthorized: secured.rejectUnauthorized,
    ALPNProtocols: protocols,
    checkServerIdentity: (_asked: string, certificate: PeerCertificate) =>
      checkServerIdentity(secured.name, certificate),
  });
}

function addressOf(url: string, usualPort: number) {
  if (url.startsWith('unix:')) return { path: url.slice('unix:'.length) };
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  return { host, port: port === '' ? usualPort : Number(port) };
}

const WORDS: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'connection refused'],
  ['ECONNRESET', 'connection reset'],
  ['EPIPE', 'connection reset'],
  ['EHOSTUNREACH', 'host unreachable'],
  ['ENETUNREACH', 'network unreachable'],
  ['ENOTFOUND', 'no such host'],
  ['ETIMEDOUT', 'timeout'],
  ['ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL', 'HTTP/1.1 is not spoken'],
  ['EPROTO', 'no TLS, or none that both sides speak'],
]);

/** An error of OpenSSL is long, and its code says the same. */
export function wordsFor(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code === 'string') {
    return code.startsWith('HPE_') ? 'unreadable answer' : (WORDS.get(code) ?? code);
  }
  return typeof message === 'string' ? message : String(error);
}
