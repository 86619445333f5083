/** The waits before retries: Envoy's worked numbers, its bounds, and what servers ask for. */
import { describe, expect, test } from 'vitest';
import type { ResetHeader } from '../../src/core/policy.js';
import { systemRuntime, type Runtime } from '../../src/core/runtime.js';
import { exponentialBackoff, requestedBackoff } from '../../src/layers/backoff.js';
import { seededRandom } from '../../src/testing/index.js';

const ENVOY = { baseInterval: 25, maxInterval: 250 };
const DATE = Date.parse('2026-03-01T12:00:00Z');

const withChance = (random: () => number, date = DATE): Runtime => ({
  ...systemRuntime,
  random,
  date: () => date,
});

/** Envoy's integers: `60 mod interval`. */
function drawing(number: number, interval: number): Runtime {
  return withChance(() => ((number % interval) + 0.5) / interval);
}

describe('exponential', () => {
  test('base 25 and random 60 come to 10, 10, 60', () => {
    const waits = [25, 50, 100].map((interval, index) =>
      exponentialBackoff(ENVOY, index + 1, drawing(60, interval)),
    );
    expect(waits).toEqual([10, 10, 60]);
  });

  test.each([
    [1, 0, 24],
    [2, 0, 49],
    [3, 0, 99],
    [4, 0, 199],
    [5, 0, 249],
    [6, 0, 249],
    [100, 0, 249],
  ])('before retry %i: from %i to %i', (retry, least, most) => {
    expect(
      exponentialBackoff(
        ENVOY,
        retry,
        withChance(() => 0),
      ),
    ).toBe(least);
    expect(
      exponentialBackoff(
        ENVOY,
        retry,
        withChance(() => 1 - 2 ** -53),
      ),
    ).toBe(most);
  });

  // The interval doubles while it is below floor(max / 2), and then is the maximum.
  test.each([
    [{ baseInterval: 25, maxInterval: 25 }, [25, 25, 25]],
    [{ baseInterval: 25, maxInterval: 40 }, [25, 40, 40]],
    [{ baseInterval: 25, maxInterval: 50 }, [25, 50, 50]],
    [{ baseInterval: 25, maxInterval: 51 }, [25, 51, 51]],
    [{ baseInterval: 25, maxInterval: 52 }, [25, 50, 52]],
    [{ baseInterval: 1, maxInterval: 10 }, [1, 2, 4, 8, 10, 10]],
    [{ baseInterval: 50, maxInterval: 500 }, [50, 100, 200, 400, 500, 500]],
  ])('%o has the bounds %o', (backoff, bounds) => {
    const most = bounds.map((_, index) =>
      exponentialBackoff(
        backoff,
        index + 1,
        withChance(() => 1 - 2 ** -53),
      ),
    );
    expect(most).toEqual(bounds.map((bound) => bound - 1));
  });

  test('never comes to NaN, below zero or above the maximum, in 10,000 attempts', () => {
    const random = seededRandom(26);
    const runtime = withChance(random);
    for (const maxInterval of [25, 250, 2 ** 31 - 1, Number.MAX_SAFE_INTEGER]) {
      for (let retry = 1; retry <= 10_000; retry++) {
        const wait = exponentialBackoff({ baseInterval: 25, maxInterval }, retry, runtime);
        if (!(Number.isInteger(wait) && wait >= 0 && wait < maxInterval)) {
          expect.fail(`${wait} ms before retry ${retry}`);
        }
      }
    }
  });

  test('every wait below the bound is as likely as any other', () => {
    const runtime = withChance(seededRandom(27));
    const counts = new Array<number>(100).fill(0);
    const draws = 100_000;
    for (let draw = 0; draw < draws; draw++) {
      const wait = exponentialBackoff(ENVOY, 3, runtime);
      counts[wait] = (counts[wait] ?? 0) + 1;
    }
    expect(counts).toHaveLength(100);
    const expected = draws / 100;
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // 99 degrees of freedom: above 148 in one of a thousand runs.
    expect(chiSquare).toBeLessThan(148);
    const mean = counts.reduce((sum, count, wait) => sum + count * wait, 0) / draws;
    expect(mean).toBeGreaterThan(48.5);
    expect(mean).toBeLessThan(50.5);
  });

  test('a wait is half the bound in the mean', () => {
    const runtime = withChance(seededRandom(20));
    const means = [1, 2, 3, 4].map((retry) => {
      let sum = 0;
      for (let draw = 0; draw < 20_000; draw++) sum += exponentialBackoff(ENVOY, retry, runtime);
      return sum / 20_000;
    });
    for (const [index, mean] of [12, 24.5, 49.5, 99.5].entries()) {
      expect(Math.abs((means[index] ?? 0) - mean)).toBeLessThan(1);
    }
  });
});

const RETRY_AFTER: ResetHeader = { name: 'retry-after', format: 'seconds' };
const RATELIMIT_RESET: ResetHeader = { name: 'x-ratelimit-reset', format: 'unix-timestamp' };

interface Asked {
  readonly headers: readonly string[];
  readonly resetHeaders?: readonly ResetHeader[];
  readonly maxInterval?: number;
  readonly random?: number;
  readonly date?: number;
}

