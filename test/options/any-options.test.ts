import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OptionsError } from '../../src/core/errors.js';
import { defaults } from '../../src/options/defaults.js';
import { readOverrides } from '../../src/options/overrides.js';
import { readUpdate } from '../../src/options/update.js';
import { readOptions } from '../../src/options/validate.js';
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
    '5s',
    PEM,
  ),
  fc.constantFrom<unknown>(1, 2, 0, -1, NaN, true, false, null, undefined, 5n, Symbol('x')),
  fc.constantFrom<unknown>(() => undefined, new Date(0), new Map(), Buffer.from(PEM)),
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
