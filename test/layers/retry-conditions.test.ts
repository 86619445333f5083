/** Envoy's table of what is retried, word by word, and what of ours stands beside it. */
import { describe, expect, test } from 'vitest';
import { Attempt } from '../../src/core/attempt.js';
import { failure, type FailureKind } from '../../src/core/failure.js';
import {
  retryWords,
  type AttemptOutcome,
  type RetryPolicy,
  type RetryReason,
  type RetryWord,
} from '../../src/core/policy.js';
import { RetryConditions } from '../../src/layers/retry-conditions.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';
import {
  ANSWERED,
  callOn,
  chainOver,
  Recorder,
  retryPolicy,
  ScriptedUpstream,
} from '../core/scripted-upstream.js';

/** The first attempt of a call, connected. */
function attempted(method = 'POST'): Attempt {
  const upstream = new ScriptedUpstream(virtualRuntime(), [ANSWERED]);
  return another(new Attempt(callOn(chainOver(upstream), new Recorder(), null, method), 1, 0));
}

function another(attempt: Attempt): Attempt {
  attempt.connectedAt = 1;
  attempt.call.attempts.push(attempt);
  return attempt;
}

/** Nothing is retried but what is given. */
function only(own: Partial<RetryPolicy>): RetryConditions {
  return new RetryConditions(retryPolicy({ words: new Set(), statusCodes: new Set(), ...own }));
}

const onWords = (...words: RetryWord[]): RetryConditions => only({ words: new Set(words) });

function ofHead(
  conditions: RetryConditions,
  status: number,
  rawHeaders: Attempt['rawHeaders'] = [],
): RetryReason | undefined {
  const attempt = attempted();
  attempt.status = status;
  attempt.rawHeaders = rawHeaders;
  return conditions.ofHead(attempt);
}

function ofFailure(
  conditions: RetryConditions,
  kind: FailureKind,
  own: Partial<Attempt> = {},
): RetryReason | undefined {
  const attempt = attempted();
  Object.assign(attempt, own);
  const reason = failure(kind, undefined, undefined, attempt.connectedAt !== -1);
  attempt.failure = reason;
  return conditions.ofFailure(attempt, reason);
}

const EVERY_STATUS = Array.from({ length: 400 }, (_, index) => 200 + index);
const NONE: readonly number[] = [];
const FIVE_HUNDREDS = EVERY_STATUS.filter((status) => status >= 500);

/** Column "HTTP response" of the table, for an answer without a header that matters. */
const BY_STATUS: Record<RetryWord, readonly number[]> = {
  '5xx': FIVE_HUNDREDS,
  'gateway-error': [502, 503, 504],
  reset: NONE,
  'reset-before-request': NONE,
  'connect-failure': NONE,
  'refused-stream': NONE,
  'retriable-4xx': [409],
  'retriable-status-codes': [418, 503],
  'retriable-headers': NONE,
  'envoy-ratelimited': NONE,
  cancelled: NONE,
  'deadline-exceeded': NONE,
  internal: NONE,
  'resource-exhausted': NONE,
  unavailable: NONE,
};

const ANY_RESET = ['connect-failure', 'refused-stream', 'reset', 'protocol-error', 'try-timeout'];

/** Column "No response". */
const BY_FAILURE: Partial<Record<RetryWord, readonly string[]>> = {
  '5xx': ANY_RESET,
  'gateway-error': ANY_RESET,
  reset: ANY_RESET,
  // The connection was made, so the request may have been written.
  'reset-before-request': [],
  'connect-failure': ['connect-failure'],
  'refused-stream': ['refused-stream'],
};

const EVERY_FAILURE: readonly FailureKind[] = [
  'connect-failure',
  'reset',
  'protocol-error',
  'refused-stream',
  'body-cut',
  'timeout',
  'try-timeout',
  'no-healthy-endpoint',
  'closed',
  'aborted',
  'superseded',
  'refused',
  'unsendable',
  'invalid',
];

describe.each(retryWords)('%s', (word) => {
  test('answers by their status', () => {
    const statusCodes = word === 'retriable-status-codes' ? new Set([418, 503]) : new Set<number>();
    const conditions = only({ words: new Set([word]), statusCodes });
    const retried = EVERY_STATUS.filter((status) => ofHead(conditions, status) !== undefined);
    expect(retried).toEqual(BY_STATUS[word]);
    for (const status of retried) expect(ofHead(conditions, status)).toBe(word);
  });

  test('failures', () => {
    const conditions = onWords(word);
    const retried = EVERY_FAILURE.filter((kind) => ofFailure(conditions, kind) !== undefined);
    expect(new Set(retried)).toEqual(new Set(BY_FAILURE[word]));
    for (const kind of retried) expect(ofFailure(conditions, kind)).toBe(word);
  });
});

