/** Origins of services and addresses of endpoints, in their canonical form. */
import { quote } from './describe.js';
import type { Reader } from './place.js';

const ORIGIN =
  "an http or https origin such as 'http://simple-backend', without path, query or credentials";

export const ENDPOINT =
  "an http or https origin such as 'http://10.0.0.7:8080', or 'unix:' and an absolute path";

export const readOrigin: Reader<string> = (value, at) => {
  const origin = typeof value === 'string' ? canonicalOrigin(value) : undefined;
  return origin ?? at.refuse(value, ORIGIN, hint(value, originMeant));
};

/** `http://10.0.0.7:8080`, `https://…`, or `unix:/run/app.sock`. */
export const readEndpointUrl: Reader<string> = (value, at) => {
  const url =
    typeof value === 'string' ? (canonicalOrigin(value) ?? canonicalSocket(value)) : undefined;
  return url ?? at.refuse(value, ENDPOINT, hint(value, endpointMeant));
};

/** Lower case, without a default port and without a slash at the end; undefined when it is not an origin. */
export function canonicalOrigin(text: string): string | undefined {
  // The URL parser forgives too much here: white space, a missing slash, an empty query.
  if (!/^https?:\/\/[^\s/?#\\@]+\/?$/i.test(text)) return undefined;
  const url = parsed(text);
  return url === undefined || url.port === '0' ? undefined : url.origin;
}

function parsed(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

/** Host and port, port 80 left out: `simple-backend`, `api.example.com:443`. */
export function defaultName(origin: string): string {
  const { protocol, host, port } = new URL(origin);
  return protocol === 'https:' && port === '' ? `${host}:443` : host;
}

function canonicalSocket(text: string): string | undefined {
  const [, path] = /^unix:(?:\/\/)?(\/[^\0/](?:[^\0]*[^\0/])?)$/i.exec(text) ?? [];
  return path === undefined ? undefined : `unix:${path}`;
}

/** The origin that was most likely meant by a host, or by a URL that has more than an origin. */
export function originMeant(text: string): string | undefined {
  const trimmed = text.trim();
  const absolute = /^[\w.-]+(?::\d+)?(?:\/.*)?$/.test(trimmed) ? `http://${trimmed}` : trimmed;
  const url = /^https?:/i.test(absolute) ? parsed(absolute) : undefined;
  return url && canonicalOrigin(url.origin);
}

/** The socket that was most likely meant: without `unix:`, relative, or with the wrong number of slashes. */
function socketMeant(text: string): string | undefined {
  const [, path] = /^(?:(?:http\+)?unix:)?\/*(.+)$/i.exec(text.trim()) ?? [];
  const isSocket = /^(?:\/|(?:http\+)?unix:)|\.sock$/i.test(text.trim());
  return isSocket && path !== undefined ? canonicalSocket(`unix:/${path}`) : undefined;
}

const endpointMeant = (text: string): string | undefined => socketMeant(text) ?? originMeant(text);

function hint(value: unknown, guess: (text: string) => string | undefined): string {
  const meant = typeof value === 'string' ? guess(value) : undefined;
  return meant === undefined ? '' : `; did you mean ${quote(meant)}?`;
}
