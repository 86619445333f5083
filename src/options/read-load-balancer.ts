/** The `loadBalancer` option: a name, an object with a policy and its options, or a function. */
import type { BalancerFactory } from '../balancing/balancer.js';
import type { LoadBalancerPolicy } from '../balancing/policies.js';
import { defaults } from './defaults.js';
import { listOf, quote } from './describe.js';
import { parseDuration, readPositiveDuration } from './duration.js';
import { nearest, simplified } from './nearest.js';
import { laterPolicies, otherPolicies } from './other-names.js';
import type { Place, Reader } from './place.js';
import { isPlainObject } from './plain-object.js';
import { boolean, number, readEntries, readFields, wholeNumber, type Read } from './readers.js';
import { readWarmup } from './read-warmup.js';

type PolicyName = 'least-request' | 'round-robin' | 'random' | 'peak-ewma';

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
};
type OptionName = keyof typeof optionFields;

const optionsOf: Readonly<Record<PolicyName, readonly OptionName[]>> = {
  'least-request': ['choiceCount', 'activeRequestBias', 'fullScan', 'warmup'],
  'peak-ewma': ['decayTime', 'warmup'],
  'round-robin': ['warmup'],
  random: [],
};

const policyNames = Object.keys(optionsOf) as readonly PolicyName[];
const EXPECTED = `${listOf(policyNames)}, an object with such a 'policy', or a function`;

export const readLoadBalancer: Reader<LoadBalancerPolicy> = (value, at) => {
  if (typeof value === 'function') return value as BalancerFactory;
  if (isPlainObject(value)) return readPolicyObject(value, at);
  if (typeof value !== 'string') return at.refuse(value, EXPECTED);
  const policy = readPolicyName(value, at);
  return policy && normalized(policy, {});
};

/** The policy that holds when the user names none. */
export function defaultLoadBalancer(): LoadBalancerPolicy {
  return normalized(defaults.loadBalancer, {});
}

const readPolicyName: Reader<PolicyName> = (value, at) => {
  const found = policyNames.find((name) => name === value);
  if (found !== undefined) return found;
  if (typeof value !== 'string') return at.refuse(value, listOf(policyNames));
  const later = laterPolicies.find((name) => simplified(name) === simplified(value));
  if (later !== undefined) {
    return at.say(
      quote(value),
      listOf(policyNames),
      `the policy ${quote(later)} is not available in this version`,
    );
  }
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
  const { policy, ...options } = readFields(entries, at, fields, { required });
  return policy === undefined ? null : normalized(policy, options);
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

function normalized(policy: PolicyName, options: PolicyOptions): LoadBalancerPolicy {
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
  }
}

function defaultDecayTime(): number {
  return parseDuration(defaults['loadBalancer.decayTime'], 'loadBalancer.decayTime');
}
