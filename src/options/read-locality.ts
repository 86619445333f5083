/** The `locality` option, and the own locality of the process. */
import type {
  DistributeRule,
  FailoverRule,
  LocalitySettings,
} from '../locality/locality-policy.js';
import { isOfPlace } from '../locality/labels.js';
import { isCovered } from '../locality/pattern.js';
import { describe, listOf, quote } from './describe.js';
import { A_LOCALITY, readKnownLocality } from './locality-text.js';
import { readFailoverPriority } from './read-failover-priority.js';
import { readLabels } from './read-labels.js';
import { readZoneAware } from './read-zone-aware.js';
import { meantFor, list, object, orFalse, readEntries, text, wholeNumber } from './readers.js';
import { Place, type Reader } from './place.js';

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
    local: readKnownLocality,
    labels: readLabels,
    failover: readFailoverRules,
    failoverPriority: readFailoverPriority,
    distribute: readDistributeRules,
    zoneAware: readZoneAware,
  },
  'an object of options, or false',
  {
    hintFor: meantFor('local', readKnownLocality),
  },
);

export const readLocality: Reader<false | LocalitySettings> = orFalse((value, at) => {
  const read = localityObject(value, at);
  if (read === null) return null;
  const { labels = {}, failover = [], failoverPriority = [], distribute = [] } = read;
  const zoneAware = read.zoneAware === false ? undefined : read.zoneAware;
  const settings = { labels, failover, failoverPriority, distribute, zoneAware };
  if (refuseTogether(settings, at)) return null;
  const local = read.local ?? localOfEnvironment(at.key('local'));
  return local === null ? null : { local, ...settings };
});

/** True when kinds that exclude each other are there together, which is reported. */
function refuseTogether(settings: Omit<LocalitySettings, 'local'>, at: Place): boolean {
  const { failover, failoverPriority, distribute, zoneAware } = settings;
  const given = [
    ...(failover.length > 0 ? ['failover'] : []),
    ...(failoverPriority.length > 0 ? ['failoverPriority'] : []),
    ...(distribute.length > 0 ? ['distribute'] : []),
    ...(zoneAware === undefined ? [] : ['zoneAware']),
  ];
  const isApart = distribute.length > 0 || zoneAware !== undefined;
  if (isApart && given.length > 1) {
    const names = given.join(' and ');
    at.say(names, 'one of them', `${names} exclude each other`);
    return true;
  }
  const places = failoverPriority.filter(({ label }) => isOfPlace(label));
  if (failover.length === 0 || places.length === 0) return false;
  const found = listOf(
    places.map(({ label }) => label),
    'and',
  );
  const sentence = `failover and ${found} in failoverPriority exclude each other: both say which place comes first`;
  at.say(`failover and ${found}`, 'one of them', sentence);
  return true;
}

/** What holds when the user says nothing. */
export function defaultLocality(at: Place): LocalitySettings | undefined {
  const local = localOfEnvironment(at.key('locality').key('local'));
  if (local === null || local === '') return undefined;
  const nothing = { labels: {}, failover: [], failoverPriority: [], distribute: [] };
  return { local, ...nothing, zoneAware: undefined };
}

/** Empty when it is not said there; null when it is wrong, which has been reported. */
function localOfEnvironment(at: Place): string | null {
  const { OUTRIGGER_LOCALITY, OUTRIGGER_REGION, OUTRIGGER_ZONE, OUTRIGGER_SUBZONE } = process.env;
  const parts = [OUTRIGGER_REGION, OUTRIGGER_ZONE, OUTRIGGER_SUBZONE].map((part) => part ?? '');
  const whole = OUTRIGGER_LOCALITY ?? '';
  const local = whole === '' ? parts.join('/').replace(/\/+$/, '') : whole;
  if (local === '' || readKnownLocality(local, new Place('', [])) !== null) return local;
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
