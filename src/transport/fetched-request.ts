/** An attempt in the shape in which a fetch of the user's is given it. */
import type { Attempt } from '../core/attempt.js';
import type { OpenedBody } from '../core/body.js';
import type { ForeignFetchInit } from '../options/transport.js';
import { originOf } from './dispatched-exchange.js';

type Body = ForeignFetchInit['body'];

export interface FetchedRequest {
  readonly url: string;
  readonly init: ForeignFetchInit;
}

/** What a fetch makes by itself, of the URL and the body. */
const ITS_OWN: ReadonlySet<string> = new Set(['host', 'content-length', 'connection']);

/**
 * `sent` is told of each piece of a body that has been taken.
 * @throws TypeError for what no fetch can send
 */
export function fetchedRequest(
  { call, endpoint, headers: given, body: opened }: Attempt,
  signal: AbortSignal,
  sent: () => void,
): FetchedRequest {
  const headers = new Headers();
  for (let index = 0; index + 1 < given.length; index += 2) {
    const name = given[index] as string;
    if (!ITS_OWN.has(name.toLowerCase())) headers.append(name, given[index + 1] as string);
  }
  const { method } = call;
  const content =
    opened === undefined ? (call.body as OpenedBody['content'] | null) : opened.content;
  const body = content === null ? null : bodyOf(content, headers, sent);
  const init = { method, headers, body, signal, redirect: 'manual' } as const;
  return {
    url: urlOf(endpoint?.url ?? '', call.path),
    init: body instanceof ReadableStream ? { ...init, duplex: 'half' } : init,
  };
}

/** @throws TypeError */
export function urlOf(endpointUrl: string, path: string): string {
  if (!path.startsWith('/')) throw new TypeError(`the path '${path}' cannot be part of a URL`);
  return originOf(endpointUrl) + path;
}

function bodyOf(content: OpenedBody['content'], headers: Headers, sent: () => void): Body {
  if (typeof content === 'string') {
    // Text without a type would be given one.
    return headers.has('content-type') ? content : new TextEncoder().encode(content);
  }
  if (content instanceof Uint8Array) return content as Uint8Array<ArrayBuffer>;
  return content instanceof Blob ? content : streamOf(content, sent);
}

function streamOf(
  content: AsyncIterable<Uint8Array>,
  sent: () => void,
): ReadableStream<Uint8Array> {
  const pieces = content[Symbol.asyncIterator]();
  return new ReadableStream(
    {
      async pull(controller) {
        const next: IteratorResult<Uint8Array, undefined> = await pieces.next();
        if (next.done === true) {
          controller.close();
        } else {
          controller.enqueue(next.value);
          sent();
        }
      },
      async cancel() {
        await pieces.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}
