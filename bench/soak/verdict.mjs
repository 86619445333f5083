/** Whether what is held stays the same over the minutes. */
import { isAtRest } from './state.mjs';

/**
 * Kinds of memory that must come back: how many MB more may be held at the end than after the warm-up, and how many MB a
 * minute the line through the samples may rise. The heap has the compiled code in it, of which V8 makes more for minutes:
 * on Node 20 it rises by up to 0.4 MB a minute at ten thousand calls, and nothing but code is in what was added.
 */
const BOUNDS = /** @type {const} */ ({
  heap: { more: 3, slope: 0.5 },
  external: { more: 1, slope: 0.25 },
  arrayBuffers: { more: 1, slope: 0.25 },
});
/** A line through fewer samples says nothing: what is compiled late would make it rise. */
const ENOUGH = 8;

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
    if (more > bound.more) found.push(`${kind}: ${more.toFixed(2)} MB more than after the warm-up`);
    if (samples.length >= ENOUGH && slope > bound.slope) {
      found.push(`${kind}: rises by ${slope.toFixed(2)} MB a minute`);
    }
  }
  for (const sample of samples) {
    if (!isAtRest(sample))
      found.push(`after ${sample.minute.toFixed(1)} minutes something was held`);
  }
  return found;
}
