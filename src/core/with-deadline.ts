/** Deadlines that travel: whatever is called while something is served shares the time that is left for it. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Policy } from './policy.js';
import type { Runtime } from './runtime.js';

/** A point in time that everything made under it has to keep. */
interface Deadline {
  /** By the clock of `runtime`. */
  readonly at: number;
  readonly runtime: Runtime;
}

/** In the global scope, so that two loaded copies of the package share it; made when somebody first sets a deadline. */
const STORAGE = Symbol.for('outrigger.deadline');
const scope = globalThis as unknown as { [STORAGE]: AsyncLocalStorage<Deadline> | undefined };

/** The policy of a call made here and now: its timeout is no longer than what is left of the deadline. */
export function underDeadline(policy: Policy): Policy {
  const storage = scope[STORAGE];
  if (storage === undefined || policy.timeout.inherited !== undefined) return policy;
  const deadline = storage.getStore();
  if (deadline === undefined) return policy;
  const left = Math.max(deadline.at - deadline.runtime.now(), 0);
  const { total } = policy.timeout;
  if (total > 0 && total <= left) return policy;
  return { ...policy, timeout: { ...policy.timeout, total: left, inherited: true } };
}

/** Runs a function under a deadline, `at` by the clock of `runtime`; one around it that is sooner goes on to hold. */
export function runUnder<T>(at: number, runtime: Runtime, run: () => T): T {
  const storage = (scope[STORAGE] ??= new AsyncLocalStorage<Deadline>());
  const outer = storage.getStore();
  const isSooner = outer === undefined || at - runtime.now() < outer.at - outer.runtime.now();
  return isSooner ? storage.run({ at, runtime }, run) : run();
}
