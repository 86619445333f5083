/** The chapter's three endpoints of `simple-backend`, of which the first is ill. */
import type { ExperimentContext } from './experiment.js';
import type { Behaviour, FakeServiceOptions } from './fake-service/options.js';
import { realTime } from './pace.js';

export const ENDPOINTS = ['simple-backend-1', 'simple-backend-2', 'simple-backend-3'] as const;

/** What an answer takes, and what one takes at a slow endpoint, in the chapter's milliseconds. */
export const FAST = 150;
export const SLOW = 1000;

/** All of them fast, and the first one changed by what is said of it; its times are real ones. */
export function simpleBackends(
  { pace, seed }: Pick<ExperimentContext, 'pace' | 'seed'>,
  first: Behaviour,
): FakeServiceOptions[] {
  return ENDPOINTS.map((name, i) => {
    const fast = { name, timing50Percentile: realTime(pace, FAST), seed };
    return i === 0 ? { ...fast, ...first } : fast;
  });
}
