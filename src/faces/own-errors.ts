/** The platform wraps what breaks a body off in its own "terminated": readers get our errors as they are. */
import { isReadable, Readable } from 'node:stream';
import { isOutriggerError } from '../core/errors.js';
import { platformClass } from './platform-class.js';

const readers = ['arrayBuffer', 'blob', 'bytes', 'formData', 'json', 'text'] as const;

type Read = (this: Response) => Promise<unknown>;

type TextStream = (this: Response) => ReadableStream<string>;

type Body = ReadableStream<Uint8Array>;

let prototype: Response | undefined;
/**
 * What stands before a body of the platform's; `clone` gives its response another one. The platform holds a body that is
 * on its way, which must not hold what only the caller may.
 */
const fronts = new WeakMap<Body, WeakRef<Front>>();
/** While a front is held its response is too, otherwise the platform takes the body for forgotten; and the other way round. */
const kept = new WeakMap<object, object>();
/**
 * A front that is dropped when some of it has been read: the platform would keep its body for ever. The reader, whose read
 * may never end, leads back to the front, so that nothing here may hold it; a body that is on its way does.
 */
const dropped = new FinalizationRegistry<WeakRef<ReadableStreamDefaultReader>>((reader) => {
  reader
    .deref()
    ?.cancel(new Error('nobody reads on'))
    .catch(() => {});
});

/** The same response, whose readers and whose `body` fail with what lies beneath. */
export function withOwnErrors(response: Response): Response {
  prototype ??= prototypeOver(platformClass(Response).prototype);
  return Object.setPrototypeOf(response, prototype) as Response;
}

/** One of our errors, where the platform has wrapped it. */
export function ownError(error: unknown): unknown {
  const cause = error instanceof Error ? error.cause : undefined;
  return isOutriggerError(cause) ? cause : error;
}

function prototypeOver(platform: Response): Response {
  const own = Object.create(platform) as Response;
  const bodyOf = (response: Response): Body | null => Reflect.get(platform, 'body', response);
  for (const name of readers) {
    // Not every version has all of them.
    const read = (platform as unknown as Record<string, Read | undefined>)[name];
    if (read === undefined) continue;
    const value = function (this: Response): unknown {
      if (!Object.prototype.isPrototypeOf.call(own, this)) return Reflect.apply(read, this, []);
      const body = bodyOf(this);
      const reading = besideFront(body, () => Reflect.apply(read, this, []));
      return reading
        .catch((error: unknown) => {
          throw ownError(error);
        })
        .finally(() => frontOf(body)?.followBody());
    };
    define(own, name, { value: named(value, name) });
  }
  const textStream = (platform as unknown as Record<string, TextStream | undefined>).textStream;
  if (textStream !== undefined) {
    const value = function (this: Response): ReadableStream<string> {
      if (!Object.prototype.isPrototypeOf.call(own, this))
        return Reflect.apply(textStream, this, []);
      const { body } = this;
      if (body === null || body.locked || this.bodyUsed) {
        return besideFront(bodyOf(this), () => Reflect.apply(textStream, this, []));
      }
      return Reflect.apply(textStream, new (platformClass(Response))(body), []);
    };
    define(own, 'textStream', { value: named(value, 'textStream') });
  }
  define(own, 'body', {
    get(this: Response): Body | null {
      const body = bodyOf(this);
      if (body === null) return null;
      const known = frontOf(body);
      if (known !== undefined) return known.stream;
      const front = new Front(body);
      fronts.set(body, new WeakRef(front));
      kept.set(front.stream, this);
      kept.set(this, front.stream);
      front.followBody();
      return front.stream;
    },
  });
  define(own, 'bodyUsed', {
    get(this: Response): boolean {
      const body = bodyOf(this);
      const front = frontOf(body);
      if (front !== undefined && Readable.isDisturbed(front.stream as never)) return true;
      return Reflect.get(platform, 'bodyUsed', this);
    },
  });
  const clone = function (this: Response): Response {
    if (!Object.prototype.isPrototypeOf.call(own, this)) return platform.clone.call(this);
    return withOwnErrors(besideFront(bodyOf(this), () => platform.clone.call(this)));
  };
  define(own, 'clone', { value: named(clone, 'clone') });
  return own;
}

function define(own: Response, name: string, what: PropertyDescriptor): void {
  const writable = 'value' in what && { writable: true };
  Object.defineProperty(own, name, { ...what, ...writable, enumerable: true, configurable: true });
}

function named(method: (...args: never[]) => unknown, name: string): unknown {
  return Object.defineProperty(method, 'name', { value: name });
}

function frontOf(body: Body | null): Front | undefined {
  return body === null ? undefined : fronts.get(body)?.deref();
}

/** Lets the platform do something with a body: it finds it locked when its front is, and locks the front with it. */
function besideFront<T>(body: Body | null, act: () => T): T {
  const front = frontOf(body);
  if (body === null || front === undefined) return act();
  const lock = front.stream.locked && !body.locked ? body.getReader() : undefined;
  try {
    return act();
  } finally {
    lock?.releaseLock();
    front.followBody();
  }
}

/** Takes from the platform's stream what is read of it, and locks that no sooner. */
class Front {
  readonly stream: Body;
  readonly #body: Body;
  #controller!: ReadableByteStreamController;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined = undefined;

  constructor(body: Body) {
    this.#body = body;
    this.stream = new ReadableStream(
      {
        type: 'bytes',
        start: (controller) => {
          this.#controller = controller;
        },
        pull: (controller: ReadableByteStreamController) => this.#pull(controller),
        cancel: (reason) => (this.#reader ?? body).cancel(reason),
      },
      { highWaterMark: 0 },
    );
  }

  /** Others than this may have locked the body, and read it to its end. */
  followBody(): void {
    if (!this.#body.locked || this.#reader !== undefined) return;
    if (!this.stream.locked) this.stream.getReader();
    if (isOver(this.#body) && !isOver(this.stream)) this.#controller.close();
  }

  #lock(): ReadableStreamDefaultReader<Uint8Array> {
    const reader = this.#body.getReader();
    dropped.register(this.stream, new WeakRef(reader));
    return reader;
  }

  async #pull(controller: ReadableByteStreamController): Promise<void> {
    this.#reader ??= this.#lock();
    try {
      const { done, value } = await this.#reader.read();
      if (!done) {
        controller.enqueue(value);
        return;
      }
    } catch (error) {
      throw ownError(error);
    }
    controller.close();
    controller.byobRequest?.respond(0);
  }
}

function isOver(stream: Body): boolean {
  return !isReadable(stream as never);
}
