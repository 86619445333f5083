/** Where a redirect leads that the fast path can follow: to the same origin, without a body. All others are the platform's. */
import { headerText } from '../core/raw-headers.js';
import type { Reply } from '../core/reply.js';
import { urlOf, type FetchReply } from './fetch-reply.js';

/** As the platform counts them. */
const MOST_REDIRECTS = 20;

/** What else a location may hold is for the platform to judge. */
const VISIBLE = /^[!-~]+$/;

export function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

/** The path to ask for instead; undefined where the platform is to follow, or to refuse it. */
export function redirectedPath(reply: FetchReply): string | undefined {
  const { call, head, before } = reply;
  const isSafe = (call.method === 'GET' || call.method === 'HEAD') && call.body === null;
  if (!isSafe || before.length >= MOST_REDIRECTS) return undefined;
  const location = locationOf(head);
  if (location === undefined || !VISIBLE.test(location)) return undefined;
  const current = urlOf(call);
  if (!URL.canParse(location, current)) return undefined;
  const { origin, username, password, pathname, search, href } = new URL(location, current);
  // Whether an empty query is sent differs between versions of the platform.
  if (search === '' && href.includes('?')) return undefined;
  // Beyond the origin some headers stay behind, and the answer is of another type.
  if (origin !== call.chain.upstream.service.origin || username !== '' || password !== '') {
    return undefined;
  }
  return pathname + search;
}

/** Undefined also where there are several. */
function locationOf({ rawHeaders }: Reply): string | undefined {
  let location: string | undefined;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (name.length !== 8 || headerText(name).toLowerCase() !== 'location') continue;
    if (location !== undefined) return undefined;
    location = headerText(rawHeaders[index + 1] ?? '');
  }
  return location;
}
