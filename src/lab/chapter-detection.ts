/** The chapter's settings of outlier detection: as it writes them, and at the pace of everything else. */
import { type Pace, realTime } from './pace.js';
import type { TrialOptions } from './trial.js';

export const chapterRule = `
apiVersion: networking.istio.io/v1beta1
kind: DestinationRule
metadata:
  name: simple-backend-dr
spec:
  host: simple-backend.istioinaction.svc.cluster.local
  trafficPolicy:
    outlierDetection:
      consecutive5xxErrors: 1
      interval: 5s
      baseEjectionTime: 5s
      maxEjectionPercent: 100
`;

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
