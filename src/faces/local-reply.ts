/** The answers that Envoy would send in place of a failure (`localReplies: 'respond'`). */
import { STATUS_CODES } from 'node:http';
import type { Call } from '../core/call.js';
import { responseFlags } from '../core/explanation.js';
import { localStatus, type Failure } from '../core/failure.js';
import { LocalReply } from '../core/reply.js';

/** Undefined for failures that nobody is answered for: the caller's own abort, a closed client. */
export function localReplyFor(call: Call, failure: Failure): LocalReply | undefined {
  const status = localStatus(failure.kind);
  if (status === undefined) return undefined;
  const body = bodyText(call, failure);
  const headers = ['content-length', String(Buffer.byteLength(body)), 'content-type', 'text/plain'];
  if (failure.kind === 'overflow' || failure.kind === 'circuit-open') {
    headers.push('x-envoy-overloaded', 'true');
  }
  if (failure.retryAfterMs !== undefined) {
    headers.push('retry-after', String(Math.ceil(failure.retryAfterMs / 1000)));
  }
  const flags = responseFlags(call, failure);
  if (flags !== undefined) headers.push('x-outrigger-flags', flags);
  return new LocalReply(status, STATUS_CODES[status] ?? '', headers, body);
}

function bodyText(call: Call, failure: Failure): string {
  if (failure.kind === 'no-healthy-endpoint') return 'no healthy upstream';
  if (failure.kind === 'circuit-open') return 'circuit open';
  if (failure.kind === 'timeout' || failure.kind === 'try-timeout')
    return 'upstream request timeout';
  const latest = call.attempts.length > 1 ? 'retried and the latest ' : '';
  return `upstream connect error or disconnect/reset before headers. ${latest}reset reason: ${resetReason(failure)}`;
}

function resetReason({ kind, cause }: Failure): string {
  switch (kind) {
    case 'connect-failure':
      return (cause as { code?: unknown } | undefined)?.code === 'UND_ERR_CONNECT_TIMEOUT'
        ? 'connection timeout'
        : 'remote connection failure';
    case 'protocol-error':
      return 'protocol error';
    case 'overflow':
      return 'overflow';
    case 'refused':
      return 'local reset';
    default:
      return 'connection termination';
  }
}
