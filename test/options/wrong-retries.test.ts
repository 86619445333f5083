/** What is said of wrong timeouts, retries, hedges and what stands beside them. */
import { describe } from 'vitest';
import { readOptions } from '../../src/options/validate.js';
import { testRefusals } from './refusal.js';

const DURATION =
  "expected a duration up to 576h, as milliseconds or as text such as '300ms', '1.5s' or '1m30s'";
const BOOLEAN = 'expected true or false';
const ON = '; leave it out, it is on by default';

function throwing(key: string): object {
  return Object.defineProperty({}, key, {
    enumerable: true,
    get() {
      throw new Error('read');
    },
  });
}

describe('timeout', () => {
  const EXPECTED = `${DURATION}, false, or an object with 'response', 'idle' and 'total'`;
  testRefusals(
    (timeout) => readOptions({ timeout }),
    [
      ['a number as text', '500', `timeout: found '500', ${EXPECTED}; did you mean 500 or '500s'?`],
      ['below zero', -1, `timeout: found -1, ${EXPECTED}`],
      ['true', true, `timeout: found true, ${EXPECTED}`],
      ['null', null, `timeout: found null, ${EXPECTED}`],
      ['a list', ['1s'], `timeout: found an array, ${EXPECTED}`],
      [
        'parts that are none',
        { response: 'soon', idle: -1, total: true },
        `timeout.response: found 'soon', ${DURATION}, or false`,
        `timeout.idle: found -1, ${DURATION}, or false`,
        `timeout.total: found true, ${DURATION}, or false`,
      ],
      [
        'a misspelt part',
        { respnse: 1 },
        "unknown option 'timeout.respnse'; did you mean 'response'?",
      ],
      [
        "undici's names",
        { headersTimeout: 1, bodyTimeout: 1 },
        "unknown option 'timeout.headersTimeout'; here it is 'timeout.response'",
        "unknown option 'timeout.bodyTimeout'; here it is 'timeout.idle'",
      ],
      [
        'the time of a try',
        { perTryTimeout: 1 },
        "unknown option 'timeout.perTryTimeout'; here it is 'retry.perTryTimeout'",
      ],
      [
        'an object that throws',
        throwing('total'),
        'timeout: found an object that throws when it is read, expected an object of timeouts',
      ],
    ],
  );
});

describe('retry', () => {
  const EXPECTED = 'expected an object of retry options, or false';
  testRefusals(
    (retry) => readOptions({ retry }),
    [
      ['true', true, `retry: found true, ${EXPECTED}${ON}`],
      ['a number', 3, `retry: found 3, ${EXPECTED}; did you mean { attempts: 3 }?`],
      ['text', '5xx', `retry: found '5xx', ${EXPECTED}`],
      ['null', null, `retry: found null, ${EXPECTED}`],
      ['a list', [], `retry: found an empty array, ${EXPECTED}`],
      [
        'an object that throws',
        throwing('attempts'),
        `retry: found an object that throws when it is read, ${EXPECTED}`,
      ],
      ...[-1, 1.5, 101, '2', Infinity, NaN, true, null].map(
        (attempts) =>
          [
            `attempts: ${String(attempts)}`,
            { attempts },
            `retry.attempts: found ${attempts === '2' ? "'2'" : String(attempts)}, expected a whole number from 0 to 100${attempts === '2' ? '; did you mean 2?' : ''}`,
          ] as const,
      ),
      [
        'booleans',
        { retryUnsafeMethods: 1, ignorePreviousHosts: 'no' },
        `retry.retryUnsafeMethods: found 1, ${BOOLEAN}`,
        `retry.ignorePreviousHosts: found 'no', ${BOOLEAN}`,
      ],
      [
        'times of a try',
        { perTryTimeout: '5', perTryIdleTimeout: true },
        `retry.perTryTimeout: found '5', ${DURATION}, or false; did you mean 5 or '5s'?`,
        `retry.perTryIdleTimeout: found true, ${DURATION}, or false`,
      ],
      [
        'functions that are none',
        { idempotencyKey: 'Idempotency-Key', notProcessed: 425 },
        "retry.idempotencyKey: found 'Idempotency-Key', expected true, false or a function (request) => string",
        'retry.notProcessed: found 425, expected a function (outcome) => boolean',
      ],
      [
        'bytes below zero',
        { maxBufferedBytes: -1 },
        'retry.maxBufferedBytes: found -1, expected a whole number from 0 to 2147483648',
      ],
      [
        'too many bytes',
        { maxBufferedBytes: 2 ** 31 + 1 },
        'retry.maxBufferedBytes: found 2147483649, expected a whole number from 0 to 2147483648',
      ],
      [
        'methods that are none',
        { methods: ['POST', 'GET /', 5, ''] },
        "retry.methods[1]: found 'GET /', expected the name of a method, such as 'POST'",
        "retry.methods[2]: found 5, expected the name of a method, such as 'POST'",
        "retry.methods[3]: found '', expected the name of a method, such as 'POST'",
      ],
      [
        'a lone method',
        { methods: 'POST' },
        "retry.methods: found 'POST', expected a list of methods, such as ['POST']",
      ],
    ],
  );
});

