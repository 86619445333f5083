/** When an attempt is worth a further one: Envoy's conditions, by Envoy's words (`retry_state_impl.cc`). */
import type { Attempt } from '../core/attempt.js';
import type { Failure } from '../core/failure.js';
import { attemptOutcome } from '../core/outcome.js';
import type { OutcomeRule, RetryPolicy, RetryReason, RetryWord } from '../core/policy.js';
import { headerValue } from '../core/raw-headers.js';

/** `grpc-status` in the head. */
const GRPC_WORDS: ReadonlyMap<string, RetryWord> = new Map([
  ['1', 'cancelled'],
  ['4', 'deadline-exceeded'],
  ['8', 'resource-exhausted'],
  ['13', 'internal'],
  ['14', 'unavailable'],
]);

/** The words under which a reset falls, the most exact one first. */
const RESET_WORDS = ['reset', 'gateway-error', '5xx'] as const;

export class RetryConditions {
  readonly #policy: RetryPolicy;
  /** By status; most answers are told by it alone. */
  readonly #byStatus = new Map<number, RetryReason>();
  readonly #looksAtHeaders: boolean;
  readonly #grpc: boolean;

  constructor(policy: RetryPolicy) {
    this.#policy = policy;
    const { words, statusCodes, headers, rules, notProcessed } = policy;
    if (words.has('5xx')) for (let code = 500; code < 600; code++) this.#byStatus.set(code, '5xx');
    if (words.has('gateway-error')) {
      for (const code of [502, 503, 504]) this.#byStatus.set(code, 'gateway-error');
    }
    if (words.has('retriable-4xx')) this.#byStatus.set(409, 'retriable-4xx');
    for (const code of statusCodes) this.#byStatus.set(code, 'retriable-status-codes');
    this.#grpc = [...GRPC_WORDS.values()].some((word) => words.has(word));
    this.#looksAtHeaders =
      this.#grpc ||
      words.has('envoy-ratelimited') ||
      headers.length > 0 ||
      rules.length > 0 ||
      notProcessed !== undefined;
  }

  /** The condition that an answer meets; undefined when it is not to be retried. */
  ofHead(attempt: Attempt): RetryReason | undefined {
    const byStatus = this.#byStatus.get(attempt.status);
    if (byStatus === undefined && !this.#looksAtHeaders) return undefined;
    const { notProcessed, words } = this.#policy;
    const isRateLimited = headerValue(attempt.rawHeaders, 'x-envoy-ratelimited') !== undefined;
    // Envoy retries such an answer by this word alone, whatever its status.
    if (isRateLimited && !words.has('envoy-ratelimited')) return undefined;
    if (notProcessed !== undefined && holds(notProcessed, attempt)) return 'not-processed';
    if (isRateLimited) return 'envoy-ratelimited';
    return byStatus ?? this.#byHeader(attempt) ?? this.#byRule(attempt);
  }

  /** The condition that a failure meets. */
  ofFailure(attempt: Attempt, failure: Failure): RetryReason | undefined {
    return (
      this.#byFailure(attempt, failure) ?? (isUpstream(failure) ? this.#byRule(attempt) : undefined)
    );
  }

  #byHeader({ rawHeaders }: Attempt): RetryReason | undefined {
    const { words, headers } = this.#policy;
    for (const { name, value } of headers) {
      const found = headerValue(rawHeaders, name);
      if (found === undefined) continue;
      const matches = value instanceof RegExp ? found.search(value) !== -1 : value === found;
      if (value === true || matches) return 'retriable-headers';
    }
    const status = this.#grpc ? headerValue(rawHeaders, 'grpc-status') : undefined;
    const word = status === undefined ? undefined : GRPC_WORDS.get(status);
    return word !== undefined && words.has(word) ? word : undefined;
  }

  #byFailure(attempt: Attempt, { kind, flag }: Failure): RetryReason | undefined {
    const first = (...among: readonly RetryWord[]): RetryWord | undefined =>
      among.find((word) => this.#policy.words.has(word));
    switch (kind) {
      case 'connect-failure':
        return (
          first('connect-failure') ??
          (nothingWasSent(attempt) ? first('reset-before-request') : undefined) ??
          first(...RESET_WORDS)
        );
      case 'refused-stream':
        return first('refused-stream', ...RESET_WORDS);
      case 'reset': {
        const word = first(...RESET_WORDS);
        // A stream of HTTP/2 that was reset says nothing of its connection.
        return word !== undefined && attempt.reused && flag !== 'UR' ? 'reset-on-reuse' : word;
      }
      case 'protocol-error':
      case 'try-timeout':
        return first(...RESET_WORDS);
      default:
        return undefined;
    }
  }

  #byRule(attempt: Attempt): RetryReason | undefined {
    return this.#policy.rules.some((rule) => holds(rule, attempt)) ? 'rule' : undefined;
  }
}

/** In this attempt or one before. */
function nothingWasSent({ call }: Attempt): boolean {
  return call.attempts.every(({ connectedAt }) => connectedAt === -1);
}

/** Something happened at an endpoint or on the way to it. */
export function isUpstream({ kind }: Failure): boolean {
  switch (kind) {
    case 'connect-failure':
    case 'refused-stream':
    case 'reset':
    case 'protocol-error':
    case 'try-timeout':
      return true;
    default:
      return false;
  }
}

function holds(rule: OutcomeRule, attempt: Attempt): boolean {
  return rule(attemptOutcome(attempt));
}
