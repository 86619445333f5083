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

interface Candidate {
  readonly origin: string;
  readonly lastCallAt: number;
}

/** What it looks at of a cluster. */
export type OtherCluster = Pick<Cluster, 'activeCalls' | 'lastCallAt'>;

export class OtherOrigins {
  readonly #runtime: Runtime;
  readonly #forget: (origin: string) => void;
  #limits: OriginLimits;
  readonly #clusters = new Map<string, OtherCluster>();
  /**
   * Who goes next, last in the list, as it was when it was made: whoever has been called since is passed over, and those that
   * came since are younger. So a new origin costs the same however many there are.
   */
  #next: Candidate[] = [];
  #timer: Timer = undefined;

  constructor(runtime: Runtime, limits: OriginLimits, forget: (origin: string) => void) {
    this.#runtime = runtime;
    this.#limits = limits;
    this.#forget = forget;
  }

  /** It is about to be called. */
  add(origin: string, cluster: OtherCluster): void {
    this.#forgetTooMany(1);
    this.#clusters.set(origin, cluster);
    this.#wait();
  }

  /** It has been configured. False when it was none of these. */
  remove(origin: string): boolean {
    return this.#clusters.delete(origin);
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
    this.#next = [];
  }

  /** So that there is room for a few more: those go whose latest call is the longest ago. */
  #forgetTooMany(more: number): void {
    const surplus = (): number => this.#clusters.size + more - this.#limits.maxOrigins;
    this.#forgetNext(surplus);
    if (surplus() <= 0) return;
    this.#next = [...this.#clusters]
      .filter(([, { activeCalls }]) => activeCalls === 0)
      .map(([origin, { lastCallAt }]) => ({ origin, lastCallAt }))
      .sort((one, other) => other.lastCallAt - one.lastCallAt);
    this.#forgetNext(surplus);
  }

  #forgetNext(surplus: () => number): void {
    while (surplus() > 0) {
      const next = this.#next.pop();
      if (next === undefined) return;
      const cluster = this.#clusters.get(next.origin);
      const isIdle = cluster?.activeCalls === 0 && cluster.lastCallAt === next.lastCallAt;
      if (isIdle) this.#drop(next.origin);
    }
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
