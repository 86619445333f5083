/** The `connectionPool` options: each of them, and the policy that they make. */
import type { PoolPolicy } from '../cluster/limits.js';
import { defaults } from './defaults.js';
import { parseDuration, readDuration, readPositiveDuration, readTimeout } from './duration.js';
import type { Reader } from './place.js';
import {
  boolean,
  meantFor,
  object,
  onByDefault,
  orFalse,
  wholeNumber,
  type Read,
} from './readers.js';

/** Envoy's: 32 bits. Istio writes it for no limit. */
const MOST = 4_294_967_295;
/** What `connectionPool: false` stands for. */
export const NO_LIMITS = { maxConnections: MOST, maxPendingRequests: MOST, maxRequests: MOST };
/** Envoy's. */
const MOST_STREAMS = 2 ** 31 - 1;
/** As in Istio. */
const MOST_PER_CONNECTION = 2 ** 29;

/** In milliseconds: the system has whole seconds, and Linux takes no more of them than this. */
const LONGEST_SILENCE = 32_767_000;

const readSilence: Reader<number> = (value, at) => {
  const time = readDuration(value, at);
  if (time === null || (time >= 1000 && time <= LONGEST_SILENCE)) return time;
  return at.refuse(value, "a duration from '1s' to '9h6m7s', which is what the system takes");
};

const readKeepalive = orFalse(
  object({ time: readSilence }, "an object with 'time', or false", {
    hintFor: (value) => meantFor('time', readSilence)(value) || onByDefault(value),
  }),
);

/** Elsewhere these are no limit. */
const UNLIMITED: readonly unknown[] = [0, -1, Infinity, false, null];

function limit(least: number, most: number, none: number): Reader<number> {
  const right = wholeNumber(least, most);
  const hint = `; ${none} is no limit`;
  return (value, at) =>
    UNLIMITED.includes(value) && value !== least
      ? at.refuse(value, `a whole number from ${least} to ${most}`, hint)
      : right(value, at);
}

const fields = {
  maxConnections: limit(1, MOST, MOST),
  maxPendingRequests: limit(0, MOST, MOST),
  maxRequests: limit(1, MOST, MOST),
  maxRequestsPerConnection: limit(0, MOST_PER_CONNECTION, 0),
  connectTimeout: readPositiveDuration,
  idleTimeout: readTimeout,
  maxConnectionDuration: readTimeout,
  http2: boolean,
  maxConcurrentStreams: wholeNumber(1, MOST_STREAMS),
  tcpKeepalive: readKeepalive,
};

const poolObject = object(fields, 'an object of connection-pool options, or false', {
  hintFor: (value) =>
    meantFor('maxConnections', fields.maxConnections)(value) || onByDefault(value),
});

/** False is no more by then: it has become an object where options merge (`merge.ts`). */
export const readConnectionPool: Reader<PoolPolicy> = (value, at) => {
  const given = poolObject(value, at);
  return given && policyOf(given);
};

/** What holds when the user says nothing of it. */
export function defaultConnectionPool(): PoolPolicy {
  return policyOf({});
}

export function defaultIdleTimeout(): number {
  return inMilliseconds('connectionPool.idleTimeout');
}

function policyOf(given: Partial<Read<typeof fields>>): PoolPolicy {
  return {
    maxConnections: given.maxConnections ?? defaults['connectionPool.maxConnections'],
    maxPendingRequests: given.maxPendingRequests ?? defaults['connectionPool.maxPendingRequests'],
    maxRequests: given.maxRequests ?? defaults['connectionPool.maxRequests'],
    maxRequestsPerConnection:
      given.maxRequestsPerConnection ?? defaults['connectionPool.maxRequestsPerConnection'],
    connectTimeout: given.connectTimeout ?? inMilliseconds('connectionPool.connectTimeout'),
    idleTimeout: given.idleTimeout ?? defaultIdleTimeout(),
    maxConnectionDuration:
      given.maxConnectionDuration ?? defaults['connectionPool.maxConnectionDuration'],
    tcpKeepalive:
      given.tcpKeepalive === false
        ? undefined
        : { time: given.tcpKeepalive?.time ?? inMilliseconds('connectionPool.tcpKeepalive.time') },
    http2: given.http2 ?? defaults['connectionPool.http2'],
    maxConcurrentStreams:
      given.maxConcurrentStreams ?? defaults['connectionPool.maxConcurrentStreams'],
  };
}

type DurationPath = {
  [Path in keyof typeof defaults]: (typeof defaults)[Path] extends string ? Path : never;
}[keyof typeof defaults];

function inMilliseconds(path: DurationPath): number {
  return parseDuration(defaults[path], path);
}
