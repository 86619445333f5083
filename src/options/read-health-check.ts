/** The `healthCheck` options: each of them, which go together, and the policy that they make. */
import type {
  HealthCheckPolicy,
  HttpProbePolicy,
  ProbePolicy,
  StatusRange,
} from '../cluster/health-check-policy.js';
import { defaults } from './defaults.js';
import { quote } from './describe.js';
import { parseDuration, readDuration, readPositiveDuration } from './duration.js';
import type { Place, Reader } from './place.js';
import { readStatusRanges } from './read-status-codes.js';
import { readHeaderName } from './read-tokens.js';
import {
  boolean,
  meantFor,
  object,
  oneOf,
  orFalse,
  percent,
  readEntries,
  text,
  wholeNumber,
  type Read,
} from './readers.js';

const MOST_IN_A_ROW = 1000;

/** Headers that the check itself says, and where it takes them from. */
const OWN_HEADERS: ReadonlyMap<string, string> = new Map([
  ['host', "here it is 'healthCheck.host'"],
  ['connection', 'each check has a connection of its own, which closes'],
  ['content-length', 'a check has no body'],
  ['transfer-encoding', 'a check has no body'],
  ['expect', 'a check has no body'],
  ['upgrade', 'a check speaks HTTP/1.1'],
]);

const readHeaderValue: Reader<string | false> = orFalse(
  // What RFC 9110 (5.5) lets a field have, without its obsolete part.
  text(/^[\t\x20-\x7e]*$/, 'the value of a header as text of ASCII on one line, or false'),
);

/** By lower-case name; false takes an inherited one away. */
const readHeaders: Reader<ReadonlyMap<string, string | false>> = (value, at) => {
  const entries = readEntries(value, at, 'an object with the value of each header');
  if (entries === null) return null;
  const headers = new Map<string, string | false>();
  for (const [name, given] of entries) {
    const place = at.key(name);
    const header = readHeaderName(name, place);
    const read = readHeaderValue(given, place);
    if (header === null || read === null) continue;
    const own = OWN_HEADERS.get(header);
    if (own !== undefined) {
      place.say(`the header ${quote(header)}`, 'another header', `cannot be given; ${own}`);
    }
    if (headers.has(header)) place.refuseFound(`${quote(header)} again`, 'each header once');
    headers.set(header, read);
  }
  return headers;
};

const readExpectedStatuses: Reader<readonly StatusRange[]> = (value, at) => {
  const ranges = readStatusRanges(value, at);
  return ranges?.length === 0 ? at.refuse(value, 'at least one status code') : ranges;
};

const PATH = /^\/[\x21\x22\x24-\x7e]*$/;

const readPath: Reader<string> = (value, at) => {
  if (typeof value === 'string' && PATH.test(value)) return value;
  return at.refuse(
    value,
    "a path such as '/healthz', without white space and '#'",
    typeof value === 'string' ? hintForPath(value) : '',
  );
};

