/** Figures of outlier detection that are right each by itself and cannot do what they say. */
import type { OutlierPolicy } from '../cluster/outlier-policy.js';

export type OutlierWarningCode =
  /** No endpoint is ever ejected. */
  | 'OUTRIGGER_EJECTION_CANNOT_HAPPEN'
  /** A figure that was given makes no difference. */
  | 'OUTRIGGER_DETECTOR_HAS_NO_EFFECT';

export interface OutlierWarning {
  readonly code: OutlierWarningCode;
  readonly option: string;
  /** It follows the option. */
  readonly sentence: string;
}

/** What only the split asks for. */
const OF_THE_SPLIT: readonly string[] = [
  'consecutiveLocalOriginFailures',
  'enforcingConsecutiveLocalOriginFailure',
  'enforcingLocalOriginSuccessRate',
  'enforcingFailurePercentageLocalOrigin',
];

/** The detectors that compare endpoints, with what they need and what may be said of them. */
const COMPARISONS = [
  {
    minimum: 'successRateMinimumHosts',
    enforcing: 'enforcingSuccessRate',
    enforcingLocal: 'enforcingLocalOriginSuccessRate',
    figures: ['successRateStdevFactor', 'successRateRequestVolume', 'enforcingSuccessRate'],
  },
  {
    minimum: 'failurePercentageMinimumHosts',
    enforcing: 'enforcingFailurePercentage',
    enforcingLocal: 'enforcingFailurePercentageLocalOrigin',
    figures: [
      'failurePercentageThreshold',
      'failurePercentageRequestVolume',
      'enforcingFailurePercentage',
    ],
  },
] as const;

/** `given` are the figures that the user named. */
export function outlierWarnings(
  policy: OutlierPolicy & { readonly given?: readonly string[] },
  endpoints: number,
): OutlierWarning[] {
  return [
    ...ejectionWarnings(policy, endpoints),
    ...gatewayWarnings(policy),
    ...hostWarnings(policy, policy.given ?? [], endpoints),
    ...splitWarnings(policy, policy.given ?? []),
  ];
}

function ejectionWarnings(policy: OutlierPolicy, endpoints: number): OutlierWarning[] {
  if (endpoints === 0) return [];
  const code = 'OUTRIGGER_EJECTION_CANNOT_HAPPEN';
  if (!canDetect(policy, endpoints)) {
    const sentence = `with ${counted(endpoints)} no detector that is enforced can find an outlier, so none is ever ejected; ${wayOut(policy)}`;
    return [{ code, option: 'outlierDetection', sentence }];
  }
  const { alwaysEjectOne, maxEjectionPercent } = policy;
  if (alwaysEjectOne || 100 / endpoints <= maxEjectionPercent) return [];
  const sentence = `${maxEjectionPercent} % of ${counted(endpoints)} is less than one, so none is ever ejected; that takes ${Math.ceil(100 / endpoints)}, or alwaysEjectOne`;
  return [{ code, option: 'outlierDetection.maxEjectionPercent', sentence }];
}

function wayOut({ consecutive5xxErrors }: OutlierPolicy): string {
  return consecutive5xxErrors === 0
    ? 'set consecutive5xxErrors, or consecutiveGatewayErrors, which is only counted unless it is given'
    : 'set enforcingConsecutive5xx above 0';
}

function canDetect(policy: OutlierPolicy, endpoints: number): boolean {
  const split = policy.splitExternalLocalOriginErrors;
  const compares = endpoints >= policy.successRateMinimumHosts;
  const measures = endpoints >= policy.failurePercentageMinimumHosts;
  return [
    policy.consecutive5xxErrors > 0 && policy.enforcingConsecutive5xx > 0,
    policy.consecutiveGatewayErrors > 0 && policy.enforcingConsecutiveGatewayFailure > 0,
    split &&
      policy.consecutiveLocalOriginFailures > 0 &&
      policy.enforcingConsecutiveLocalOriginFailure > 0,
    compares && policy.enforcingSuccessRate > 0,
    compares && split && policy.enforcingLocalOriginSuccessRate > 0,
    measures && policy.enforcingFailurePercentage > 0,
    measures && split && policy.enforcingFailurePercentageLocalOrigin > 0,
  ].some((can) => can);
}

function gatewayWarnings(policy: OutlierPolicy): OutlierWarning[] {
  const { consecutiveGatewayErrors: gateway, consecutive5xxErrors: all } = policy;
  const isEnforced = policy.enforcingConsecutiveGatewayFailure > 0;
  if (gateway === 0 || all === 0 || gateway < all || !isEnforced) return [];
  // Where some of those stay in rotation, they may go as one of these.
  if (policy.enforcingConsecutive5xx < 100) return [];
  return [
    {
      code: 'OUTRIGGER_DETECTOR_HAS_NO_EFFECT',
      option: 'outlierDetection.consecutiveGatewayErrors',
      sentence: `${gateway} in a row make no difference, since each of them is a 5xx, and consecutive5xxErrors ejects after ${all}; set it lower, or consecutive5xxErrors: 0`,
    },
  ];
}

/** Who names a figure of a detector that compares endpoints, and has too few of them. */
function hostWarnings(
  policy: OutlierPolicy,
  given: readonly string[],
  endpoints: number,
): OutlierWarning[] {
  // Where nothing can eject, that has been said.
  if (endpoints === 0 || !canDetect(policy, endpoints)) return [];
  return COMPARISONS.flatMap(({ minimum, enforcing, enforcingLocal, figures }) => {
    // 0 says that there shall be no effect.
    const option = figures.find((figure) => given.includes(figure) && policy[figure] > 0);
    const isSplit = policy.splitExternalLocalOriginErrors;
    const isEnforced = policy[enforcing] > 0 || (isSplit && policy[enforcingLocal] > 0);
    if (option === undefined || !isEnforced || endpoints >= policy[minimum]) return [];
    return [
      {
        code: 'OUTRIGGER_DETECTOR_HAS_NO_EFFECT',
        option: `outlierDetection.${option}`,
        sentence: `has no effect with ${counted(endpoints)}, since ${minimum} is ${policy[minimum]}`,
      },
    ];
  });
}

function splitWarnings(policy: OutlierPolicy, given: readonly string[]): OutlierWarning[] {
  if (policy.splitExternalLocalOriginErrors) return [];
  return given
    .filter((option) => OF_THE_SPLIT.includes(option))
    .map((option) => ({
      code: 'OUTRIGGER_DETECTOR_HAS_NO_EFFECT',
      option: `outlierDetection.${option}`,
      sentence: 'has no effect without splitExternalLocalOriginErrors: true',
    }));
}

function counted(endpoints: number): string {
  return endpoints === 1 ? '1 endpoint' : `${endpoints} endpoints`;
}
