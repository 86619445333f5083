import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { retryWords, type RetryPolicy } from '../../src/core/policy.js';
import type { ClientOptions, UpdateOptions } from '../../src/options/options.js';
import type { RetryOptions } from '../../src/options/retry.js';
import { readUpdate } from '../../src/options/update.js';
import { readOptions } from '../../src/options/validate.js';
import { deepFreeze } from './deep-freeze.js';
import { DEFAULT_RETRY } from './default-retry.js';

type Retry = ClientOptions['retry'];

function read(retry: RetryOptions): RetryPolicy {
  const policy = readOptions(deepFreeze({ retry })).defaultPolicy.retry;
  if (policy === undefined) throw new Error('off');
  return policy;
}

describe('retry', () => {
  test('is on without a word, and with an empty object', () => {
    expect(readOptions().defaultPolicy.retry).toEqual(DEFAULT_RETRY);
    expect(read({})).toEqual(DEFAULT_RETRY);
    expect(read({ backoff: {}, rateLimitedBackoff: {}, budget: {} })).toEqual(DEFAULT_RETRY);
  });

  test('false is off, no attempts are not', () => {
    expect(readOptions({ retry: false }).defaultPolicy.retry).toBeUndefined();
    expect(read({ attempts: 0, perTryTimeout: '1s' })).toMatchObject({
      attempts: 0,
      perTryTimeout: 1000,
    });
  });

  test('is read in every part', () => {
    const rule = () => true;
    const key = () => 'k';
    const notProcessed = () => false;
    expect(
      read({
        attempts: 100,
        retryOn: ['5xx', rule, 429, '408', 'reset'],
        retriableStatusCodes: [200, 599, 429],
        retriableHeaders: { 'X-Retry': true, 'x-why': 'Overload', 'x-re': /^later/i },
        perTryTimeout: '300ms',
        perTryIdleTimeout: 50,
        backoff: { baseInterval: '1s', maxInterval: '1s' },
        rateLimitedBackoff: {
          resetHeaders: [{ name: 'X-Reset', format: 'unix-timestamp' }],
          maxInterval: '10s',
        },
        budget: { percent: 12.5, minRetryConcurrency: 0, interval: '10s' },
        methods: ['post', 'PROPFIND'],
        retryUnsafeMethods: true,
        idempotencyKey: key,
        notProcessed,
        maxBufferedBytes: 0,
        ignorePreviousHosts: false,
      }),
    ).toMatchObject({
      attempts: 100,
      words: new Set(['5xx', 'reset', 'retriable-status-codes', 'retriable-headers']),
      statusCodes: new Set([429, 408, 200, 599]),
      headers: [
        { name: 'x-retry', value: true },
        { name: 'x-why', value: 'Overload' },
        { name: 'x-re', value: /^later/i },
      ],
      rules: [rule],
      perTryTimeout: 300,
      perTryIdleTimeout: 50,
      backoff: { baseInterval: 1000, maxInterval: 1000 },
      rateLimitedBackoff: {
        resetHeaders: [{ name: 'x-reset', format: 'unix-timestamp' }],
        maxInterval: 10_000,
      },
      budget: { percent: 12.5, minRetryConcurrency: 0, interval: 10_000 },
      maxRetries: Infinity,
      methods: new Set(['POST', 'PROPFIND']),
      retryUnsafeMethods: true,
      idempotencyKey: key,
      notProcessed,
      maxBufferedBytes: 0,
      ignorePreviousHosts: false,
    });
  });

  test('false switches its parts off', () => {
    expect(
      read({
        perTryTimeout: false,
        perTryIdleTimeout: false,
        rateLimitedBackoff: false,
        budget: false,
        idempotencyKey: false,
        notProcessed: false,
      }),
    ).toMatchObject({
      perTryTimeout: 0,
      perTryIdleTimeout: 0,
      rateLimitedBackoff: undefined,
      budget: undefined,
      maxRetries: Infinity,
      idempotencyKey: false,
      notProcessed: undefined,
    });
    expect(read({ budget: { interval: false } }).budget?.interval).toBe(0);
  });

  test('a limit holds without a budget', () => {
    const { budget, maxRetries } = read({ budget: false, maxRetries: 0 });
    expect(budget).toBeUndefined();
    expect(maxRetries).toBe(0);
  });
});

describe('retryOn', () => {
  const conditionsOf = (retry: RetryOptions) => {
    const { words, statusCodes, headers } = read(retry);
    return { words: [...words], statusCodes: [...statusCodes], headers };
  };

  test('takes every word of Envoy', () => {
    expect(conditionsOf({ retryOn: retryWords }).words).toEqual(retryWords);
  });

  test.each<[RetryOptions['retryOn'], string[], number[]]>([
    [[], [], []],
    ['', [], []],
    [' , ', [], []],
    ['5xx', ['5xx'], []],
    ['connect-failure, 5xx ,,503', ['connect-failure', '5xx', 'retriable-status-codes'], [503]],
    // As Istio reads it.
    [
      'gateway-error,retriable-status-codes,503',
      ['gateway-error', 'retriable-status-codes'],
      [503],
    ],
    [['503', 503, 100, 599], ['retriable-status-codes'], [503, 100, 599]],
    [
      ['retriable-status-codes', 'retriable-headers'],
      ['retriable-status-codes', 'retriable-headers'],
      [],
    ],
  ])('%j', (retryOn, words, statusCodes) => {
    expect(conditionsOf({ retryOn })).toEqual({ words, statusCodes, headers: [] });
  });

  test('the other codes and headers stand beside it, and imply their words', () => {
    expect(conditionsOf({ retriableStatusCodes: [408] })).toEqual({
      words: ['connect-failure', 'refused-stream', 'reset', 'retriable-status-codes'],
      statusCodes: [503, 408],
      headers: [],
    });
    expect(conditionsOf({ retryOn: [], retriableHeaders: { a: true, b: false } })).toEqual({
      words: ['retriable-headers'],
      statusCodes: [],
      headers: [{ name: 'a', value: true }],
    });
  });

  test('an expression of another realm becomes one of ours', () => {
    const foreign = runInNewContext('/^later/gi') as RegExp;
    expect(foreign).not.toBeInstanceOf(RegExp);
    const [header] = read({ retriableHeaders: { a: foreign } }).headers;
    expect(header?.value).toBeInstanceOf(RegExp);
    expect(header?.value).toEqual(/^later/gi);
  });
});

