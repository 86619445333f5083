/**
 * A `Response` that costs next to nothing while it is used the usual way: status, headers, `json()`, `text()`.
 * Anything else makes it a real one behind the scenes.
 */
import { formatWithOptions, inspect, type InspectOptions } from 'node:util';
import { headerText } from '../core/raw-headers.js';
import { bodyStream } from './body-stream.js';
import { urlOf, type FetchReply } from './fetch-reply.js';

/** What `Response` takes as a reason phrase; more can arrive. */
const SENDABLE = /^[\t -~\x80-\xff]*$/;

/** Answers with these statuses have no body. */
const NULL_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

// Symbols, not private fields: those would break `new Proxy(response, {})` and `Object.create(response)`.
const kReply = Symbol('reply');
const kHeaders = Symbol('headers');
const kReal = Symbol('real');

/** Makes light responses, and knows its own. */
export interface LightResponses {
  create(reply: FetchReply): Response;
  /** The reply behind a light response; undefined for any other value. */
  replyOf(response: unknown): FetchReply | undefined;
}

/** Looks at the platform's `Response`, which loads it: so not before the first answer has come. */
export function lightResponses(): LightResponses {
  const { Response, Headers } = globalThis;

  /** Headers that are filled first and closed then. They show as `Headers`, as the platform's do. */
  const immutable = Object.create(Headers.prototype) as Headers;
  for (const name of ['append', 'delete', 'set']) {
    Object.defineProperty(immutable, name, {
      value: refuseChange,
      writable: true,
      configurable: true,
    });
  }

  class LightResponse {
    readonly [kReply]: FetchReply;
    [kHeaders]: Headers | undefined = undefined;
    [kReal]: Response | undefined = undefined;

    constructor(reply: FetchReply) {
      this[kReply] = reply;
    }

    get status(): number {
      return this[kReply].head.status;
    }
    get statusText(): string {
      return this[kReply].head.statusText;
    }
    get ok(): boolean {
      const { status } = this[kReply].head;
      return status >= 200 && status <= 299;
    }
    get headers(): Headers {
      return (this[kHeaders] ??= this[kReal]?.headers ?? closed(headersOf(this[kReply])));
    }
    get url(): string {
      return urlOf(this[kReply].call);
    }
    get redirected(): boolean {
      return false;
    }
    get type(): string {
      return 'basic';
    }
    get bodyUsed(): boolean {
      return this[kReal] === undefined ? this[kReply].used : this[kReal].bodyUsed;
    }
    json(): Promise<unknown> {
      return isPlain(this) ? this[kReply].consume(parse) : realOf(this).json();
    }
    text(): Promise<string> {
      return isPlain(this) ? this[kReply].consume(decode) : realOf(this).text();
    }
    bytes(): Promise<Uint8Array<ArrayBuffer>> {
      if (isPlain(this)) return this[kReply].consume(copy);
      return realOf(this)
        .arrayBuffer()
        .then((buffer) => new Uint8Array(buffer));
    }
    arrayBuffer(): Promise<ArrayBuffer> {
      if (isPlain(this)) return this[kReply].consume((bytes) => copy(bytes).buffer);
      return realOf(this).arrayBuffer();
    }
    /** As the platform shows its own. */
    [inspect.custom](_depth: number, options: InspectOptions): string {
      const { body } = realOf(this);
      const { status, statusText, headers, bodyUsed, ok, redirected, type, url } = this;
      const shown = { status, statusText, headers, body, bodyUsed, ok, redirected, type, url };
      return `Response ${formatWithOptions(options, shown)}`;
    }
  }

  /** True while the body is as it came: unread, and not in the hands of a real response. */
  function isPlain(light: LightResponse): boolean {
    return light[kReal] === undefined && !light[kReply].used && hasBody(light[kReply]);
  }

  /** The platform's own response over the same body, made when something is asked that only it can do. */
  function realOf(light: LightResponse): Response {
    if (light[kReal] !== undefined) return light[kReal];
    const reply = light[kReply];
    const { status, statusText } = reply.head;
    const words = SENDABLE.test(statusText) ? statusText : '';
    const init = { status, statusText: words, headers: headersOf(reply) };
    let real: Response;
    if (!hasBody(reply)) {
      real = new Response(null, init);
    } else if (reply.used) {
      // Whoever comes after the body has been read must find it used, in the platform's words.
      real = new Response('', init);
      void real.text();
    } else {
      real = new Response(bodyStream(reply), init);
    }
    closed(real.headers);
    light[kReal] = real;
    return real;
  }

  function headersOf({ head: { rawHeaders } }: FetchReply): Headers {
    const headers = new Headers();
    for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
      const name = headerText(rawHeaders[index] ?? '').toLowerCase();
      headers.append(name, headerText(rawHeaders[index + 1] ?? ''));
    }
    return headers;
  }

  function closed(headers: Headers): Headers {
    return Object.setPrototypeOf(headers, immutable) as Headers;
  }

  const { prototype } = LightResponse;
  Object.setPrototypeOf(prototype, Response.prototype);
  Object.defineProperty(prototype, 'constructor', { value: Response });
  // Members show up in a `for…in`, as the platform's do.
  for (const name of Object.getOwnPropertyNames(prototype)) {
    if (name !== 'constructor') Object.defineProperty(prototype, name, { enumerable: true });
  }
  // Whatever else the platform's Response has, the real one answers.
  for (const name of Reflect.ownKeys(Response.prototype)) {
    if (name === Symbol.toStringTag || Object.hasOwn(prototype, name)) continue;
    const platform = Object.getOwnPropertyDescriptor(Response.prototype, name);
    const method: unknown = platform?.value;
    const enumerable = platform?.enumerable ?? false;
    const forward =
      typeof method === 'function'
        ? {
            value(this: LightResponse, ...args: unknown[]): unknown {
              return Reflect.apply(method as () => unknown, realOf(this), args);
            },
            writable: true,
          }
        : {
            get(this: LightResponse): unknown {
              return Reflect.get(realOf(this), name);
            },
          };
    Object.defineProperty(prototype, name, { ...forward, enumerable, configurable: true });
  }

  return {
    create: (reply) => new LightResponse(reply) as unknown as Response,
    replyOf: (response) => (response instanceof LightResponse ? response[kReply] : undefined),
  };
}

function hasBody({ head, call }: FetchReply): boolean {
  return !NULL_BODY.has(head.status) && call.method !== 'HEAD';
}

function refuseChange(): never {
  throw new TypeError('immutable');
}

function parse(bytes: Buffer): unknown {
  return JSON.parse(decode(bytes));
}

/** UTF-8 as fetch decodes it: without a byte order mark. */
function decode(bytes: Buffer): string {
  const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return bytes.toString('utf8', marked ? 3 : 0);
}

/** A buffer of its own: what the transport hands up is a view of the socket's. */
function copy(bytes: Buffer): Uint8Array<ArrayBuffer> {
  const own = new Uint8Array(bytes.length);
  own.set(bytes);
  return own;
}
