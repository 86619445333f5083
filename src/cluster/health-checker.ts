/** Checks one endpoint again and again, and decides what it is: Envoy's state machine (`health_checker_base_impl.cc`). */
import type { Runtime, Timer } from '../core/runtime.js';
import type { Endpoint } from './endpoint.js';
import {
  findingOf,
  TIMED_OUT,
  type Finding,
  type HealthCheckPolicy,
  type Prober,
} from './health-check-policy.js';

/** What a checker needs of the checks as a whole. */
export interface CheckerHost {
  readonly runtime: Runtime;
  readonly probe: Prober;
  /** The one that holds now. */
  policy(): HealthCheckPolicy;
  /** A connection to the cluster has been opened for a call. */
  isUsed(): boolean;
  /** A check begins. */
  started(): void;
  /** A check has its result; `before` is how the checks had found the endpoint until now. */
  found(endpoint: Endpoint, finding: Finding, before: CheckedAs): void;
}

/** How the checks find an endpoint; until the first of them it is healthy. */
export type CheckedAs = 'healthy' | 'degraded' | 'failed';

export function checkedAs({ failedCheck, degradedCheck }: Endpoint): CheckedAs {
  if (failedCheck) return 'failed';
  return degradedCheck ? 'degraded' : 'healthy';
}

/** As Envoy has it, so that no check follows another without a pause. */
const SHORTEST_WAIT = 1;

export class HealthChecker {
  readonly endpoint: Endpoint;
  readonly #host: CheckerHost;
  /** Of the wait for the next check, or of the check. */
  #timer: Timer = undefined;
  #cancelProbe: (() => void) | undefined = undefined;
  #hasResult = false;
  /** In a row. */
  #successes = 0;
  #failures = 0;

  /** An endpoint that is to earn its trust first has failed until then. */
  constructor(endpoint: Endpoint, host: CheckerHost) {
    this.endpoint = endpoint;
    this.#host = host;
  }

  /** Its endpoint passes, by what the checks have found. */
  get passes(): boolean {
    return this.#hasResult && !this.endpoint.failedCheck;
  }

  /** Begins, or begins anew under another policy; what has been found so far still counts. */
  start(): void {
    this.stop();
    const { runtime } = this.#host;
    const { initialJitter } = this.#host.policy();
    if (initialJitter === 0) this.#check();
    else this.#setTimer(() => this.#check(), runtime.random() * initialJitter);
  }

  /** Safe at any moment, any number of times; a check under way is given up. */
  stop(): void {
    this.#host.runtime.clearTimer(this.#timer);
    this.#cancelProbe?.();
    this.#cancelProbe = undefined;
  }

  #check(): void {
    const policy = this.#host.policy();
    this.#host.started();
    this.#setTimer(() => this.#settle(TIMED_OUT), policy.timeout);
    this.#cancelProbe = this.#host.probe(this.endpoint.url, policy.probe, (result) => {
      this.#cancelProbe = undefined;
      this.#settle(findingOf(policy.probe, result));
    });
  }

  #settle(finding: Finding): void {
    this.stop();
    const before = checkedAs(this.endpoint);
    const isPending = finding.kind === 'passed' ? this.#pass(finding) : this.#fail(finding);
    this.#hasResult = true;
    this.#rest(finding.kind === 'passed', isPending);
    // Last, since a listener may stop it.
    this.#host.found(this.endpoint, finding, before);
  }

  /** True when more such results are needed before the endpoint is healthy. */
  #pass({ isDegraded }: Finding): boolean {
    const { endpoint } = this;
    this.#failures = 0;
    // There is no threshold for it in Envoy.
    endpoint.degradedCheck = isDegraded;
    if (!endpoint.failedCheck) return false;
    this.#successes += 1;
    endpoint.failedCheck =
      this.#hasResult && this.#successes < this.#host.policy().healthyThreshold;
    return endpoint.failedCheck;
  }

  /** True when more such results are needed before the endpoint is unhealthy. */
  #fail({ isFatal }: Finding): boolean {
    const { endpoint } = this;
    this.#successes = 0;
    if (endpoint.failedCheck) return false;
    this.#failures += 1;
    endpoint.failedCheck =
      !this.#hasResult || isFatal || this.#failures >= this.#host.policy().unhealthyThreshold;
    return !endpoint.failedCheck;
  }

  #rest(passed: boolean, isPending: boolean): void {
    const { runtime } = this.#host;
    const policy = this.#host.policy();
    // Drawn once: the wait does not become another one while it lasts.
    const share = (runtime.random() * policy.intervalJitterPercent) / 100;
    const more = runtime.random() * policy.intervalJitter;
    const usual = passed ? policy.interval : policy.unhealthyInterval;
    const edge = passed ? policy.healthyEdgeInterval : policy.unhealthyEdgeInterval;
    const unused =
      passed && !isPending ? policy.noTrafficHealthyInterval : policy.noTrafficInterval;
    const withJitter = (wait: number): number =>
      Math.max(wait + wait * share + more, SHORTEST_WAIT);
    this.#wait(withJitter(isPending ? edge : usual), withJitter(unused));
  }

  /** The wait of a cluster that nobody has used is cut short, at one of the usual times, when somebody does. */
  #wait(used: number, unused: number): void {
    const host = this.#host;
    const isUsed = host.isUsed();
    if (isUsed || unused <= used) {
      this.#setTimer(() => this.#check(), isUsed ? used : unused);
      return;
    }
    this.#setTimer(() => {
      if (host.isUsed()) this.#check();
      else this.#wait(used, unused - used);
    }, used);
  }

  #setTimer(callback: () => void, delay: number): void {
    this.#timer = this.#host.runtime.setTimer(callback, delay, true);
  }
}
