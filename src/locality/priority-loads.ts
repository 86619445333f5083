/** How the calls of a cluster are shared among its priorities, by their health. */

/** Envoy's over-provisioning factor, in percent. */
export const OVERPROVISIONING = 140;

/** The endpoints of one priority. */
export interface PriorityHealth {
  readonly count: number;
  readonly healthy: number;
}

export interface PriorityLoads {
  /** Shares of the calls in percent, in the order of the priorities: whole numbers that make 100. */
  readonly loads: readonly number[];
  /** True where endpoints are chosen regardless of their health. */
  readonly panics: readonly boolean[];
}

/**
 * The loads as Envoy computes them (`load_balancer_impl.cc`, `recalculatePerPriorityState`, without degraded
 * endpoints). A priority panics when all of them together cannot carry the whole load, even with the over-provisioning
 * factor, and its own plain share of healthy endpoints is below the threshold in percent; a threshold of 0 is never
 * reached.
 */
export function priorityLoads(
  priorities: readonly PriorityHealth[],
  panicThreshold: number,
): PriorityLoads {
  const available = priorities.map(availability);
  const total = sum(available);
  const panics = priorities.map((one) => total < 100 && healthyShare(one) < panicThreshold);
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
): readonly number[] | undefined {
  const available = priorities.map((one, index) => (isTried(index) ? 0 : availability(one)));
  return sum(available) === 0 ? undefined : shared(available);
}

/** In percent of what is needed, 100 at most. */
function availability({ count, healthy }: PriorityHealth): number {
  return count === 0 ? 0 : Math.min(100, Math.floor((OVERPROVISIONING * healthy) / count));
}

function healthyShare({ count, healthy }: PriorityHealth): number {
  return count === 0 ? 0 : (100 * healthy) / count;
}

/** Each priority in turn takes as much as it can carry; where nobody can carry anything, the first gets all. */
function shared(available: readonly number[]): number[] {
  const total = Math.min(100, sum(available));
  if (total === 0) return available.map((_, index) => (index === 0 ? 100 : 0));
  let left = 100;
  const loads = available.map((one) => {
    const load = Math.min(left, Math.floor((one * 100) / total));
    left -= load;
    return load;
  });
  return withRest(loads, left, (index) => available[index] !== 0);
}

/** When every priority panics, all endpoints are as good as each other. */
function loadsByCount(priorities: readonly PriorityHealth[]): number[] {
  const all = sum(priorities.map(({ count }) => count));
  if (all === 0) return priorities.map((_, index) => (index === 0 ? 100 : 0));
  const loads = priorities.map(({ count }) => Math.floor((100 * count) / all));
  return withRest(loads, 100 - sum(loads), (index) => priorities[index]?.count !== 0);
}

/** What rounding has left goes to the first that qualifies. */
function withRest(loads: number[], rest: number, qualifies: (index: number) => boolean): number[] {
  const first = loads.findIndex((_, index) => qualifies(index));
  return loads.map((load, index) => (index === first ? load + rest : load));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
