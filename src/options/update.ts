/** What `client.update()` does with its argument: merged into the options that hold, and validated as a whole. */
import { OptionsError } from '../core/errors.js';
import { defaults } from './defaults.js';
import { describe } from './describe.js';
import { mergeOptions } from './merge.js';
import type { NormalizedClientOptions } from './normalized.js';
import { canonicalOrigin } from './origin.js';
import { Place } from './place.js';
import { isPlainObject } from './plain-object.js';
import { readEntries } from './readers.js';
import { readClient } from './validate.js';

/** What a client is built with, once. */
const FIXED = [
  'service',
  'name',
  'otherOrigins',
  'localReplies',
  'middleware',
  'layers',
  'around',
  'runtime',
  'fetch',
  'dispatcher',
] as const;

/**
 * The options that hold after the update; `current` stays as it is.
 * @throws OptionsError with every problem; the update as a whole then changes nothing
 */
export function readUpdate(
  current: NormalizedClientOptions,
  update: unknown = {},
): NormalizedClientOptions {
  const at = new Place('', []);
  const entries = readEntries(update, at, 'an object with the options to change');
  if (entries === null) throw new OptionsError(at.problems);
  const { given } = current;
  for (const key of FIXED) {
    if (entries.has(key)) refuseChange(given[key] ?? defaults[key], entries.get(key), at.key(key));
    entries.delete(key);
  }
  if (entries.has('services')) {
    const place = at.key('services');
    if (given.services === undefined) {
      place.say(
        'services',
        'none',
        'a client made without services cannot be given any; make a new client',
      );
      entries.delete('services');
    } else {
      refuseNewNames(given.services, entries.get('services'), place);
    }
  }
  const merged = mergeOptions(given, Object.fromEntries(entries));
  const read = readClient(merged, at);
  if (read === null || at.problems.length > 0) throw new OptionsError(at.problems);
  return read;
}

/** An option that cannot change may be repeated with the very value it has. */
function refuseChange(before: unknown, after: unknown, at: Place): void {
  if (Object.is(before, after)) return;
  at.say(describe(after), describe(before), 'cannot be changed by an update; make a new client');
}

/** A service keeps its name; one that is new may bring its own. */
function refuseNewNames(services: object, update: unknown, at: Place): void {
  const before = new Map(namesIn(services).map(([key, name]) => [canonicalOrigin(key), name]));
  for (const [key, name] of namesIn(update)) {
    const origin = canonicalOrigin(key);
    if (name !== undefined && before.has(origin)) {
      refuseChange(before.get(origin), name, at.key(key).key('name'));
    }
  }
}

/** The name that each service is given, if any; what is not even an object is left to the validation. */
function namesIn(services: unknown): [string, unknown][] {
  if (!isPlainObject(services)) return [];
  return Object.entries(services).map(([key, options]) => [
    key,
    isPlainObject(options) ? options.name : undefined,
  ]);
}
