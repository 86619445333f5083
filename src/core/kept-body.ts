/**
 * A body that can be read once, made one that can be sent again: what has been read is kept, up to a bound, and each
 * view begins with it. Nothing is read before a view asks for it.
 */
import { BodySource, type OpenedBody } from './body.js';

/** The one-shot source below. */
export interface ChunkReader {
  /** How many bytes there will be, if that is known beforehand. */
  readonly length: number | undefined;
  /** The next piece; never called again before it has settled, nor after the end or an error. */
  read(): Promise<IteratorResult<unknown, unknown>>;
  /** Nobody reads on. Called once at most, and neither after the end nor after an error of `read`. */
  cancel(): void;
}

/** What one attempt has of the body. */
interface View {
  /** The number of the piece it wants next, from 0. */
  next: number;
  asked: Asked | undefined;
  finished: boolean;
  /** Why it goes no further; an error is made of it only where somebody is waiting. */
  cut: (new () => Error) | undefined;
}

interface Asked {
  readonly resolve: (result: IteratorResult<Uint8Array, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

export class KeptBody extends BodySource {
  readonly #reader: ChunkReader;
  #limit = -1;
  #abandoned: () => void = () => {};
  #keeping = false;
  /** Pieces that have been read and may be wanted yet; the first of them has the number `#first`. */
  #pieces: Uint8Array[] = [];
  #first = 0;
  #bytes = 0;
  #reading = false;
  #ended = false;
  #failed: { readonly error: unknown } | undefined = undefined;
  #closed = false;
  /** Those of attempts that are not over. */
  readonly #views = new Set<View>();

  constructor(reader: ChunkReader) {
    super();
    this.#reader = reader;
  }

  get replayable(): boolean {
    return this.#first === 0 && this.#failed === undefined && !this.#closed;
  }

  get complete(): boolean {
    return this.#ended && this.replayable;
  }

  get error(): unknown {
    return this.#failed?.error;
  }

  /** Bytes that are held now. */
  get keptBytes(): number {
    return this.#bytes;
  }

  override keep(limit: number, abandoned: () => void): void {
    this.#limit = limit;
    this.#abandoned = abandoned;
    this.#keeping = true;
  }

  override stopKeeping(): void {
    this.#keeping = false;
    this.#letGo();
  }

  open(): OpenedBody {
    const view: View = { next: 0, asked: undefined, finished: false, cut: undefined };
    this.#views.add(view);
    const iterator: AsyncIterator<Uint8Array, undefined> = {
      next: () =>
        new Promise((resolve, reject) => {
          view.asked = { resolve, reject };
          this.#serve(view);
        }),
      return: () => {
        this.#cut(view, AttemptOverError);
        return Promise.resolve({ done: true, value: undefined });
      },
    };
    return {
      content: { [Symbol.asyncIterator]: () => iterator },
      type: undefined,
      length: this.#reader.length,
      get finished() {
        return view.finished;
      },
      end: () => this.#cut(view, AttemptOverError),
    };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#keeping = false;
    for (const view of [...this.#views]) this.#cut(view, AttemptOverError);
    this.#letGo();
    if (!this.#ended && this.#failed === undefined) this.#reader.cancel();
  }

  /** The source has failed, whether or not anybody was reading it. */
  fail(error: unknown): void {
    if (this.#failed !== undefined || this.#ended || this.#closed) return;
    this.#failed = { error: error ?? new Error('the body failed, and did not say why') };
    for (const view of this.#views) this.#serve(view);
  }

  /** Gives a view what it has asked for, as soon as it is there. */
  #serve(view: View): void {
    const { asked } = view;
    if (asked === undefined) return;
    const piece = this.#pieces[view.next - this.#first];
    if (
      view.cut === undefined &&
      piece === undefined &&
      !this.#ended &&
      this.#failed === undefined
    ) {
      this.#readFor(view);
      return;
    }
    view.asked = undefined;
    if (view.cut !== undefined) {
      asked.reject(new view.cut());
    } else if (piece !== undefined) {
      view.next += 1;
      asked.resolve({ done: false, value: piece });
      this.#letGo();
    } else if (this.#failed !== undefined) {
      asked.reject(this.#failed.error);
    } else {
      view.finished = true;
      asked.resolve({ done: true, value: undefined });
    }
  }

  #readFor(view: View): void {
    if (this.#keeping && this.#bytes > this.#limit) {
      this.#keeping = false;
      this.#letGo();
      this.#abandoned();
    }
    if (!this.#keeping) {
      // Two could only go on together if what lies between them were kept, however much that is.
      for (const other of this.#views) if (other !== view) this.#cut(other, NotKeptError);
    }
    if (this.#reading) return;
    this.#reading = true;
    this.#reader.read().then(
      (result) => this.#take(result),
      (error: unknown) => {
        this.#reading = false;
        this.fail(error);
      },
    );
  }

  #take({ done, value }: IteratorResult<unknown, unknown>): void {
    this.#reading = false;
    if (this.#closed || this.#failed !== undefined) return;
    if (done === true) {
      this.#ended = true;
    } else {
      try {
        this.#add(bytesOf(value));
      } catch (error) {
        this.fail(error);
        this.#reader.cancel();
        return;
      }
    }
    for (const view of this.#views) this.#serve(view);
    this.#letGo();
  }

  #add(piece: Uint8Array): void {
    if (piece.length === 0) return;
    // Whoever made it may use its memory for the next one.
    this.#pieces.push(this.#keeping ? Buffer.from(piece) : piece);
    this.#bytes += piece.length;
  }

  #cut(view: View, reason: new () => Error): void {
    if (!this.#views.delete(view)) return;
    view.cut = reason;
    this.#serve(view);
    this.#letGo();
  }

  /** Forgets what is not kept and no view wants any more. */
  #letGo(): void {
    if (this.#keeping || this.#pieces.length === 0) return;
    let wanted = this.#first + this.#pieces.length;
    for (const view of this.#views) wanted = Math.min(wanted, view.next);
    for (const piece of this.#pieces.splice(0, wanted - this.#first)) this.#bytes -= piece.length;
    this.#first = wanted;
  }
}

/** Two attempts were reading the body, and it became too long to be kept for both. */
export class NotKeptError extends Error {
  readonly code = 'ERR_OUTRIGGER_BODY_NOT_KEPT';

  constructor() {
    super(
      'the body has become longer than retry.maxBufferedBytes, and another attempt is sending it',
    );
  }
}

/** For an attempt that still waits for a piece: it must not take the end of waiting for the end of the body. */
class AttemptOverError extends Error {
  constructor() {
    super('the attempt is over');
  }
}

function bytesOf(piece: unknown): Uint8Array {
  if (typeof piece === 'string') return Buffer.from(piece);
  if (piece instanceof Uint8Array) return piece;
  if (ArrayBuffer.isView(piece)) {
    return new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength);
  }
  if (piece instanceof ArrayBuffer) return new Uint8Array(piece);
  throw new TypeError(
    `a body is sent piece by piece as text or bytes, found a piece that is ${describe(piece)}`,
  );
}

function describe(value: unknown): string {
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value;
  return Array.isArray(value) ? 'an array' : 'an object';
}
