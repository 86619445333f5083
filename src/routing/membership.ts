/** Follows the discovery of a service: its lists become the endpoints of the cluster, at most ten times a second. */
import { isDeepStrictEqual } from 'node:util';
import type { Cluster } from '../cluster/cluster.js';
import type { EndpointAddress } from '../cluster/endpoint.js';
import { describeCause } from '../core/explanation.js';
import type { Timer } from '../core/runtime.js';
import { EmptyAnswer } from '../discovery/empty-answer.js';
import type { Discovery, RunningDiscovery } from '../options/discovery.js';
import { Place } from '../options/place.js';
import { asError, caught, checked } from './discovery-given.js';
import { EndpointMemory } from './endpoint-memory.js';

/** Milliseconds between two changes of the cluster, at least. */
const PAUSE = 100;
/**
 * The same for each endpoint of the list. A change takes up to a microsecond for each of them, and must not take so much of
 * the time that one call in a hundred meets it.
 */
const PAUSE_EACH = 0.5;
const LONGEST_PAUSE = 5000;
/** Milliseconds between two early looks, at least. */
const REFRESH_PAUSE = 1000;
/** Of lists that came in between: the latest that is right is taken. */
const MOST_GATHERED = 16;
/** A discovery that says something else each time is not listened to for ever. */
const MOST_WARNINGS = 50;

/** Those whose endpoints they are: the cluster of the service, and those of its subsets. */
export interface Members {
  /** A load balancer of the user's may throw. */
  setEndpoints(endpoints: readonly EndpointAddress[]): void;
  /** One of the endpoints is connected. */
  isConnected(): boolean;
  /** There is no list, and why: for calls that wait for the first. */
  failed(reason: Error): void;
}

export class Membership {
  readonly discovery: Discovery;
  readonly #cluster: Cluster;
  readonly #members: Members;
  #running: RunningDiscovery | undefined = undefined;
  #isStopped = false;
  /** A list is being taken, which a load balancer of the user's may answer with another. */
  #isTaking = false;
  /** Lists that wait for the end of the pause. */
  #gathered: unknown[] = [];
  #timer: Timer = undefined;
  #nextChange = Number.NEGATIVE_INFINITY;
  #nextRefresh = Number.NEGATIVE_INFINITY;
  /** What the cluster has. */
  #current: readonly EndpointAddress[] | undefined = undefined;
  readonly #memory = new EndpointMemory();
  readonly #said = new Set<string>();

  constructor(discovery: Discovery, cluster: Cluster, members: Members) {
    this.discovery = discovery;
    this.#cluster = cluster;
    this.#members = members;
  }

  /** The first list may come before it returns. */
  start(): void {
    const { runtime, service } = this.#cluster;
    try {
      const running = this.discovery.start({
        runtime,
        service: service.origin,
        update: (list) => this.#update(list),
        failed: (reason) => this.#failed(reason),
      });
      this.#running = checked(running, (error) => this.#failed(error));
    } catch (error) {
      this.#failed(error);
    }
    const running = this.#running;
    // Its first list may have led to the end.
    if (this.#isOver()) this.#stopRunning();
    else if (typeof running?.refresh === 'function') {
      this.#cluster.onConnectFailure = () => this.#connectFailed(running);
    }
  }

  /** What the discovery still says from here on changes nothing. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#cluster.runtime.clearTimer(this.#timer);
    this.#cluster.onConnectFailure = undefined;
    this.#gathered = [];
    this.#stopRunning();
  }

  #stopRunning(): void {
    const failed = (error: unknown): void => {
      const why = describeCause(asError(error));
      this.#warn('OUTRIGGER_DISCOVERY_FAILED', `it could not be stopped: ${why}`);
    };
    try {
      caught(this.#running?.stop(), failed);
    } catch (error) {
      failed(error);
    }
  }

  /** A function, because it changes while others are called. */
  #isOver(): boolean {
    return this.#isStopped;
  }

