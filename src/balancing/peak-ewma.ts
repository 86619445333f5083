/** The cheaper of two endpoints drawn at random, by the latency they have shown and the attempts they carry. */
import type { Endpoint } from '../cluster/endpoint.js';
import type { Runtime } from '../core/runtime.js';
import { AliasTable } from './alias-table.js';
import type { AttemptResult, Balancer, BalancerContext } from './balancer.js';
import { Warmup, type WarmupSettings } from './warmup.js';
import { weightsAreEqual } from './weights.js';

export interface PeakEwmaSettings {
  /** Milliseconds after which an observation counts for 1/e. */
  readonly decayTime: number;
  readonly warmup?: WarmupSettings | undefined;
}

/** Expected of an endpoint while nobody has answered anything, in ms (the default of tower's first `PeakEwma`). */
const UNKNOWN_LATENCY = 1000;
/** How much dearer an endpoint is while its first answer is awaited: one probe rather than a flood. */
const PROBE_PENALTY = 16;
/** Each failure makes an endpoint so much dearer, each success takes as much back. */
const FAILURE_FACTOR = 2;
/** Ten failures in a row; more would only keep an endpoint away for longer once it has recovered. */
const PENALTY_LIMIT = 1024;

/** In ms; a latency of 0, from a clock that stood still, would make every load the same. */
const RESOLUTION = 0.001;
/** How often a second endpoint is drawn by weight before any other will do. */
const REDRAWS = 4;
/** How often an endpoint is drawn that may refuse because it warms up. */
const WARM_DRAWS = 16;

/** What is remembered of an endpoint, whichever balancer of this policy asks. Latency and penalty fade with time. */
class Memory {
  /** Peak-sensitive average of the latencies seen, in ms, as it was at `at`; 0 before the first attempt. */
  latency = 0;
  /** What failures multiply the cost by, as it was at `at`; 1 when there were none. */
  penalty = 1;
  at = 0;
  /** False while `latency` is a guess. */
  measured = false;

  set(latency: number, penalty: number, at: number): void {
    this.latency = latency;
    this.penalty = penalty;
    this.at = at;
  }
}

/**
 * Peak EWMA as in Finagle (`com.twitter.finagle.loadbalancer.PeakEwma`) and tower (`tower::load::PeakEwma`, which
 * linkerd2 uses). The cost of an endpoint is `latency * (active + 1)`; a latency above the average replaces it, one
 * below pulls it down with the weight `1 - exp(-elapsed / decayTime)`, and the average fades towards 0 while nothing
 * is heard, so that an endpoint which was slow is tried again.
 */
export class PeakEwma implements Balancer {
  readonly name = 'peak-ewma';
  private readonly runtime: Runtime;
  private readonly decayTime: number;
  private readonly table: AliasTable | undefined;
  private readonly meanWeight: number;
  private warmup: Warmup | undefined;
  /** Moving average of the latencies of all successes, in ms; 0 before the first. */
  private typical = 0;
  private typicalAt = 0;

  constructor(
    private readonly settings: PeakEwmaSettings,
    private readonly endpoints: readonly Endpoint[],
    { runtime, previous }: BalancerContext,
  ) {
    this.runtime = runtime;
    this.decayTime = settings.decayTime;
    if (previous instanceof PeakEwma) {
      this.typical = previous.typical;
      this.typicalAt = previous.typicalAt;
    }
    this.warmup = Warmup.of(settings.warmup, endpoints, runtime);
    const weights = endpoints.map((endpoint) => endpoint.weight);
    this.meanWeight = weights.reduce((sum, weight) => sum + weight, 0) / weights.length;
    if (!weightsAreEqual(endpoints)) this.table = new AliasTable(weights);
    for (const endpoint of endpoints) {
      if (endpoint.balancing instanceof Memory) continue;
      endpoint.balancing = new Memory();
      if (endpoint.active > 0) this.started(endpoint);
    }
  }

  pick(): Endpoint | undefined {
    const { endpoints } = this;
    if (endpoints.length < 2) return endpoints[0];
    if (this.warmup !== undefined) return this.pickWarming(this.warmup);
    const first = this.draw();
    const one = endpoints[first] as Endpoint;
    const other = endpoints[this.drawOther(first)] as Endpoint;
    const now = this.runtime.now();
    return this.cost(other, now) < this.cost(one, now) ? other : one;
  }

  /** Before anything is known of an endpoint, its first attempt makes it dear until that has ended. */
  started(endpoint: Endpoint): void {
    const memory = endpoint.balancing;
    if (!(memory instanceof Memory) || memory.latency > 0) return;
    memory.set(this.guess(), PROBE_PENALTY, this.runtime.now());
  }

