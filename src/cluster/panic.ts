/** Envoy's panic: when too few endpoints are healthy, load is better spread over all than heaped on those. */

/** Envoy's over-provisioning factor, in percent. */
const OVERPROVISIONING = 140;

/**
 * A cluster panics when its healthy endpoints cannot carry the whole load, even with the over-provisioning factor, and
 * their plain share is below the threshold (`load_balancer_impl.cc`, `isHostSetInPanic`). A threshold of 0 is never
 * reached.
 */
export function isInPanic(healthy: number, count: number, threshold: number): boolean {
  const availability = count === 0 ? 0 : Math.floor((OVERPROVISIONING * healthy) / count);
  const share = count === 0 ? 0 : (100 * healthy) / count;
  return availability < 100 && share < threshold;
}