  #update(list: unknown): void {
    if (this.#isStopped) return;
    const { counters, runtime } = this.#cluster;
    counters.update_attempt += 1;
    // A copy: what becomes of the discovery's own list meanwhile is not looked at.
    this.#gathered.push(Array.isArray(list) ? [...(list as unknown[])] : list);
    if (this.#gathered.length > MOST_GATHERED) this.#gathered.shift();
    if (this.#isTaking) return;
    if (runtime.now() >= this.#nextChange) this.#take();
    else this.#takeLater();
  }

  /** The latest of the lists that is right. */
  #take(): void {
    const { runtime } = this.#cluster;
    runtime.clearTimer(this.#timer);
    this.#timer = undefined;
    const lists = this.#gathered;
    this.#gathered = [];
    this.#isTaking = true;
    try {
      for (const list of lists.reverse()) {
        const endpoints = this.#read(list);
        if (endpoints === null) continue;
        this.#set(endpoints);
        break;
      }
    } finally {
      this.#isTaking = false;
    }
    const pause = (this.#current?.length ?? 0) * PAUSE_EACH;
    this.#nextChange = runtime.now() + Math.min(Math.max(pause, PAUSE), LONGEST_PAUSE);
    if (this.#gathered.length > 0) this.#takeLater();
  }

  #takeLater(): void {
    const { runtime } = this.#cluster;
    const left = this.#nextChange - runtime.now();
    this.#timer ??= runtime.setTimer(() => this.#take(), left, true);
  }

  #read(list: unknown): readonly EndpointAddress[] | null {
    const at = new Place('endpoints', []);
    const endpoints = this.#memory.read(list, at);
    if (endpoints !== null && at.problems.length === 0) return endpoints;
    this.#cluster.counters.update_failure += 1;
    const [{ message } = { message: '' }] = at.problems;
    const more = at.problems.length > 1 ? `, and ${at.problems.length - 1} more` : '';
    this.#refused('OUTRIGGER_DISCOVERY_WRONG_LIST', `its list is wrong: ${message}${more}`);
    return null;
  }

  #set(endpoints: readonly EndpointAddress[]): void {
    const { counters } = this.#cluster;
    counters.update_success += 1;
    if (isSame(endpoints, this.#current)) {
      counters.update_no_rebuild += 1;
      return;
    }
    try {
      this.#members.setEndpoints(endpoints);
    } catch (error) {
      // A load balancer of the user's. Others have the list: whatever comes next is no repetition.
      this.#current = undefined;
      const why = describeCause(asError(error));
      this.#refused('OUTRIGGER_DISCOVERY_FAILED', `its list was refused: ${why}`, error);
      return;
    }
    this.#current = endpoints;
  }

  #failed(given: unknown): void {
    if (this.#isStopped) return;
    const reason = asError(given);
    const { counters } = this.#cluster;
    counters.update_attempt += 1;
    if (reason instanceof EmptyAnswer) counters.update_empty += 1;
    else counters.update_failure += 1;
    this.#members.failed(reason);
    this.#warn('OUTRIGGER_DISCOVERY_FAILED', describeCause(reason));
  }

  #refused(code: string, sentence: string, cause?: unknown): void {
    this.#members.failed(new Error(sentence, { cause }));
    this.#warn(code, sentence);
  }

  #warn(code: string, sentence: string): void {
    const { name, awaited } = this.#cluster;
    const rest = awaited === undefined ? 'the last list stays' : 'there is no list yet';
    const message = `${name}: ${this.discovery.name}: ${sentence}; ${rest}`;
    if (this.#said.has(message) || this.#said.size >= MOST_WARNINGS) return;
    this.#said.add(message);
    process.emitWarning(message, { type: 'OutriggerWarning', code });
  }

  /** Where no connection is left, the endpoints may have moved. */
  #connectFailed(running: RunningDiscovery): void {
    const now = this.#cluster.runtime.now();
    if (now < this.#nextRefresh) return;
    this.#nextRefresh = now + REFRESH_PAUSE;
    if (this.#members.isConnected()) return;
    try {
      caught(running.refresh?.(), (error) => this.#failed(error));
    } catch (error) {
      this.#failed(error);
    }
  }
}

/** What was read before is the very same object; the rest is looked into. */
function isSame(
  next: readonly EndpointAddress[],
  current: readonly EndpointAddress[] | undefined,
): boolean {
  if (next.length !== current?.length) return false;
  return next.every((address, index) => {
    const before = current[index];
    return address === before || isDeepStrictEqual(address, before);
  });
}
