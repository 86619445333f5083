/** Whose connections take the attempts: options of the client. */

/** An undici `Dispatcher`, of any copy and version from 6 on, or whatever else has its `dispatch`. */
export interface ForeignDispatcher {
  dispatch(options: never, handler: never): boolean;
}

/** A function in the shape of the platform's `fetch`. */
export type ForeignFetch = (url: string, init: ForeignFetchInit) => Promise<Response>;

/** What such a function is given with each attempt. */
export interface ForeignFetchInit {
  readonly method: string;
  readonly headers: Headers;
  readonly body: string | Uint8Array<ArrayBuffer> | Blob | ReadableStream<Uint8Array> | null;
  readonly signal: AbortSignal;
  readonly redirect: 'manual';
  /** Together with a body that is a stream. */
  readonly duplex?: 'half';
}

/** After validation. */
export type Transport =
  | { readonly kind: 'dispatcher'; readonly dispatcher: ForeignDispatcher }
  | { readonly kind: 'fetch'; readonly fetch: ForeignFetch };