describe('retry.retryOn', () => {
  const LIST =
    "expected a list of conditions, or text such as 'connect-failure,refused-stream,503'";
  const ONE = "expected one of Envoy's words for what is retried, a status code or a function";
  const STATUS = 'expected a whole number from 100 to 599';
  const STATUS_TEXT = "expected a status code from '100' to '599'";
  const misspelt = (word: string, meant: string) =>
    [
      word,
      ['reset', word],
      `retry.retryOn[1]: found '${word}', ${ONE}; did you mean '${meant}'?`,
    ] as const;
  testRefusals(
    (retryOn) => readOptions({ retry: { retryOn } }),
    [
      ['a number', 503, `retry.retryOn: found 503, ${LIST}`],
      ['a function', () => true, `retry.retryOn: found a function, ${LIST}`],
      ['an object', {}, `retry.retryOn: found an object, ${LIST}`],
      ['false', false, `retry.retryOn: found false, ${LIST}`],
      misspelt('5x', '5xx'),
      misspelt('5XX', '5xx'),
      misspelt('5**', '5xx'),
      misspelt('50x', '5xx'),
      misspelt('4xx', 'retriable-4xx'),
      misspelt('gateway-errors', 'gateway-error'),
      misspelt('connection-failure', 'connect-failure'),
      misspelt('connect_failure', 'connect-failure'),
      misspelt('ECONNREFUSED', 'connect-failure'),
      misspelt('reset-before-reqest', 'reset-before-request'),
      misspelt('retriable-status-code', 'retriable-status-codes'),
      misspelt('refused-steam', 'refused-stream'),
      misspelt('canceled', 'cancelled'),
      misspelt('timeout', 'reset'),
      misspelt('ratelimited', 'envoy-ratelimited'),
      [
        'a word of no kin',
        ['everything'],
        `retry.retryOn[0]: found 'everything', ${ONE}; the words are '5xx', 'gateway-error', 'reset', 'reset-before-request', 'connect-failure', 'refused-stream', 'retriable-4xx', 'retriable-status-codes', 'retriable-headers', 'envoy-ratelimited', 'cancelled', 'deadline-exceeded', 'internal', 'resource-exhausted' and 'unavailable'`,
      ],
      [
        'HTTP/3',
        ['http3-post-connect-failure'],
        "retry.retryOn[0]: 'http3-post-connect-failure' has nothing to do here, since HTTP/3 is not spoken",
      ],
      [
        'several words in one item',
        ['5xx,reset'],
        `retry.retryOn[0]: found '5xx,reset', ${ONE}; each is an item of its own`,
      ],
      [
        'codes out of range',
        [99, 600, '600', '0', 503.5],
        `retry.retryOn[0]: found 99, ${STATUS}`,
        `retry.retryOn[1]: found 600, ${STATUS}`,
        `retry.retryOn[2]: found '600', ${STATUS_TEXT}`,
        `retry.retryOn[3]: found '0', ${STATUS_TEXT}`,
        `retry.retryOn[4]: found 503.5, ${STATUS}`,
      ],
      [
        'things that are no conditions',
        [null, {}, true, ,],
        `retry.retryOn[0]: found null, ${ONE}`,
        `retry.retryOn[1]: found an object, ${ONE}`,
        `retry.retryOn[2]: found true, ${ONE}`,
        `retry.retryOn[3]: found undefined, ${ONE}`,
      ],
      [
        "Istio's text, whose empty parts do not count",
        ' 5xx , ,, gateway-errors,700',
        `retry.retryOn[1]: found 'gateway-errors', ${ONE}; did you mean 'gateway-error'?`,
        `retry.retryOn[2]: found '700', ${STATUS_TEXT}`,
      ],
    ],
  );
});

