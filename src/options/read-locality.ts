/** The `locality` option, and the own locality of the process. */
import type {
  DistributeRule,
  FailoverRule,
  LocalitySettings,
} from '../locality/locality-policy.js';
import { isCovered } from '../locality/pattern.js';
import { describe, quote } from './describe.js';
import { meantFor, list, object, orFalse, readEntries, text, wholeNumber } from './readers.js';
import { Place, type Reader } from './place.js';

/** `region/zone/subzone`, parts left out from the right. */
export const LOCALITY = /^(?:[^\s/*]+(?:\/[^\s/*]+){0,2})?$/;
export const A_LOCALITY = "'region/zone/subzone' without *, parts left out from the right alone";

const readLocal = text(/^[^\s/*]+(?:\/[^\s/*]+){0,2}$/, A_LOCALITY);
const readRegion = text(/^[^\s/*]+$/, 'a region, without / and *');
const readPattern = text(
  /^(?:\*|[^\s/*]+(?:\/\*|\/[^\s/*]+(?:\/(?:\*|[^\s/*]+))?)?)$/,
  "a pattern such as 'us-west1/us-west1-a' or 'us-west1/*', with * at its end alone",
);
const readPercent = wholeNumber(1, 100);

const failoverFields = object({ from: readRegion, to: readRegion }, 'an object with from and to', {
  required: { from: 'a region', to: 'a region' },
});

const readFailoverRule: Reader<FailoverRule> = (value, at) => {
  const read = failoverFields(value, at);
  if (read?.from === undefined || read.to === undefined) return null;
  const { from, to } = read;
  return from === to ? at.key('to').refuse(to, `another region than 'from'`) : { from, to };
};

const readFailoverRules: Reader<readonly FailoverRule[]> = (value, at) => {
  const rules = list(readFailoverRule, 'a list of objects with from and to')(value, at);
  const again = rules?.find(
    ({ from }, index) => rules.findIndex((one) => one.from === from) < index,
  );
  return again ? at.refuseFound(`${quote(again.from)} again in 'from'`, 'each region once') : rules;
};

const readShares: Reader<ReadonlyMap<string, number>> = (value, at) => {
  const entries = readEntries(value, at, 'an object with percentages by pattern');
  if (entries === null) return null;
  const shares = new Map<string, number>();
  for (const [pattern, percent] of entries) {
    const place = at.key(pattern);
    // The pattern is the name of its entry, and told as such.
    if (readPattern(pattern, place) !== null) shares.set(pattern, readPercent(percent, place) ?? 0);
  }
  if (!at.isSound()) return null;
  const sum = [...shares.values()].reduce((total, percent) => total + percent, 0);
  if (sum !== 100) return at.refuseFound(`${sum} % together`, 'percentages that make 100');
  const twice = overlap([...shares.keys()]);
  return twice === undefined ? shares : at.refuseFound(twice, 'patterns that exclude each other');
};

const distributeFields = object(
  { from: readPattern, to: readShares },
  'an object with from and to',
  {
    required: { from: 'a pattern', to: 'an object with percentages by pattern' },
  },
);

const readDistributeRule: Reader<DistributeRule> = (value, at) => {
  const read = distributeFields(value, at);
  if (read?.from === undefined || read.to === undefined) return null;
  return { from: read.from, to: read.to };
};

const readDistributeRules: Reader<readonly DistributeRule[]> = (value, at) => {
  const rules = list(readDistributeRule, 'a list of objects with from and to')(value, at);
  const twice = rules && overlap(rules.map(({ from }) => from));
  return twice ? at.refuseFound(`${twice} in 'from'`, 'patterns that exclude each other') : rules;
};

const localityObject = object(
  {
    local: readLocal,
    failover: readFailoverRules,
    distribute: readDistributeRules,
  },
  'an object of options, or false',
  {
    later: ['failoverPriority'],
    hintFor: meantFor('local', readLocal),
  },
);

export const readLocality: Reader<false | LocalitySettings> = orFalse((value, at) => {
  const read = localityObject(value, at);
  if (read === null) return null;
  const { failover = [], distribute = [] } = read;
  if (failover.length > 0 && distribute.length > 0) {
    return at.say(
      'failover and distribute',
      'one of them',
      'failover and distribute exclude each other',
    );
  }
  const local = read.local ?? localOfEnvironment(at.key('local'));
  return local === null ? null : { local, failover, distribute };
});

/** What holds when the user says nothing. */
export function defaultLocality(at: Place): LocalitySettings | undefined {
  const local = localOfEnvironment(at.key('locality').key('local'));
  return local === null || local === '' ? undefined : { local, failover: [], distribute: [] };
}

/** Empty when it is not said there; null when it is wrong, which has been reported. */
function localOfEnvironment(at: Place): string | null {
  const { OUTRIGGER_LOCALITY, OUTRIGGER_REGION, OUTRIGGER_ZONE, OUTRIGGER_SUBZONE } = process.env;
  const parts = [OUTRIGGER_REGION, OUTRIGGER_ZONE, OUTRIGGER_SUBZONE].map((part) => part ?? '');
  const whole = OUTRIGGER_LOCALITY ?? '';
  const local = whole === '' ? parts.join('/').replace(/\/+$/, '') : whole;
  if (local === '' || readLocal(local, new Place('', [])) !== null) return local;
  const found = `${describe(local)} in OUTRIGGER_LOCALITY, or OUTRIGGER_REGION, _ZONE and _SUBZONE, of the environment`;
  return at.refuseFound(found, A_LOCALITY);
}

/** The first two patterns that fit the same locality, in words. */
function overlap(patterns: readonly string[]): string | undefined {
  for (const [index, one] of patterns.entries()) {
    const other = patterns
      .slice(0, index)
      .find((before) => covers(before, one) || covers(one, before));
    if (other !== undefined) return `${quote(other)} beside ${quote(one)}`;
  }
  return undefined;
}

/** True when every locality of the second pattern is one of the first. */
function covers(wide: string, narrow: string): boolean {
  return isCovered(narrow, wide.replace(/\/\*$/, ''));
}
