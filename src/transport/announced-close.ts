/** Whether the server closes the connection after this answer, as far as its headers say. */
import { headerValue } from '../core/raw-headers.js';
import type { RawHeader } from '../core/reply.js';

/** In seconds: undici does not keep a connection that the server keeps for no longer. */
const TOO_SHORT = 2;

export function announcesClose(answer: readonly RawHeader[]): boolean {
  const connection = headerValue(answer, 'connection');
  if (connection !== undefined && /(?:^|,)\s*close\s*(?:,|$)/i.test(connection)) return true;
  const patience = headerValue(answer, 'keep-alive');
  const seconds = patience === undefined ? undefined : /timeout=(\d+)/.exec(patience)?.[1];
  return seconds !== undefined && Number(seconds) <= TOO_SHORT;
}