describe('retry.retriableStatusCodes and retriableHeaders', () => {
  const STATUS = 'expected a whole number from 200 to 599';
  const NAME = "expected the name of a header, such as 'retry-after'";
  const VALUE = 'expected true, the exact value or a regular expression';
  const OBJECT =
    'expected an object with true, the exact value or a regular expression for each header';
  testRefusals(
    (retry) => readOptions({ retry }),
    [
      [
        'a lone code',
        { retriableStatusCodes: 503 },
        'retry.retriableStatusCodes: found 503, expected a list of status codes',
      ],
      [
        'codes out of range',
        { retriableStatusCodes: [199, 600, '503'] },
        `retry.retriableStatusCodes[0]: found 199, ${STATUS}`,
        `retry.retriableStatusCodes[1]: found 600, ${STATUS}`,
        `retry.retriableStatusCodes[2]: found '503', ${STATUS}; did you mean 503?`,
      ],
      [
        'a list of headers',
        { retriableHeaders: ['x-retry'] },
        `retry.retriableHeaders: found an array, ${OBJECT}`,
      ],
      [
        'Headers',
        { retriableHeaders: new Headers() },
        `retry.retriableHeaders: found an instance of Headers, ${OBJECT}`,
      ],
      [
        'names that are none',
        { retriableHeaders: { 'x retry': true, 'x:y': true } },
        `retry.retriableHeaders['x retry']: found 'x retry', ${NAME}`,
        `retry.retriableHeaders['x:y']: found 'x:y', ${NAME}`,
      ],
      [
        'values that are none',
        { retriableHeaders: { 'x-a': 1, xb: ['y'], xc: null } },
        `retry.retriableHeaders['x-a']: found 1, ${VALUE}; did you mean '1'?`,
        `retry.retriableHeaders.xb: found an array, ${VALUE}`,
        `retry.retriableHeaders.xc: found null, ${VALUE}`,
      ],
      [
        'one header in two spellings',
        { retriableHeaders: { 'x-a': true, 'X-A': 'b' } },
        "retry.retriableHeaders['X-A']: found 'x-a' again, expected each header once",
      ],
    ],
  );
});

describe('retry.backoff', () => {
  const EXPECTED = 'expected an object of back-off options';
  testRefusals(
    (backoff) => readOptions({ retry: { backoff } }),
    [
      [
        "Istio's duration",
        '50ms',
        `retry.backoff: found '50ms', ${EXPECTED}; did you mean { baseInterval: '50ms' }?`,
      ],
      ['a number', 50, `retry.backoff: found 50, ${EXPECTED}; did you mean { baseInterval: 50 }?`],
      ['false', false, `retry.backoff: found false, ${EXPECTED}`],
      [
        'zero',
        { baseInterval: 0, maxInterval: '0s' },
        'retry.backoff.baseInterval: found 0, expected a duration above zero',
        "retry.backoff.maxInterval: found '0s', expected a duration above zero",
      ],
      [
        'a maximum below the base',
        { baseInterval: '1s', maxInterval: '500ms' },
        "retry.backoff.maxInterval: found 500 ms, expected at least 1000 ms, which is 'baseInterval'",
      ],
      [
        'a maximum below the usual base',
        { maxInterval: 24 },
        "retry.backoff.maxInterval: found 24 ms, expected at least 25 ms, which is the default of 'baseInterval'",
      ],
      [
        'a wrong base, of which no more is said',
        { baseInterval: false, maxInterval: 10 },
        `retry.backoff.baseInterval: found false, ${DURATION}`,
      ],
      [
        "ky's name",
        { backoffLimit: '1s' },
        "unknown option 'retry.backoff.backoffLimit'; here it is 'retry.backoff.maxInterval'",
      ],
    ],
  );
});

