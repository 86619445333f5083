/** The chapter's settings of outlier detection, at the pace of everything else. */
import { type Pace, realTime } from './pace.js';
import type { TrialOptions } from './trial.js';

/** The chapter's milliseconds. */
const INTERVAL = 5000;
const BASE_EJECTION_TIME = 5000;

/** A single 5xx takes an endpoint out, and all of them may be out at once. */
export function chapterDetection(pace: Pace): NonNullable<TrialOptions['outlierDetection']> {
  return {
    consecutive5xxErrors: 1,
    interval: realTime(pace, INTERVAL),
    baseEjectionTime: realTime(pace, BASE_EJECTION_TIME),
    maxEjectionPercent: 100,
  };
}
