/** Ways in which an answer comes to be, of which each takes another path through ours: a check runs with all of them. */
import { isDeepStrictEqual } from 'node:util';
import { gzipSync } from 'node:zlib';
import { beforeAll } from 'vitest';
import type { Deliberate } from './deliberate.js';
import {
  observed,
  sameAsPlatform,
  type Bench,
  type CheckOptions,
  type Observe,
} from './differential.js';
import type { Answer } from './script-server.js';

type Way = (bench: Bench, init?: RequestInit) => Promise<Response>;

/** In its usual form, from a `Request`, decoded, and after a redirect. */
export const ways: Readonly<Record<string, Way>> = {
  plain: ({ fetch, url }, init) => fetch(`${url}/plain?q=1`, init),
  'of a Request': ({ fetch, url }, init) => fetch(new Request(`${url}/request?q=1`, init)),
  decoded: ({ fetch, url }, init) => fetch(`${url}/gzip?q=1`, init),
  redirected: ({ fetch, url }, init) => fetch(`${url}/redirect?q=1`, init),
};

/** What a server answers, whichever way the answer takes. */
export interface Content {
  readonly status?: number;
  readonly statusText?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** A function writes it by itself; it must not be one of the decoded way then. */
  readonly body?: string | Uint8Array | ((...args: Parameters<Answer>) => unknown);
}

/** The server's side of it. */
export function answering({ status = 200, statusText, headers = {}, body = '' }: Content): Answer {
  return (request, response) => {
    const path = request.url ?? '/';
    if (path.startsWith('/redirect')) {
      response.writeHead(302, { location: '/plain?after=redirect#part' });
      response.end('moved');
      return;
    }
    const isGzip = path.startsWith('/gzip') && typeof body !== 'function';
    const all: Record<string, string | string[]> = {};
    for (const [name, value] of Object.entries(headers)) {
      all[name] = typeof value === 'string' ? value : [...value];
    }
    if (isGzip) all['content-encoding'] = 'gzip';
    if (statusText === undefined) response.writeHead(status, all);
    else response.writeHead(status, statusText, all);
    if (typeof body === 'function') body(request, response);
    else response.end(isGzip ? gzipSync(body) : body);
  };
}

/** A check of an answer, whichever way it came. */
export function sameEachWay(
  name: string,
  observe: (response: Response, bench: Bench, again: () => Promise<Response>) => unknown,
  { content = {}, init, ...options }: CheckOptions & { content?: Content; init?: RequestInit } = {},
): void {
  for (const [way, get] of Object.entries(ways)) {
    sameAsPlatform(
      `${name}: ${way}`,
      async (bench) => observe(await get(bench, init), bench, () => get(bench, init)),
      {
        answer: answering(content),
        ...options,
      },
    );
  }
}

/** For checks of what breaks the grammar of HTTP, of which the parsers of other versions think otherwise than ours. */
export function strictParser(): NonNullable<CheckOptions['mayDiffer']> {
  return whereProbeDiffers('parser', async ({ fetch, url }) => (await fetch(url)).status, {
    answer: ({ socket }) => socket.end('HTTP/1.1 20 Odd\r\nX A: b\r\n\r\n'),
  });
}

/** On versions of the platform where one thing differs, others may for the same reason. */
export function whereProbeDiffers(
  reason: Deliberate,
  probe: Observe,
  options: CheckOptions,
): NonNullable<CheckOptions['mayDiffer']> {
  let isOther = false;
  beforeAll(async () => {
    const [platform, ours] = [
      await observed('platform', probe, options),
      await observed('ours', probe, options),
    ];
    isOther = !isDeepStrictEqual(platform, ours);
  });
  return { reason, where: () => isOther };
}
