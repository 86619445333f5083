/** What a priority has: endpoints by their health, and how many of these may be chosen before those that are held. */
import type { PriorityHealth } from '../locality/priority-loads.js';
import type { Endpoint } from './endpoint.js';

/** How many endpoints a priority has by their health, and how many of these are not held. */
export interface Standing extends PriorityHealth {
  readonly freeHealthy: number;
  readonly freeDegraded: number;
}

export function standingOf(endpoints: readonly Endpoint[], now: number): Standing {
  const found = { healthy: 0, degraded: 0, freeHealthy: 0, freeDegraded: 0 };
  for (const { healthy, degraded, heldUntil } of endpoints) {
    const free = heldUntil <= now ? 1 : 0;
    if (healthy) {
      found.healthy += 1;
      found.freeHealthy += free;
    } else if (degraded) {
      found.degraded += 1;
      found.freeDegraded += free;
    }
  }
  return { count: endpoints.length, ...found };
}

/** Where all that are healthy, or degraded, are held is as good as nobody while somebody else is free. */
export function ifFree(standings: readonly Standing[]): readonly PriorityHealth[] {
  const someFree = standings.some((one) => one.freeHealthy + one.freeDegraded > 0);
  if (!someFree) return standings;
  return standings.map(({ count, healthy, degraded, freeHealthy, freeDegraded }) => ({
    count,
    healthy: freeHealthy === 0 ? 0 : healthy,
    degraded: freeDegraded === 0 ? 0 : degraded,
  }));
}