/** The path of a URL, or one without its slash. */
function hintForPath(text: string): string {
  const meant = /^https?:\/\/[^/?#]+(\/.*)$/i.exec(text)?.[1] ?? `/${text}`;
  return text !== '' && PATH.test(meant) && !meant.includes('//')
    ? `; did you mean ${quote(meant)}?`
    : '';
}

const httpFields = {
  path: readPath,
  host: text(/^[^\s/@?#]+$/, "a host, with or without a port: 'shop.internal'"),
  method: oneOf('GET', 'HEAD'),
  headers: readHeaders,
  expectedStatuses: readExpectedStatuses,
  retriableStatuses: readStatusRanges,
};

const fields = {
  ...httpFields,
  tcp: boolean,
  timeout: readPositiveDuration,
  interval: readPositiveDuration,
  intervalJitter: readDuration,
  intervalJitterPercent: percent(),
  initialJitter: readDuration,
  unhealthyThreshold: wholeNumber(1, MOST_IN_A_ROW),
  healthyThreshold: wholeNumber(1, MOST_IN_A_ROW),
  noTrafficInterval: readPositiveDuration,
  noTrafficHealthyInterval: readPositiveDuration,
  unhealthyInterval: readPositiveDuration,
  unhealthyEdgeInterval: readPositiveDuration,
  healthyEdgeInterval: readPositiveDuration,
};

type Given = Partial<Read<typeof fields>>;

const healthCheckObject = object(fields, 'an object of health-check options, or false', {
  hintFor: (value) => {
    if (value === true) return "; did you mean { path: '/healthz' }?";
    return meantFor('path', readPath)(value);
  },
});

export const readHealthCheck: Reader<false | HealthCheckPolicy> = (value, at) => {
  if (value === false) return value;
  const given = healthCheckObject(value, at);
  if (given === null) return null;
  const probe = probeOf(given, at);
  return probe && policyOf(given, probe);
};

function probeOf(given: Given, at: Place): ProbePolicy | null {
  if (given.tcp === true) {
    for (const key of Object.keys(httpFields) as (keyof typeof httpFields)[]) {
      if (given[key] === undefined) continue;
      at.key(key).say("it beside 'tcp: true'", 'one kind of check', "of no use beside 'tcp: true'");
    }
    return { kind: 'tcp' };
  }
  const { path } = given;
  if (path !== undefined) return httpProbe(given, path);
  // A path that is wrong, or misspelt, has been reported.
  if (!at.isSound()) return null;
  return at.say("neither 'path' nor 'tcp: true'", 'one of them', "needs a 'path', or 'tcp: true'");
}

function httpProbe(given: Given, path: string): HttpProbePolicy {
  const headers = [...(given.headers ?? [])];
  return {
    kind: 'http',
    path,
    method: given.method ?? defaults['healthCheck.method'],
    host: given.host,
    headers: new Map(headers.flatMap(([name, value]) => (value === false ? [] : [[name, value]]))),
    expectedStatuses: given.expectedStatuses ?? USUAL_STATUSES,
    retriableStatuses: given.retriableStatuses ?? [],
  };
}

const USUAL_STATUSES = defaults['healthCheck.expectedStatuses'].map((status) => ({
  from: status,
  to: status,
}));

/** A pace that is not given is the next more general one, as in Envoy. */
function policyOf(given: Given, probe: ProbePolicy): HealthCheckPolicy {
  const interval = given.interval ?? inMilliseconds('healthCheck.interval');
  const unhealthyInterval = given.unhealthyInterval ?? interval;
  const noTrafficInterval =
    given.noTrafficInterval ?? inMilliseconds('healthCheck.noTrafficInterval');
  return {
    probe,
    timeout: given.timeout ?? inMilliseconds('healthCheck.timeout'),
    interval,
    intervalJitter: given.intervalJitter ?? defaults['healthCheck.intervalJitter'],
    intervalJitterPercent:
      given.intervalJitterPercent ?? defaults['healthCheck.intervalJitterPercent'],
    initialJitter: given.initialJitter ?? defaults['healthCheck.initialJitter'],
    unhealthyThreshold: given.unhealthyThreshold ?? defaults['healthCheck.unhealthyThreshold'],
    healthyThreshold: given.healthyThreshold ?? defaults['healthCheck.healthyThreshold'],
    noTrafficInterval,
    noTrafficHealthyInterval: given.noTrafficHealthyInterval ?? noTrafficInterval,
    unhealthyInterval,
    unhealthyEdgeInterval: given.unhealthyEdgeInterval ?? unhealthyInterval,
    healthyEdgeInterval: given.healthyEdgeInterval ?? interval,
  };
}

function inMilliseconds(
  path: 'healthCheck.interval' | 'healthCheck.timeout' | 'healthCheck.noTrafficInterval',
): number {
  return parseDuration(defaults[path], path);
}
