/** `locality.zoneAware`: who else calls from where, and when zones count. */
import type { ZoneAwareSettings } from '../locality/zone-aware.js';
import { defaults } from './defaults.js';
import { readKnownLocality } from './locality-text.js';
import type { Reader } from './place.js';
import { object, orFalse, readEntries, wholeNumber, wholePercent } from './readers.js';

const MOST = 4_294_967_295;
const CALLERS = 'an object with numbers of callers by locality';

const readCount = wholeNumber(0, MOST);

const readCallers: Reader<ReadonlyMap<string, number>> = (value, at) => {
  const entries = readEntries(value, at, CALLERS);
  if (entries === null) return null;
  const callers = new Map<string, number>();
  for (const [locality, count] of entries) {
    const place = at.key(locality);
    // The locality is the name of its entry, and told as such.
    if (readKnownLocality(locality, place) !== null) {
      callers.set(locality, readCount(count, place) ?? 0);
    }
  }
  if (!at.isSound()) return null;
  if ([...callers.values()].some((count) => count > 0)) return callers;
  return at.refuseFound('nobody', `${CALLERS}, at least one caller in all`);
};

const forceFields = object({ minSize: wholeNumber(1, MOST) }, 'an object with minSize, or false');

const zoneAwareObject = object(
  {
    callers: readCallers,
    minClusterSize: wholeNumber(0, MOST),
    routingEnabled: wholePercent,
    forceLocalZone: orFalse(forceFields),
  },
  'an object with callers, or false',
  { required: { callers: CALLERS } },
);

export const readZoneAware: Reader<false | ZoneAwareSettings> = orFalse((value, at) => {
  const read = zoneAwareObject(value, at);
  if (read?.callers === undefined) return null;
  const { callers, minClusterSize, routingEnabled, forceLocalZone = false } = read;
  return {
    callers,
    minClusterSize: minClusterSize ?? defaults['locality.zoneAware.minClusterSize'],
    routingEnabled: routingEnabled ?? defaults['locality.zoneAware.routingEnabled'],
    forceLocalZone:
      forceLocalZone === false
        ? undefined
        : (forceLocalZone.minSize ?? defaults['locality.zoneAware.forceLocalZone.minSize']),
  };
});
