import { expect, test } from 'vitest';
import type { BreakerPolicy } from '../../src/cluster/circuit-breaker.js';
import { readUpdate } from '../../src/options/update.js';
import { readOptions } from '../../src/options/validate.js';
import { refusalOf } from './refusal.js';

const ORIGIN = 'http://shop';

const read = (circuitBreaker: unknown): BreakerPolicy | undefined =>
  readOptions({ circuitBreaker }).defaultPolicy.circuitBreaker;

const DEFAULTS: BreakerPolicy = {
  window: 10_000,
  minimumCalls: 20,
  failurePercent: 50,
  slowCallDuration: 0,
  openTime: 5000,
  maxOpenTime: 5000,
  openTimeJitterPercent: 20,
  halfOpenCalls: 10,
};

test('is off unless it is asked for', () => {
  expect(readOptions().defaultPolicy.circuitBreaker).toBeUndefined();
  expect(read(undefined)).toBeUndefined();
  expect(read(false)).toBeUndefined();
});

test('an empty object has the defaults, and so has what is undefined', () => {
  expect(read({})).toEqual(DEFAULTS);
  expect(read({ window: undefined, minimumCalls: undefined, maxOpenTime: undefined })).toEqual(
    DEFAULTS,
  );
});

test('takes what is given', () => {
  const given = {
    window: '1m',
    minimumCalls: 1,
    failurePercent: 12.5,
    slowCallDuration: '2s',
    openTime: 250,
    maxOpenTime: '10s',
    openTimeJitterPercent: 0,
    halfOpenCalls: 1,
  };
  expect(read(given)).toEqual({
    ...given,
    window: 60_000,
    slowCallDuration: 2000,
    maxOpenTime: 10_000,
  });
  expect(read({ openTime: '1m' })).toEqual({ ...DEFAULTS, openTime: 60_000, maxOpenTime: 60_000 });
  expect(read({ slowCallDuration: false })).toEqual(DEFAULTS);
});

const OBJECT = 'expected an object of circuit breaker options, or false';

test.each<[value: unknown, message: string]>([
  [true, `circuitBreaker: found true, ${OBJECT}; did you mean {}, which has all defaults?`],
  [null, `circuitBreaker: found null, ${OBJECT}`],
  [0, `circuitBreaker: found 0, ${OBJECT}`],
  [{ window: 0 }, 'circuitBreaker.window: found 0, expected a duration above zero'],
  [{ window: null }, 'circuitBreaker.window: found null, expected a duration'],
  [{ minimumCalls: 0 }, 'circuitBreaker.minimumCalls: found 0, expected a whole number from 1'],
  [{ minimumCalls: null }, 'circuitBreaker.minimumCalls: found null, expected a whole number'],
  [{ minimumCalls: 1.5 }, 'circuitBreaker.minimumCalls: found 1.5, expected a whole number'],
  [
    { failurePercent: 0 },
    'circuitBreaker.failurePercent: found 0, expected a number from 1 to 100',
  ],
  [{ failurePercent: 0.29 }, 'found 0.29, expected a number from 1 to 100; did you mean 29?'],
  [{ failurePercent: 101 }, 'found 101, expected a number from 1 to 100'],
  [{ slowCallDuration: null }, 'circuitBreaker.slowCallDuration: found null, expected a duration'],
  [{ openTime: 0 }, 'circuitBreaker.openTime: found 0, expected a duration above zero'],
  [{ openTime: false }, 'circuitBreaker.openTime: found false, expected a duration'],
  [{ openTimeJitterPercent: -1 }, 'found -1, expected a number from 1 to 100, or 0'],
  [{ openTimeJitterPercent: 0.2 }, 'or 0; did you mean 20?'],
  [{ failurePercent: '50%' }, "found '50%', expected a number from 1 to 100; did you mean 50?"],
  [{ failurePercent: '0.5' }, 'did you mean 50?'],
  [{ halfOpenCalls: 0 }, 'circuitBreaker.halfOpenCalls: found 0, expected a whole number from 1'],
  [
    { maxOpenTime: '4s' },
    "maxOpenTime: found 4000 ms, expected at least 5000 ms, which is the default of 'openTime'",
  ],
  [
    { openTime: '2s', maxOpenTime: '1s' },
    "maxOpenTime: found 1000 ms, expected at least 2000 ms, which is 'openTime'",
  ],
])('%j is refused', (circuitBreaker, message) => {
  const refusal = refusalOf(() => readOptions({ circuitBreaker }));
  expect(refusal).toContain(message);
  expect(refusal.split('\n')).toHaveLength(1);
});

test("a service's own merges with the client's, and false switches it off", () => {
  const { services } = readOptions({
    circuitBreaker: { openTime: '1s', halfOpenCalls: 3 },
    services: {
      'http://a': {},
      'http://b': { circuitBreaker: { openTime: '2s' } },
      'http://c': { circuitBreaker: false },
    },
  });
  const of = (origin: string) => services.get(origin)?.circuitBreaker;
  expect(of('http://a')).toMatchObject({ openTime: 1000, maxOpenTime: 1000, halfOpenCalls: 3 });
  expect(of('http://b')).toMatchObject({ openTime: 2000, maxOpenTime: 2000, halfOpenCalls: 3 });
  expect(of('http://c')).toBeUndefined();
});

test('an update changes single figures, or switches it on or off', () => {
  const off = readOptions({ service: ORIGIN });
  const on = readUpdate(off, { circuitBreaker: { minimumCalls: 5 } });
  expect(on.services.get(ORIGIN)?.circuitBreaker).toEqual({ ...DEFAULTS, minimumCalls: 5 });
  const changed = readUpdate(on, { circuitBreaker: { openTime: '1s' } });
  expect(changed.services.get(ORIGIN)?.circuitBreaker).toMatchObject({
    minimumCalls: 5,
    openTime: 1000,
  });
  const again = readUpdate(changed, { circuitBreaker: false });
  expect(again.services.get(ORIGIN)?.circuitBreaker).toBeUndefined();
});
