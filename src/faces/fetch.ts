/** `client.fetch`: the fast path where the request has a usual form, the platform's own fetch everywhere else. */
import type { Cluster } from '../cluster/cluster.js';
import type { Call, Overrides } from '../core/call.js';
import { explainCall, type Explanation } from '../core/explanation.js';
import type { Reply } from '../core/reply.js';
import { headerText } from '../core/raw-headers.js';
import type { Middleware } from '../options/options.js';
import { addedHeaders } from './added-headers.js';
import { beforeNextHop } from './before-next-hop.js';
import type { DispatchHost } from './dispatcher.js';
import { fallBack, fallbackOf, isFailure } from './fallback.js';
import { FetchReply, READY, urlOf, type ReplyHost } from './fetch-reply.js';
import { afterHop, copyInit, fetchOnPlatform, platformFetch, type Hops } from './full-path.js';
import { givenToRequest, type GivenBody } from './given-body.js';
import { BLOCKED_PORTS } from './blocked-ports.js';
import { newCall } from './new-call.js';
import { readInit } from './read-init.js';
import { isRedirect, redirectedPath } from './redirect.js';
import type { ResilientRequestInit } from './request-init.js';
import { lightResponses, type LightResponses } from './light-response.js';
import { requestBytes } from './request-bytes.js';
import { SharedHeaders } from './shared-headers.js';
import { Signals } from './signals.js';
import { FreshBody } from './fresh-body.js';
import { plainGet, simpleRequest, Unusual, type SimpleRequest } from './simple-request.js';
import { usualInput } from './usual-input.js';

export type ResilientFetch = (
  input: string | URL | Request,
  init?: ResilientRequestInit,
) => Promise<Response>;

/** What the fetch face needs of the client. */
export interface FetchHost extends DispatchHost {
  readonly middleware: readonly Middleware[];
  /** The base of relative URLs. */
  readonly service: string | undefined;
  /** The cluster of an origin written exactly like this, if there is one already. */
  knownCluster(origin: string): Cluster | undefined;
}

export interface FetchFace {
  readonly fetch: ResilientFetch;
  /** The story behind an answer of this client; undefined for any other value. */
  readonly explain: (response: Response) => Explanation | undefined;
}

interface Target {
  readonly cluster: Cluster;
  readonly path: string;
}

/** What is the same in most requests to a cluster. */
interface UsualRequest {
  /** The GET that most calls are: nobody changes it, so that it is made once. */
  readonly plain: SimpleRequest;
  /** Headers that fetch adds. */
  readonly added: readonly string[];
}

/** Paths that `new URL` would leave as they are. */
const PLAIN_PATH = /^\/[\w\-.~!$&()*+,;=:@%/?]*$/;
const ENCODED_DOT = /%2e/i;

