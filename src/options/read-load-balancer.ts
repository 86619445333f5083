/** The `loadBalancer` option: a name, an object with a policy and its options, or a function. */
import type { BalancerFactory } from '../balancing/balancer.js';
import type { RingSettings } from '../balancing/hash-ring.js';
import type { LoadBalancerPolicy } from '../balancing/policies.js';
import type { HashSource } from '../balancing/request-hash.js';
import { defaults } from './defaults.js';
import { listOf, quote } from './describe.js';
import { parseDuration, readPositiveDuration } from './duration.js';
import { nearest, simplified } from './nearest.js';
import { otherPolicies } from './other-names.js';
import type { Place, Reader } from './place.js';
import { isPlainObject } from './plain-object.js';
import {
  checkRingSizes,
  HASH_ON,
  readBalanceFactor,
  readHashOn,
  readRingSize,
  readTableSize,
} from './read-hash-on.js';
import { boolean, number, readEntries, readFields, wholeNumber, type Read } from './readers.js';
import { readWarmup } from './read-warmup.js';

type StickyName = 'ring-hash' | 'maglev';
type PolicyName = 'least-request' | 'round-robin' | 'random' | 'peak-ewma' | StickyName;

/** Each pick draws so many endpoints: `fullScan` is the way to look at more. */
const MOST_CHOICES = 100;
/** Beyond, a busy endpoint's weight would soon be too small for a number. */
const STRONGEST_BIAS = 10;

/** Every option of every policy. */
const optionFields = {
  choiceCount: wholeNumber(2, MOST_CHOICES),
  activeRequestBias: number(0, STRONGEST_BIAS),
  fullScan: boolean,
  decayTime: readPositiveDuration,
  warmup: readWarmup,
  hashOn: readHashOn,
  hashBalanceFactor: readBalanceFactor,
  minimumRingSize: readRingSize,
  maximumRingSize: readRingSize,
  tableSize: readTableSize,
};
type OptionName = keyof typeof optionFields;

const optionsOf: Readonly<Record<PolicyName, readonly OptionName[]>> = {
  'least-request': ['choiceCount', 'activeRequestBias', 'fullScan', 'warmup'],
  'peak-ewma': ['decayTime', 'warmup'],
  'round-robin': ['warmup'],
  random: [],
  'ring-hash': ['hashOn', 'hashBalanceFactor', 'minimumRingSize', 'maximumRingSize'],
  maglev: ['hashOn', 'hashBalanceFactor', 'tableSize'],
};

const policyNames = Object.keys(optionsOf) as readonly PolicyName[];
const EXPECTED = `${listOf(policyNames)}, an object with such a 'policy', or a function`;

export const readLoadBalancer: Reader<LoadBalancerPolicy> = (value, at) => {
  if (typeof value === 'function') return value as BalancerFactory;
  if (isPlainObject(value)) return readPolicyObject(value, at);
  if (typeof value !== 'string') return at.refuse(value, EXPECTED);
  const policy = readPolicyName(value, at);
  if (policy === null) return null;
  return normalized(policy, {}) ?? refuseUnhashed(policy, at);
};

/** The policy that holds when the user names none. */
export function defaultLoadBalancer(): LoadBalancerPolicy {
  return normalized(defaults.loadBalancer, {}) as LoadBalancerPolicy;
}

const readPolicyName: Reader<PolicyName> = (value, at) => {
  const found = policyNames.find((name) => name === value);
  if (found !== undefined) return found;
  if (typeof value !== 'string') return at.refuse(value, listOf(policyNames));
  const near = otherPolicies.get(simplified(value)) ?? nearest(value, policyNames);
  return at.refuse(
    value,
    listOf(policyNames),
    near === undefined ? '' : `; did you mean '${near}'?`,
  );
};

