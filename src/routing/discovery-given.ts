/** What a discovery of the user's hands over: taken for what it is meant to be, and for no more than it is. */
import { describe } from '../options/describe.js';
import type { RunningDiscovery } from '../options/discovery.js';

/**
 * What `start()` gave.
 * @throws TypeError when it cannot be stopped
 */
export function checked(given: unknown, failed: (error: unknown) => void): RunningDiscovery {
  caught(given, failed);
  const isObject = typeof given === 'object' && given !== null;
  if (isObject && 'stop' in given && typeof given.stop === 'function') {
    return given as RunningDiscovery;
  }
  throw new TypeError(`start() gave ${describe(given)}, expected an object with stop()`);
}

/** Nobody waits for a function of the user's, but a promise that it gives may be rejected. */
export function caught(given: unknown, failed: (error: unknown) => void): void {
  if (given instanceof Promise) given.catch(failed);
}

/** What was thrown, or given as a reason: anything, also an error of another realm (jest, vm). */
export function asError(given: unknown): Error {
  if (given instanceof Error) return given;
  const isError = typeof given === 'object' && given !== null && 'message' in given;
  const message = isError ? given.message : undefined;
  const words = typeof message === 'string' ? message : describe(given);
  return new Error(words, { cause: given });
}
