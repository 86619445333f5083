/** What a backend decides on for one request. */
import type { Behaviour } from './options.js';

/** What will be done with one request. */
export interface Plan {
  /** Milliseconds from the request's arrival to its answer. */
  readonly delay: number;
  readonly code: number;
  /** Why it fails, where it is to fail. */
  readonly error?: string;
  /** No answer: the connection is reset. */
  readonly reset?: true;
}

/**
 * Decides what is done with the next request. As in fake-service, an error is decided on first and then takes no time
 * but its own delay; otherwise the variance is drawn and then the percentile.
 */
export function planAnswer(behaviour: Behaviour, random: () => number): Plan {
  const errorRate = behaviour.errorRate ?? 0;
  if (errorRate > 0 && random() < errorRate) return planError(behaviour);
  const variance = behaviour.timingVariance ?? 0;
  const added = variance > 0 ? random() * variance : 0;
  return { delay: drawTime(behaviour, random) * (1 + added / 100), code: 200 };
}

function planError({ errorType, errorCode: code = 500, errorDelay = 0 }: Behaviour): Plan {
  switch (errorType) {
    case 'delay':
      return { delay: errorDelay, code, error: 'Service delay automatically injected' };
    case 'reset':
      return { delay: errorDelay, code, error: 'Connection reset', reset: true };
    default:
      return { delay: 0, code, error: 'Service error automatically injected' };
  }
}

function drawTime(behaviour: Behaviour, random: () => number): number {
  const half = behaviour.timing50Percentile ?? 0;
  const most = behaviour.timing90Percentile ?? half;
  const nearlyAll = behaviour.timing99Percentile ?? most;
  if (half === most && most === nearlyAll) return half;
  const drawn = random() * 100;
  if (drawn < 90) return half;
  return drawn < 99 ? most : nearlyAll;
}
