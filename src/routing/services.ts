/** Which service an origin is: those that were configured, and one for each further origin that is called. */
import { AsyncResource } from 'node:async_hooks';
import type { Cluster } from '../cluster/cluster.js';
import { ClusterEvents } from '../cluster/events.js';
import { NotReadyError } from '../core/errors.js';
import type { OwnCode } from '../core/own-code.js';
import type { NormalizedClientOptions, NormalizedService } from '../options/normalized.js';
import { serviceOf } from '../options/read-services.js';
import { OneWayRelay } from '../transport/one-way-relay.js';
import type { Relay } from '../transport/relay.js';
import { Releases } from '../transport/releases.js';
import { attemptAll } from './attempt-all.js';
import type { Surroundings } from './managed-cluster.js';
import { otherOriginError } from './refused-origin.js';
import { OtherOrigins } from './other-origins.js';
import { relayOf } from './relay-of.js';
import { untilReady } from './ready.js';
import { Service } from './service.js';

export class Services {
  #options: NormalizedClientOptions;
  readonly #byOrigin = new Map<string, Service>();
  readonly #names = new Set<string>();
  /** Of those, the ones that were not configured. */
  readonly #others: OtherOrigins;
  /** Forgotten, until all they have had is given back. */
  readonly #leaving = new Set<Service>();
  readonly #surroundings: Surroundings;
  /** What goes on by itself in a cluster belongs to none of the calls that may have made it. */
  readonly #outside = new AsyncResource('OutriggerClient');
  /** What happens in the clusters, for those who listen. */
  readonly events = new ClusterEvents();
  #closed: { readonly reason: unknown } | undefined = undefined;
  /** Told when the client is closed. */
  readonly #onClose = new Set<() => void>();

  readonly #own: OwnCode;

  /** `idle` is called whenever the last call of a cluster has ended. */
  constructor(options: NormalizedClientOptions, idle: () => void, own: OwnCode) {
    this.#options = options;
    this.#own = own;
    const { runtime } = options;
    this.#surroundings = {
      events: this.events,
      releases: new Releases(runtime),
      relay: this.#oneWay(relayOf(options.transport)),
      idle,
    };
    this.#others = new OtherOrigins(runtime, options, (origin) => this.#forget(origin));
    for (const service of options.services.values()) this.#add(service);
  }

  /** The cluster of exactly this origin, if it has one already. */
  known(origin: string): Cluster | undefined {
    return this.#byOrigin.get(origin)?.cluster;
  }

  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  /** Whether there is, or may be, a cluster of this origin. */
  serves(origin: string): boolean {
    return this.#options.otherOrigins !== 'refuse' || this.#byOrigin.has(origin);
  }

  /** The cluster of a canonical origin. Throws an OptionsError when other origins are refused. */
  of(origin: string): Cluster {
    const known = this.#byOrigin.get(origin);
    if (known !== undefined) return known.cluster;
    if (this.#options.otherOrigins === 'refuse') {
      throw otherOriginError(origin, [...this.#options.services.keys()]);
    }
    return this.#outside.runInAsyncScope(() => {
      const { cluster } = this.#add(unconfigured(origin, this.#options));
      if (this.#closed === undefined) this.#others.add(origin, cluster);
      // It refuses its call, and needs no place for that.
      else this.#remove(origin);
      return cluster;
    });
  }

  *[Symbol.iterator](): IterableIterator<Cluster> {
    for (const service of this.#byOrigin.values()) yield* service.clusters();
  }

  /** True while no call is in flight, at origins that were forgotten neither. */
  get isIdle(): boolean {
    return [...this.#byOrigin.values(), ...this.#leaving].every(({ isIdle }) => isIdle);
  }

  /** New policy from the next call on; what is known of endpoints that stay is kept. */
  update(options: NormalizedClientOptions): void {
    this.#outside.runInAsyncScope(() => this.#update(options));
  }

  #update(options: NormalizedClientOptions): void {
    this.#options = options;
    for (const [origin, { name }] of options.services) {
      // It may have been called before it was configured; a cluster keeps its name, so one that has another begins anew.
      if (this.#others.remove(origin) && this.known(origin)?.name !== name) this.#forget(origin);
    }
    const fresh = [...options.services].filter(([origin]) => !this.#byOrigin.has(origin));
    // Where one of them refuses the update, the others have it all the same.
    attemptAll([
      ...[...this.#byOrigin].map(([origin, service]) => () => {
        service.update(options.services.get(origin) ?? unconfigured(origin, options), options);
      }),
      ...fresh.map(
        ([, service]) =>
          () =>
            void this.#add(service),
      ),
      () => this.#others.setLimits(options),
    ]);
  }

  /** Somebody else's connections take the attempts of all clusters from now on; undefined: our own again. */
  relayThrough(relay: Relay | undefined): void {
    const oneWay = this.#oneWay(relay);
    this.#surroundings.relay = oneWay;
    for (const service of [...this.#byOrigin.values(), ...this.#leaving]) {
      service.relayThrough(oneWay);
    }
  }

  /** Resolves when every configured service has its endpoints; the time is in milliseconds. Rejects with a NotReadyError. */
  async ready(timeout?: number): Promise<void> {
    const configured = [...this.#options.services.keys()].flatMap(
      (origin) => this.known(origin) ?? [],
    );
    if (this.#closed !== undefined) {
      throw new NotReadyError(configured[0]?.name ?? '', 'the client has been closed');
    }
    await untilReady(configured, this.#options.runtime, timeout, (listener) => {
      this.#onClose.add(listener);
      return () => void this.#onClose.delete(listener);
    });
  }

  /** No further call is taken, by clusters yet to be made either. */
  close(reason: unknown): void {
    this.#closed ??= { reason };
    this.#others.stop();
    for (const service of this.#byOrigin.values()) service.close(reason);
    for (const listener of this.#onClose) listener();
  }

  /** Fails what is in flight and closes every connection; resolves when their sockets have closed. */
  async destroy(reason: unknown): Promise<void> {
    this.close(reason);
    const services = [...this.#byOrigin.values(), ...this.#leaving];
    await Promise.all(services.map((service) => service.destroy(reason)));
  }

  #oneWay(relay: Relay | undefined): Relay | undefined {
    return relay && new OneWayRelay(relay, this.#own);
  }

  #add(given: NormalizedService): Service {
    // Two origins may differ in their scheme alone: `http://h:9` and `https://h:9`.
    const isTaken = this.#names.has(given.name);
    const policy = isTaken ? { ...given, name: given.origin } : given;
    const service = new Service(policy, this.#options, this.#surroundings);
    this.#byOrigin.set(policy.origin, service);
    this.#names.add(policy.name);
    if (this.#closed === undefined) service.start(policy);
    else service.close(this.#closed.reason);
    return service;
  }

  #forget(origin: string): void {
    const service = this.#remove(origin);
    if (service === undefined) return;
    this.#leaving.add(service);
    service.retire(() => void this.#leaving.delete(service));
  }

  #remove(origin: string): Service | undefined {
    const service = this.#byOrigin.get(origin);
    if (service === undefined) return undefined;
    this.#byOrigin.delete(origin);
    this.#names.delete(service.cluster.name);
    return service;
  }
}

/** An origin that the options do not name: itself its one endpoint, under the client's policy. */
function unconfigured(
  origin: string,
  { defaultPolicy }: NormalizedClientOptions,
): NormalizedService {
  return serviceOf(origin, {}, defaultPolicy);
}
