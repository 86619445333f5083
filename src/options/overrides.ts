/** The options of one call: `init.resilience`. */
import { OptionsError } from '../core/errors.js';
import { laterServiceOptions } from './other-names.js';
import { Place } from './place.js';
import { readEntries, readFields } from './readers.js';

/**
 * Refuses what cannot be set for one call; there is no option yet that can.
 * @throws OptionsError with every problem
 */
export function readOverrides(overrides: unknown): void {
  const at = new Place('resilience', []);
  const entries = readEntries(overrides, at, 'an object with options of the call');
  if (entries !== null) readFields(entries, at, {}, { later: laterServiceOptions });
  if (at.problems.length > 0) throw new OptionsError(at.problems);
}
