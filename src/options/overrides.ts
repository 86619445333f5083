/** The options of one call: `init.resilience`. */
import type { Overrides } from '../core/call.js';
import { OptionsError } from '../core/errors.js';
import type { Policy } from '../core/policy.js';
import { isFrozenThroughout } from './frozen.js';
import { laterServiceOptions } from './other-names.js';
import { Place } from './place.js';
import { readMaxResponseBytes } from './read-max-response-bytes.js';
import { hedgeOver, readHedgeParts } from './read-hedge.js';
import { readRetryPartsOfCall } from './read-retry.js';
import { readTimeoutParts, timeoutOver } from './read-timeout.js';
import { readEntries, readFields, type Read } from './readers.js';
import { retryOver } from './retry-policy.js';

/** What can be said of one call, or of a route. */
export const overrideFields = {
  timeout: readTimeoutParts,
  retry: readRetryPartsOfCall,
  hedge: readHedgeParts,
  maxResponseBytes: readMaxResponseBytes,
};

/** What was read of objects that cannot change any more. */
const known = new WeakMap<object, Overrides>();

/**
 * What holds for one call; whatever else can only be said of a service is refused. A frozen object is read once,
 * any other one each time.
 * @throws OptionsError with every problem
 */
export function readOverrides(given: unknown): Overrides {
  const isObject = typeof given === 'object' && given !== null;
  const before = isObject ? known.get(given) : undefined;
  if (before !== undefined) return before;
  const at = new Place('resilience', []);
  const entries = readEntries(given, at, 'an object with options of the call');
  const read = entries && readFields(entries, at, overrideFields, { later: laterServiceOptions });
  if (read === null || at.problems.length > 0) throw new OptionsError(at.problems);
  const overrides = overridesOf(read);
  if (isObject && isFrozenThroughout(given)) known.set(given, overrides);
  return overrides;
}

export function overridesOf({
  timeout,
  retry,
  hedge,
  maxResponseBytes,
}: Partial<Read<typeof overrideFields>>): Overrides {
  let last: { readonly service: Policy; readonly call: Policy } | undefined;
  /** Of the other policies that it has been laid over: those of several clusters take turns in a split. */
  let others: WeakMap<Policy, Policy> | undefined;
  const policyOver = (service: Policy): Policy => ({
    timeout: timeout === undefined ? service.timeout : timeoutOver(service.timeout, timeout),
    retry: over(service.retry, retry, retryOver),
    hedge: over(service.hedge, hedge, hedgeOver),
    maxResponseBytes: maxResponseBytes ?? service.maxResponseBytes,
  });
  return {
    apply(service) {
      if (last?.service === service) return last.call;
      let call = others?.get(service);
      if (call === undefined) {
        call = policyOver(service);
        if (last !== undefined) others ??= new WeakMap([[last.service, last.call]]);
        others?.set(service, call);
      }
      last = { service, call };
      return call;
    },
  };
}

function over<T, P extends object>(
  service: T | undefined,
  own: P | false | undefined,
  merge: (service: T | undefined, own: P) => T | undefined,
): T | undefined {
  if (own === undefined) return service;
  return own === false ? undefined : merge(service, own);
}
