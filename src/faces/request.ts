/** `client.request`: undici's `request`, over the client's endpoints. */
import type { Dispatcher } from 'undici';
import type { DispatchBody } from './dispatcher.js';
import type { RequestOverrides } from '../options/options.js';
import undiciRequest from 'undici/lib/api/api-request.js';

/** As undici's own, without what would choose the connection. */
export type RequestOptions = Omit<
  Dispatcher.RequestOptions,
  'origin' | 'path' | 'method' | 'body'
> & {
  /**
   * As undici's, or any that fetch takes; or a function that makes it, which is called for each attempt, so that a
   * stream can be sent again however long it is.
   */
  readonly body?: DispatchBody | undefined;
  /** @default 'GET', or 'PUT' with a body */
  readonly method?: Dispatcher.HttpMethod;
  /** Options of this call, in place of those of its service. */
  readonly resilience?: RequestOverrides;
  /** In place of the path of the URL. */
  readonly path?: string;
};

export async function request(
  dispatcher: Dispatcher,
  service: string | undefined,
  url: string | URL,
  options?: RequestOptions | null,
): Promise<Dispatcher.ResponseData> {
  if (typeof url !== 'string' && !(url instanceof URL)) {
    throw new TypeError(
      `client.request takes a URL first, as text or as a URL; found ${typeof url}`,
    );
  }
  const { origin, pathname, search } = new URL(url, service);
  const path = options?.path ?? pathname + search;
  return undiciRequest.call(dispatcher, {
    ...options,
    origin,
    path: path.startsWith('/') ? path : `/${path}`,
    method: options?.method ?? (options?.body ? 'PUT' : 'GET'),
  } as Dispatcher.RequestOptions);
}
