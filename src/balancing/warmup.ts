/** Slow start: an endpoint that is new gets less than its share at first, and more with time. */
import type { Endpoint } from '../cluster/endpoint.js';
import type { Runtime } from '../core/runtime.js';

export interface WarmupSettings {
  /** Milliseconds from `endpoint.warmsFrom` on. */
  readonly duration: number;
  readonly minimumPercent: number;
  readonly aggression: number;
}

/** Beneath, weights would be too small for a schedule. */
const LEAST_FACTOR = 1e-6;
/** What was planned with lower factors is planned anew so often in the time of one window. */
const STEPS = 10;

/**
 * What the weight of an endpoint is multiplied by so many milliseconds after its window began, as in Envoy
 * (`edf_lb_base`, `applySlowStartFactor`).
 */
export function warmupFactor(settings: WarmupSettings, elapsed: number): number {
  const { duration, minimumPercent, aggression } = settings;
  if (elapsed >= duration) return 1;
  const time = Math.min(Math.max(elapsed, 1) / duration, 1);
  return Math.max(minimumPercent / 100, time ** (1 / aggression), LEAST_FACTOR);
}

/** The endpoints of a list that are in their windows, for a balancer to look at as long as there are any. */
export class Warmup {
  private now: number;
  /** When the window that began first did. */
  private readonly oldest: number;
  /** When the last window is over. */
  private readonly ends: number;
  private readonly nextLook: number;

  private constructor(
    private readonly settings: WarmupSettings,
    endpoints: readonly Endpoint[],
    now: number,
  ) {
    const { duration } = settings;
    const begins = endpoints.map(({ healthy, warmsFrom }) => (healthy ? warmsFrom : -Infinity));
    this.now = now;
    this.oldest = begins.reduce((one, other) => Math.min(one, other));
    this.ends = begins.reduce((one, other) => Math.max(one, other)) + duration;
    this.nextLook = Math.min(this.ends, now + duration / STEPS);
  }

  /** Undefined when nobody warms up, or there is nobody else who could get more meanwhile. */
  static of(
    settings: WarmupSettings | undefined,
    endpoints: readonly Endpoint[],
    runtime: Runtime,
  ): Warmup | undefined {
    if (settings === undefined || endpoints.length < 2) return undefined;
    const warmup = new Warmup(settings, endpoints, runtime.now());
    return warmup.ends > warmup.now ? warmup : undefined;
  }

  /**
   * What follows is said of this moment. True when all windows are over, or so much time has passed that what was
   * planned with the factors of before is to be planned anew.
   */
  lookAt(now: number): boolean {
    this.now = now;
    return now >= this.nextLook;
  }

  /** What its weight is multiplied by. As in Envoy, one that is unhealthy and chosen in panic does not warm up. */
  factorOf(endpoint: Endpoint): number {
    return endpoint.healthy ? warmupFactor(this.settings, this.now - endpoint.warmsFrom) : 1;
  }

  /** The same in relation to the endpoint that has come furthest: 1 for all while all are equally new. */
  shareOf(endpoint: Endpoint): number {
    return this.factorOf(endpoint) / warmupFactor(this.settings, this.now - this.oldest);
  }
}
