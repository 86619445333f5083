/** What a failure means that comes from connections of somebody else's: its code says how far the request came. */
import { failure, type Failure } from '../core/failure.js';
import { UNSENDABLE } from './exchange.js';
import { isHandshakeRefusal } from './secure-socket.js';

/** How far an exchange had come. */
export interface Progress {
  /** False: the request has surely not been written. */
  readonly sent: boolean;
  readonly hasHead: boolean;
  /** What the body of the request threw. */
  readonly bodyError: unknown;
}

/** No connection came about. */
const NOT_CONNECTED: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAI_FAIL',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'ECONNABORTED',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_PRX_TLS',
  'ERR_OUTRIGGER_PROXY',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_UNTRUSTED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** What no further attempt would change, and no endpoint is to blame for. */
const IN_VAIN: ReadonlySet<string> = new Set([
  'UND_MOCK_ERR_MOCK_NOT_MATCHED',
  'ERR_INVALID_URL',
  'ERR_OUTRIGGER_CIRCLE',
]);

export function relayedFailure(error: unknown, { sent, hasHead, bodyError }: Progress): Failure {
  const { code, name, message } = isErrorLike(error) ? error : {};
  const isUnsendable = UNSENDABLE.has(code ?? '') && (sent || code !== 'UND_ERR_ABORTED');
  if (bodyError !== undefined && (error === bodyError || isUnsendable)) {
    return failure('invalid', undefined, bodyError, sent);
  }
  // Fetches refuse some ports, and have no code for it.
  const isInVain = IN_VAIN.has(code ?? '') || message === 'bad port';
  if (isUnsendable || isInVain || name === 'NotReadableError') {
    return failure('unsendable', undefined, error, sent);
  }
  if (hasHead) return failure('body-cut', 'UPE', error, true);
  if (!sent || isNoConnection(code ?? '')) return failure('connect-failure', 'UF', error, false);
  return name === 'HTTPParserError' || code === 'UND_ERR_HEADERS_OVERFLOW'
    ? failure('protocol-error', 'UPE', error, true)
    : failure('reset', 'UC', error, true);
}

function isNoConnection(code: string): boolean {
  return NOT_CONNECTED.has(code) || isHandshakeRefusal(code);
}

function isErrorLike(
  error: unknown,
): error is Partial<Record<'code' | 'name' | 'message', string>> {
  return typeof error === 'object' && error !== null;
}

/** What the platform's fetch has wrapped into its own `fetch failed` and `terminated`. */
export function beneath(error: unknown): unknown {
  return error instanceof Error && error.name === 'TypeError' && error.cause instanceof Error
    ? error.cause
    : error;
}
