/** What a call may have as its body: something that is there as a whole, or a source that is opened for each attempt. */

/** Text, bytes and blobs are what they are each time. */
export type RequestBody = string | Uint8Array | Blob | BodySource;

/** A body for one attempt, from its first byte on. */
export interface OpenedBody {
  readonly content: string | Uint8Array | Blob | AsyncIterable<Uint8Array>;
  /** Its media type, if it brings one; a header of the caller's goes before it. */
  readonly type: string | undefined;
  /** Its length in bytes, if `content` cannot tell and it is known; a header of the caller's goes before it. */
  readonly length: number | undefined;
  /** It has been handed over to its end. */
  readonly finished: boolean;
  /** The attempt is over, and reads no further. May be said any number of times. */
  end(): void;
}

/** A body that is read while it is sent. */
export abstract class BodySource {
  /** A further attempt could have it from its first byte, those before being over. */
  abstract readonly replayable: boolean;
  /** A further attempt could have it from its first byte while another one reads it. */
  abstract readonly complete: boolean;
  /** What code of the caller's threw while it was read; undefined when nothing has been. */
  abstract readonly error: unknown;

  /**
   * Asks to keep what is read, up to so many bytes, for further attempts; said before the first `open`. The callback
   * is called, once, when there are more and the body can be sent no second time.
   */
  keep(_limit: number, _abandoned: () => void): void {}
  /** Keeps nothing for further attempts from here on; what is being read goes on. */
  stopKeeping(): void {}
  /**
   * For one more attempt. Only while `replayable`.
   * @throws what code of the caller's throws
   */
  abstract open(): OpenedBody | Promise<OpenedBody>;
  /** The call has ended: whatever is still open is closed. */
  abstract close(): void;
}