describe('a maximum of the back-off that nobody gave', () => {
  const backoffOf = (...steps: [Retry, ...Retry[]]) => {
    const [first, ...updates] = steps.map((retry): UpdateOptions => ({ retry }));
    const client = updates.reduce(readUpdate, readOptions(first));
    return client.defaultPolicy.retry?.backoff;
  };

  test('is ten times the base, as far as a timer reaches', () => {
    expect(backoffOf({ backoff: { baseInterval: '40ms' } })?.maxInterval).toBe(400);
    expect(backoffOf({ backoff: { baseInterval: '576h' } })?.maxInterval).toBe(576 * 3_600_000);
  });

  test('follows the base of an update', () => {
    const update = { backoff: { baseInterval: '1s' } };
    expect(backoffOf({ backoff: { baseInterval: 10 } }, update)).toEqual({
      baseInterval: 1000,
      maxInterval: 10_000,
    });
    const given = { backoff: { baseInterval: '25ms', maxInterval: '250ms' } };
    expect(backoffOf(given, { backoff: { baseInterval: '50ms' } })).toEqual({
      baseInterval: 50,
      maxInterval: 250,
    });
  });
});

describe('merging', () => {
  /** The policy of a service over the client's, and after the updates. */
  const merged = (client: Retry, service: Retry, ...updates: Retry[]) => {
    const options = { retry: client, services: { 'http://a': { retry: service } } };
    const read = updates.reduce(
      (current, retry) => readUpdate(current, deepFreeze({ services: { 'http://a': { retry } } })),
      readOptions(deepFreeze(options)),
    );
    return read.services.get('http://a')?.retry;
  };

  test('a service has what the client says, and its own over it', () => {
    const client: Retry = {
      attempts: 5,
      retryOn: ['5xx'],
      backoff: { baseInterval: '10ms' },
      budget: { percent: 50 },
    };
    expect(merged(client, undefined)).toMatchObject({ attempts: 5, words: new Set(['5xx']) });
    expect(
      merged(client, {
        retryOn: 'reset',
        perTryTimeout: 5,
        budget: { minRetryConcurrency: 9 },
        backoff: { maxInterval: 20 },
      }),
    ).toMatchObject({
      attempts: 5,
      words: new Set(['reset']),
      perTryTimeout: 5,
      backoff: { baseInterval: 10, maxInterval: 20 },
      budget: { percent: 50, minRetryConcurrency: 9, interval: 0 },
    });
  });

  test('false and an object switch off and on', () => {
    expect(merged({ attempts: 5 }, false)).toBeUndefined();
    expect(merged(false, undefined)).toBeUndefined();
    expect(merged(false, { attempts: 1 })).toMatchObject({
      attempts: 1,
      maxBufferedBytes: 1048576,
    });
    expect(merged({ attempts: 5 }, false, {})).toMatchObject({ attempts: 5 });
    expect(merged({ attempts: 5 }, { attempts: 4 }, false)).toBeUndefined();
    expect(merged({ budget: { percent: 5 } }, { budget: false })?.budget).toBeUndefined();
  });

  test('updates add up', () => {
    expect(
      merged(
        {},
        { attempts: 1 },
        { methods: ['POST'] },
        { methods: ['PATCH'], attempts: undefined },
      ),
    ).toMatchObject({ attempts: 1, methods: new Set(['PATCH']) });
  });

  test('headers merge by name, whatever its spelling', () => {
    const headersOf = (...steps: Parameters<typeof merged>) => merged(...steps)?.headers;
    const client = { retriableHeaders: { 'X-A': 'one', 'X-B': 'two' } };
    const service = { retriableHeaders: { 'x-a': true, 'x-c': 'three' } };
    expect(headersOf(client, service)).toEqual([
      { name: 'x-b', value: 'two' },
      { name: 'x-a', value: true },
      { name: 'x-c', value: 'three' },
    ]);
    expect(headersOf(client, service, { retriableHeaders: { 'X-B': false } })).toEqual([
      { name: 'x-a', value: true },
      { name: 'x-c', value: 'three' },
    ]);
  });

  test('a budget takes the place of a limit', () => {
    const client: Retry = { budget: false, maxRetries: 7 };
    expect(merged(client, {})).toMatchObject({ budget: undefined, maxRetries: 7 });
    expect(merged(client, { maxRetries: 8 })).toMatchObject({ budget: undefined, maxRetries: 8 });
    expect(merged(client, { budget: {} })).toMatchObject({
      budget: { percent: 20 },
      maxRetries: Infinity,
    });
    expect(merged({}, client, { budget: { percent: 1 } })).toMatchObject({
      budget: { percent: 1 },
      maxRetries: Infinity,
    });
  });
});
