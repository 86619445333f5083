import { describe, expect, test, vi } from 'vitest';
import { custom, type EndpointList, type ResilientClient } from '../../src/index.js';
import type { EndpointSource } from '../../src/discovery/custom.js';
import { virtualRuntime, type VirtualRuntime } from '../../src/testing/index.js';
import { clientFor } from '../support/client.js';

function clientOf(source: EndpointSource): {
  client: ResilientClient;
  runtime: VirtualRuntime;
  warnings: () => unknown[];
} {
  const emitted = vi.spyOn(process, 'emitWarning').mockReturnValue();
  const runtime = virtualRuntime();
  const endpoints = custom(source, { name: 'consul' });
  const client = clientFor({ service: 'http://shop', endpoints, runtime });
  return { client, runtime, warnings: () => emitted.mock.calls.map(([said]) => said) };
}

/** Ends at once. */
const NOTHING = async function* (): AsyncGenerator<EndpointList> {
  yield* [];
};

const urls = (client: ResilientClient): string[] => client.endpoints().map(({ url }) => url);

describe('a generator function', () => {
  test('brings list after list', async () => {
    const { client, runtime } = clientOf(async function* () {
      yield ['http://a'];
      await new Promise<void>((resolve) => runtime.setTimer(resolve, 1000, true));
      yield ['http://b', 'http://c'];
    });
    await client.ready();
    expect(urls(client)).toEqual(['http://a']);
    await runtime.advance(1000);
    expect(urls(client)).toEqual(['http://b', 'http://c']);
  });

  test('that ends keeps its last list, and is not begun again', async () => {
    let begun = 0;
    const { client, runtime, warnings } = clientOf(async function* () {
      begun += 1;
      yield ['http://a'];
    });
    await runtime.advance(600_000);
    expect(urls(client)).toEqual(['http://a']);
    expect(begun).toBe(1);
    expect(warnings()).toEqual([]);
    expect(runtime.pendingTimers).toBe(0);
  });

  test('that ends without a list says so', async () => {
    const { runtime, warnings } = clientOf(NOTHING);
    await runtime.advance(0);
    expect(warnings()).toEqual(['shop: consul: it has ended without a list; there is no list yet']);
  });

  test('that throws keeps its list, and is begun again, later each time', async () => {
    const begun: number[] = [];
    const { client, runtime, warnings } = clientOf(async function* () {
      begun.push(runtime.now());
      if (begun.length === 1) yield ['http://a'];
      throw new Error('502');
    });
    await runtime.advance(300_000);
    expect(urls(client)).toEqual(['http://a']);
    expect(warnings()).toEqual(['shop: consul: 502; the last list stays']);
    const waits = begun.slice(1).map((time, index) => time - (begun[index] ?? NaN));
    const bounds = [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000];
    for (const [index, bound] of bounds.entries()) {
      expect(waits[index]).toBeGreaterThanOrEqual(bound / 2);
      expect(waits[index]).toBeLessThanOrEqual(bound);
    }
    // The wait does not hold the process.
    expect(runtime.pendingTimers).toBe(1);
    expect(runtime.pendingBackgroundTimers).toBe(1);
  });

  test('begins with short waits again once it has brought a list', async () => {
    const begun: number[] = [];
    const { runtime } = clientOf(async function* () {
      begun.push(runtime.now());
      yield ['http://a'];
      throw new Error('502');
    });
    await runtime.advance(5000);
    expect(begun.length).toBeGreaterThan(9);
  });

  test('is told when nobody wants any more', async () => {
    const seen: string[] = [];
    const { client, runtime } = clientOf(async function* (signal) {
      try {
        yield ['http://a'];
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        seen.push('aborted');
        yield ['http://b'];
      } finally {
        seen.push('ended');
      }
    });
    await client.ready();
    await client.destroy();
    await runtime.advance(0);
    expect(seen).toEqual(['aborted', 'ended']);
    expect(urls(client)).toEqual(['http://a']);
    expect(runtime.pendingTimers).toBe(0);
  });

  test('is not begun again after the end', async () => {
    let begun = 0;
    const { client, runtime } = clientOf(async function* () {
      begun += 1;
      throw new Error('502');
    });
    await runtime.advance(0);
    await client.destroy();
    expect(runtime.pendingTimers).toBe(0);
    await runtime.advance(60_000);
    expect(begun).toBe(1);
  });
});