function readPolicyObject(value: object, at: Place): LoadBalancerPolicy | null {
  const entries = readEntries(value, at, EXPECTED);
  if (entries === null) return null;
  const named = policyNames.find((name) => name === entries.get('policy'));
  if (named !== undefined) refuseOptionsOfOthers(entries, named, at);
  const fields = { policy: readPolicyName, ...optionFields };
  const required = { policy: listOf(policyNames) };
  const { policy, ...options } = readFields(entries, at, fields, {
    required: isSticky(named) ? { ...required, hashOn: HASH_ON } : required,
  });
  if (policy === undefined) return null;
  if (policy === 'ring-hash' && at.isSound()) {
    const { minimumRingSize, maximumRingSize } = ringSizes(options);
    checkRingSizes(minimumRingSize, maximumRingSize, options.minimumRingSize !== undefined, at);
  }
  return normalized(policy, options);
}

function isSticky(policy: PolicyName | undefined): policy is StickyName {
  return policy === 'ring-hash' || policy === 'maglev';
}

/** The name alone says nothing of what makes calls belong together. */
function refuseUnhashed(policy: PolicyName, at: Place): null {
  return at.refuseFound(
    `${quote(policy)} without 'hashOn'`,
    `an object such as { policy: ${quote(policy)}, hashOn: { header: 'x-user-id' } }`,
  );
}

/** An option of another policy is a known one: it is answered with its owner's name, and taken out of `entries`. */
function refuseOptionsOfOthers(entries: Map<string, unknown>, policy: PolicyName, at: Place): void {
  for (const option of Object.keys(optionFields) as OptionName[]) {
    if (!entries.has(option) || optionsOf[policy].includes(option)) continue;
    const owners = listOf(policyNames.filter((name) => optionsOf[name].includes(option)));
    at.key(option).say(
      `an option of ${owners}`,
      optionsOf[policy].length === 0 ? `no option beside '${policy}'` : listOf(optionsOf[policy]),
      `an option of ${owners}, but the policy is '${policy}'`,
    );
    entries.delete(option);
  }
}

type PolicyOptions = Partial<Read<typeof optionFields>>;

/** Null for a sticky policy without its hash. */
function normalized(policy: PolicyName, options: PolicyOptions): LoadBalancerPolicy | null {
  const warmup = options.warmup === false ? undefined : options.warmup;
  switch (policy) {
    case 'least-request':
      return {
        policy,
        choiceCount: options.choiceCount ?? defaults['loadBalancer.choiceCount'],
        activeRequestBias: options.activeRequestBias ?? defaults['loadBalancer.activeRequestBias'],
        fullScan: options.fullScan ?? defaults['loadBalancer.fullScan'],
        warmup,
      };
    case 'peak-ewma':
      return { policy, decayTime: options.decayTime ?? defaultDecayTime(), warmup };
    case 'round-robin':
      return { policy, warmup };
    case 'random':
      return { policy };
    case 'ring-hash':
    case 'maglev':
      return options.hashOn === undefined ? null : sticky(policy, options.hashOn, options);
  }
}

function sticky(
  policy: StickyName,
  hashOn: readonly HashSource[],
  options: PolicyOptions,
): LoadBalancerPolicy {
  const hashBalanceFactor = options.hashBalanceFactor ?? defaults['loadBalancer.hashBalanceFactor'];
  if (policy === 'ring-hash') return { policy, hashOn, hashBalanceFactor, ...ringSizes(options) };
  const tableSize = options.tableSize ?? defaults['loadBalancer.tableSize'];
  return { policy, hashOn, hashBalanceFactor, tableSize };
}

function ringSizes({ minimumRingSize, maximumRingSize }: PolicyOptions): RingSettings {
  return {
    minimumRingSize: minimumRingSize ?? defaults['loadBalancer.minimumRingSize'],
    maximumRingSize: maximumRingSize ?? defaults['loadBalancer.maximumRingSize'],
  };
}

function defaultDecayTime(): number {
  return parseDuration(defaults['loadBalancer.decayTime'], 'loadBalancer.decayTime');
}