describe('retry.rateLimitedBackoff', () => {
  const EXPECTED = 'expected an object of back-off options, or false';
  const HEADER = "expected a header: an object with its 'name' and 'format'";
  testRefusals(
    (rateLimitedBackoff) => readOptions({ retry: { rateLimitedBackoff } }),
    [
      ['true', true, `retry.rateLimitedBackoff: found true, ${EXPECTED}${ON}`],
      ['a duration', '10s', `retry.rateLimitedBackoff: found '10s', ${EXPECTED}`],
      [
        'no time at all',
        { maxInterval: 0 },
        'retry.rateLimitedBackoff.maxInterval: found 0, expected a duration above zero',
      ],
      [
        'one header',
        { resetHeaders: { name: 'retry-after', format: 'seconds' } },
        'retry.rateLimitedBackoff.resetHeaders: found an object, expected a list of headers',
      ],
      [
        'headers that are none',
        { resetHeaders: ['retry-after', {}, { name: 'x y', format: 'minutes' }] },
        `retry.rateLimitedBackoff.resetHeaders[0]: found 'retry-after', ${HEADER}; did you mean { name: 'retry-after', format: 'seconds' }?`,
        'retry.rateLimitedBackoff.resetHeaders[1].name: found nothing, expected the name of the header',
        "retry.rateLimitedBackoff.resetHeaders[1].format: found nothing, expected 'seconds' or 'unix-timestamp'",
        "retry.rateLimitedBackoff.resetHeaders[2].name: found 'x y', expected the name of a header, such as 'retry-after'",
        "retry.rateLimitedBackoff.resetHeaders[2].format: found 'minutes', expected 'seconds' or 'unix-timestamp'",
      ],
      [
        "Envoy's spelling",
        { resetHeaders: [{ name: 'x-reset', format: 'UNIX_TIMESTAMP' }] },
        "retry.rateLimitedBackoff.resetHeaders[0].format: found 'UNIX_TIMESTAMP', expected 'seconds' or 'unix-timestamp'; did you mean 'unix-timestamp'?",
      ],
    ],
  );
});

describe('retry.budget and maxRetries', () => {
  const EXPECTED = 'expected an object of budget options, or false';
  const COUNT = 'expected a whole number from 0 to 4294967295';
  const BESIDE =
    "retry.maxRetries: it limits all calls together and needs 'budget: false', since a budget is on by default; for one call it is 'attempts'";
  testRefusals(
    (retry) => readOptions({ retry }),
    [
      ['true', { budget: true }, `retry.budget: found true, ${EXPECTED}${ON}`],
      [
        'a number',
        { budget: 20 },
        `retry.budget: found 20, ${EXPECTED}; did you mean { percent: 20 }?`,
      ],
      [
        'figures out of range',
        { budget: { percent: 101, minRetryConcurrency: 1.5, interval: '10' } },
        'retry.budget.percent: found 101, expected a number from 1 to 100, or 0',
        `retry.budget.minRetryConcurrency: found 1.5, ${COUNT}`,
        `retry.budget.interval: found '10', ${DURATION}, or false; did you mean 10 or '10s'?`,
      ],
      [
        'a part below zero',
        { budget: { percent: -1, minRetryConcurrency: -1 } },
        'retry.budget.percent: found -1, expected a number from 1 to 100, or 0',
        `retry.budget.minRetryConcurrency: found -1, ${COUNT}`,
      ],
      [
        "Envoy's spelling",
        { budget: { budget_percent: 25, min_retry_concurrency: 5 } },
        "unknown option 'retry.budget.budget_percent'; here it is 'retry.budget.percent'",
        "unknown option 'retry.budget.min_retry_concurrency'; did you mean 'minRetryConcurrency'?",
      ],
      ['a limit beside a budget', { budget: { percent: 10 }, maxRetries: 3 }, BESIDE],
      ['a limit beside the budget that holds by default', { maxRetries: 3 }, BESIDE],
      [
        'a limit beside a wrong budget, of which no more is said',
        { budget: 'none', maxRetries: 3 },
        `retry.budget: found 'none', ${EXPECTED}`,
      ],
      [
        'no limit as a number',
        { budget: false, maxRetries: Infinity },
        `retry.maxRetries: found Infinity, ${COUNT}`,
      ],
    ],
  );
});