  ended(endpoint: Endpoint, result: AttemptResult): void {
    const memory = endpoint.balancing;
    if (!(memory instanceof Memory)) return;
    const now = this.runtime.now();
    const latency = Math.max(result.latency, RESOLUTION);
    const share = this.faded(memory.at, now);
    const faded = memory.latency * share;
    const penalty = 1 + (memory.penalty - 1) * share;

    if (result.cancelled) {
      // Known is only that an answer would have taken longer than this. Where that is more than what fading has left
      // of the estimate, the estimate from before was right: losers of hedges never show how slow they really are.
      if (latency > (memory.measured ? faded : this.guess())) {
        memory.set(Math.max(latency, memory.measured ? memory.latency : 0), penalty, now);
      } else if (!memory.measured && endpoint.active === 0) {
        memory.latency = 0;
      }
    } else if (!result.ok) {
      // A failure is never fast: it counts for what an answer usually takes, or for more.
      const failed = Math.max(faded, latency, this.guess());
      memory.set(failed, Math.min(penalty * FAILURE_FACTOR, PENALTY_LIMIT), now);
    } else {
      this.typical = average(this.typical, latency, this.faded(this.typicalAt, now));
      this.typicalAt = now;
      if (memory.measured) {
        const peak = latency > memory.latency;
        const next = peak ? latency : average(memory.latency, latency, share);
        memory.set(next, Math.max(penalty / FAILURE_FACTOR, 1), now);
      } else {
        memory.measured = true;
        memory.set(latency, 1, now);
      }
    }
  }

  /** The same while endpoints warm up: one that is drawn and not warm yet is often passed over. */
  private pickWarming(warmup: Warmup): Endpoint {
    const { endpoints, runtime } = this;
    const now = runtime.now();
    if (warmup.lookAt(now)) this.warmup = Warmup.of(this.settings.warmup, endpoints, runtime);
    const isReady = (entry: number) =>
      runtime.random() < warmup.shareOf(endpoints[entry] as Endpoint);
    let first = this.draw();
    for (let draws = 1; draws < WARM_DRAWS && !isReady(first); draws++) first = this.draw();
    const second = this.drawOther(first);
    const one = endpoints[first] as Endpoint;
    const other = endpoints[second] as Endpoint;
    if (!isReady(second)) return one;
    const isCheaper =
      this.cost(other, now, warmup.shareOf(other)) < this.cost(one, now, warmup.shareOf(one));
    return isCheaper ? other : one;
  }

  /** What one more attempt at the endpoint is expected to cost, in ms; `share` is the part of its weight that counts. */
  private cost(endpoint: Endpoint, now: number, share = 1): number {
    const { active } = endpoint;
    const weight = endpoint.weight * share;
    const memory = endpoint.balancing as Memory;
    const left = this.faded(memory.at, now);
    const penalty = 1 + (memory.penalty - 1) * left;
    let latency = memory.latency * left;
    if (active === 0) return latency * penalty;
    // Time alone makes nobody faster than usual while an answer is awaited: an endpoint that hangs would look ever
    // cheaper, and one that was idle for long would be flooded before its first answer.
    latency = Math.max(latency, Math.min(memory.latency, this.typical));
    return latency * penalty * (1 + (active * this.meanWeight) / weight);
  }

  private draw(): number {
    const chance = this.runtime.random();
    const { table } = this;
    return table === undefined ? Math.floor(chance * this.endpoints.length) : table.draw(chance);
  }

  /** A second endpoint, never the first again. */
  private drawOther(first: number): number {
    const { runtime, table } = this;
    if (table !== undefined) {
      for (let i = 0; i < REDRAWS; i++) {
        const other = table.draw(runtime.random());
        if (other !== first) return other;
      }
    }
    const other = Math.floor(runtime.random() * (this.endpoints.length - 1));
    return other < first ? other : other + 1;
  }

  /** What is left at `now` of something remembered at `at`. */
  private faded(at: number, now: number): number {
    return Math.exp((at - now) / this.decayTime);
  }

  /** The latency of an endpoint of which nothing better is known. */
  private guess(): number {
    return this.typical === 0 ? UNKNOWN_LATENCY : this.typical;
  }
}

/** A moving average in which the old value keeps the given share; nothing is averaged with a value that is none. */
function average(old: number, seen: number, share: number): number {
  return old === 0 ? seen : old * share + seen * (1 - share);
}
