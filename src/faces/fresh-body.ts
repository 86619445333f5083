/** A body that a function of the caller's makes anew for each attempt: nothing of it is ever kept. */
import { AsyncResource } from 'node:async_hooks';
import { BodySource, type OpenedBody } from '../core/body.js';
import { KeptBody } from '../core/kept-body.js';
import { notABody, readBody, type BodyFunction } from './body-init.js';
import { newBoundary } from './form-data.js';

export interface FreshBodyOptions {
  /** Text goes out as `text/plain`, as with fetch. */
  readonly textHasType: boolean;
  /** Of each `FormData` it makes. */
  readonly boundary?: string;
  /** What stands for the result of the first call, which has been made already. */
  readonly first?: AsyncIterable<unknown>;
}

export class FreshBody extends BodySource {
  readonly complete = true;
  readonly #options: FreshBodyOptions;
  #boundary: string | undefined;
  #isFirst = true;
  /** The streams it has made. */
  readonly #streams: KeptBody[] = [];
  /** What the latest of them reads: a function may not give that a second time. */
  #latest: unknown = undefined;
  /** The async context that the function was given in. */
  readonly #context = new AsyncResource('OutriggerBody');

  constructor(
    readonly make: BodyFunction,
    options: FreshBodyOptions,
  ) {
    super();
    this.#options = options;
    this.#boundary = options.boundary;
  }

  get replayable(): boolean {
    return this.error === undefined;
  }

  get error(): unknown {
    return this.#streams.find((stream) => stream.error !== undefined)?.error;
  }

  open(): OpenedBody | Promise<OpenedBody> {
    const first = this.#isFirst ? this.#options.first : undefined;
    this.#isFirst = false;
    const made: unknown = first ?? this.#context.runInAsyncScope(this.make);
    return isPromise(made)
      ? Promise.resolve(made).then((value) => this.#opened(value))
      : this.#opened(made);
  }

  close(): void {
    for (const stream of this.#streams) stream.close();
  }

  #opened(value: unknown): OpenedBody {
    if (value instanceof FormData) this.#boundary ??= newBoundary();
    const read = readBody(value, this.#boundary);
    if (read === undefined) throw notABody(value);
    const { body, type } = read;
    if (body instanceof KeptBody) return this.#openStream(value, body);
    return {
      content: body,
      type: typeof value === 'string' && !this.#options.textHasType ? undefined : type,
      length: undefined,
      finished: true,
      end() {},
    };
  }

  #openStream(value: unknown, stream: KeptBody): OpenedBody {
    if (value === this.#latest) {
      throw new TypeError(
        'the body function gave the same stream as before, expected a new one for each attempt',
      );
    }
    this.#latest = value;
    this.#streams.push(stream);
    const opened = stream.open();
    return {
      content: opened.content,
      type: undefined,
      length: opened.length,
      get finished() {
        return opened.finished;
      },
      // Nobody else reads it.
      end: () => stream.close(),
    };
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value;
}
