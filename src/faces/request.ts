/** `client.request`: undici's `request`, over the client's endpoints. */
import type { Dispatcher } from 'undici';
import type { RequestOverrides } from '../options/options.js';
import undiciRequest from 'undici/lib/api/api-request.js';

/** As undici's own, without what would choose the connection. */
export type RequestOptions = Omit<Dispatcher.RequestOptions, 'origin' | 'path' | 'method'> & {
  /** @default 'GET', or 'PUT' with a body */
  readonly method?: Dispatcher.HttpMethod;
  /** Options of this call, in place of those of its service. */
  readonly resilience?: RequestOverrides;
  /** In place of the path of the URL. */
  readonly path?: string;
};

export function request(
  dispatcher: Dispatcher,
  service: string | undefined,
  url: string | URL,
  options: RequestOptions = {},
): Promise<Dispatcher.ResponseData> {
  const base = new URL(url, service);
  const target = options.path === undefined ? base : new URL(options.path, base);
  return undiciRequest.call(dispatcher, {
    ...options,
    origin: target.origin,
    path: target.pathname + target.search,
    method: options.method ?? (options.body ? 'PUT' : 'GET'),
  });
}
