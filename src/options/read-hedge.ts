/** The `hedge` option: when a second attempt starts beside a slow one. */
import type { HedgePolicy } from '../core/policy.js';
import { defaults } from './defaults.js';
import { quote } from './describe.js';
import { durationOr } from './duration.js';
import type { Place, Reader } from './place.js';
import { readMethods } from './read-tokens.js';
import { boolean, meantFor, object, orFalse, wholeNumber, type Read } from './readers.js';

const A_PERCENTILE = "a percentile such as 'p95'";
const MOST_HEDGES = 10;

const PERCENTILE = /^p(\d+(?:\.\d+)?)$/;
/** `P95`, `p 95`, `95%`, `95th` */
const NEARLY_PERCENTILE = /^(?:p ?(\d+(?:\.\d+)?)|(\d+(?:\.\d+)?) ?(?:%|th))$/i;

const readWait = durationOr(`, ${A_PERCENTILE}, or false`);

const readDelay: Reader<false | NonNullable<HedgePolicy['delay']>> = (value, at) => {
  if (value === false) return value;
  if (typeof value !== 'string') return readWait(value, at);
  const exact = PERCENTILE.exec(value)?.[1];
  if (exact !== undefined) {
    const percentile = Number(exact);
    const isWithin = percentile > 0 && percentile < 100;
    return isWithin ? { percentile } : at.refuse(value, "a percentile above 'p0' and below 'p100'");
  }
  const [, after, before] = NEARLY_PERCENTILE.exec(value) ?? [];
  const meant = after ?? before;
  if (meant === undefined) return readWait(value, at);
  return at.refuse(value, A_PERCENTILE, `; did you mean ${quote(`p${meant}`)}?`);
};

const hedgeFields = {
  onPerTryTimeout: boolean,
  delay: readDelay,
  maxHedges: wholeNumber(1, MOST_HEDGES),
  methods: readMethods,
};

const hedgeObject = object(hedgeFields, 'an object of hedge options, or false', {
  hintFor: (value) =>
    value === true
      ? '; did you mean { onPerTryTimeout: true }?'
      : meantFor('delay', readDelay)(value),
});

/** What was given of hedging; the rest holds as it does. */
export type HedgeParts = Partial<Read<typeof hedgeFields>>;

export const readHedgeParts: Reader<false | HedgeParts> = orFalse(hedgeObject);

export const readHedgePolicy: Reader<false | HedgePolicy> = (value, at) => {
  const parts = readHedgeParts(value, at);
  if (parts === null || parts === false) return parts;
  const policy = hedgeOver(undefined, parts);
  if (policy !== undefined) return policy;
  return at.isSound() ? refuseIdle(at) : null;
};

/** Undefined when the two together switch nothing on. */
export function hedgeOver(base: HedgePolicy | undefined, own: HedgeParts): HedgePolicy | undefined {
  const onPerTryTimeout =
    own.onPerTryTimeout ?? base?.onPerTryTimeout ?? defaults['hedge.onPerTryTimeout'];
  const delay = own.delay === false ? undefined : (own.delay ?? base?.delay);
  if (!onPerTryTimeout && delay === undefined) return undefined;
  return {
    onPerTryTimeout,
    delay,
    maxHedges: own.maxHedges ?? base?.maxHedges ?? defaults['hedge.maxHedges'],
    methods: new Set(own.methods ?? base?.methods ?? defaults['hedge.methods']),
  };
}

function refuseIdle(at: Place): null {
  return at.say(
    "neither 'onPerTryTimeout' nor 'delay'",
    'one of them',
    "needs 'onPerTryTimeout: true' or a 'delay', since it would do nothing",
  );
}
