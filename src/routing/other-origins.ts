/** Origins that the options do not name: how many of them are remembered, and for how long. */
import type { Cluster } from '../cluster/cluster.js';
import type { Runtime, Timer } from '../core/runtime.js';

export interface OriginLimits {
  readonly maxOrigins: number;
  /** Milliseconds without a call; 0: for ever. */
  readonly originIdleTimeout: number;
}

/** Within the idle timeout: it is kept to as exactly as that. */
const LOOKS = 5;

export class OtherOrigins {
  readonly #runtime: Runtime;
  readonly #forget: (origin: string) => void;
  #limits: OriginLimits;
  readonly #clusters = new Map<string, Cluster>();
  #timer: Timer = undefined;

  constructor(runtime: Runtime, limits: OriginLimits, forget: (origin: string) => void) {
    this.#runtime = runtime;
    this.#limits = limits;
    this.#forget = forget;
  }

  /** It is about to be called. */
  add(origin: string, cluster: Cluster): void {
    this.#forgetTooMany(1);
    this.#clusters.set(origin, cluster);
    this.#wait();
  }

  /** It has been configured. */
  remove(origin: string): void {
    this.#clusters.delete(origin);
  }

  setLimits(limits: OriginLimits): void {
    this.#limits = limits;
    this.#stopWaiting();
    this.#forgetTooMany(0);
    this.#wait();
  }

  /** Nothing is forgotten any more. */
  stop(): void {
    this.#stopWaiting();
    this.#clusters.clear();
  }

  /** So that there is room for a few more. */
  #forgetTooMany(more: number): void {
    const surplus = this.#clusters.size + more - this.#limits.maxOrigins;
    if (surplus <= 0) return;
    const idle = [...this.#clusters].filter(([, { activeCalls }]) => activeCalls === 0);
    idle.sort(([, one], [, other]) => one.lastCallAt - other.lastCallAt);
    for (const [origin] of idle.slice(0, surplus)) this.#drop(origin);
  }

  #drop(origin: string): void {
    this.#clusters.delete(origin);
    this.#forget(origin);
  }

  #wait(): void {
    const { originIdleTimeout } = this.#limits;
    if (originIdleTimeout === 0 || this.#clusters.size === 0) return;
    this.#timer ??= this.#runtime.setTimer(() => this.#look(), originIdleTimeout / LOOKS, true);
  }

  #stopWaiting(): void {
    this.#runtime.clearTimer(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    this.#timer = undefined;
    const oldest = this.#runtime.now() - this.#limits.originIdleTimeout;
    for (const [origin, { activeCalls, lastCallAt }] of this.#clusters) {
      if (activeCalls === 0 && lastCallAt <= oldest) this.#drop(origin);
    }
    this.#wait();
  }
}
