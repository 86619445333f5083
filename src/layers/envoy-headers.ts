/** The request headers by which Envoy tells an endpoint about the attempt. */
import type { Attempt } from '../core/attempt.js';
import type { AttemptLayer } from '../core/layer.js';
import { tryLimit } from '../core/policy.js';

const ATTEMPT_COUNT = 'x-envoy-attempt-count';
const EXPECTED_TIMEOUT = 'x-envoy-expected-rq-timeout-ms';

/** What a first attempt was told. */
interface Told {
  readonly expected: number;
  readonly headers: readonly string[];
}

/** Both replace what the caller has given by these names. */
export function envoyHeaders(): AttemptLayer {
  /** By the list of their call's, where calls share it. */
  const firsts = new WeakMap<readonly string[], Told>();

  return {
    name: 'envoy headers',
    start(attempt) {
      const { headers: from, number } = attempt;
      const expected = expectedTimeout(attempt);
      const told = number === 1 ? firsts.get(from) : undefined;
      if (told?.expected === expected) {
        attempt.headers = told.headers;
        return undefined;
      }
      const headers = [...withoutOwn(from), ATTEMPT_COUNT, `${number}`];
      if (expected > 0) headers.push(EXPECTED_TIMEOUT, `${expected}`);
      attempt.headers = headers;
      if (number === 1 && told === undefined && Object.isFrozen(from)) {
        firsts.set(from, { expected, headers: Object.freeze(headers) });
      }
      return undefined;
    },
  };
}

/**
 * Milliseconds that this attempt may take, as Envoy's router reckons them: the per-try timeout, or without one, or
 * with hedging, the whole timeout; never more than is left of that. 0 when there is no limit.
 */
function expectedTimeout(attempt: Attempt): number {
  const { call } = attempt;
  const { total } = call.policy.timeout;
  const isHedged = call.policy.hedge?.onPerTryTimeout === true;
  const limit = isHedged ? total : tryLimit(call.policy) || total;
  if (total === 0) return Math.ceil(limit);
  const elapsed = Math.floor(attempt.startedAt - call.startedAt);
  return elapsed >= total ? 1 : Math.ceil(Math.min(limit, total - elapsed));
}

/** The same list where, as nearly always, the caller has given neither. */
function withoutOwn(headers: readonly string[]): readonly string[] {
  for (let index = 0; index < headers.length; index += 2) {
    if (isOwn(headers[index] as string)) {
      return headers.filter((_, at) => !isOwn(headers[at - (at % 2)] as string));
    }
  }
  return headers;
}

function isOwn(name: string): boolean {
  if (name.length !== ATTEMPT_COUNT.length && name.length !== EXPECTED_TIMEOUT.length) return false;
  const lower = name.toLowerCase();
  return lower === ATTEMPT_COUNT || lower === EXPECTED_TIMEOUT;
}
