import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OptionsError } from '../../src/core/errors.js';
import { retryWords, type Policy } from '../../src/core/policy.js';
import { defaults } from '../../src/options/defaults.js';
import type { RequestOverrides } from '../../src/options/options.js';
import { readOverrides } from '../../src/options/overrides.js';
import type { RetryCondition } from '../../src/options/retry.js';
import { readUpdate } from '../../src/options/update.js';
import { readOptions } from '../../src/options/validate.js';
import { policyWarnings } from '../../src/options/warnings.js';
import { deepFreeze } from './deep-freeze.js';
import { PEM } from './refusal.js';

/** Keys that are options or nearly so, and some that have a meaning of their own in JavaScript. */
const key = fc.oneof(
  { arbitrary: fc.constantFrom(...optionNames()), weight: 6 },
  {
    arbitrary: fc.constantFrom('http://a', 'https://a/', 'unix:/a', 'servce', 'timeout', 'simple'),
    weight: 2,
  },
  {
    arbitrary: fc.constantFrom('__proto__', 'constructor', 'toString', 'then', 'length'),
    weight: 1,
  },
  { arbitrary: fc.string(), weight: 1 },
);

const leaf = fc.oneof(
  fc.constantFrom(
    'http://a',
    'https://b',
    'http://a/',
    'unix:/s',
    'random',
    'peak-ewma',
    'ring-hash',
    'maglev',
    '5s',
    '5xx,503',
    'p95',
    'seconds',
    PEM,
  ),
  fc.constantFrom<unknown>(1, 2, 0, -1, NaN, true, false, null, undefined, 5n, Symbol('x')),
  fc.constantFrom<unknown>(() => undefined, new Date(0), new Map(), Buffer.from(PEM), /x/g),
  fc.string(),
  fc.double(),
);

const { anything } = fc.letrec<{ anything: unknown }>((tie) => ({
  anything: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    leaf,
    fc.array(tie('anything'), { maxLength: 4 }),
    fc.dictionary(key, tie('anything'), { maxKeys: 5 }),
    fc.dictionary(key, tie('anything'), { maxKeys: 5, noNullPrototype: true }),
  ),
}));

/** Runs it, and says whether it went well; any error but an `OptionsError` with problems fails the test. */
function passes(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    expect(error.problems.length).toBeGreaterThan(0);
    for (const problem of error.problems) {
      expect(problem.message).toContain(problem.path);
      expect(problem.message).not.toContain('\n');
    }
    return false;
  }
}

test('whatever is given is either read or refused with an OptionsError, and never written to', () => {
  fc.assert(
    fc.property(anything, (options) => {
      passes(() => readOptions(deepFreeze(options)));
    }),
    { numRuns: 3000 },
  );
});

test('so is an update, and what is right once is right again', () => {
  const bases = [
    {},
    { service: 'https://a', endpoints: ['https://b'], tls: { ca: PEM } },
    { timeout: '5s', retry: { budget: false, maxRetries: 2 }, hedge: { delay: 'p95' } },
    { services: { 'http://a': {}, 'https://a': { loadBalancer: 'random' } } },
  ];
  fc.assert(
    fc.property(fc.constantFrom(...bases), anything, (base, update) => {
      const current = readOptions(base);
      passes(() => {
        const next = readUpdate(current, deepFreeze(update));
        expect(readOptions(next.given)).toEqual(next);
      });
    }),
    { numRuns: 3000 },
  );
});

test('and so are the options of a call', () => {
  fc.assert(
    fc.property(anything, (overrides) => {
      passes(() => {
        readOverrides(deepFreeze(overrides));
      });
    }),
  );
});

