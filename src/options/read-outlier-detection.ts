/** The `outlierDetection` option: its figures, each checked, and the defaults of those that are left out. */
import type { OutlierPolicy } from '../cluster/outlier-policy.js';
import { defaults } from './defaults.js';
import { parseDuration, readPositiveDuration, readTimeout } from './duration.js';
import type { Place, Reader } from './place.js';
import { boolean, object, orFalse, wholeNumber, wholePercent, type Read } from './readers.js';

const MOST = 4_294_967_295;
/** Envoy's longest ejection, in milliseconds, where the base is not longer. */
const USUAL_LONGEST = 300_000;

/** Elsewhere it is not in thousandths. */
const readStdevFactor: Reader<number> = (value, at) => {
  const isSmall = typeof value === 'number' && value > 0 && value < 10;
  if (!isSmall) return wholeNumber(0, MOST)(value, at);
  const meant = Math.round(value * 1000);
  return at.refuse(value, 'a whole number, in thousandths', `; did you mean ${meant}?`);
};

/** False is 0, which is off. */
const threshold: Reader<number> = (value, at) =>
  value === false ? 0 : wholeNumber(0, MOST)(value, at);

const fields = {
  consecutive5xxErrors: threshold,
  enforcingConsecutive5xx: wholePercent,
  consecutiveGatewayErrors: threshold,
  enforcingConsecutiveGatewayFailure: wholePercent,
  splitExternalLocalOriginErrors: boolean,
  consecutiveLocalOriginFailures: threshold,
  enforcingConsecutiveLocalOriginFailure: wholePercent,
  interval: readPositiveDuration,
  baseEjectionTime: readPositiveDuration,
  maxEjectionTime: readPositiveDuration,
  maxEjectionTimeJitter: readTimeout,
  maxEjectionPercent: wholePercent,
  alwaysEjectOne: boolean,
  minHealthPercent: wholePercent,
  successRateMinimumHosts: wholeNumber(1, MOST),
  successRateRequestVolume: wholeNumber(1, MOST),
  successRateStdevFactor: readStdevFactor,
  enforcingSuccessRate: wholePercent,
  enforcingLocalOriginSuccessRate: wholePercent,
  failurePercentageThreshold: wholePercent,
  failurePercentageMinimumHosts: wholeNumber(1, MOST),
  failurePercentageRequestVolume: wholeNumber(1, MOST),
  enforcingFailurePercentage: wholePercent,
  enforcingFailurePercentageLocalOrigin: wholePercent,
  successfulActiveHealthCheckUnejectHost: boolean,
};

type Parts = Partial<Read<typeof fields>>;

/** Those whose default is a figure of the table. */
type UsualOption = Exclude<
  keyof typeof fields,
  | 'enforcingConsecutiveGatewayFailure'
  | 'enforcingFailurePercentage'
  | 'enforcingFailurePercentageLocalOrigin'
  | 'interval'
  | 'baseEjectionTime'
  | 'maxEjectionTime'
  | 'maxEjectionTimeJitter'
>;

/** It remembers what was given, for those who warn. */
export interface GivenOutlierPolicy extends OutlierPolicy {
  readonly given: readonly string[];
}

const outlierObject = object(fields, 'an object of outlier detection options, or false', {
  hintFor: (value) => (value === true ? '; did you mean {}, which has all defaults?' : ''),
});

export const readOutlierDetection: Reader<false | GivenOutlierPolicy> = orFalse((value, at) => {
  const parts = outlierObject(value, at);
  if (parts === null) return null;
  const policy = policyOf(parts);
  const isRight = policy.maxEjectionTime >= policy.baseEjectionTime;
  return isRight || !at.isSound() ? policy : refuseMaximum(policy, parts, at);
});

function policyOf(parts: Parts): GivenOutlierPolicy {
  const usual = <K extends UsualOption>(option: K) =>
    parts[option] ?? defaults[`outlierDetection.${option}`];
  const time = (option: 'interval' | 'baseEjectionTime' | 'maxEjectionTimeJitter'): number => {
    const path = `outlierDetection.${option}` as const;
    return parts[option] ?? parseDuration(defaults[path], path);
  };
  const baseEjectionTime = time('baseEjectionTime');
  const whereMeasured = enforcedIf(
    parts.failurePercentageThreshold ??
      parts.failurePercentageMinimumHosts ??
      parts.failurePercentageRequestVolume,
  );
  return {
    consecutive5xxErrors: usual('consecutive5xxErrors'),
    enforcingConsecutive5xx: usual('enforcingConsecutive5xx'),
    consecutiveGatewayErrors: usual('consecutiveGatewayErrors'),
    enforcingConsecutiveGatewayFailure:
      parts.enforcingConsecutiveGatewayFailure ?? enforcedIf(parts.consecutiveGatewayErrors),
    splitExternalLocalOriginErrors: usual('splitExternalLocalOriginErrors'),
    consecutiveLocalOriginFailures: usual('consecutiveLocalOriginFailures'),
    enforcingConsecutiveLocalOriginFailure: usual('enforcingConsecutiveLocalOriginFailure'),
    interval: time('interval'),
    baseEjectionTime,
    maxEjectionTime: parts.maxEjectionTime ?? Math.max(USUAL_LONGEST, baseEjectionTime),
    maxEjectionTimeJitter: time('maxEjectionTimeJitter'),
    maxEjectionPercent: usual('maxEjectionPercent'),
    alwaysEjectOne: usual('alwaysEjectOne'),
    minHealthPercent: usual('minHealthPercent'),
    successRateMinimumHosts: usual('successRateMinimumHosts'),
    successRateRequestVolume: usual('successRateRequestVolume'),
    successRateStdevFactor: usual('successRateStdevFactor'),
    enforcingSuccessRate: usual('enforcingSuccessRate'),
    enforcingLocalOriginSuccessRate: usual('enforcingLocalOriginSuccessRate'),
    failurePercentageThreshold: usual('failurePercentageThreshold'),
    failurePercentageMinimumHosts: usual('failurePercentageMinimumHosts'),
    failurePercentageRequestVolume: usual('failurePercentageRequestVolume'),
    enforcingFailurePercentage: parts.enforcingFailurePercentage ?? whereMeasured,
    enforcingFailurePercentageLocalOrigin:
      parts.enforcingFailurePercentageLocalOrigin ?? whereMeasured,
    successfulActiveHealthCheckUnejectHost: usual('successfulActiveHealthCheckUnejectHost'),
    given: Object.keys(parts),
  };
}

/** As in Istio: whoever names a figure of a detector wants it to eject. A threshold of 0 has nothing to enforce. */
function enforcedIf(figure: number | undefined): number {
  return figure === undefined ? 0 : 100;
}

function refuseMaximum(
  { baseEjectionTime, maxEjectionTime }: OutlierPolicy,
  parts: Parts,
  at: Place,
): null {
  const which =
    parts.baseEjectionTime === undefined
      ? "the default of 'baseEjectionTime'"
      : "'baseEjectionTime'";
  return at
    .key('maxEjectionTime')
    .refuseFound(`${maxEjectionTime} ms`, `at least ${baseEjectionTime} ms, which is ${which}`);
}
