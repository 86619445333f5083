/** The platform wraps what breaks a body off in its own "terminated": readers get our errors as they are. */
import { isOutriggerError } from '../core/errors.js';

const readers = ['arrayBuffer', 'blob', 'bytes', 'formData', 'json', 'text'] as const;

type Read = (this: Response) => Promise<unknown>;

type Body = ReadableStream<Uint8Array>;

let prototype: Response | undefined;
/** What stands before a body of the platform's; `clone` gives its response another one. */
const fronts = new WeakMap<Body, Body>();
/** While a front is held its response is too: otherwise the platform takes the body for forgotten. */
const holders = new WeakMap<Body, Response>();

/** The same response, whose readers and whose `body` fail with what lies beneath. */
export function withOwnErrors(response: Response): Response {
  prototype ??= prototypeOver(Response.prototype);
  return Object.setPrototypeOf(response, prototype) as Response;
}

/** One of our errors, where the platform has wrapped it. */
export function ownError(error: unknown): unknown {
  const cause = error instanceof Error ? error.cause : undefined;
  return isOutriggerError(cause) ? cause : error;
}

function prototypeOver(platform: Response): Response {
  const own = Object.create(platform) as Response;
  for (const name of readers) {
    // Node 20 has no `bytes`.
    const read = (platform as unknown as Record<string, Read | undefined>)[name];
    if (read === undefined) continue;
    const value = function (this: Response): Promise<unknown> {
      return Reflect.apply(read, this, []).catch((error: unknown) => {
        throw ownError(error);
      });
    };
    define(own, name, { value: Object.defineProperty(value, 'name', { value: name }) });
  }
  define(own, 'body', {
    get(this: Response): Body | null {
      const body = Reflect.get(platform, 'body', this) as Body | null;
      if (body === null) return null;
      const known = fronts.get(body);
      if (known !== undefined) return known;
      const front = frontOf(body);
      fronts.set(body, front);
      holders.set(front, this);
      return front;
    },
  });
  define(own, 'clone', {
    value(this: Response): Response {
      return withOwnErrors(platform.clone.call(this));
    },
  });
  return own;
}

function define(own: Response, name: string, what: PropertyDescriptor): void {
  const writable = 'value' in what && { writable: true };
  Object.defineProperty(own, name, { ...what, ...writable, enumerable: true, configurable: true });
}

/** Takes from the platform's stream what is read of it, and locks that no sooner. */
function frontOf(body: Body): Body {
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  return new ReadableStream(
    {
      type: 'bytes',
      async pull(controller: ReadableByteStreamController) {
        reader ??= body.getReader();
        try {
          const { done, value } = await reader.read();
          if (!done) {
            controller.enqueue(value);
            return;
          }
        } catch (error) {
          throw ownError(error);
        }
        controller.close();
        controller.byobRequest?.respond(0);
      },
      cancel: (reason) => (reader ?? body).cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
