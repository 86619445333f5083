/** The client's picture of one service: its endpoints, who is chosen among them, and its counters. */
import type { BalancerFactory } from '../balancing/balancer.js';
import { Alarms } from '../core/alarms.js';
import { CallList } from '../core/call-list.js';
import type { Attempt } from '../core/attempt.js';
import { BodySource } from '../core/body.js';
import type { Call, Chains, EndpointHealth, Upstream } from '../core/call.js';
import * as drive from '../core/drive.js';
import type { Runtime } from '../core/runtime.js';
import type { LocalityPolicy } from '../locality/locality-policy.js';
import { CircuitBreaker } from './circuit-breaker.js';
import type { AwaitedList } from './awaited-list.js';
import type { Counters } from './counters.js';
import type { ClusterEvents } from './events.js';
import type { HeadTimes } from './head-times.js';
import type { HealthChecks } from './health-checks.js';
import type { Limits } from './limits.js';
import { OutlierDetection } from './outlier-detection.js';
import type { OutlierPolicy } from './outlier-policy.js';
import { RetrySlots } from './retry-slots.js';
import { Rotation } from './rotation.js';
import { Endpoint, type EndpointAddress, type Sender } from './endpoint.js';
import { inPieces } from './in-pieces.js';
import { sendFrom, sendOpened } from './send-from.js';
import type { Router } from './way.js';

/** What a cluster is made of. */
export interface ClusterParts {
  readonly name: string;
  /** The origin that users call. */
  readonly service: URL;
  readonly runtime: Runtime;
  readonly balancer: BalancerFactory;
  readonly endpoints: readonly EndpointAddress[];
  readonly counters: Counters;
  /** What it may have at once. */
  readonly limits: Limits;
  /** Told what happens to its endpoints and limits. */
  readonly events: ClusterEvents;
  /** Makes the connections of an endpoint. */
  readonly connect: (endpoint: Endpoint) => Sender;
  /** Its last call has ended. */
  readonly idle: () => void;
}

export class Cluster implements Upstream {
  readonly name: string;
  readonly service: URL;
  /** Parts of `service`, which a URL makes anew whenever it is asked. */
  readonly authority: string;
  readonly port: string;
  readonly isSecure: boolean;
  readonly counters: Counters;
  readonly limits: Limits;
  readonly events: ClusterEvents;
  readonly runtime: Runtime;
  readonly slots: RetrySlots;
  /** Off until it is given a policy. */
  readonly breaker: CircuitBreaker;
  /** Off until it is given a policy. */
  readonly outliers: OutlierDetection;
  readonly alarms: Alarms;
  /** Kept while a hedge delay goes by them. */
  headTimes: HeadTimes | undefined = undefined;
  /** There once they have been on; what they have counted stays. */
  healthChecks: HealthChecks | undefined = undefined;
  /** There until its discovery, if it has one, has brought a first list. */
  awaited: AwaitedList | undefined = undefined;
  /** Where its endpoints come from, by name; undefined for a list of the user's. */
  discovery: string | undefined = undefined;
  /** Told when an endpoint could not be connected to, for those who can look for others. */
  onConnectFailure: (() => void) | undefined = undefined;
  /** When it was given its latest call, or else was made, by the runtime's clock. */
  lastCallAt: number;
  /** Where calls go that come here, if that depends on what they ask for. */
  router: Router | undefined = undefined;
  /** Whose connections take its attempts, in words; undefined: our own. */
  relay: string | undefined = undefined;
  /** What its calls go through. Set right after it is made, and when its policy changes. */
  chains!: Chains;
  readonly #connect: (endpoint: Endpoint) => Sender;
  readonly #idle: () => void;
  readonly #calls = new CallList('clusterSlot');
  readonly #rotation: Rotation;
  /** Kept from list to list, since to fill it takes longer than to look into it. */
  readonly #byUrl: Map<string, Endpoint>;
  #lists = 0;
  /** No endpoints any more: their connections have yet to be told. */
  readonly #leaving: Endpoint[] = [];
  /** Why it takes no calls any more. */
  #closed: { readonly reason: unknown } | undefined = undefined;

