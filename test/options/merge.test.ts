import { describe, expect, test } from 'vitest';
import type { EndpointList } from '../../src/options/discovery.js';
import { copyOptions, mergeOptions } from '../../src/options/merge.js';
import { NO_LIMITS } from '../../src/options/read-connection-pool.js';
import { deepFreeze } from './deep-freeze.js';
import { PEM } from './refusal.js';

/** Objects of no particular kind: merging validates nothing. */
function merged(base: object, update: object): unknown {
  return mergeOptions(deepFreeze(base), deepFreeze(update));
}

describe('merging', () => {
  test.each<[string, object, object, object]>([
    [
      'objects deeply',
      { tls: { a: { b: 1, c: 2 } } },
      { tls: { a: { c: 3 } } },
      { tls: { a: { b: 1, c: 3 } } },
    ],
    ['arrays replace', { endpoints: [1, 2, 3] }, { endpoints: [4] }, { endpoints: [4] }],
    ['an object replaces an array', { tls: [1] }, { tls: { a: 1 } }, { tls: { a: 1 } }],
    ['an array replaces an object', { tls: { a: 1 } }, { tls: [1] }, { tls: [1] }],
    ['false disables', { tls: { a: 1 } }, { tls: false }, { tls: false }],
    [
      'false lifts the limits of a pool and leaves the rest',
      { connectionPool: { maxConnections: 7, connectTimeout: '2s', http2: true } },
      { connectionPool: false },
      { connectionPool: { ...NO_LIMITS, connectTimeout: '2s', http2: true } },
    ],
    ['an object after false', { tls: false }, { tls: { a: 1 } }, { tls: { a: 1 } }],
    [
      'undefined is absent',
      { name: 'x', tls: { a: 1 } },
      { name: undefined, tls: { a: undefined } },
      { name: 'x', tls: { a: 1 } },
    ],
    ['null is a value', { name: 'x' }, { name: null }, { name: null }],
    ['zero is a value', { name: 1 }, { name: 0 }, { name: 0 }],
    ['an unknown option is kept for the validation', {}, { a: { b: 1 } }, { a: { b: 1 } }],
  ])('%s', (_what, base, update, expected) => {
    expect(merged(base, update)).toEqual(expected);
  });

  test('what is no plain object comes out as the very same', () => {
    const bytes = Buffer.from(PEM);
    const instance = new Date(0);
    const result = mergeOptions({}, { tls: { ca: bytes, x: instance } } as object) as {
      tls: { ca: unknown; x: unknown };
    };
    expect(result.tls.ca).toBe(bytes);
    expect(result.tls.x).toBe(instance);
  });

  test('a key of the prototype is a key like any other', () => {
    const update = JSON.parse(
      '{"__proto__": {"polluted": 1}, "tls": {"__proto__": {"polluted": 1}}}',
    ) as object;
    const result = mergeOptions({}, update) as Record<string, object>;
    expect('polluted' in result).toBe(false);
    expect('polluted' in (result.tls ?? {})).toBe(false);
    expect('polluted' in {}).toBe(false);
    expect(Object.keys(result)).toEqual(['__proto__', 'tls']);
  });
});

describe('copying', () => {
  test('objects and arrays are new, code is the same', () => {
    const call = { name: 'x' };
    const given = {
      endpoints: [{ url: 'http://a' }],
      tls: { ca: [PEM] },
      services: { 'http://b': { endpoints: [] } },
      layers: { call: [call] },
    };
    const copy = copyOptions(given);
    expect(copy).toEqual(given);
    expect(copy.endpoints).not.toBe(given.endpoints);
    expect((copy.endpoints as EndpointList)[0]).not.toBe(given.endpoints[0]);
    expect(copy.tls).not.toBe(given.tls);
    expect(copy.services?.['http://b']).not.toBe(given.services['http://b']);
    expect(copy.layers).toBe(given.layers);
  });

  test('a circle comes to an end', () => {
    const circle: Record<string, unknown> = { a: [] };
    circle.self = circle;
    (circle.a as unknown[]).push(circle);
    expect(() => copyOptions({ tls: circle, endpoints: [circle], services: circle })).not.toThrow();
  });
});