function asked(given: Asked): number | 'too-long' | undefined {
  const { headers, resetHeaders = [RETRY_AFTER, RATELIMIT_RESET], maxInterval = 300_000 } = given;
  const runtime = withChance(() => given.random ?? 0, given.date);
  return requestedBackoff({ resetHeaders, maxInterval }, headers, runtime);
}

describe('asked for by the answer', () => {
  test('Retry-After: 1 is 1000 to 1499 ms', () => {
    expect(asked({ headers: ['Retry-After', '1'], random: 0 })).toBe(1000);
    expect(asked({ headers: ['Retry-After', '1'], random: 0.5 })).toBe(1250);
    expect(asked({ headers: ['Retry-After', '1'], random: 1 - 2 ** -53 })).toBe(1499);
  });

  test('a date: what is left until then, and never sooner', () => {
    const date = 'Sun, 01 Mar 2026 12:00:07 GMT';
    expect(asked({ headers: ['retry-after', date] })).toBe(7000);
    // In whole seconds: a wait that begins within one ends after it.
    expect(asked({ headers: ['retry-after', date], date: DATE + 1 })).toBe(7000);
    expect(asked({ headers: ['retry-after', date], date: DATE + 6999 })).toBe(1000);
  });

  test('a unix timestamp', () => {
    const at = String(DATE / 1000 + 30);
    expect(asked({ headers: ['X-RateLimit-Reset', at] })).toBe(30_000);
    expect(asked({ headers: ['X-RateLimit-Reset', at], date: DATE + 500 })).toBe(30_000);
  });

  test('text and bytes are the same', () => {
    const runtime = withChance(() => 0);
    const policy = { resetHeaders: [RETRY_AFTER], maxInterval: 300_000 };
    const raw = [Buffer.from('Retry-After'), Buffer.from(' 2 ')];
    expect(requestedBackoff(policy, raw, runtime)).toBe(2000);
  });

  test.each([
    ['nothing', []],
    ['0', ['retry-after', '0']],
    ['a negative number', ['retry-after', '-1']],
    ['a sign', ['retry-after', '+1']],
    ['a fraction', ['retry-after', '1.5']],
    ['a unit', ['retry-after', '1s']],
    ['an exponent', ['retry-after', '1e3']],
    ['a hexadecimal number', ['retry-after', '0x10']],
    ['words', ['retry-after', 'soon']],
    ['an empty value', ['retry-after', '']],
    ['a date in the past', ['retry-after', 'Sun, 01 Mar 2026 11:59:59 GMT']],
    ['the date of now', ['retry-after', 'Sun, 01 Mar 2026 12:00:00 GMT']],
    ['a date that is none', ['retry-after', 'Sun, 99 Foo 2026 12:00:00 GMT']],
    ['a date of another form', ['retry-after', '2026-03-01T12:00:10Z']],
    ['a timestamp in the past', ['x-ratelimit-reset', String(DATE / 1000 - 1)]],
    ['the timestamp of now', ['x-ratelimit-reset', String(DATE / 1000)]],
    ['another header', ['retry-later', '1']],
  ])('%s asks for nothing', (_, headers) => {
    expect(asked({ headers })).toBeUndefined();
  });

  test('the first header that can be used counts, in the order of the policy', () => {
    const reset = ['x-ratelimit-reset', String(DATE / 1000 + 30)];
    expect(asked({ headers: [...reset, 'retry-after', '2'] })).toBe(2000);
    expect(asked({ headers: [...reset, 'retry-after', 'soon'] })).toBe(30_000);
    expect(asked({ headers: [...reset, 'retry-after', '0'] })).toBe(30_000);
    const resetHeaders = [RATELIMIT_RESET, RETRY_AFTER];
    expect(asked({ headers: ['retry-after', '2', ...reset], resetHeaders })).toBe(30_000);
  });

  test('the first value of a header counts', () => {
    expect(asked({ headers: ['retry-after', '2', 'retry-after', '1'] })).toBe(2000);
  });

  test('more than the policy allows is said to be so, not shortened', () => {
    expect(asked({ headers: ['retry-after', '300'] })).toBe(300_000);
    expect(asked({ headers: ['retry-after', '301'] })).toBe('too-long');
    expect(asked({ headers: ['retry-after', '999999999999999'] })).toBe('too-long');
    expect(asked({ headers: ['retry-after', '9'.repeat(400)] })).toBe('too-long');
    expect(asked({ headers: ['retry-after', 'Fri, 31 Dec 9999 23:59:59 GMT'] })).toBe('too-long');
    expect(asked({ headers: ['retry-after', '2'], maxInterval: 1500 })).toBe('too-long');
    expect(asked({ headers: ['retry-after', '1'], maxInterval: 1000 })).toBe(1000);
  });

  test('is 1.0 to 1.5 times what was asked, each as likely as the other', () => {
    const random = seededRandom(18);
    const policy = { resetHeaders: [RETRY_AFTER], maxInterval: 300_000 };
    const runtime = withChance(random);
    const counts = new Array<number>(10).fill(0);
    for (let draw = 0; draw < 10_000; draw++) {
      const wait = requestedBackoff(policy, ['retry-after', '2'], runtime) as number;
      if (!(Number.isInteger(wait) && wait >= 2000 && wait < 3000)) expect.fail(`${wait} ms`);
      const tenth = Math.floor((wait - 2000) / 100);
      counts[tenth] = (counts[tenth] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(120);
  });
});