export function fetchFace(host: FetchHost): FetchFace {
  const hops: Hops = new WeakMap();
  /** What the bodies of requests that went through middleware were made of. */
  const givenBodies = new WeakMap<Request, GivenBody>();
  let light: LightResponses | undefined;

  const replyHost: ReplyHost = {
    signals: new Signals(),
    respondLocally: host.respondLocally,
    unread: new FinalizationRegistry((reply) => reply.cancel(new Error('nobody read the body'))),
    respond(reply) {
      if (!needsPlatform(reply.head)) return (light ??= lightResponses()).create(reply);
      const path = isRedirect(reply.head.status) ? redirectedPath(reply) : undefined;
      if (path !== undefined) {
        follow(reply, path);
        return undefined;
      }
      reply.unwatch();
      const first = reply.before[0] ?? reply;
      return fetchOnPlatform(host, hops, urlOf(first.call), initOf(first), undefined, reply);
    },
  };

  /** The next hop, to the same origin; as the platform makes it. */
  function follow(reply: FetchReply, path: string): void {
    const { call, ownHeaders, signal } = reply;
    const next = reply.next();
    const calls = (reply.hops ??= [call]) as Call[];
    next.hops = calls;
    next.ownHeaders = ownHeaders;
    const goOn = (broken?: Error): void => {
      reply.unwatch();
      if (signal?.aborted === true || broken !== undefined) {
        next.refuse(signal?.aborted === true ? signal.reason : broken);
        return;
      }
      try {
        const cluster = host.clusterOf(call.chain.upstream.service.origin);
        const overrides = afterHop(calls[0] as Call);
        const { method, headers } = call;
        next.call = newCall(cluster, next, overrides, method, path, headers, null, undefined);
      } catch (error) {
        next.refuse(error);
        return;
      }
      calls.push(next.call);
      if (signal !== undefined) replyHost.signals.watch(signal, next.call);
      next.call.chain.upstream.start(next.call);
    };
    // What comes with the head has come by then, so that its connection stays.
    void READY.then(() => beforeNextHop(reply, goOn));
  }

  const lists = new SharedHeaders();
  const usualRequests = new WeakMap<Cluster, UsualRequest>();

  function usualOf(cluster: Cluster): UsualRequest {
    const known = usualRequests.get(cluster);
    if (known !== undefined) return known;
    const added = addedHeaders(cluster.service);
    const plain = plainGet(cluster.authority, added);
    Object.freeze(plain.headers);
    usualRequests.set(cluster, { added, plain });
    return { added, plain };
  }

  function send(
    input: string | URL | Request,
    init?: ResilientRequestInit | null,
  ): Promise<Response> {
    // The platform refuses it.
    if (init != null && typeof init !== 'object' && typeof init !== 'function') {
      return platformFetch(input, init);
    }
    const resilience = init?.resilience;
    const overrides = resilience === undefined ? undefined : host.readOverrides(resilience);
    const request = input instanceof Request ? input : undefined;
    const given = request && givenBodies.get(request);
    const usual = request && given?.isMade !== true ? usualInput(request, init) : undefined;
    const url = request === undefined ? input : usual?.url;
    const target = url instanceof URL || typeof url === 'string' ? locate(host, url) : undefined;
    if (target === undefined) {
      const own = init == null ? undefined : readInit(init);
      const first = own?.body == null ? given : undefined;
      return fetchOnPlatform(host, hops, absolute(host, input), own, overrides, undefined, first);
    }
    const { cluster } = target;
    const { plain, added } = usualOf(cluster);
    const said = usual === undefined ? init : usual.init;
    const simple = said == null ? plain : simpleRequest(said, cluster.authority, added);
    if (simple instanceof Unusual) {
      const own = usual === undefined ? simple.init : undefined;
      return fetchOnPlatform(host, hops, absolute(host, input), own, overrides, undefined, given);
    }
    if (usual?.hasBody === true) {
      return sendBytes(input as Request, target, simple, overrides, given);
    }
    return start(target, simple, overrides, request);
  }

  async function sendBytes(
    request: Request,
    target: Target,
    simple: SimpleRequest,
    overrides: Overrides | undefined,
    given: GivenBody | undefined,
  ): Promise<Response> {
    const body = await requestBytes(request, simple.method, simple.signal);
    return body instanceof Uint8Array
      ? start(target, { ...simple, body }, overrides, request)
      : fetchOnPlatform(host, hops, body, undefined, overrides, undefined, given);
  }

  function start(
    { cluster, path }: Target,
    simple: SimpleRequest,
    overrides: Overrides | undefined,
    request: Request | undefined,
  ): Promise<Response> {
    const { method, body, signal } = simple;
    const { plain } = usualOf(cluster);
    const headers = simple === plain ? plain.headers : lists.of(simple.headers);
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    let reply!: FetchReply;
    const answer = new Promise<Response>((resolve, reject) => {
      reply = new FetchReply(replyHost, resolve, reject, signal);
      const call = newCall(cluster, reply, overrides, method, path, headers, body, undefined);
      reply.call = call;
      reply.ownHeaders = simple.ownHeaders;
      reply.request = request;
      if (signal !== undefined) replyHost.signals.watch(signal, call);
      call.chain.upstream.start(call);
    });
    return fallbackOf(cluster.chains.usual) === undefined ? answer : orFallback(answer, reply);
  }

  async function orFallback(answer: Promise<Response>, reply: FetchReply): Promise<Response> {
    let outcome: unknown;
    try {
      const response = await answer;
      if (!isFailure(response.status)) return response;
      outcome = response;
    } catch (error) {
      outcome = error;
    }
    const calls = reply.hops ?? [reply.call];
    return fallBack(hops, {
      outcome,
      calls,
      request: () => requestOf(reply),
      own: host.own,
    });
  }

  const face =
    host.middleware.length === 0
      ? guarded(send)
      : throughMiddleware(host, guarded(send), givenBodies);
  return {
    fetch: Object.defineProperty(face, 'length', { value: platformFetch.length }),
    explain(response) {
      // First, because the answer of a fallback may be one of another call of ours.
      const reply = light?.replyOf(response);
      const calls = hops.get(response) ?? reply?.hops;
      const last = calls?.at(-1) ?? reply?.call;
      return last && explainCall(last, calls?.slice(0, -1));
    },
  };
}

