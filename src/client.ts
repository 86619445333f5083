/** `createResilientClient()`: reads the options, makes the clusters, and puts the faces before them. */
import type { Dispatcher } from 'undici';
import type {
  CircuitEvent,
  EjectionEvent,
  HealthEvent,
  OverflowEvent,
  ReturnEvent,
} from './cluster/events.js';
import type { Explanation } from './core/explanation.js';
import { OwnCode } from './core/own-code.js';
import { ResilientDispatcher } from './faces/dispatcher.js';
import { fetchFace, type FetchHost, type ResilientFetch } from './faces/fetch.js';
import { Installer } from './faces/installer.js';
import { request, type RequestOptions } from './faces/request.js';
import { describeChain } from './layers/describe.js';
import { parseDuration } from './options/duration.js';
import type { ClientOptions, UpdateOptions } from './options/options.js';
import { readUpdate } from './options/update.js';
import { readOverrides } from './options/overrides.js';
import { readOptions } from './options/validate.js';
import { warner } from './options/warn-once.js';
import { Services } from './routing/services.js';
import { DispatcherRelay } from './transport/dispatcher-relay.js';
import { snapshotEndpoint, type EndpointSnapshot } from './cluster/snapshot.js';

/** Milliseconds that `close()` gives to what is in flight. */
const CLOSE_DEADLINE = 30_000;

/** A client: several faces over the same clusters. Its functions may be taken off it and handed around. */
export interface ResilientClient extends AsyncDisposable {
  /**
   * The platform's `fetch`, resilient. Relative URLs are allowed when the client has one service. Rejects as fetch
   * does; network failures are `ConnectionError`s.
   */
  readonly fetch: ResilientFetch;
  /** `undici.request` over the client's endpoints. */
  readonly request: (
    url: string | URL,
    options?: RequestOptions,
  ) => Promise<Dispatcher.ResponseData>;
  /** An undici `Dispatcher`, for anything that takes one. */
  readonly dispatcher: Dispatcher;
  /**
   * Puts the client in place of the process's `fetch`, and its dispatcher in place of undici's global one, until what it
   * gives back is disposed of, or the client is closed or destroyed. What the client does not serve goes where it went
   * before, as do WebSockets and other upgrades, CONNECT, and requests with `Expect`. A global dispatcher of the
   * application's own, set before or after, is what the client then sends through. Installed already: what it gave then.
   * @throws InstallError when the client has been closed, or the global fetch cannot be replaced; nothing has changed then
   */
  install(): Disposable;
  /** The attempts behind an answer of `fetch`, or of the global one where the client is installed; undefined for any other value. */
  explain(response: Response): Explanation | undefined;
  /** Every endpoint of every cluster, as it stands now. */
  endpoints(): EndpointSnapshot[];
  /** Counters and gauges by Envoy's names: `cluster.<name>.<stat>`. */
  stats(): Record<string, number>;
  /**
   * Calls back whenever outlier detection takes an endpoint out of rotation. As with each of these functions: disposing of
   * what it gives back (`using`, or `[Symbol.dispose]()`) takes the listener away; what the listener throws disturbs nobody,
   * and is warned of once (`OUTRIGGER_LISTENER_THREW`).
   * @throws TypeError when the listener is no function
   */
  onEjection(listener: (event: EjectionEvent) => void): Disposable;
  /**
   * Calls back whenever an ejected endpoint is back in rotation, until what it gives back is disposed of.
   * @throws TypeError when the listener is no function
   */
  onReturn(listener: (event: ReturnEvent) => void): Disposable;
  /**
   * Calls back whenever the active health checks change their mind about an endpoint, until what it gives back is
   * disposed of.
   * @throws TypeError when the listener is no function
   */
  onHealthChange(listener: (event: HealthEvent) => void): Disposable;
  /**
   * Calls back whenever a limit of a connection pool refuses an attempt, until what it gives back is disposed of. That may
   * be thousands of times a second.
   * @throws TypeError when the listener is no function
   */
  onOverflow(listener: (event: OverflowEvent) => void): Disposable;
  /**
   * Calls back whenever the circuit breaker of a service opens, half-opens or closes, until what it gives back is
   * disposed of.
   * @throws TypeError when the listener is no function
   */
  onCircuitChange(listener: (event: CircuitEvent) => void): Disposable;
  /**
   * Resolves when every configured service has its endpoints: at once with lists of your own, otherwise with the first
   * list of each discovery. `timeout` is in milliseconds, or text such as '5s'; without it the longest
   * `discoveryTimeout` of these services holds.
   * @throws NotReadyError (as a rejection) which says whose discovery has not answered, and why; OptionsError for a timeout that is none
   */
  ready(options?: { readonly timeout?: number | string }): Promise<void>;
  /** The chain of layers of each cluster, in words. */
  describe(): string;
  /**
   * New policy from the next call on. What is in flight is not disturbed, counters are kept.
   * @throws OptionsError, and nothing has changed
   */
  update(options: UpdateOptions): void;
  /**
   * Takes no further call, lets what is in flight finish, then closes every connection. What has not finished by
   * the deadline (milliseconds, or text such as '10s'; default 30 s) fails with `ClosedError`.
   */
  close(options?: { readonly deadline?: number | string }): Promise<void>;
  /** Fails what is in flight, with the error if one is given, and closes every connection. */
  destroy(error?: unknown): Promise<void>;
}

