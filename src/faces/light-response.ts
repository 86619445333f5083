/**
 * A `Response` that costs next to nothing while it is used the usual way: status, headers, `json()`, `text()`.
 * Anything else makes it a real one behind the scenes.
 */
import { inspect } from 'node:util';
import * as workers from 'node:worker_threads';

import { bodyStream } from './body-stream.js';
import { headersCloser, responseHeaders } from './closed-headers.js';
import { urlOf, type FetchReply } from './fetch-reply.js';
import { platformClass } from './platform-class.js';
import { copy, copyOfMemory, decode, parse } from './read-bytes.js';

/** What `Response` takes as a reason phrase; more can arrive. */
const SENDABLE = /^[\t -~\x80-\xff]*$/;

/** Answers with these statuses have no body. */
const NULL_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

// A symbol, not a private field: that would break `new Proxy(response, {})` and `Object.create(response)`.
const kInside = Symbol('reply');

/**
 * What a light response is about. An object of its own, because the response may be frozen; and the reply must not know
 * of the platform's response, which is to be collected when nobody reads it.
 */
class Inside {
  headers: Headers | undefined = undefined;
  /** The platform's own response over the same body, once it is needed. */
  real: Response | undefined = undefined;

  constructor(readonly reply: FetchReply) {}
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** Makes light responses, and knows its own. */
export interface LightResponses {
  create(reply: FetchReply): Response;
  /** The reply behind a light response; undefined for any other value. */
  replyOf(response: unknown): FetchReply | undefined;
}

/** Looks at the platform's `Response`, which loads it: so not before the first answer has come. */
export function lightResponses(): LightResponses {
  const Platform = platformClass(Response);
  const platform = Platform.prototype;

  const close = headersCloser();

  class LightResponse {
    readonly [kInside]: Inside;

    constructor(inside: Inside) {
      this[kInside] = inside;
      markAsUncloneable(this);
    }

    get status(): number {
      const inside = insideOf(this);
      return inside === undefined ? ask(this, 'status') : inside.reply.head.status;
    }
    get statusText(): string {
      const inside = insideOf(this);
      return inside === undefined ? ask(this, 'statusText') : inside.reply.head.statusText;
    }
    get ok(): boolean {
      const inside = insideOf(this);
      if (inside === undefined) return ask(this, 'ok');
      const { status } = inside.reply.head;
      return status >= 200 && status <= 299;
    }
    get headers(): Headers {
      const inside = insideOf(this);
      if (inside === undefined) return ask(this, 'headers');
      return (inside.headers ??= close(responseHeaders(inside.reply.head.rawHeaders)));
    }
    get url(): string {
      const inside = insideOf(this);
      return inside === undefined ? ask(this, 'url') : urlOf(inside.reply.call);
    }
    get redirected(): boolean {
      const inside = insideOf(this);
      return inside === undefined ? ask(this, 'redirected') : inside.reply.before.length > 0;
    }
    get type(): Response['type'] {
      return insideOf(this) === undefined ? ask(this, 'type') : 'basic';
    }
    get bodyUsed(): boolean {
      const inside = insideOf(this);
      if (inside === undefined) return ask(this, 'bodyUsed');
      return inside.real === undefined ? inside.reply.used : inside.real.bodyUsed;
    }
    json(): unknown {
      return unreadOf(this)?.consume(parse) ?? perform(this, 'json');
    }
    text(): unknown {
      return unreadOf(this)?.consume(decode) ?? perform(this, 'text');
    }
    bytes(): unknown {
      return unreadOf(this)?.consume(copy) ?? perform(this, 'bytes');
    }
    arrayBuffer(): unknown {
      return unreadOf(this)?.consume(copyOfMemory) ?? perform(this, 'arrayBuffer');
    }
    clone(): unknown {
      const made = perform(this, 'clone') as Response;
      const inside = insideOf(this);
      if (inside === undefined) return made;
      const copied = new Inside(inside.reply);
      copied.real = made;
      return new LightResponse(copied);
    }
  }

  /** Undefined for whatever else one of the members is applied to. */
  function insideOf(light: unknown): Inside | undefined {
    return (light as LightResponse | undefined)?.[kInside];
  }

  /** The reply while its body is as it came: unread, and not in the hands of a real response. */
  function unreadOf(light: LightResponse): FetchReply | undefined {
    const inside = insideOf(light);
    if (inside === undefined || inside.real !== undefined) return undefined;
    const { reply } = inside;
    return reply.used || !hasBody(reply) ? undefined : reply;
  }

  /** The platform's getter: on the real response, or on what is none of ours, of which the platform complains. */
  function ask<Name extends keyof Response>(light: unknown, name: Name): Response[Name] {
    const inside = insideOf(light);
    return Reflect.get(platform, name, inside === undefined ? light : realOf(inside));
  }

  /** The same for a method. */
  function perform(light: unknown, name: string | symbol, args: unknown[] = []): unknown {
    const inside = insideOf(light);
    const method = Reflect.get(platform, name) as Method;
    return Reflect.apply(method, inside === undefined ? light : realOf(inside), args);
  }

  /** The platform's own response over the same body, made when something is asked that only it can do. */
  function realOf(inside: Inside): Response {
    if (inside.real !== undefined) return inside.real;
    const { reply } = inside;
    const { status, statusText } = reply.head;
    const words = SENDABLE.test(statusText) ? statusText : '';
    const init = { status, statusText: words, headers: responseHeaders(reply.head.rawHeaders) };
    let real: Response;
    if (!hasBody(reply)) {
      real = new Platform(null, init);
    } else if (reply.used) {
      // Whoever comes after the body has been read must find it used, in the platform's words.
      real = new Platform(reply.isOver ? closedStream() : '', init);
      void real.text();
    } else {
      real = new Platform(bodyStream(reply), init);
    }
    inside.real = real;
    return real;
  }

  const { prototype } = LightResponse;
  Object.setPrototypeOf(prototype, platform);
  // Through the members above, it shows what they say.
  const { [inspect.custom]: show } = platform as unknown as Partial<Record<symbol, Method>>;
  if (show !== undefined) define(prototype, inspect.custom, { value: show });
  define(prototype, 'constructor', { value: Platform });
  for (const name of Object.getOwnPropertyNames(prototype)) {
    // Members show up in a `for…in`, as the platform's do; what it has not, nobody shall find here.
    if (name === 'constructor') continue;
    if (name in platform) Object.defineProperty(prototype, name, { enumerable: true });
    else Reflect.deleteProperty(prototype, name);
  }
  // What versions without private fields keep under symbols is not here: their members shall say so, not give nothing.
  for (const symbol of Object.getOwnPropertySymbols(new Platform())) {
    const get = (): never => {
      throw new TypeError(
        'a member of Response.prototype was applied to an answer that is lighter than that, expected the answer’s own',
      );
    };
    Object.defineProperty(prototype, symbol, { get, configurable: true });
  }
  // Whatever else the platform's Response has, the real one answers.
  for (const name of Reflect.ownKeys(platform)) {
    if (name === Symbol.toStringTag || Object.hasOwn(prototype, name)) continue;
    const theirs = Object.getOwnPropertyDescriptor(platform, name);
    const method: unknown = theirs?.value;
    const { enumerable = false } = theirs ?? {};
    if (typeof method === 'function') {
      const forward = function (this: unknown, ...args: unknown[]): unknown {
        return perform(this, name, args);
      };
      Object.defineProperties(forward, {
        name: { value: method.name },
        length: { value: method.length },
      });
      define(prototype, name, { value: forward, enumerable });
    } else {
      const get = function (this: unknown): unknown {
        return ask(this, name as keyof Response);
      };
      Object.defineProperty(prototype, name, { get, enumerable, configurable: true });
    }
  }

  return {
    create: (reply) => new LightResponse(new Inside(reply)) as unknown as Response,
    replyOf: (response) =>
      response instanceof LightResponse ? response[kInside].reply : undefined,
  };
}

/** Node 20 has none, and clones an answer without what is in it. */
const markAsUncloneable =
  (workers as { markAsUncloneable?: (value: object) => void }).markAsUncloneable ?? (() => {});

function define(object: object, name: string | symbol, what: PropertyDescriptor): void {
  Object.defineProperty(object, name, { writable: true, configurable: true, ...what });
}

function hasBody({ head, call }: FetchReply): boolean {
  return !NULL_BODY.has(head.status) && call.method !== 'HEAD';
}

function closedStream(): ReadableStream {
  return new ReadableStream({ type: 'bytes', start: (controller) => controller.close() });
}
