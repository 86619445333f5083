/** A response of the platform's whose body, once decoded, may not be larger than so many bytes. */
import type { Call } from '../core/call.js';
import { toError } from '../core/errors.js';
import { responseTooLarge } from '../core/failure.js';

type Body = ReadableStream<Uint8Array>;

const readers = ['arrayBuffer', 'blob', 'bytes', 'formData', 'json', 'text'] as const;

type Read = () => Promise<unknown>;

/** How much there may be, and what is said when there is more. */
interface Bound {
  readonly limit: number;
  readonly call: Call;
}

const bounds = new WeakMap<Response, Bound>();
/** What stands before a body; a response has one body for ever. */
const fronts = new WeakMap<Body, Body>();
let prototype: Response | undefined;

/** What was sent is counted where it arrives, so this is of use only for what the platform decodes. */
export function bounded(response: Response, call: Call | undefined): Response {
  const { maxResponseBytes: limit = 0 } = call?.policy ?? {};
  if (limit === 0 || call === undefined || !response.headers.has('content-encoding')) {
    return response;
  }
  return withBound(response, { limit, call });
}

function withBound(response: Response, bound: Bound): Response {
  prototype ??= prototypeOver(Object.getPrototypeOf(response) as Response);
  bounds.set(response, bound);
  return Object.setPrototypeOf(response, prototype) as Response;
}

/** Each reader reads the counted body: the platform's own would take it all in first. */
function prototypeOver(usual: Response): Response {
  const own = Object.create(usual) as Response;
  const bodyOf = (response: Response): Body | null =>
    Reflect.get(usual, 'body', response) as Body | null;
  for (const name of readers) {
    if (!(name in usual)) continue;
    const value = function (this: Response): Promise<unknown> {
      // What has been read already is refused in the platform's words.
      const refused = () => Reflect.apply(Reflect.get(usual, name) as Read, this, []);
      const inner = bodyOf(this);
      if (this.bodyUsed || inner?.locked === true) return refused();
      if (inner !== null && isTaken(inner)) return whileLocked(inner, refused);
      const { body, headers } = this;
      return Reflect.apply(
        Reflect.get(Response.prototype, name) as Read,
        new Response(body, { headers: typeOf(headers) }),
        [],
      );
    };
    define(own, name, { value: Object.defineProperty(value, 'name', { value: name }) });
  }
  define(own, 'body', {
    get(this: Response): Body | null {
      const body = bodyOf(this);
      const bound = bounds.get(this);
      if (body === null || bound === undefined) return body;
      let front = fronts.get(body);
      if (front === undefined) {
        front = countedFront(body, bound);
        fronts.set(body, front);
      }
      return front;
    },
  });
  define(own, 'clone', {
    value(this: Response): Response {
      const bound = bounds.get(this) as Bound;
      const inner = bodyOf(this);
      const cloned = () => withBound(Reflect.apply(Reflect.get(usual, 'clone'), this, []), bound);
      return inner !== null && isTaken(inner) ? whileLocked(inner, cloned) : cloned();
    },
  });
  return own;
}

/** Somebody has a reader of what stands before it, and may not have read yet. */
function isTaken(body: Body): boolean {
  return fronts.get(body)?.locked === true && !body.locked;
}

/** The platform looks at its own body alone. */
function whileLocked<T>(body: Body, act: () => T): T {
  const reader = body.getReader();
  try {
    return act();
  } finally {
    reader.releaseLock();
  }
}

function define(own: Response, name: string, what: PropertyDescriptor): void {
  const writable = 'value' in what && { writable: true };
  Object.defineProperty(own, name, { ...what, ...writable, enumerable: true, configurable: true });
}

/** A blob and a form ask for it. */
function typeOf(headers: Headers): Record<string, string> {
  const type = headers.get('content-type');
  return type === null ? {} : { 'content-type': type };
}

function countedFront(body: Body, { limit, call }: Bound): Body {
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  let received = 0;
  return new ReadableStream(
    {
      type: 'bytes',
      async pull(controller: ReadableByteStreamController) {
        reader ??= body.getReader();
        const { done, value } = await reader.read();
        if (done) {
          controller.close();
          controller.byobRequest?.respond(0);
          return;
        }
        received += value.byteLength;
        if (received <= limit) {
          controller.enqueue(value);
          return;
        }
        call.chain.upstream.wasTooLarge();
        const error = toError(call, responseTooLarge(limit));
        void reader.cancel(error).catch(() => {});
        throw error;
      },
      cancel: (reason) => (reader ?? body).cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