/**
 * Makes a client. Without `service` or `services`, every origin that is called becomes a cluster of its own.
 * @throws OptionsError naming every problem of the options
 */
export function createResilientClient(options?: ClientOptions): ResilientClient {
  let current = readOptions(options);
  const { runtime } = current;
  const warnOnce = warner();
  warnOnce(current);
  /** Those who wait for the last call to end. */
  const waiting = new Set<() => void>();
  const own = new OwnCode();
  const services = new Services(
    current,
    () => {
      if (waiting.size > 0 && services.isIdle) for (const resolve of [...waiting]) resolve();
    },
    own,
  );

  async function close({ deadline }: { readonly deadline?: number | string } = {}): Promise<void> {
    const limit = deadline === undefined ? CLOSE_DEADLINE : parseDuration(deadline, 'deadline');
    installer.uninstall();
    services.close(undefined);
    if (!services.isIdle) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          runtime.clearTimer(timer);
          waiting.delete(done);
          resolve();
        };
        const timer = runtime.setTimer(done, limit);
        waiting.add(done);
      });
    }
    await services.destroy(undefined);
  }

  const destroy = (error?: unknown): Promise<void> => {
    installer.uninstall();
    return services.destroy(error ?? undefined);
  };

  const host: FetchHost = {
    respondLocally: current.localReplies === 'respond',
    middleware: current.middleware,
    service: current.service,
    knownCluster: (origin) => services.known(origin),
    clusterOf(origin = current.service) {
      if (origin === undefined) throw new TypeError('the request has no origin');
      return services.of(typeof origin === 'string' ? new URL(origin).origin : origin.origin);
    },
    readOverrides,
    own,
    close,
    destroy,
  };
  const { fetch, explain } = fetchFace(host);
  const installer = new Installer({
    ...host,
    isClosed: () => services.isClosed,
    serves: (origin) => services.serves(origin),
    relayThrough(dispatcher) {
      // What the options say stands.
      if (current.transport !== undefined) return;
      services.relayThrough(dispatcher && new DispatcherRelay(dispatcher));
    },
  });
  const dispatcher = new ResilientDispatcher(host);

  return {
    fetch,
    install: () => installer.install(),
    explain: (response) => explain(response) ?? installer.explain(response),
    request: (url, init) => request(dispatcher, current.service, url, init),
    dispatcher,
    endpoints: () =>
      [...services].flatMap((cluster) =>
        cluster.endpoints.map((e) => snapshotEndpoint(cluster, e)),
      ),
    stats() {
      const all: Record<string, number> = {};
      for (const cluster of services) {
        for (const [stat, value] of Object.entries(cluster.stats())) {
          all[`cluster.${cluster.name}.${stat}`] = value;
        }
      }
      return all;
    },
    onEjection: (listener) => services.events.ejection.add(listener),
    onReturn: (listener) => services.events.return.add(listener),
    onHealthChange: (listener) => services.events.health.add(listener),
    onOverflow: (listener) => services.events.overflow.add(listener),
    onCircuitChange: (listener) => services.events.circuit.add(listener),
    async ready({ timeout } = {}) {
      await services.ready(timeout === undefined ? undefined : parseDuration(timeout, 'timeout'));
    },
    describe: () => [...services].map(describeChain).join('\n'),
    update(update) {
      current = readUpdate(current, update);
      services.update(current);
      warnOnce(current);
    },
    close,
    destroy,
    [Symbol.asyncDispose]: () => close(),
  };
}
