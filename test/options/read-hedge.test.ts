import { describe, expect, test } from 'vitest';
import type { ClientOptions } from '../../src/options/options.js';
import { readUpdate } from '../../src/options/update.js';
import { readOptions } from '../../src/options/validate.js';
import { deepFreeze } from './deep-freeze.js';

type Hedge = ClientOptions['hedge'];

const OFF = { onPerTryTimeout: false, delay: undefined, maxHedges: 1, methods: new Set() };

test.each<[Hedge, object | undefined]>([
  [undefined, undefined],
  [false, undefined],
  [{ onPerTryTimeout: true }, { ...OFF, onPerTryTimeout: true }],
  [{ delay: '50ms' }, { ...OFF, delay: 50 }],
  [{ delay: 0 }, { ...OFF, delay: 0 }],
  [{ delay: 'p95' }, { ...OFF, delay: { percentile: 95 } }],
  [{ delay: 'p99.9' }, { ...OFF, delay: { percentile: 99.9 } }],
  [{ delay: 'p0.5' }, { ...OFF, delay: { percentile: 0.5 } }],
  [
    { onPerTryTimeout: true, delay: false },
    { ...OFF, onPerTryTimeout: true },
  ],
  [
    { delay: 1, maxHedges: 10, methods: ['post'], onPerTryTimeout: true },
    { onPerTryTimeout: true, delay: 1, maxHedges: 10, methods: new Set(['POST']) },
  ],
])('%j', (hedge, expected) => {
  expect(readOptions(deepFreeze({ hedge })).defaultPolicy.hedge).toEqual(expected);
});

describe('merging', () => {
  const rows: [string, Hedge, Hedge, object | undefined][] = [
    ['nothing leaves what is there', { delay: 1 }, undefined, { ...OFF, delay: 1 }],
    [
      'objects merge',
      { delay: 'p95' },
      { maxHedges: 2 },
      { ...OFF, delay: { percentile: 95 }, maxHedges: 2 },
    ],
    [
      'another kind joins',
      { onPerTryTimeout: true },
      { delay: 5 },
      { ...OFF, onPerTryTimeout: true, delay: 5 },
    ],
    [
      'one kind is switched off',
      { onPerTryTimeout: true, delay: 5 },
      { delay: false },
      { ...OFF, onPerTryTimeout: true },
    ],
    [
      'lists replace',
      { delay: 1, methods: ['POST'] },
      { methods: ['PUT'] },
      { ...OFF, delay: 1, methods: new Set(['PUT']) },
    ],
    ['false disables', { delay: 1 }, false, undefined],
    ['an object over false', false, { delay: 1 }, { ...OFF, delay: 1 }],
  ];

  test.each(rows)("a service's over the client's: %s", (_what, client, own, expected) => {
    const { services } = readOptions({ hedge: client, services: { 'http://a': { hedge: own } } });
    expect(services.get('http://a')?.hedge).toEqual(expected);
  });

  test.each(rows)('an update: %s', (_what, before, hedge, expected) => {
    const current = readOptions({ hedge: before });
    expect(readUpdate(current, { hedge }).defaultPolicy.hedge).toEqual(expected);
  });
});
