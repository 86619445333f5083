/** Which endpoints stand out from the others of their cluster over the last interval: Envoy's statistical detectors. */
import type { Endpoint } from './endpoint.js';
import type { EjectionType } from './events.js';
import type { OutlierPolicy } from './outlier-policy.js';
import type { ResultCounts } from './outlier-record.js';

/** Answers, or what happened on the way to them. */
export type ResultKind = 'external' | 'local';

export interface Outlier {
  readonly endpoint: Endpoint;
  readonly type: EjectionType;
}

/** Between rates that are equal but for the last bit nobody stands out. */
const ROUNDING = 1e-9;

const TYPES = {
  external: { successRate: 'success_rate', failurePercentage: 'failure_percentage' },
  local: {
    successRate: 'local_origin_success_rate',
    failurePercentage: 'local_origin_failure_percentage',
  },
} as const;

/** Both detectors, over endpoints that are not ejected; one may be found twice. */
export function statisticalOutliers(
  endpoints: readonly Endpoint[],
  kind: ResultKind,
  policy: OutlierPolicy,
): Outlier[] {
  const types = TYPES[kind];
  const countsOf = ({ outlier }: Endpoint): ResultCounts => outlier[kind];
  const rateOf = (endpoint: Endpoint): number => successRate(countsOf(endpoint));
  const withVolume = (requests: number, hosts: number): readonly Endpoint[] => {
    const busy = endpoints.filter((endpoint) => countsOf(endpoint).lastTotal >= requests);
    return busy.length >= hosts ? busy : [];
  };
  const compared = withVolume(policy.successRateRequestVolume, policy.successRateMinimumHosts);
  const least = successRateThreshold(compared.map(rateOf), policy.successRateStdevFactor / 1000);
  const measured = withVolume(
    policy.failurePercentageRequestVolume,
    policy.failurePercentageMinimumHosts,
  );
  return [
    ...compared
      .filter((endpoint) => rateOf(endpoint) < least - ROUNDING)
      .map((endpoint) => ({ endpoint, type: types.successRate })),
    ...measured
      .filter((endpoint) => 100 - rateOf(endpoint) >= policy.failurePercentageThreshold)
      .map((endpoint) => ({ endpoint, type: types.failurePercentage })),
  ];
}

/**
 * `mean - stdevFactor * stdev`, with the standard deviation of the whole population (`outlier_detection_impl.cc`,
 * `successRateEjectionThreshold`): of 50, 100, 100, 100, 100 and a factor of 1.9 it is 52.
 */
export function successRateThreshold(rates: readonly number[], stdevFactor: number): number {
  const mean = average(rates);
  return mean - stdevFactor * Math.sqrt(average(rates.map((rate) => (rate - mean) ** 2)));
}

/** In percent. */
function successRate({ lastTotal, lastGood }: ResultCounts): number {
  return (100 * lastGood) / lastTotal;
}

function average(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}
