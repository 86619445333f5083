/** Does all that is to be done, whatever becomes of one part of it: code of the user's (a load balancer) may throw. */

/** Throws what the first of those has thrown that did, once all have had their turn. */
export function attemptAll(steps: readonly (() => void)[]): void {
  const refusals: unknown[] = [];
  for (const step of steps) {
    try {
      step();
    } catch (error) {
      refusals.push(error);
    }
  }
  if (refusals.length > 0) throw refusals[0];
}
