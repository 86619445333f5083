/** One health check as a request of HTTP/2, on a connection whose TLS has chosen that. */
import { connect, type OutgoingHttpHeaders } from 'node:http2';
import type { Socket } from 'node:net';
import type { ProbeResult } from '../cluster/health-check-policy.js';
import { Http2Wire } from './http2-wire.js';

/** Envoy's: an answer that has it is that of an endpoint which would rather not have calls. */
export const DEGRADED_HEADER = 'x-envoy-degraded';

export interface Http2Question {
  readonly origin: string;
  /** Pseudo headers among them. */
  readonly headers: OutgoingHttpHeaders;
  /** Bytes of a body after which an answer is taken for what its head says. */
  readonly mostOfABody: number;
}

export function askHttp2(
  { origin, headers, mostOfABody }: Http2Question,
  socket: Socket,
  settle: (result: ProbeResult) => void,
  fail: (error: unknown) => void,
): void {
  const session = connect(origin, {
    createConnection: () => new Http2Wire(socket),
    settings: { enablePush: false },
  });
  session.on('error', fail);
  const stream = session.request(headers, { endStream: true });
  let status = 0;
  let length = 0;
  let isDegraded = false;
  const answered = (): void => settle({ kind: 'answered', status, isDegraded });
  stream.on('error', fail);
  stream.on('response', (head) => {
    status = Number(head[':status']);
    isDegraded = DEGRADED_HEADER in head;
  });
  stream.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length > mostOfABody) answered();
  });
  stream.on('end', () => {
    if (status > 0 && stream.rstCode === 0) answered();
  });
  stream.on('close', () => fail(new Error('the stream was closed before its answer')));
}
