/** The status of a gRPC answer that is all head, as the HTTP status that means the same. */
import type { Attempt } from '../core/attempt.js';
import { headerValue } from '../core/raw-headers.js';

const TYPE = 'application/grpc';

/** By `grpc-status`, as gRPC's documentation maps them (`http-grpc-status-mapping`) and Envoy does. */
const HTTP_STATUS: readonly number[] = [
  200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401,
];
const UNKNOWN = 500;

/** Undefined when the call is not gRPC, or its status comes in the trailers. */
export function grpcStatus({ call, headers, rawHeaders }: Attempt): number | undefined {
  if (call.method !== 'POST' || !isGrpc(headers)) return undefined;
  const status = headerValue(rawHeaders, 'grpc-status');
  return status === undefined ? undefined : (HTTP_STATUS[Number(status)] ?? UNKNOWN);
}

/** `application/grpc` or `application/grpc+proto`; gRPC-Web is another protocol. */
function isGrpc(headers: readonly string[]): boolean {
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] as string;
    if (name.length !== 12 || name.toLowerCase() !== 'content-type') continue;
    const type = headers[index + 1] as string;
    return type === TYPE || type.startsWith(`${TYPE}+`);
  }
  return false;
}
