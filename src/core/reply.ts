/** The answer on its way up: from an attempt, or made by the client itself, to the face that asked. */
import type { Failure } from './failure.js';

/** A head, and the handle on the body that follows it. */
export interface Reply {
  readonly status: number;
  readonly statusText: string;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly RawHeader[];
  /** Stops the flow of the body until `resume`. */
  pause(): void;
  resume(): void;
}

/** Undici hands headers over as bytes, or as a list of bytes where one name came several times in trailers. */
export type RawHeader = Buffer | string | readonly (Buffer | string)[];

/** The face's side of a call. After `onHead` come any number of `onData`, then one `onEnd` or `onFail`; or `onFail` alone. */
export interface Receiver {
  onHead(reply: Reply): void;
  /** False asks for a pause until `reply.resume()`. */
  onData(chunk: Buffer): boolean;
  /** From the next piece on `onData` keeps none of it: its bytes may be written over when it returns. */
  readonly borrows?: boolean;
  onEnd(trailers: readonly RawHeader[]): void;
  onFail(failure: Failure): void;
}

/** An answer that no endpoint gave. */
export class LocalReply implements Reply {
  constructor(
    readonly status: number,
    readonly statusText: string,
    readonly rawHeaders: readonly string[],
    readonly body: string,
  ) {
    if (!Number.isInteger(status) || status < 200 || status > 599) {
      throw new RangeError(`a local reply has a status from 200 to 599, found ${status}`);
    }
  }

  // The whole body is handed over at once: there is nothing to hold back.
  pause(): void {}
  resume(): void {}
}
