/** How fast the lab's time runs in relation to the chapter's, and how long a run of load lasts. */

/** All times of an experiment are written down as in the chapter; a pace turns them into real ones and back. */
export interface Pace {
  /** Times of the chapter are divided by this before they are lived through, and what is measured is multiplied. */
  readonly speedup: number;
  /** Length of one run of load, in seconds of the chapter's time. */
  readonly seconds: number;
}

/** The chapter's own times: `fortio load -t 60s`. */
export const fullPace: Pace = { speedup: 1, seconds: 60 };

/** Eight real seconds a run: long enough for some 200 calls by the slowest policy. */
export const quickPace: Pace = { speedup: 5, seconds: 40 };

/** The chapter's milliseconds in real ones. */
export function realTime(pace: Pace, chapterMs: number): number {
  return chapterMs / pace.speedup;
}

/** Real milliseconds of a run of load that takes so much of the pace's length. */
export function runTime(pace: Pace, part = 1): number {
  return realTime(pace, pace.seconds * 1000 * part);
}

/** The chapter's milliseconds in real ones, or the pace's whole length where that is shorter. */
export function cappedTime(pace: Pace, chapterMs: number): number {
  return realTime(pace, Math.min(chapterMs, pace.seconds * 1000));
}

/** True for the chapter's own times and length, or more: what is then measured needs no allowance. */
export function isFull(pace: Pace): boolean {
  return pace.speedup <= fullPace.speedup && pace.seconds >= fullPace.seconds;
}

/** The sentence that says at which pace the figures were made. */
export function describePace(pace: Pace): string {
  if (pace.speedup === 1) return `Time runs as in the chapter, ${pace.seconds} s for each run.`;
  return (
    `Time runs ${pace.speedup} times as fast as in the chapter, and all figures are multiplied back to its scale; ` +
    `so is what this machine and the client add (1 ms shows as ${pace.speedup} ms). ` +
    `--full takes the chapter's own times.`
  );
}
