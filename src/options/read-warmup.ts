/** The `warmup` option of a load-balancing policy: how an endpoint that is new comes to its share. */
import type { WarmupSettings } from '../balancing/warmup.js';
import { defaults } from './defaults.js';
import { readPositiveDuration } from './duration.js';
import type { Reader } from './place.js';
import { meantFor, number, object, orFalse, percent } from './readers.js';

/** Where the exponents of the growth are 100 and a hundredth: next to nothing until the end, or nearly all at once. */
const LEAST_AGGRESSION = 0.01;
const MOST_AGGRESSION = 100;

const warmupObject = object(
  {
    duration: readPositiveDuration,
    minimumPercent: percent(),
    aggression: number(LEAST_AGGRESSION, MOST_AGGRESSION),
  },
  'an object of warm-up options, or false',
  {
    required: { duration: 'the time that an endpoint warms up' },
    hintFor: (value) =>
      value === true
        ? "; did you mean { duration: '30s' }?"
        : meantFor('duration', readPositiveDuration)(value),
  },
);

export const readWarmup: Reader<false | WarmupSettings> = orFalse((value, at) => {
  const { duration, minimumPercent, aggression } = warmupObject(value, at) ?? {};
  if (duration === undefined) return null;
  return {
    duration,
    minimumPercent: minimumPercent ?? defaults['loadBalancer.warmup.minimumPercent'],
    aggression: aggression ?? defaults['loadBalancer.warmup.aggression'],
  };
});