describe('names of others inside retry', () => {
  const CONCEPTS = [
    ['maxAttempts', "here it is 'retry.attempts', which does not count the first"],
    ['shouldRetry', "here it is a function in 'retry.retryOn'"],
    ['retryCondition', "here it is a function in 'retry.retryOn'"],
    [
      'retryOnTimeout',
      "here it is 'reset' in 'retry.retryOn', which a try whose time is up falls under",
    ],
  ] as const;
  const NAMES = [
    ['limit', 'retry.attempts'],
    ['retries', 'retry.attempts'],
    ['numRetries', 'retry.attempts'],
    ['statusCodes', 'retry.retriableStatusCodes'],
    ['calculateDelay', 'retry.backoff'],
    ['minTimeout', 'retry.backoff.baseInterval'],
    ['maxTimeout', 'retry.backoff.maxInterval'],
    ['maxRetryAfter', 'retry.rateLimitedBackoff.maxInterval'],
    ['retryIgnorePreviousHosts', 'retry.ignorePreviousHosts'],
  ] as const;
  testRefusals(
    (retry) => readOptions({ retry }),
    [
      ...CONCEPTS.map(
        ([key, hint]) => [key, { [key]: 1 }, `unknown option 'retry.${key}'; ${hint}`] as const,
      ),
      ...NAMES.map(
        ([key, here]) =>
          [key, { [key]: 1 }, `unknown option 'retry.${key}'; here it is '${here}'`] as const,
      ),
      [
        'what stands a level below',
        { baseInterval: 1, percent: 1 },
        "unknown option 'retry.baseInterval'; its place is 'retry.backoff.baseInterval'",
        "unknown option 'retry.percent'; its place is 'retry.budget.percent'",
      ],
      [
        'another spelling',
        { retry_on: '5xx' },
        "unknown option 'retry.retry_on'; did you mean 'retryOn'?",
      ],
      [
        'what is yet to come',
        { retriableRequestHeaders: [] },
        'retry.retriableRequestHeaders: not available in this version',
      ],
    ],
  );
});