describe('gRPC', () => {
  test.each<[RetryWord, string]>([
    ['cancelled', '1'],
    ['deadline-exceeded', '4'],
    ['resource-exhausted', '8'],
    ['internal', '13'],
    ['unavailable', '14'],
  ])('%s is grpc-status %s in the head', (word, status) => {
    const conditions = onWords(word);
    for (let code = 0; code <= 16; code++) {
      const found = ofHead(conditions, 200, ['Grpc-Status', String(code)]);
      expect(found).toBe(String(code) === status ? word : undefined);
    }
    expect(ofHead(conditions, 200, [Buffer.from('grpc-status'), Buffer.from(status)])).toBe(word);
    expect(ofHead(conditions, 200, ['content-type', 'application/grpc'])).toBeUndefined();
  });

  test('no other word looks at it', () => {
    const others = retryWords.filter((word) => word !== 'unavailable' && word !== '5xx');
    expect(ofHead(onWords(...others), 200, ['grpc-status', '14'])).toBeUndefined();
  });
});

describe('x-envoy-ratelimited', () => {
  const limited = ['X-Envoy-RateLimited', ''];
  const everything: Partial<RetryPolicy> = {
    words: new Set(retryWords.filter((word) => word !== 'envoy-ratelimited')),
    statusCodes: new Set([429, 503]),
    headers: [{ name: 'x-again', value: true }],
  };

  test.each([429, 503, 409, 500])('%i with it is retried by nothing else', (status) => {
    const headers = [...limited, 'x-again', 'yes', 'grpc-status', '14'];
    expect(ofHead(only(everything), status, headers)).toBeUndefined();
    expect(ofHead(only(everything), status, ['x-again', 'yes'])).toBeDefined();
  });

  test.each([200, 404, 429, 503])(
    'envoy-ratelimited retries it, whatever the status: %i',
    (status) => {
      expect(ofHead(onWords('envoy-ratelimited'), status, limited)).toBe('envoy-ratelimited');
      expect(ofHead(onWords('envoy-ratelimited'), status)).toBeUndefined();
    },
  );

  test('a rule of the user’s does not lift it', () => {
    const conditions = only({ rules: [() => true] });
    expect(ofHead(conditions, 503, limited)).toBeUndefined();
    expect(ofHead(conditions, 503)).toBe('rule');
  });
});

describe('reset-before-request', () => {
  const conditions = onWords('reset-before-request');

  test('holds while nothing was written, in this attempt or one before', () => {
    expect(ofFailure(conditions, 'connect-failure', { connectedAt: -1 })).toBe(
      'reset-before-request',
    );
    const first = attempted();
    const second = new Attempt(first.call, 2, 5);
    first.call.attempts.push(second);
    const refused = failure('connect-failure', 'UF', undefined, false);
    expect(conditions.ofFailure(second, refused)).toBeUndefined();
    first.connectedAt = -1;
    expect(conditions.ofFailure(second, refused)).toBe('reset-before-request');
  });

  test('no time of a try, and no reset after the request', () => {
    expect(ofFailure(conditions, 'try-timeout')).toBeUndefined();
    expect(ofFailure(conditions, 'reset')).toBeUndefined();
  });
});

describe('retriable headers', () => {
  const again = (value: true | string | RegExp): RetryConditions =>
    only({ headers: [{ name: 'x-again', value }] });

  test('true: whatever the value', () => {
    expect(ofHead(again(true), 200, ['X-Again', ''])).toBe('retriable-headers');
    expect(ofHead(again(true), 200, [Buffer.from('x-AGAIN'), Buffer.from('no')])).toBe(
      'retriable-headers',
    );
    expect(ofHead(again(true), 200, ['x-against', 'yes'])).toBeUndefined();
    expect(ofHead(again(true), 200)).toBeUndefined();
  });

  test('text: exactly this value', () => {
    expect(ofHead(again('yes'), 200, ['x-again', 'yes'])).toBe('retriable-headers');
    expect(ofHead(again('yes'), 200, ['x-again', 'yes, please'])).toBeUndefined();
    expect(ofHead(again('yes'), 200, ['x-again', 'YES'])).toBeUndefined();
    expect(ofHead(again(''), 200, ['x-again', ''])).toBe('retriable-headers');
  });

  test('an expression: finds something, as often as it is asked', () => {
    const conditions = again(/ye/g);
    for (let time = 0; time < 3; time++) {
      expect(ofHead(conditions, 200, ['x-again', 'yes'])).toBe('retriable-headers');
    }
    expect(ofHead(conditions, 200, ['x-again', 'no'])).toBeUndefined();
  });

  test('any of several', () => {
    const conditions = only({
      headers: [
        { name: 'x-one', value: 'a' },
        { name: 'x-two', value: true },
      ],
    });
    expect(ofHead(conditions, 200, ['x-one', 'b', 'x-two', 'c'])).toBe('retriable-headers');
    expect(ofHead(conditions, 200, ['x-one', 'b'])).toBeUndefined();
  });
});

