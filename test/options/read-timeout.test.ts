import { describe, expect, test } from 'vitest';
import type { ClientOptions } from '../../src/options/options.js';
import { readUpdate } from '../../src/options/update.js';
import { readOptions } from '../../src/options/validate.js';
import { deepFreeze } from './deep-freeze.js';

type Timeout = ClientOptions['timeout'];

const times = (response: number, idle: number, total: number) => ({ response, idle, total });

test.each<[Timeout, object]>([
  [undefined, times(0, 0, 0)],
  [false, times(0, 0, 0)],
  [0, times(0, 0, 0)],
  ['0s', times(0, 0, 0)],
  ['2s', times(0, 0, 2000)],
  [1500, times(0, 0, 1500)],
  [{}, times(0, 0, 0)],
  [{ total: '2s' }, times(0, 0, 2000)],
  [{ response: '2s', idle: 30_000, total: false }, times(2000, 30_000, 0)],
])('%j', (timeout, expected) => {
  expect(readOptions({ timeout }).defaultPolicy.timeout).toEqual(expected);
  expect(readOptions({ service: 'http://a', timeout }).services.get('http://a')?.timeout).toEqual(
    expected,
  );
});

describe('merging', () => {
  const rows: [string, Timeout, Timeout, object][] = [
    ['nothing leaves what is there', { idle: 1, total: 2 }, undefined, times(0, 1, 2)],
    ['objects merge', { idle: 1, total: 2 }, { response: 3, idle: 4 }, times(3, 4, 2)],
    ['a part is switched off', { idle: 1, total: 2 }, { idle: false }, times(0, 0, 2)],
    ['a duration replaces an object', { idle: 1, response: 3 }, 5, times(0, 0, 5)],
    ['an object over a duration', '5s', { idle: 1 }, times(0, 1, 5000)],
    ['an object over a duration that says all of it', 5, { total: 6 }, times(0, 0, 6)],
    ['an object over false', false, { idle: 1 }, times(0, 1, 0)],
    ['false over all', { idle: 1, total: 2 }, false, times(0, 0, 0)],
  ];

  test.each(rows)("a service's over the client's: %s", (_what, client, own, expected) => {
    const options = { timeout: client, services: { 'http://a': { timeout: own } } };
    const { services } = readOptions(deepFreeze(options));
    expect(services.get('http://a')?.timeout).toEqual(expected);
  });

  test.each(rows)('an update: %s', (_what, before, timeout, expected) => {
    const current = readOptions(deepFreeze({ timeout: before }));
    expect(readUpdate(current, deepFreeze({ timeout })).defaultPolicy.timeout).toEqual(expected);
  });

  test.each(rows)('an update of one service: %s', (_what, before, timeout, expected) => {
    const current = readOptions({ timeout: before, services: { 'http://a': {} } });
    const next = readUpdate(current, { services: { 'http://a': { timeout } } });
    expect(next.services.get('http://a')?.timeout).toEqual(expected);
    expect(next.defaultPolicy.timeout).toEqual(current.defaultPolicy.timeout);
  });
});
