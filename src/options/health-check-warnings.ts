/** Figures of health checks that are right each by itself and make no difference. */
import type { HealthCheckPolicy, StatusRange } from '../cluster/health-check-policy.js';

export type HealthCheckWarningCode =
  /** A figure that was given makes no difference. */
  'OUTRIGGER_HEALTH_CHECK_HAS_NO_EFFECT';

export interface HealthCheckWarning {
  readonly code: HealthCheckWarningCode;
  readonly option: string;
  /** It follows the option. */
  readonly sentence: string;
}

export function healthCheckWarnings(policy: HealthCheckPolicy): HealthCheckWarning[] {
  const found: HealthCheckWarning[] = [];
  const say = (option: string, sentence: string): void => {
    const code = 'OUTRIGGER_HEALTH_CHECK_HAS_NO_EFFECT';
    found.push({ code, option: `healthCheck.${option}`, sentence });
  };
  const atOnce = (threshold: string): string =>
    `never waited, since with ${threshold} 1 no change is ever pending`;
  if (policy.healthyThreshold === 1 && policy.healthyEdgeInterval !== policy.interval) {
    say(
      'healthyEdgeInterval',
      `${policy.healthyEdgeInterval} ms are ${atOnce('healthyThreshold')}`,
    );
  }
  if (
    policy.unhealthyThreshold === 1 &&
    policy.unhealthyEdgeInterval !== policy.unhealthyInterval
  ) {
    say(
      'unhealthyEdgeInterval',
      `${policy.unhealthyEdgeInterval} ms are ${atOnce('unhealthyThreshold')}`,
    );
  }
  const { probe } = policy;
  if (probe.kind === 'http') {
    const expected = probe.retriableStatuses.find((range) =>
      isWithin(range, probe.expectedStatuses),
    );
    if (expected !== undefined) {
      say(
        'retriableStatuses',
        `${shown(expected)} always passes, since it is among the expectedStatuses`,
      );
    }
  }
  return found;
}

function isWithin({ from, to }: StatusRange, ranges: readonly StatusRange[]): boolean {
  for (let status = from; status <= to; status++) {
    if (!ranges.some((range) => range.from <= status && status <= range.to)) return false;
  }
  return true;
}

function shown({ from, to }: StatusRange): string {
  return from === to ? `${from}` : `${from}-${to}`;
}