  constructor(parts: ClusterParts) {
    this.name = parts.name;
    this.service = parts.service;
    this.authority = parts.service.host;
    this.port = parts.service.port;
    this.isSecure = parts.service.protocol === 'https:';
    this.counters = parts.counters;
    this.runtime = parts.runtime;
    this.events = parts.events;
    this.limits = parts.limits;
    this.#connect = parts.connect;
    this.#idle = parts.idle;
    this.alarms = new Alarms(parts.runtime);
    this.lastCallAt = parts.runtime.now();
    this.outliers = new OutlierDetection(this);
    this.breaker = new CircuitBreaker(this);
    this.slots = new RetrySlots(parts.runtime, () => this.#calls.size);
    this.#rotation = new Rotation(
      parts.endpoints.map((address) => this.#newEndpoint(address)),
      parts.balancer,
      parts.runtime,
      parts.counters,
    );
    this.#byUrl = new Map(this.endpoints.map((endpoint) => [endpoint.url, endpoint]));
  }

  get policy(): string {
    return this.#rotation.policy;
  }

  /** Undefined: localities play no role. */
  get locality(): LocalityPolicy | undefined {
    return this.#rotation.locality;
  }

  get endpoints(): readonly Endpoint[] {
    return this.#rotation.endpoints;
  }

  get missing(): string | undefined {
    return this.awaited?.words;
  }

  fellBack(): void {
    this.counters.upstream_rq_fallback += 1;
  }

  wasTooLarge(): void {
    this.counters.response_too_large += 1;
  }

  get endpointHealth(): EndpointHealth {
    const { endpoints } = this;
    return {
      endpoints: endpoints.length,
      ejected: endpoints.filter(({ ejected }) => ejected).length,
      failedCheck: endpoints.filter(({ failedCheck }) => failedCheck).length,
      hintedOut: endpoints.filter(({ hintedOut }) => hintedOut).length,
      withoutShare: endpoints.filter(({ priority }) => priority === undefined).length,
    };
  }

  /** It takes no calls any more. */
  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  /** One of its endpoints is connected. */
  get isConnected(): boolean {
    return this.endpoints.some(({ sender }) => sender.isConnected);
  }

  /** Calls that have not ended. */
  get activeCalls(): number {
    return this.#calls.size;
  }

  /** Sets a call going. */
  start(call: Call): void {
    this.lastCallAt = call.startedAt;
    this.#calls.add(call);
    if (this.#closed === undefined) drive.start(call);
    else drive.close(call, this.#closed.reason);
  }

  /** A new list: endpoints that stay keep what is known of them, those that go finish what is in flight. */
  setEndpoints(addresses: readonly EndpointAddress[]): void {
    const before = this.endpoints;
    const list = (this.#lists += 1);
    const isUnderWay = this.#leaving.length > 0;
    const endpoints = addresses.map((address) => {
      const endpoint = this.#byUrl.get(address.url);
      if (endpoint === undefined) return this.#newEndpoint(address);
      endpoint.list = list;
      endpoint.weight = address.weight;
      endpoint.locality = address.locality;
      endpoint.labels = address.labels;
      endpoint.hint = address.health ?? 'healthy';
      endpoint.ownPriority = address.priority;
      return endpoint;
    });
    this.#rotation.setEndpoints(endpoints);
    this.counters.membership_change += 1;
    this.healthChecks?.endpointsChanged();
    for (const endpoint of endpoints) {
      if (endpoint.list === list) continue;
      endpoint.list = list;
      this.#byUrl.set(endpoint.url, endpoint);
    }
    for (const endpoint of before) {
      if (endpoint.list === list) continue;
      this.#byUrl.delete(endpoint.url);
      this.outliers.left(endpoint);
      endpoint.withdraw();
      this.#leaving.push(endpoint);
    }
    if (!isUnderWay) this.#letLeave();
  }

  /** To close the connections of many endpoints takes its time: between some of them others have their turn. */
  #letLeave(): void {
    for (const { sender } of this.#leaving.splice(0, LEAVES_A_TURN)) sender.leave();
    if (this.#leaving.length > 0) this.runtime.defer(() => this.#letLeave());
  }

  /** Another policy, or other options of the same: then what it remembers of endpoints stays. */
  setBalancer(factory: BalancerFactory): void {
    this.#rotation.setFactory(factory);
  }

  /** Undefined switches it off; then every endpoint returns. */
  setOutlierDetection(policy: OutlierPolicy | undefined): void {
    this.outliers.setPolicy(policy);
    this.#rotation.setPanicThreshold(policy?.minHealthPercent ?? 0);
  }

  setLocality(policy: LocalityPolicy | undefined): void {
    this.#rotation.setLocality(policy);
  }

  /** The health of an endpoint has changed: that holds for the next pick. */
  healthChanged(): void {
    this.#rotation.refresh();
  }

  /** Until that time of the runtime's clock the endpoint is chosen last; a hold that lasts longer stays. */
  hold(endpoint: Endpoint, until: number): void {
    const now = this.runtime.now();
    if (until <= Math.max(endpoint.heldUntil, now)) return;
    const isHeld = endpoint.heldUntil > now;
    endpoint.heldUntil = until;
    // One that is held already is left out until its first time is over, and then looked at anew.
    if (isHeld) return;
    this.counters.endpoint_held_total += 1;
    this.#rotation.refresh();
  }

  pick(call: Call): Endpoint | undefined {
    const endpoint = this.#rotation.pick(call);
    if (endpoint === undefined) this.counters.upstream_cx_none_healthy += 1;
    // The attempt that is chosen for is among the call's already.
    if (call.attempts.length < 2 || endpoint === undefined) return endpoint;
    if (call.policy.retry?.ignorePreviousHosts === false) return endpoint;
    if (endpoint.balancer?.isSticky?.(call) === true) return endpoint;
    return this.#rotation.pickUntried(call, endpoint);
  }

  started(attempt: Attempt): void {
    const endpoint = attempt.endpoint as Endpoint;
    endpoint.active += 1;
    endpoint.total += 1;
    endpoint.balancer?.started?.(endpoint);
  }

  send(attempt: Attempt): void {
    const { sender } = attempt.endpoint as Endpoint;
    const { call } = attempt;
    if (call.body instanceof BodySource) {
      sendFrom(call.body, attempt, sender);
      return;
    }
    const pieces = call.body === null ? undefined : inPieces(call);
    if (pieces === undefined) sender.send(attempt);
    else sendOpened(pieces, attempt, sender);
  }

  dropped(attempt: Attempt): void {
    this.limits.dropped.add(attempt);
  }

  ended(attempt: Attempt): void {
    const endpoint = attempt.endpoint as Endpoint;
    endpoint.active -= 1;
    if (this.limits.dropped.size > 0) this.limits.dropped.delete(attempt);
    const { failure: reason, headAt } = attempt;
    // A head that was dropped has been an answer, although the rest of it may have been cut off.
    const answered = reason === undefined || (reason.kind === 'superseded' && headAt !== -1);
    const cancelled = !answered && CANCELLED.has(reason.kind);
    const ok = answered && attempt.status < 500;
    if (ok) endpoint.success += 1;
    else if (!cancelled) endpoint.error += 1;
    endpoint.balancer?.ended?.(endpoint, {
      latency: (headAt === -1 ? attempt.endedAt : headAt) - attempt.startedAt,
      ok,
      cancelled,
    });
    // Last, since another list may come of it at once, and balancers that have never heard of the attempt.
    if (reason?.kind === 'connect-failure') this.onConnectFailure?.();
  }

  callEnded(call: Call): void {
    this.#calls.delete(call);
    this.slots.callEnded();
    if (this.#calls.size === 0) this.#idle();
  }

  /** No further call is taken. */
  close(reason: unknown): void {
    this.#closed ??= { reason };
    this.healthChecks?.stop();
  }

  /** Fails what is in flight and closes every connection. */
  destroy(reason: unknown): void {
    this.close(reason);
    this.outliers.stop();
    // Places that are given back now are nobody's.
    this.limits.close();
    for (const call of this.#calls.toArray()) drive.close(call, reason);
    for (const { sender } of this.endpoints) sender.destroy();
  }

  /** Envoy's counters and gauges, without the prefix. */
  stats(): Record<string, number> {
    const now = this.runtime.now();
    return {
      ...this.counters.read(),
      ...this.breaker.stats(),
      ...this.outliers.stats(),
      ...this.limits.stats(this.slots),
      ...this.healthChecks?.stats(),
      ...this.#rotation.balancerStats,
      membership_total: this.endpoints.length,
      membership_healthy: this.endpoints.filter(({ healthy }) => healthy).length,
      membership_degraded: this.endpoints.filter(({ degraded }) => degraded).length,
      endpoints_held: this.endpoints.filter(({ heldUntil }) => heldUntil > now).length,
      max_host_weight: this.endpoints.reduce((most, { weight }) => Math.max(most, weight), 0),
    };
  }

  #newEndpoint(address: EndpointAddress): Endpoint {
    const endpoint = new Endpoint(address, this.runtime.now());
    endpoint.sender = this.#connect(endpoint);
    return endpoint;
  }
}

/** A few tenths of a millisecond. */
const LEAVES_A_TURN = 8;

/** Failures that say nothing about the endpoint. */
const CANCELLED: ReadonlySet<string> = new Set([
  'aborted',
  'superseded',
  'closed',
  'refused',
  'unsendable',
  'overflow',
  'invalid',
]);