describe('hedge', () => {
  const EXPECTED = 'expected an object of hedge options, or false';
  const DELAY = `${DURATION}, a percentile such as 'p95', or false`;
  const IDLE = "hedge: needs 'onPerTryTimeout: true' or a 'delay', since it would do nothing";
  testRefusals(
    (hedge) => readOptions({ hedge }),
    [
      ['true', true, `hedge: found true, ${EXPECTED}; did you mean { onPerTryTimeout: true }?`],
      ['a duration', '50ms', `hedge: found '50ms', ${EXPECTED}; did you mean { delay: '50ms' }?`],
      ['a number', 50, `hedge: found 50, ${EXPECTED}; did you mean { delay: 50 }?`],
      ['null', null, `hedge: found null, ${EXPECTED}`],
      ['nothing in it', {}, IDLE],
      ['nothing switched on', { onPerTryTimeout: false, delay: false, maxHedges: 2 }, IDLE],
      [
        'a misspelt switch, said once',
        { dealy: '50ms' },
        "unknown option 'hedge.dealy'; did you mean 'delay'?",
      ],
      ['a delay of no kind', { delay: 'soon' }, `hedge.delay: found 'soon', ${DELAY}`],
      ['a delay below zero', { delay: -1 }, `hedge.delay: found -1, ${DELAY}`],
      [
        'a delay without a unit',
        { delay: '50' },
        `hedge.delay: found '50', ${DELAY}; did you mean 50 or '50s'?`,
      ],
      ...['p0', 'p100', 'p100.0', 'p1000'].map(
        (delay) =>
          [
            delay,
            { delay },
            `hedge.delay: found '${delay}', expected a percentile above 'p0' and below 'p100'`,
          ] as const,
      ),
      ...['P95', '95%', '95th', 'p 95'].map(
        (delay) =>
          [
            delay,
            { delay },
            `hedge.delay: found '${delay}', expected a percentile such as 'p95'; did you mean 'p95'?`,
          ] as const,
      ),
      [
        'too many, and none',
        { delay: 1, maxHedges: 11 },
        'hedge.maxHedges: found 11, expected a whole number from 1 to 10',
      ],
      [
        'no hedge at all',
        { delay: 1, maxHedges: 0 },
        'hedge.maxHedges: found 0, expected a whole number from 1 to 10',
      ],
      [
        'a lone method, and a switch that is none',
        { onPerTryTimeout: 1, methods: 'POST' },
        `hedge.onPerTryTimeout: found 1, ${BOOLEAN}`,
        "hedge.methods: found 'POST', expected a list of methods, such as ['POST']",
      ],
      [
        "Envoy's name",
        { hedge_on_per_try_timeout: true },
        "unknown option 'hedge.hedge_on_per_try_timeout'; here it is 'hedge.onPerTryTimeout'",
      ],
    ],
  );
});

describe('fallback and envoyHeaders', () => {
  testRefusals(readOptions, [
    [
      'an answer',
      { fallback: new Response() },
      'fallback: found an instance of Response, expected false or a function (failure, request) => Response',
    ],
    ['text', { envoyHeaders: 'off' }, `envoyHeaders: found 'off', ${BOOLEAN}`],
  ]);
});

describe('wrong policies of services', () => {
  testRefusals(readOptions, [
    [
      'each at its path',
      {
        services: {
          'http://a': { timeout: { idle: -1 }, retry: { attempts: -1 }, hedge: { delay: -1 } },
        },
      },
      `services['http://a'].timeout.idle: found -1, ${DURATION}, or false`,
      "services['http://a'].retry.attempts: found -1, expected a whole number from 0 to 100",
      `services['http://a'].hedge.delay: found -1, ${DURATION}, a percentile such as 'p95', or false`,
    ],
    [
      "what is wrong in the client's is said once",
      { retry: { attempts: -1 }, services: { 'http://a': { retry: { perTryTimeout: 1 } } } },
      'retry.attempts: found -1, expected a whole number from 0 to 100',
    ],
    [
      "a maximum below the client's base",
      {
        retry: { backoff: { baseInterval: '1s' } },
        services: { 'http://a': { retry: { backoff: { maxInterval: '500ms' } } } },
      },
      "services['http://a'].retry.backoff.maxInterval: found 500 ms, expected at least 1000 ms, which is 'baseInterval'",
    ],
    [
      "a limit beside the client's budget",
      { services: { 'http://a': { retry: { maxRetries: 3 } } } },
      "services['http://a'].retry.maxRetries: it limits all calls together and needs 'budget: false', since a budget is on by default; for one call it is 'attempts'",
    ],
    [
      'a hedge that nobody switches on',
      { services: { 'http://a': { hedge: { maxHedges: 2 } } } },
      "services['http://a'].hedge: needs 'onPerTryTimeout: true' or a 'delay', since it would do nothing",
    ],
  ]);
});