describe('several words', () => {
  test('the most exact one is the reason', () => {
    const all = onWords(...retryWords);
    expect(ofHead(all, 500)).toBe('5xx');
    expect(ofHead(all, 503)).toBe('gateway-error');
    expect(ofHead(only({ words: new Set(retryWords), statusCodes: new Set([503]) }), 503)).toBe(
      'retriable-status-codes',
    );
    expect(ofFailure(all, 'connect-failure', { connectedAt: -1 })).toBe('connect-failure');
    expect(ofFailure(all, 'refused-stream')).toBe('refused-stream');
    expect(ofFailure(all, 'reset')).toBe('reset');
    expect(ofFailure(onWords('5xx', 'gateway-error'), 'reset')).toBe('gateway-error');
  });

  test('a reset on a connection that had served before is a reason of its own', () => {
    const reused = { reused: true };
    expect(ofFailure(onWords('reset'), 'reset', reused)).toBe('reset-on-reuse');
    expect(ofFailure(onWords('5xx'), 'reset', reused)).toBe('reset-on-reuse');
    // Where resets are not retried, these are none either.
    expect(ofFailure(onWords('connect-failure'), 'reset', reused)).toBeUndefined();
    // It was a connection that answered something.
    expect(ofFailure(onWords('reset'), 'protocol-error', reused)).toBe('reset');
    expect(ofFailure(onWords('reset'), 'try-timeout', reused)).toBe('reset');
  });
});

describe('rules of the user’s', () => {
  test('are told how the attempt went', () => {
    const seen: AttemptOutcome[] = [];
    const conditions = only({ rules: [(outcome) => (seen.push(outcome), false)] });
    expect(
      ofHead(conditions, 404, [Buffer.from('X-Why'), Buffer.from('caf\u00e9', 'latin1')]),
    ).toBe(undefined);
    const cause = new Error('gone');
    const attempt = attempted('PUT');
    attempt.failure = failure('reset', 'UC', cause, true);
    conditions.ofFailure(attempt, attempt.failure);
    expect(seen).toMatchObject([
      { method: 'POST', path: '/', attempt: 1, status: 404, failure: undefined },
      { method: 'PUT', attempt: 1, status: undefined, failure: 'reset', cause },
    ]);
    expect(seen[0]?.headers).toBeInstanceOf(Headers);
    expect(seen[0]?.headers.get('x-why')).toBe('caf\u00e9');
    expect([...(seen[1]?.headers ?? [])]).toEqual([]);
  });

  test('any of them is enough, beside the words', () => {
    const conditions = only({
      words: new Set(['gateway-error']),
      rules: [({ status }) => status === 404, ({ failure: kind }) => kind === 'reset'],
    });
    expect(ofHead(conditions, 404)).toBe('rule');
    expect(ofHead(conditions, 503)).toBe('gateway-error');
    expect(ofHead(conditions, 200)).toBeUndefined();
    expect(ofFailure(only({ rules: [() => true] }), 'reset')).toBe('rule');
  });

  test('are asked only of what happened at an endpoint or on the way to it', () => {
    const conditions = only({ rules: [() => true] });
    const asked = EVERY_FAILURE.filter((kind) => ofFailure(conditions, kind) === 'rule');
    expect(new Set(asked)).toEqual(new Set(ANY_RESET));
  });
});

describe('notProcessed', () => {
  const conditions = only({ notProcessed: ({ headers }) => headers.has('x-not-seen') });

  test('makes an answer one that may be retried, whatever the words say', () => {
    expect(ofHead(conditions, 421, ['x-not-seen', '1'])).toBe('not-processed');
    expect(ofHead(conditions, 421)).toBeUndefined();
  });

  test('goes before a word, for what it proves', () => {
    const also = only({ words: new Set(['5xx']), notProcessed: () => true });
    expect(ofHead(also, 503)).toBe('not-processed');
  });

  test('is not asked of a failure', () => {
    const always = only({ notProcessed: () => true });
    expect(ofFailure(always, 'reset')).toBeUndefined();
  });
});
