/** The options of one call: `init.resilience`. */
import type { Overrides } from '../core/call.js';
import { OptionsError } from '../core/errors.js';
import { readTimeout } from './duration.js';
import { laterServiceOptions } from './other-names.js';
import { Place } from './place.js';
import { readEntries, readFields } from './readers.js';

const fields = { timeout: readTimeout };

/**
 * What holds for one call; whatever else can only be said of a service is refused.
 * @throws OptionsError with every problem
 */
export function readOverrides(overrides: unknown): Overrides {
  const at = new Place('resilience', []);
  const entries = readEntries(overrides, at, 'an object with options of the call');
  const read = entries && readFields(entries, at, fields, { later: laterServiceOptions });
  if (read === null || at.problems.length > 0) throw new OptionsError(at.problems);
  return read.timeout === undefined ? {} : { timeout: read.timeout };
}
