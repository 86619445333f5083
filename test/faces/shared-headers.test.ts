/** Which lists of headers are shared, and that what is shared cannot change. */
import { expect, test } from 'vitest';
import { SharedHeaders } from '../../src/faces/shared-headers.js';

test('shared from the second time on, and closed then', () => {
  const shared = new SharedHeaders();
  const first = ['host', 'a', 'x', '1'];
  expect(shared.of(first)).toBe(first);
  expect(Object.isFrozen(first)).toBe(false);
  expect(shared.of([...first])).toBe(first);
  expect(Object.isFrozen(first)).toBe(true);
});

test('another value, another order, one more: other lists', () => {
  const shared = new SharedHeaders();
  shared.of(['host', 'a', 'x', '1']);
  for (const other of [
    ['host', 'a', 'x', '2'],
    ['x', '1', 'host', 'a'],
    ['host', 'a', 'x', '1', 'y', '2'],
  ]) {
    expect(shared.of(other)).toBe(other);
  }
});

test('the latest four are remembered', () => {
  const shared = new SharedHeaders();
  const lists = Array.from({ length: 5 }, (_, index) => ['host', String(index)]);
  for (const list of lists) shared.of(list);
  expect(shared.of([...(lists[4] as string[])])).toBe(lists[4]);
  const again = [...(lists[0] as string[])];
  expect(shared.of(again)).toBe(again);
});