describe('an async iterable', () => {
  function iterable(next: () => Promise<IteratorResult<EndpointList>>): {
    source: AsyncIterable<EndpointList>;
    returns: () => number;
  } {
    let returned = 0;
    return {
      source: {
        [Symbol.asyncIterator]: () => ({
          next,
          return: async () => {
            returned += 1;
            return { done: true, value: undefined };
          },
        }),
      },
      returns: () => returned,
    };
  }

  test('brings its lists, and is returned at the end', async () => {
    const steps = [['http://a'], ['http://b']];
    const { source, returns } = iterable(async () => {
      const value = steps.shift();
      return value === undefined ? new Promise(() => {}) : { done: false, value };
    });
    const { client, runtime } = clientOf(source);
    await runtime.advance(100);
    expect(urls(client)).toEqual(['http://b']);
    await client.destroy();
    expect(returns()).toBe(1);
  });

  test('that throws is not begun again', async () => {
    const { source } = iterable(async () => {
      throw new Error('broken');
    });
    const { runtime, warnings } = clientOf(source);
    await runtime.advance(60_000);
    expect(warnings()).toEqual(['shop: consul: broken; there is no list yet']);
    expect(runtime.pendingTimers).toBe(0);
  });
});

describe('a source that has the next list at once, again and again', () => {
  test('does not hold up everything else', async () => {
    let count = 0;
    const { client, runtime } = clientOf(async function* () {
      for (;;) yield [`http://10.0.0.${(count += 1) % 256}`];
    });
    await client.ready();
    await runtime.advance(10);
    expect(count).toBeGreaterThan(1);
    await client.destroy();
    const before = count;
    await runtime.advance(1000);
    expect([count, runtime.pendingTimers]).toEqual([before, 0]);
  });

  test('is held up by a turn only now and then', async () => {
    const { client } = clientOf(async function* () {
      for (let number = 0; number < 100; number++) yield [`http://10.0.0.${number}`];
    });
    await client.ready();
    await new Promise(setImmediate);
    expect(client.stats()['cluster.shop.update_attempt']).toBe(100);
  });
});

test.each([
  ['a list', () => ['http://a']],
  ['nothing', () => undefined],
  ['a promise of a list', () => Promise.resolve(['http://a'])],
])('a function that returns %s is told what it should', async (_case, source) => {
  const { runtime, warnings } = clientOf(source as never);
  await runtime.advance(0);
  expect(warnings()).toEqual([
    'shop: consul: the function of custom() must return an async iterable of lists, as an async function* does; there is no list yet',
  ]);
});

test('what is not the answer of an iterator is told so', async () => {
  const next = (): Promise<unknown> => Promise.resolve(5);
  const { runtime, warnings } = clientOf({ [Symbol.asyncIterator]: () => ({ next }) } as never);
  await runtime.advance(0);
  expect(warnings()).toEqual([
    'shop: consul: next() of the source of custom() must give { value, done }; there is no list yet',
  ]);
});

describe('a function that gives a promise of an iterable', () => {
  test('brings its lists', async () => {
    const { client } = clientOf(async () => {
      await Promise.resolve();
      return (async function* () {
        yield ['http://a'];
      })();
    });
    await client.ready();
    expect(urls(client)).toEqual(['http://a']);
  });

  test('may reject, and is called again', async () => {
    let calls = 0;
    const { runtime, warnings } = clientOf(() => {
      calls += 1;
      return Promise.reject(new Error('no registry'));
    });
    await runtime.advance(500);
    expect(calls).toBe(2);
    expect(warnings()).toEqual(['shop: consul: no registry; there is no list yet']);
  });

  test('that comes after the end is returned at once', async () => {
    const ended: string[] = [];
    const { client, runtime } = clientOf(async (signal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      const next = (): Promise<never> => new Promise(() => {});
      const end = (): Promise<IteratorResult<EndpointList>> => {
        ended.push('returned');
        return Promise.resolve({ done: true, value: undefined });
      };
      return { [Symbol.asyncIterator]: () => ({ next, return: end }) };
    });
    await runtime.advance(0);
    await client.destroy();
    await runtime.advance(0);
    expect(ended).toEqual(['returned']);
  });
});

test('what is no source is refused', () => {
  expect(() => custom(['http://a'] as never)).toThrow(
    'custom(): found an array, expected an async iterable of lists of endpoints, or a function',
  );
  expect(() => custom(null as never)).toThrow('custom(): found null');
  expect(() => custom(NOTHING, { nmae: 'x' } as never)).toThrow('custom().nmae');
});

test('without a name it has a plain one', () => {
  expect(custom(NOTHING).name).toBe('custom discovery');
});