/** Like fetch, it never throws: what is wrong with the arguments rejects. */
function guarded(send: ResilientFetch): ResilientFetch {
  return function fetch(input, init) {
    try {
      return send(input, init);
    } catch (error) {
      return Promise.reject(error);
    }
  };
}

function throughMiddleware(
  host: FetchHost,
  send: ResilientFetch,
  givenBodies: WeakMap<Request, GivenBody>,
): ResilientFetch {
  const { middleware } = host;
  return async function fetch(input, init) {
    const resilience = init?.resilience;
    const step =
      (index: number) =>
      async (request: Request): Promise<Response> => {
        const one = middleware[index];
        if (one !== undefined) return host.own.run(() => one(request, step(index + 1)));
        return send(request, resilience === undefined ? {} : { resilience });
      };
    const read = init == null ? undefined : readInit(init);
    const given = await givenToRequest(read?.body);
    const own = copyInit(read, given);
    const request = new Request(
      absolute(host, input),
      typeof read?.body === 'function' ? Object.assign(own, { duplex: 'half' }) : own,
    );
    if (given !== undefined) givenBodies.set(request, given);
    return step(0)(request);
  };
}

function hasDotSegment(path: string): boolean {
  return path.includes('/.') || (path.includes('%') && ENCODED_DOT.test(path));
}

/** Cluster and path of a plain URL; undefined for one that the platform should judge. */
function locate(host: FetchHost, input: string | URL): Target | undefined {
  const text = String(input);
  // Whether an empty query is sent differs between versions of the platform.
  if (text.endsWith('?') || text.includes('?#')) return undefined;
  const slash = text.startsWith('/') ? 0 : text.indexOf('/', 8);
  if (slash !== -1) {
    const origin = slash === 0 ? host.service : text.slice(0, slash);
    const cluster = origin === undefined ? undefined : host.knownCluster(origin);
    const path = text.slice(slash);
    if (
      cluster !== undefined &&
      !BLOCKED_PORTS.has(cluster.port) &&
      PLAIN_PATH.test(path) &&
      !hasDotSegment(path) &&
      !path.startsWith('//')
    ) {
      return { cluster, path };
    }
  }
  if (!URL.canParse(text, host.service)) return undefined;
  const url = new URL(text, host.service);
  const isWeb = url.protocol === 'http:' || url.protocol === 'https:';
  if (!isWeb || BLOCKED_PORTS.has(url.port) || url.username !== '' || url.password !== '')
    return undefined;
  return { cluster: host.clusterOf(url.origin), path: url.pathname + url.search };
}

/** What the caller asked for, as it was then: his own objects may have changed since. */
function initOf({ call, ownHeaders, signal }: FetchReply): ResilientRequestInit {
  const headers: [string, string][] = [];
  for (let index = 2; index < ownHeaders; index += 2) {
    headers.push([call.headers[index] ?? '', call.headers[index + 1] ?? '']);
  }
  const body =
    call.body instanceof FreshBody
      ? call.body.make
      : (call.body as string | Uint8Array<ArrayBuffer> | Blob | null);
  return { method: call.method, headers, body, ...(signal && { signal }) };
}

/** The same as a request; what a function made of its body is not there any more. */
function requestOf(reply: FetchReply): Request {
  const { body, ...init } = initOf(reply);
  const own = typeof body === 'function' ? init : { ...init, body };
  return new Request(urlOf(reply.call), own as RequestInit);
}

/** What the platform's fetch can take: it knows no base for relative URLs. */
function absolute(host: FetchHost, input: string | URL | Request): string | URL | Request {
  return typeof input === 'string' &&
    host.service !== undefined &&
    URL.canParse(input, host.service)
    ? new URL(input, host.service)
    : input;
}

/** A redirect to follow, a body to decode, a status that `Response` does not know: the platform's business. */
function needsPlatform({ status, rawHeaders }: Reply): boolean {
  if (status >= 600 || status === 407 || status === 421) return true;
  const redirects = isRedirect(status);
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const raw = rawHeaders[index] ?? '';
    // Both names are told by their length first: this runs for every answer.
    const length = raw.length;
    if (length === 16 && headerText(raw).toLowerCase() === 'content-encoding') return true;
    if (redirects && length === 8 && headerText(raw).toLowerCase() === 'location') return true;
  }
  return false;
}
