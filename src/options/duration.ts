/** Durations: milliseconds as a number, or text as Istio writes it. */
import { OptionsError } from '../core/errors.js';
import { Place, type Reader } from './place.js';

/** As Go writes a duration, the units from large to small, each at most once: `1m30s`, `1.5s`, `300ms`. */
const WRITTEN =
  /^(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?$/;
const MILLISECONDS = [3_600_000, 60_000, 1000, 1];

/** 24 days: Node's timers cannot wait longer than 24.8 and fire at once when told to. */
export const LONGEST = 24 * 24 * 3_600_000;

const DURATION =
  "a duration up to 576h, as milliseconds or as text such as '300ms', '1.5s' or '1m30s'";

/**
 * A duration in milliseconds, for a value that is given outside of the options of the client.
 * @throws OptionsError when it is none
 */
export function parseDuration(value: unknown, path: string): number {
  const at = new Place(path, []);
  const duration = readDuration(value, at);
  if (duration === null) throw new OptionsError(at.problems);
  return duration;
}

/** From zero up. */
export const readDuration: Reader<number> = durationOr('');

/** As `readDuration`, where something else may be given as well, which the words name. */
export function durationOr(alternative: string): Reader<number> {
  return (value, at) => {
    const duration = typeof value === 'string' ? fromText(value) : value;
    // A comparison with NaN is false; adding zero makes a negative zero an ordinary one.
    if (typeof duration === 'number' && duration >= 0 && duration <= LONGEST) return duration + 0;
    return at.refuse(
      value,
      `${DURATION}${alternative}`,
      typeof value === 'string' ? hintFor(value) : '',
    );
  };
}

/** Above zero. */
export const readPositiveDuration: Reader<number> = (value, at) => {
  const duration = readDuration(value, at);
  return duration === 0 ? at.refuse(value, 'a duration above zero') : duration;
};

const durationOrFalse = durationOr(', or false');

/** 0 and false are none. */
export const readTimeout: Reader<number> = (value, at) =>
  value === false ? 0 : durationOrFalse(value, at);

function fromText(text: string): number | undefined {
  const [whole, ...amounts] = WRITTEN.exec(text) ?? [];
  if (whole === undefined || whole === '') return undefined;
  let sum = 0;
  // A unit that was not written is undefined, whatever the type of a match says.
  (amounts as (string | undefined)[]).forEach((amount, unit) => {
    sum += Number(amount ?? 0) * (MILLISECONDS[unit] ?? 0);
  });
  return Math.round(sum * 1e6) / 1e6; // to the nanosecond: 1.005s is not 1004.9999999999999
}

function hintFor(text: string): string {
  const bare = text.trim() === '' ? NaN : Number(text);
  if (bare >= 0 && bare * 1000 <= LONGEST) return `; did you mean ${bare} or '${bare}s'?`;
  const corrected = text
    .toLowerCase()
    .replace(/[\s_]/g, '')
    .replace(/(?:milliseconds?|millis|msecs?)/g, 'ms')
    .replace(/(?:seconds?|secs?)/g, 's')
    .replace(/(?:minutes?|mins?)/g, 'm')
    .replace(/(?:hours?|hrs?)/g, 'h');
  return corrected !== text && (fromText(corrected) ?? Infinity) <= LONGEST
    ? `; did you mean '${corrected}'?`
    : '';
}