const duration = fc.constantFrom<string | number | false>(0, 1, '20ms', '3s', false);
const interval = fc.constantFrom<string | number>(1, '20ms', '3s');
const retry = fc.record<RequestOverrides['retry'] & object>(
  {
    attempts: fc.integer({ min: 0, max: 100 }),
    retryOn: fc.oneof(
      fc.constantFrom('', '5xx, 503', 'reset'),
      fc.subarray<RetryCondition>([...retryWords, 100, '599', 503, () => true]),
    ),
    retriableStatusCodes: fc.subarray([200, 404, 503, 599]),
    retriableHeaders: fc.dictionary(
      fc.constantFrom('x-a', 'X-A', 'X-b'),
      fc.constantFrom<boolean | string | RegExp>(true, false, 'x', /x/),
      { maxKeys: 1 },
    ),
    perTryTimeout: duration,
    perTryIdleTimeout: duration,
    backoff: fc.record({ baseInterval: interval, maxInterval: interval }, { requiredKeys: [] }),
    rateLimitedBackoff: fc.oneof(
      fc.constant<false>(false),
      fc.record(
        {
          maxInterval: interval,
          resetHeaders: fc.subarray([{ name: 'a', format: 'seconds' as const }]),
        },
        { requiredKeys: [] },
      ),
    ),
    methods: fc.subarray(['post', 'PATCH']),
    retryUnsafeMethods: fc.boolean(),
    idempotencyKey: fc.constantFrom(true, false, () => 'k'),
    notProcessed: fc.constantFrom<false | (() => boolean)>(false, () => true),
    maxBufferedBytes: fc.integer({ min: 0, max: 2 ** 31 }),
    ignorePreviousHosts: fc.boolean(),
  },
  { requiredKeys: [] },
);
const timeout = fc.oneof(
  duration,
  fc.record({ response: duration, idle: duration, total: duration }, { requiredKeys: [] }),
);
const hedge = fc.record(
  {
    onPerTryTimeout: fc.boolean(),
    delay: fc.oneof(duration, fc.constantFrom('p50', 'p99.9')),
    maxHedges: fc.integer({ min: 1, max: 10 }),
    methods: fc.subarray(['post', 'PATCH']),
  },
  { requiredKeys: [] },
);
const off = fc.constant<false>(false);
const policies = fc.record(
  { timeout, retry: fc.oneof(off, retry), hedge: fc.oneof(off, hedge) },
  { requiredKeys: [] },
);

/** Without the order of headers, and without what a policy remembers of its making. */
function comparable({ timeout, retry, hedge }: Policy): object {
  const headers = retry && new Set(retry.headers.map(({ name, value }) => `${name} ${value}`));
  return { timeout, hedge, retry: retry && { ...retry, headers, parts: undefined } };
}

test('the options of a call and those of a service come to the same over any client', () => {
  let compared = 0;
  fc.assert(
    fc.property(policies, policies, (client, own) => {
      passes(() => {
        const { defaultPolicy, services } = readOptions(
          deepFreeze({ ...client, services: { 'http://a': own } }),
        );
        const service = services.get('http://a');
        const call = readOverrides(deepFreeze(own)).apply(defaultPolicy);
        expect(comparable(call)).toEqual(service && comparable(service));
        compared += 1;
      });
    }),
    { numRuns: 2000 },
  );
  expect(compared).toBeGreaterThan(500);
});

test('whatever a call asks for, its policy is a sound one', () => {
  fc.assert(
    fc.property(policies, policies, (client, own) => {
      passes(() => {
        const { defaultPolicy } = readOptions(client);
        const { retry, hedge } = readOverrides(own).apply(defaultPolicy);
        if (hedge !== undefined)
          expect(hedge.onPerTryTimeout || hedge.delay !== undefined).toBe(true);
        if (retry === undefined) return;
        const { backoff, words, statusCodes, headers, budget } = retry;
        expect(backoff.baseInterval).toBeGreaterThan(0);
        expect(backoff.maxInterval).toBeGreaterThanOrEqual(backoff.baseInterval);
        if (statusCodes.size > 0) expect(words).toContain('retriable-status-codes');
        if (headers.length > 0) expect(words).toContain('retriable-headers');
        expect(budget).toEqual({ percent: 20, minRetryConcurrency: 3, interval: 0 });
        for (const { code, message } of policyWarnings({ ...defaultPolicy, retry, hedge }, 'x')) {
          expect(code).toMatch(/^OUTRIGGER_[A-Z_]+$/);
          expect(message).toMatch(/^x\.\w+(\.\w+)*: /);
          expect(message).not.toMatch(/undefined|NaN/);
        }
      });
    }),
    { numRuns: 2000 },
  );
});

test('right options of any shape are read', () => {
  const origin = fc.constantFrom('http://a', 'https://b:8443', 'HTTP://C/', 'http://[::1]:8080');
  const weight = fc.option(fc.integer({ min: 1, max: 1000 }), { nil: undefined });
  const locality = fc.constantFrom(undefined, '', 'r', 'r/z', 'r/z/s');
  const endpoint = fc.oneof(
    fc.nat(99).map((i) => `http://e${i}`),
    fc.record({ url: fc.nat(99).map((i) => `unix:/e${i}`), weight, locality }),
  );
  const endpoints = fc.uniqueArray(endpoint, {
    selector: (one) => (typeof one === 'string' ? one : one.url),
  });
  const loadBalancer = fc.constantFrom('random', 'peak-ewma', {
    policy: 'least-request',
    choiceCount: 3,
  });
  const rights = fc.record(
    { service: origin, endpoints, loadBalancer },
    { requiredKeys: ['service'] },
  );
  fc.assert(
    fc.property(rights, (options) => {
      const { services, service = '' } = readOptions(options);
      expect(services.get(service)?.endpoints).toHaveLength(options.endpoints?.length ?? 1);
    }),
  );
});

function optionNames(): string[] {
  return Object.keys(defaults).map((path) => path.slice(path.lastIndexOf('.') + 1));
}
