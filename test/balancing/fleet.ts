/** A fleet without a network: endpoints, a seeded runtime, and workers that call in a closed loop in virtual time. */
import type { AttemptResult, Balancer, BalancerFactory } from '../../src/balancing/balancer.js';
import { Endpoint } from '../../src/cluster/endpoint.js';
import type { Call } from '../../src/core/call.js';
import type { Runtime } from '../../src/core/runtime.js';
import type { PlainHost } from './plain-hash.js';

/** A call with nothing to hash it on; most policies do not look at it. */
export const anyCall = { method: 'GET', path: '/', headers: [] } as unknown as Call;

/** The same numbers from 0 to 1 for the same seed (mulberry32). */
export function seededChance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A runtime whose clock stands at `time` until the test moves it; its timers must not be needed. */
export class StillRuntime implements Runtime {
  time = 0;
  /** How often the clock was read. */
  readings = 0;

  constructor(readonly random: () => number = seededChance(1)) {}

  now(): number {
    this.readings++;
    return this.time;
  }
  date(): number {
    return this.time;
  }
  setTimer(): never {
    throw new Error('a balancer sets no timers');
  }
  clearTimer(): never {
    throw new Error('a balancer sets no timers');
  }
  defer(): never {
    throw new Error('a balancer defers nothing');
  }
}

/** A runtime that draws the given numbers, each out of `sides`, and fails when they run out. */
export function drawing(sides: number, numbers: readonly number[]): StillRuntime {
  let next = 0;
  return new StillRuntime(() => {
    const number = numbers[next++];
    if (number === undefined) throw new Error(`only ${numbers.length} draws were expected`);
    return (number + 0.5) / sides;
  });
}

/** One endpoint for each weight. */
export function endpointsOf(...weights: readonly number[]): Endpoint[] {
  return weights.map(
    (weight, i) =>
      new Endpoint(
        { url: `http://10.0.0.${i + 1}:8080`, weight, locality: '', priority: 0, labels: {} },
        0,
      ),
  );
}

/** Endpoints on sockets, whose key is their path. */
export function namedHosts(...names: readonly string[]): Endpoint[] {
  return names.map(
    (name) =>
      new Endpoint({ url: `unix:${name}`, weight: 1, locality: '', priority: 0, labels: {} }, 0),
  );
}

/** The same as the plain tables have them; for URLs with a port. */
export function hostsOf(endpoints: readonly Endpoint[]): PlainHost[] {
  return endpoints.map(({ url, weight }) => ({ key: url.replace('http://', ''), weight }));
}

/** Counts how often each endpoint is picked while nothing is in flight. */
export function countPicks(
  balancer: Balancer,
  endpoints: readonly Endpoint[],
  picks: number,
): number[] {
  const counts = new Map<Endpoint | undefined, number>();
  for (let i = 0; i < picks; i++) {
    const picked = balancer.pick(anyCall);
    counts.set(picked, (counts.get(picked) ?? 0) + 1);
  }
  return endpoints.map((endpoint) => counts.get(endpoint) ?? 0);
}

/** What one attempt meets: how long it takes and how it ends. */
export type Service = (endpoint: number, now: number) => AttemptResult;

export const answersIn = (latency: number): AttemptResult => ({
  latency,
  ok: true,
  cancelled: false,
});

export const failsIn = (latency: number): AttemptResult => ({
  latency,
  ok: false,
  cancelled: false,
});

export const cancelledAfter = (latency: number): AttemptResult => ({
  latency,
  ok: false,
  cancelled: true,
});

export interface Finished {
  readonly endpoint: number;
  readonly startedAt: number;
  readonly result: AttemptResult;
}

/** Workers that each call again as soon as their attempt has ended. */
export class ClosedLoop {
  readonly endpoints: Endpoint[];
  readonly runtime: StillRuntime;
  private balancer: Balancer;
  private readonly busy: Finished[] = [];

  constructor(
    private readonly factory: BalancerFactory,
    size: number,
    readonly service: Service,
    readonly workers: number,
    seed: number,
  ) {
    this.endpoints = endpointsOf(...Array.from({ length: size }, () => 1));
    this.runtime = new StillRuntime(seededChance(seed));
    this.balancer = factory(this.endpoints, { runtime: this.runtime, previous: undefined });
  }

  /** Goes on for so many milliseconds more; returns the attempts that ended in them. */
  run(duration: number): Finished[] {
    const { busy, runtime, endpoints } = this;
    const until = runtime.time + duration;
    const finished: Finished[] = [];
    while (busy.length < this.workers) this.start();
    for (;;) {
      const first = busy.reduce((a, b) => (endOf(b) < endOf(a) ? b : a));
      if (endOf(first) > until) break;
      runtime.time = endOf(first);
      busy.splice(busy.indexOf(first), 1);
      const endpoint = endpoints[first.endpoint] as Endpoint;
      endpoint.active--;
      this.balancer.ended?.(endpoint, first.result);
      finished.push(first);
      this.start();
    }
    runtime.time = until;
    return finished;
  }

  /** One more endpoint joins. */
  join(): void {
    this.endpoints.push(...endpointsOf(1));
    this.balancer = this.factory(this.endpoints, {
      runtime: this.runtime,
      previous: this.balancer,
    });
  }

  private start(): void {
    const picked = this.balancer.pick(anyCall) as Endpoint;
    picked.active++;
    this.balancer.started?.(picked);
    const endpoint = this.endpoints.indexOf(picked);
    const startedAt = this.runtime.time;
    this.busy.push({ endpoint, startedAt, result: this.service(endpoint, startedAt) });
  }
}

const endOf = (attempt: Finished) => attempt.startedAt + attempt.result.latency;

/** Attempts per second. */
export const rate = (finished: readonly Finished[], duration: number) =>
  (finished.length * 1000) / duration;

/** The latency, in ms, that the given share of the attempts did not exceed. */
export function quantile(finished: readonly Finished[], share: number): number {
  const sorted = finished.map(({ result }) => result.latency).sort((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
}

/** The part of the attempts that went to the endpoint. */
export const shareOf = (finished: readonly Finished[], endpoint: number) =>
  finished.filter((attempt) => attempt.endpoint === endpoint).length / finished.length;
