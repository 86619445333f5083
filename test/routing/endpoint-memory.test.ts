import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Place } from '../../src/options/place.js';
import { readEndpoints } from '../../src/options/read-endpoints.js';
import { EndpointMemory } from '../../src/routing/endpoint-memory.js';

const url = fc.constantFrom('http://a', 'http://b/', 'HTTP://a', 'unix:/s', 'ftp://c', 'http://d');
const item = fc.oneof(
  url,
  fc.record(
    {
      url,
      weight: fc.constantFrom<unknown>(1, 2, 0, '1', undefined),
      locality: fc.constantFrom<unknown>('r', '', 'r/z', {}),
      labels: fc.constantFrom<unknown>(
        { v: '1' },
        { v: '2' },
        { w: '1' },
        { v: 1 },
        'v',
        undefined,
      ),
      health: fc.constantFrom<unknown>('healthy', 'draining', 'ill', undefined),
      wieght: fc.constant(1),
    },
    { requiredKeys: ['url'] },
  ),
  fc.constantFrom<unknown>(null, 1, [], {}),
);
const list = fc.oneof(
  { arbitrary: fc.array(item, { maxLength: 4 }), weight: 9 },
  fc.constant('no'),
);

test('list after list is read as if there had been none before', () => {
  fc.assert(
    fc.property(fc.array(list, { maxLength: 12 }), (lists) => {
      const memory = new EndpointMemory();
      for (const given of lists) {
        const known = new Place('endpoints', []);
        const fresh = new Place('endpoints', []);
        expect(memory.read(given, known)).toEqual(readEndpoints(given, fresh));
        expect(known.problems).toEqual(fresh.problems);
      }
    }),
    { numRuns: 1000 },
  );
});

test('what is as before is the same object, and what was changed in place is not', () => {
  const memory = new EndpointMemory();
  const read = (given: unknown): readonly object[] => memory.read(given, new Place('', [])) ?? [];
  const mine = { url: 'http://b', weight: 1, labels: { v: '1' } };
  const [a, b] = read(['http://a', mine]);
  expect(read(['http://a', { ...mine }])[0]).toBe(a);
  expect(read(['http://a', { ...mine }])[1]).toBe(b);
  expect(read(['http://a', { ...mine, labels: { v: '1' } }])[1]).toBe(b);
  mine.labels.v = '2';
  expect(read(['http://a', mine])[1]).toMatchObject({ labels: { v: '2' } });
  mine.weight = 2;
  expect(read(['http://a', mine])[1]).toMatchObject({ weight: 2, health: 'healthy' });
  const draining = { ...mine, health: 'draining' };
  expect(read(['http://a', draining])[1]).toMatchObject({ health: 'draining' });
  expect(read(['http://a', mine])[1]).toMatchObject({ health: 'healthy' });
});

test('what has left is forgotten', () => {
  const memory = new EndpointMemory();
  const read = (given: unknown): object | undefined => memory.read(given, new Place('', []))?.[0];
  const first = read(['http://a', 'http://b']);
  read(['http://b']);
  expect(read(['http://a'])).not.toBe(first);
});

test('also what was right in a list that is wrong', () => {
  const memory = new EndpointMemory();
  const read = (given: unknown): object | undefined => memory.read(given, new Place('', []))?.[0];
  const first = read(['http://a']);
  expect(read(['http://b', 'nonsense'])).toBeUndefined();
  expect(read(['http://a'])).not.toBe(first);
});

test('what throws when it is read once more is read anew each time', () => {
  const memory = new EndpointMemory();
  let reads = 0;
  const trap = new Proxy(
    { url: 'http://a' },
    {
      get: (target, key) => {
        if (key === 'url' && (reads += 1) % 3 === 0) throw new Error('enough');
        return Reflect.get(target, key) as unknown;
      },
    },
  );
  for (let count = 0; count < 9; count++) memory.read([trap], new Place('', []));
  expect(reads).toBeGreaterThan(9);
});
