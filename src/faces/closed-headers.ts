/** The headers of an answer, which show as `Headers` and refuse to be changed, as the platform's do. */
import { headerText } from '../core/raw-headers.js';
import type { RawHeader } from '../core/reply.js';

type Change = (this: unknown, ...args: unknown[]) => unknown;

export function responseHeaders(raw: readonly RawHeader[]): Headers {
  const headers = new Headers();
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = headerText(raw[index] ?? '').toLowerCase();
    headers.append(name, headerText(raw[index + 1] ?? ''));
  }
  return headers;
}

/** Gives back how headers, once they are filled, are closed. */
export function headersCloser(): (headers: Headers) => Headers {
  const immutable = Object.create(Headers.prototype) as Headers;
  for (const name of ['append', 'delete', 'set'] as const) {
    const change = Headers.prototype[name] as Change;
    const refuse = function (this: unknown, ...args: unknown[]): never {
      // What is wrong otherwise comes first, as there.
      change.apply(this instanceof Headers ? new Headers() : this, args);
      throw new TypeError('immutable');
    };
    Object.defineProperties(refuse, {
      name: { value: name },
      length: { value: change.length },
    });
    Object.defineProperty(immutable, name, {
      value: refuse,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
  return (headers) => Object.setPrototypeOf(headers, immutable) as Headers;
}
