/** Whether what is held stays the same over the minutes. */
import { isAtRest } from './state.mjs';

/** Kinds of memory that must come back, and how much more of each may be held at the end than after the warm-up, in MB. */
const BOUNDS = /** @type {const} */ ({ heap: 2, external: 1, arrayBuffers: 1 });
/** MB a minute that the line through the samples may rise. A leak of 50 bytes a call rises faster. */
const SLOPE = 0.25;

/**
 * The straight line that is nearest to the samples (least squares): how much it rises a minute.
 * @param {readonly number[]} minutes
 * @param {readonly number[]} values
 */
export function slopeOf(minutes, values) {
  const mean = (/** @type {readonly number[]} */ list) =>
    list.reduce((sum, value) => sum + value, 0) / list.length;
  const middle = mean(minutes);
  const level = mean(values);
  let rise = 0;
  let run = 0;
  minutes.forEach((minute, index) => {
    rise += (minute - middle) * ((values[index] ?? 0) - level);
    run += (minute - middle) ** 2;
  });
  return run === 0 ? 0 : rise / run;
}

/**
 * What is not as it should be, in sentences; none when all is flat.
 * @param {readonly (import('./state.mjs').State & { minute: number })[]} samples the first is the one after the warm-up
 */
export function notFlat(samples) {
  const [first] = samples;
  const last = samples.at(-1);
  if (first === undefined || last === undefined) return ['nothing was measured'];
  const found = [];
  for (const [kind, bound] of Object.entries(BOUNDS)) {
    const name = /** @type {keyof typeof BOUNDS} */ (kind);
    const more = last[name] - first[name];
    const slope = slopeOf(
      samples.map(({ minute }) => minute),
      samples.map((sample) => sample[name]),
    );
    if (more > bound) found.push(`${kind}: ${more.toFixed(2)} MB more than after the warm-up`);
    if (samples.length > 3 && slope > SLOPE) {
      found.push(`${kind}: rises by ${slope.toFixed(2)} MB a minute`);
    }
  }
  for (const sample of samples) {
    if (!isAtRest(sample))
      found.push(`after ${sample.minute.toFixed(1)} minutes something was held`);
  }
  return found;
}
