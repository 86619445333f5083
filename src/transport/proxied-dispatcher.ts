/** Undici's agents for the proxies of a service: loaded when there is one, for most have none. */
import type { ConnectionOptions } from 'node:tls';
import type { Agent, buildConnector, Dispatcher } from 'undici';
import type { ProxyPolicy } from '../options/proxy.js';
import type { BothHandlers } from './both-handlers.js';
import type { Dispatching } from './dispatched-exchange.js';
import { ProxiedHandler } from './proxied-handler.js';
import { proxyFor } from './proxy-for.js';

export interface ProxySettings {
  readonly policy: ProxyPolicy;
  /** Of the service. */
  readonly authority: string;
  /** Made once, when the first agent is. */
  readonly requestTls: () => ConnectionOptions;
  readonly connectTimeout: number;
  readonly idleTimeout: number;
}

/** Those of one proxy. */
interface Agents {
  readonly proxy: URL;
  readonly authorization: string | undefined;
  /** To the endpoint, by CONNECT. */
  readonly tunnel: Dispatcher;
  /** To the proxy, which is given the whole URL. */
  readonly forward: Dispatcher;
}

type Load = (proxy: string) => Agents;

/** In milliseconds: what undici takes for no limit. */
const LONGEST = 2 ** 31 - 1;

export class ProxiedDispatcher implements Dispatching {
  readonly #settings: ProxySettings;
  readonly #loading: Promise<Load>;
  #make: Load | undefined = undefined;
  readonly #agents = new Map<string, Agents>();
  #isClosed = false;

  constructor(settings: ProxySettings) {
    this.#settings = settings;
    this.#loading = load(settings);
    this.#loading.then(
      (make) => (this.#make = make),
      () => {},
    );
  }

  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const given = handler as unknown as BothHandlers;
    if (this.#make === undefined) {
      this.#loading.then(
        (make) => this.#dispatch(make, options, given),
        (error: unknown) => given.onError(error),
      );
    } else {
      this.#dispatch(this.#make, options, given);
    }
    return true;
  }

  #dispatch(make: Load, options: Dispatcher.DispatchOptions, handler: BothHandlers): void {
    try {
      if (this.#isClosed) throw new Error('the client has been closed');
      const { policy, authority } = this.#settings;
      const origin = String(options.origin);
      const proxy = proxyFor(policy, origin) ?? '';
      const agents = this.#agents.get(proxy) ?? make(proxy);
      this.#agents.set(proxy, agents);
      const { tunnel, forward, authorization } = agents;
      // The proxy would take the host of the URL for that of the request.
      const isForwarded = origin === `http://${authority}`;
      const passed = new ProxiedHandler(handler, agents.proxy, isForwarded);
      (isForwarded ? forward : tunnel).dispatch(
        isForwarded ? forwarded(options, agents.proxy, authorization) : options,
        passed as unknown as Dispatcher.DispatchHandler,
      );
    } catch (error) {
      handler.onError(error);
    }
  }

  /** Those on their way are let go on, unless it has to be at once. */
  async close(isAtOnce: boolean): Promise<void> {
    this.#isClosed = true;
    const all = [...this.#agents.values()].flatMap(({ tunnel, forward }) => [tunnel, forward]);
    await Promise.all(all.map((agent) => (isAtOnce ? agent.destroy() : agent.close())));
  }
}

function forwarded(
  options: Dispatcher.DispatchOptions,
  proxy: URL,
  authorization: string | undefined,
): Dispatcher.DispatchOptions {
  return {
    ...options,
    origin: proxy.origin,
    path: `${String(options.origin)}${options.path}`,
    headers: {
      ...(options.headers as Record<string, string>),
      ...(authorization !== undefined && { 'proxy-authorization': authorization }),
    },
  };
}

async function load(settings: ProxySettings): Promise<Load> {
  const [
    { default: ProxyAgent },
    { default: PlainAgent },
    { default: Pool },
    { default: connect },
  ] = await Promise.all([
    import('undici/lib/dispatcher/proxy-agent.js'),
    import('undici/lib/dispatcher/agent.js'),
    import('undici/lib/dispatcher/pool.js'),
    import('undici/lib/api/api-connect.js'),
  ]);
  const { connectTimeout, idleTimeout, requestTls } = settings;
  const keepAlive = idleTimeout === 0 ? LONGEST : idleTimeout;
  // The times of calls are ours.
  const common: Agent.Options = {
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: keepAlive,
    keepAliveMaxTimeout: keepAlive,
  };
  return (url) => {
    const proxy = new URL(url);
    const authorization = authorizationOf(proxy);
    return {
      proxy,
      authorization,
      tunnel: new ProxyAgent({
        ...common,
        uri: proxy.origin,
        ...(authorization !== undefined && { token: authorization }),
        requestTls: requestTls() as buildConnector.BuildOptions,
        proxyTls: { timeout: connectTimeout },
        clientFactory: (origin, options) => {
          // A proxy that does not answer.
          const pool = new Pool(origin, { ...options, headersTimeout: connectTimeout });
          // Pools have it when the whole of undici is loaded.
          return Object.assign(pool, { connect: onceOnly(connect) });
        },
      }),
      forward: new PlainAgent({ ...common, connect: { timeout: connectTimeout } }),
    };
  };
}

type Connect = (this: Dispatcher, options: unknown) => Promise<unknown>;

/** Undici takes a socket that was closed for one that it has had, and connects again without end. */
function onceOnly(connect: unknown): Connect {
  return async function (options) {
    try {
      return await (connect as Connect).call(this, options);
    } catch (error) {
      if ((error as { readonly code?: unknown }).code !== 'UND_ERR_SOCKET') throw error;
      throw new Error((error as Error).message, { cause: error });
    }
  };
}

function authorizationOf({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined;
  const plain = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(plain).toString('base64')}`;
}
