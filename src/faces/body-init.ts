/** Reads what callers give as a body, in any of the forms of fetch and of undici. */
import type { BodySource, RequestBody } from '../core/body.js';
import type { KeptBody } from '../core/kept-body.js';
import { encodeFormData } from './form-data.js';
import { oneShotBody } from './one-shot.js';

/** What fetch takes as a body. */
export type BodyValue = NonNullable<RequestInit['body']>;

/** What a function may make: whatever fetch takes, and streams of Node's, which some declarations of fetch leave out. */
export type MadeBody = BodyValue | AsyncIterable<Uint8Array>;

/** Makes the body of one attempt. A stream must be a new one each time. */
export type BodyFunction = () => MadeBody | PromiseLike<MadeBody>;

export interface ReadBody {
  readonly body: Exclude<RequestBody, BodySource> | KeptBody;
  /** The media type that goes with it. */
  readonly type: string | undefined;
}

export const TEXT_TYPE = 'text/plain;charset=UTF-8';

/** Undefined when it is none of the known forms. Bytes are not copied. */
export function readBody(value: unknown, boundary?: string): ReadBody | undefined {
  if (typeof value === 'string') return { body: value, type: TEXT_TYPE };
  if (typeof value !== 'object' || value === null) return undefined;
  const bytes = bytesOf(value);
  if (bytes !== undefined) return { body: bytes, type: undefined };
  if (value instanceof URLSearchParams) {
    return { body: value.toString(), type: 'application/x-www-form-urlencoded;charset=UTF-8' };
  }
  if (value instanceof Blob) return { body: value, type: value.type || undefined };
  if (isFormData(value)) {
    const encoded = encodeFormData(value, boundary);
    return { body: encoded, type: encoded.type };
  }
  const body = oneShotBody(value);
  return body && { body, type: undefined };
}

/** For a function that gave something else. */
export function notABody(value: unknown): TypeError {
  const found = value === null ? 'null' : typeof value;
  return new TypeError(
    `the body function gave ${found}, expected text, bytes, a form or a stream, as fetch takes them`,
  );
}

/** The bytes of any of the binary forms, as they lie in memory; undefined too for memory that is shared or may grow. */
export function bytesOf(value: object): Uint8Array | undefined {
  const isView = ArrayBuffer.isView(value);
  const memory: unknown = isView ? value.buffer : value;
  if (!(memory instanceof ArrayBuffer)) return undefined;
  if ((memory as { readonly resizable?: boolean }).resizable === true) return undefined;
  if (value instanceof Uint8Array) return value;
  // What is detached cannot be looked at.
  if (memory.byteLength === 0) return new Uint8Array();
  return isView
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(memory);
}

/** Also another library's, told apart as undici does. */
function isFormData(value: object): value is FormData {
  const tag = (value as { readonly [Symbol.toStringTag]?: unknown })[Symbol.toStringTag];
  return tag === 'FormData' && Symbol.iterator in value;
}
