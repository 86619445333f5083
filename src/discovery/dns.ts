/** Strict DNS: each address behind a name is an endpoint, and the name is resolved again and again. */
import { isIPv6 } from 'node:net';
import type { Discovery, DiscoveryHost, RunningDiscovery } from '../options/discovery.js';
import type { EndpointOptions } from '../options/options.js';
import { BackOff } from './back-off.js';
import { EmptyAnswer } from './empty-answer.js';
import { isEmpty, type Address, type AddressSource, type Answer } from './resolve.js';

/** What makes a DNS discovery, times in milliseconds. */
export interface DnsPolicy {
  readonly hostname: string;
  /** Undefined: that of the SRV records, or of the service. */
  readonly port: number | undefined;
  /** From an answer to the next question; an answer that holds for a shorter time is asked for sooner. */
  readonly refresh: number;
  readonly minTtl: number;
  /** One for each service. */
  readonly source: () => AddressSource;
}

/** Milliseconds before a name that could not be resolved is asked for again, at first. */
const FIRST_RETRY = 500;
/** Percent by which each wait may be longer: many clients shall not ask at once. */
const JITTER = 10;

export class DnsDiscovery implements Discovery {
  readonly name: string;
  readonly #policy: DnsPolicy;

  constructor(policy: DnsPolicy) {
    this.name = `dns ${policy.hostname}`;
    this.#policy = policy;
  }

  start(host: DiscoveryHost): RunningDiscovery {
    const followed = new FollowedName(this.#policy, host);
    followed.refresh();
    return followed;
  }
}

class FollowedName implements RunningDiscovery {
  readonly #policy: DnsPolicy;
  readonly #host: DiscoveryHost;
  readonly #source: AddressSource;
  readonly #backOff: BackOff;
  #timer: unknown = undefined;
  #isAsking = false;
  #isStopped = false;

  constructor(policy: DnsPolicy, host: DiscoveryHost) {
    this.#policy = policy;
    this.#host = host;
    this.#source = policy.source();
    const first = Math.min(FIRST_RETRY, policy.refresh);
    this.#backOff = new BackOff(host.runtime, first, policy.refresh);
  }

  /** At once, unless it is being done. */
  refresh(): void {
    if (this.#isAsking || this.#isStopped) return;
    this.#host.runtime.clearTimer(this.#timer);
    this.#isAsking = true;
    void this.#ask();
  }

  stop(): void {
    this.#isStopped = true;
    this.#host.runtime.clearTimer(this.#timer);
    this.#source.cancel();
  }

  async #ask(): Promise<void> {
    let wait: number;
    try {
      wait = this.#take(await this.#source.resolve());
    } catch (error) {
      wait = this.#backOff.next();
      this.#host.failed(isEmpty(error) ? new EmptyAnswer(wordsOf(error), { cause: error }) : error);
    }
    this.#isAsking = false;
    if (this.#isStopped) return;
    const { runtime } = this.#host;
    const jitter = 1 + (runtime.random() * JITTER) / 100;
    this.#timer = runtime.setTimer(() => this.refresh(), wait * jitter, true);
  }

  /** Milliseconds until it is asked for again. */
  #take({ addresses, ttl = Number.POSITIVE_INFINITY }: Answer): number {
    const { hostname, refresh, minTtl } = this.#policy;
    if (addresses.length === 0) throw new EmptyAnswer(`${hostname} has no address`);
    this.#backOff.reset();
    this.#host.update(this.#endpoints(addresses));
    return Math.min(Math.max(ttl, minTtl), refresh);
  }

  /**
   * In an order that does not depend on that of the answer, which rotates. Of an address given twice the weights add up, and
   * the first priority counts.
   */
  #endpoints(addresses: readonly Address[]): EndpointOptions[] {
    const { protocol, port: ofService } = new URL(this.#host.service);
    const found = new Map<string, { weight: number; priority: number }>();
    const usual = this.#policy.port ?? ofService;
    for (const { address, port = usual, weight, priority } of addresses) {
      const host = isIPv6(address) ? `[${address}]` : address;
      const url = `${protocol}//${host}${port === '' ? '' : `:${port}`}`;
      const before = found.get(url) ?? { weight: 0, priority };
      const first = Math.min(before.priority, priority);
      found.set(url, { weight: before.weight + weight, priority: first });
    }
    return [...found]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([url, { weight, priority }]) => ({ url, weight, priority }));
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
