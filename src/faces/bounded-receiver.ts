/** Counts the bytes of an answer as they come, and ends a call whose answer is larger than it may be. */
import type { Call } from '../core/call.js';
import { responseTooLarge } from '../core/failure.js';
import { headerValue } from '../core/raw-headers.js';
import { LocalReply, type RawHeader, type Receiver, type Reply } from '../core/reply.js';
import { failCall } from '../core/settle.js';

export class BoundedReceiver implements Receiver {
  call!: Call;
  readonly #receiver: Receiver;
  readonly #limit: number;
  #received = 0;

  constructor(receiver: Receiver, limit: number) {
    this.#receiver = receiver;
    this.#limit = limit;
  }

  get borrows(): boolean {
    return this.#receiver.borrows === true;
  }

  onHead(reply: Reply): void {
    const announced = reply instanceof LocalReply ? 0 : this.#announced(reply);
    if (announced > this.#limit) tooLarge(this.call, this.#limit, announced);
    else this.#receiver.onHead(reply);
  }

  /** Of a body that will come. */
  #announced({ status, rawHeaders }: Reply): number {
    if (this.call.method === 'HEAD' || status === 204 || status === 304) return 0;
    return Number(headerValue(rawHeaders, 'content-length') ?? 0);
  }

  onData(chunk: Buffer): boolean {
    this.#received += chunk.length;
    if (this.#received <= this.#limit || this.call.localReply !== undefined) {
      return this.#receiver.onData(chunk);
    }
    tooLarge(this.call, this.#limit);
    return true;
  }

  onEnd(trailers: readonly RawHeader[]): void {
    this.#receiver.onEnd(trailers);
  }

  onFail(failure: Parameters<Receiver['onFail']>[0]): void {
    this.#receiver.onFail(failure);
  }
}

function tooLarge(call: Call, limit: number, announced?: number): void {
  call.chain.upstream.wasTooLarge();
  failCall(call, responseTooLarge(limit, announced));
}
