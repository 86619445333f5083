/**
 * A body that was given to fetch in a form that can be sent any number of times. The platform's fetch hands every body
 * down as something that can be read once; beside it goes what it was made of.
 */
import { Readable } from 'node:stream';
import type { RequestBody } from '../core/body.js';
import { bytesOf, notABody, type BodyFunction, type BodyValue } from './body-init.js';
import { encodeFormData, newBoundary } from './form-data.js';
import { FreshBody } from './fresh-body.js';
import { oneShotBody } from './one-shot.js';
import type { ResilientRequestInit } from './request-init.js';

export interface GivenBody {
  /** What the platform gets in its place, to make the headers of. */
  readonly platform: BodyValue;
  /** The platform does not get to know how long the body is. */
  readonly lengthUnknown: boolean;
  /** A function makes it for each attempt. */
  readonly isMade?: boolean;
  /** What a hop sends in place of the stream that the platform has made of `platform`. */
  ofHop(stream: AsyncIterable<unknown>): RequestBody;
  /** No hop was made at all. */
  drop?(): void;
}

/** Undefined for a stream; and for what the platform should judge. */
export function givenBody(value: unknown): GivenBody | undefined {
  if (typeof value === 'function') {
    const make = value as BodyFunction;
    const ofHop = (): FreshBody => new FreshBody(make, { textHasType: true });
    return { platform: new Blob([]), lengthUnknown: true, ofHop };
  }
  if (typeof value === 'string') return whole(value, value);
  if (typeof value !== 'object' || value === null) return undefined;
  if (value instanceof URLSearchParams) return whole(value, value.toString());
  if (value instanceof FormData) {
    const encoded = encodeFormData(value);
    return whole(encoded, encoded);
  }
  const bytes = bytesOf(value);
  if (bytes?.length === 0) return undefined;
  // A blob has a copy: the caller may write on into his bytes while there are hops to come.
  const blob = bytes === undefined ? value : new Blob([bytes]);
  return blob instanceof Blob ? whole(blob, blob) : undefined;
}

/**
 * A stream, where the platform would take it. It is read past the platform, which goes on reading, and never closes,
 * the stream of a call that has failed.
 */
export function givenStream({
  body,
  duplex,
  keepalive,
}: ResilientRequestInit): GivenBody | undefined {
  if (typeof body !== 'object' || body === null || duplex !== 'half' || keepalive === true) {
    return undefined;
  }
  const isTaken =
    (body as { locked?: boolean }).locked === true || Readable.isDisturbed(body as never);
  if (isTaken || !(Symbol.asyncIterator in body)) return undefined;
  const source = oneShotBody(body);
  if (source === undefined) return undefined;
  return {
    // The platform knows it for a stream, which follows no redirect but a 303.
    platform: new ReadableStream({ start: (controller) => controller.close() }),
    lengthUnknown: true,
    ofHop: () => source,
    drop: () => source.close(),
  };
}

function whole(platform: BodyValue, body: RequestBody): GivenBody {
  return { platform, lengthUnknown: false, ofHop: () => body };
}

/** The same for a body that stands in a `Request` before it is sent, for which a function is called once. */
export async function givenToRequest(value: unknown): Promise<GivenBody | undefined> {
  if (typeof value !== 'function') return givenBody(value);
  const make = value as BodyFunction;
  // One for all that it makes: the request's content type names it.
  const boundary = newBoundary();
  const first = await make();
  if (typeof first !== 'string' && (typeof first !== 'object' || (first as unknown) === null)) {
    throw notABody(first);
  }
  const form = first instanceof FormData ? encodeFormData(first, boundary) : undefined;
  return {
    platform: form ?? first,
    lengthUnknown: false,
    isMade: true,
    ofHop: (stream) => new FreshBody(make, { textHasType: true, boundary, first: stream }),
  };
}
