/** How the calls of a cluster are shared among its priorities, by their health. */

/** Envoy's over-provisioning factor, in percent. */
export const OVERPROVISIONING = 140;

/** The endpoints of one priority. */
export interface PriorityHealth {
  readonly count: number;
  readonly healthy: number;
  /** Neither healthy nor out: they take what the healthy ones cannot. */
  readonly degraded: number;
}

/** Shares of the calls in percent, each in the order of the priorities: whole numbers that all together make 100. */
export interface Loads {
  readonly healthy: readonly number[];
  readonly degraded: readonly number[];
}

export interface PriorityLoads {
  readonly loads: Loads;
  /** True where endpoints are chosen regardless of their health. */
  readonly panics: readonly boolean[];
}

/**
 * The loads as Envoy computes them (`load_balancer_impl.cc`, `recalculatePerPriorityState`): to the healthy endpoints of
 * the priorities in order, and what they cannot carry to the degraded ones in order. A priority panics when all of them
 * together cannot carry the whole load, even with the over-provisioning factor, and its own plain share of endpoints that
 * are not out is below the threshold in percent; a threshold of 0 is never reached.
 */
export function priorityLoads(
  priorities: readonly PriorityHealth[],
  panicThreshold: number,
): PriorityLoads {
  const available = availabilityOf(priorities);
  const total = sum(available.healthy) + sum(available.degraded);
  const panics = priorities.map((one) => total < 100 && usableShare(one) < panicThreshold);
  const everyPanics = panics.every(Boolean);
  return { loads: everyPanics ? loadsByCount(priorities) : shared(available), panics };
}

/**
 * The loads of a further attempt that leaves out the priorities which were tried (`previous_priorities`); undefined when
 * nobody else is available.
 */
export function loadsBeside(
  priorities: readonly PriorityHealth[],
  isTried: (priority: number) => boolean,
): Loads | undefined {
  const others = priorities.map((one, index) => (isTried(index) ? NOBODY : one));
  const { healthy, degraded } = availabilityOf(others);
  return sum(healthy) + sum(degraded) === 0 ? undefined : shared({ healthy, degraded });
}

const NOBODY: PriorityHealth = { count: 0, healthy: 0, degraded: 0 };

/** What each priority can carry, in percent of the whole, 100 at most. */
function availabilityOf(priorities: readonly PriorityHealth[]): Loads {
  return {
    healthy: priorities.map(({ count, healthy }) => availability(count, healthy)),
    degraded: priorities.map(({ count, degraded }) => availability(count, degraded)),
  };
}

function availability(count: number, usable: number): number {
  return count === 0 ? 0 : Math.min(100, Math.floor((OVERPROVISIONING * usable) / count));
}

function usableShare({ count, healthy, degraded }: PriorityHealth): number {
  return count === 0 ? 0 : (100 * (healthy + degraded)) / count;
}

/** Each in turn takes as much as it can carry; where nobody can carry anything, the first gets all. */
function shared({ healthy, degraded }: Loads): Loads {
  const total = Math.min(100, sum(healthy) + sum(degraded));
  if (total === 0) return { healthy: withRest(healthy, 100, () => true), degraded };
  let left = 100;
  const take = (available: number): number => {
    const load = Math.min(left, Math.floor((available * 100) / total));
    left -= load;
    return load;
  };
  const loads = { healthy: healthy.map(take), degraded: degraded.map(take) };
  // What rounding has left.
  return sum(healthy) > 0
    ? { ...loads, healthy: withRest(loads.healthy, left, (index) => healthy[index] !== 0) }
    : { ...loads, degraded: withRest(loads.degraded, left, (index) => degraded[index] !== 0) };
}

/** When every priority panics, all endpoints are as good as each other. */
function loadsByCount(priorities: readonly PriorityHealth[]): Loads {
  const all = sum(priorities.map(({ count }) => count));
  const loads = priorities.map(({ count }) => (all === 0 ? 0 : Math.floor((100 * count) / all)));
  const qualifies = (index: number) => all === 0 || priorities[index]?.count !== 0;
  return {
    healthy: withRest(loads, 100 - sum(loads), qualifies),
    degraded: priorities.map(() => 0),
  };
}

/** The rest goes to the first that qualifies. */
function withRest(
  loads: readonly number[],
  rest: number,
  qualifies: (index: number) => boolean,
): number[] {
  const first = loads.findIndex((_, index) => qualifies(index));
  return loads.map((load, index) => (index === first ? load + rest : load));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
